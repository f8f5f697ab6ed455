#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGUSR1 logs what each sink was given and what became of it, and the sum closes, in the
# middle of everything as well as at the end; the daemon goes on.
. "$(dirname "$0")/lib.sh"

start_target shop || exit 1
nobody=$(free_port)
cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; loops = 2; };
defaults = { interval = "20ms"; };
targets = ( { name = "few"; hosts = ["1", "2", "3", "4", "5"]; } );
checks = ( { name = "c{target}"; plugin = "tcp"; address = "127.0.0.1:$target_port"; targets = ["few"]; } );
sinks = (
  { name = "works"; plugin = "file"; path = "$dir/all"; format = "{check} {id}"; },
  { name = "rejects"; plugin = "reject"; checks = ["c1"]; },
  { name = "absent"; plugin = "redis-notify"; server = "127.0.0.1:$nobody"; buffer = { events = 30; }; },
  { name = "again"; plugin = "retry"; checks = ["c1", "c2"]; times = 3; file = "$dir/again"; }
);
routes = ( { name = "all"; match = { kind = ["result", "change"]; check = "c*"; }; to = ["works", "rejects", "absent", "again"]; } );
END
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
lines() { [ "$(wc -l <"$dir/all")" -ge "$1" ]; }
for round in 1 2 3; do
	check "round $round: events go on" wait_for 10 lines $((round * 100))
	for sink in works rejects absent again; do
		read -ra now < <(ledger sonded $sink)
		check "... $sink: ${now[*]} closes" closes "${now[@]}"
	done
done
ends_clean sonded
# accepted delivered rejected dropped queued retries, of the last line of each
final() { # SINK
	grep "sink \"$1\": accepted" "$dir/sonded.log" | tail -1 | ledger_figures | cut -d' ' -f1-5,8
}
read -ra works < <(final works)
read -ra rejects < <(final rejects)
read -ra absent < <(final absent)
read -ra again < <(final again)
is "all four were given the same" "${rejects[0]} ${absent[0]} ${again[0]}" "${works[0]} ${works[0]} ${works[0]}"
is "works: all delivered" "${works[*]}" "${works[0]} ${works[0]} 0 0 0 0"
is "... as many as lines of its file" "${works[1]}" "$(wc -l <"$dir/all")"
is "rejects: the events of one check" "${rejects[2]}" "$(grep -c '^c1 ' "$dir/all")"
is "absent: 30 wait, the others dropped" "${absent[1]} ${absent[2]} $((absent[0] - absent[3]))" "0 0 30"
is "again: all delivered, 6 retried" "${again[*]}" "${again[0]} ${again[0]} 0 0 0 6"
by_route() { # SINK
	grep "sink \"$1\", route \"all\": accepted" "$dir/sonded.log" | tail -1 | ledger_figures | cut -d' ' -f1-5
}
is "by route it is the same" "$(by_route works)" "${works[*]:0:5}"
is "... also where events were dropped" "$(by_route absent)" "${absent[*]:0:5}"
done_testing
