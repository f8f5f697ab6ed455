#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Two Redis sinks, one whose server hangs (stopped by a signal, in the middle of its work) and
# one whose server is not there at all, delay no probe and no other sink: each check goes on
# running in its interval, seen in the times of its results on standard output.  A third of a
# second is allowed, as this machine does other things as well.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli python3

start_redis || exit 1
start_target shop || exit 1
nobody=$(free_port)
mkdir "$dir/conf.d" "$dir/state"
cat >"$dir/conf.d/test.conf" <<END
daemon = { observer = "node-1"; state_dir = "$dir/state"; };
defaults = { interval = "100ms"; timeout = "90ms"; };
targets = ( { name = "many"; file = "many.csv"; } );
checks = ( { name = "c{target}"; plugin = "tcp"; address = "127.0.0.1:$target_port"; targets = ["many"]; } );
sinks = (
  { name = "hangs"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; timeout = "1s"; },
  { name = "absent"; plugin = "redis-notify"; server = "127.0.0.1:$nobody"; },
  { name = "results"; plugin = "stdout"; format = "{check} {time}"; }
);
routes = ( { name = "all"; match = { kind = ["result", "change"]; check = "c*"; }; to = ["hangs", "absent", "results"]; } );
END
{ echo target && seq 20; } >"$dir/conf.d/many.csv"

# The longest pause between two results of one check.
longest_gap() {
	python3 - "$dir/sonded.out" <<-'END'
		import datetime, sys
		last, longest = {}, 0
		for line in open(sys.argv[1]):
		    check, time = line.split()
		    at = datetime.datetime.fromisoformat(time.rstrip("Z")).timestamp()
		    longest = max(longest, at - last.get(check, at))
		    last[check] = at
		print(int(longest * 1000))
	END
}
checks_in_file() { cut -d' ' -f1 "$dir/sonded.out" | sort -u | wc -l; }

start_sonded sonded -c "$dir/conf.d" || exit 1
sleep 2
kill -STOP "$redis_pid"
stopped=$(wc -l <"$dir/sonded.out")
sleep 5
during=$(($(wc -l <"$dir/sonded.out") - stopped))
kill -CONT "$redis_pid"
check "the hanging one was told" grep -q 'sink "hangs": DOWN' "$dir/sonded.log"
check "the absent one was told" grep -q 'sink "absent": DOWN: .*refused' "$dir/sonded.log"
check "the hanging one is found again" wait_for 5 grep -q 'sink "hangs": UP again' "$dir/sonded.log"
check "the daemon ends well" stop_sonded "$sonded_pid"
is "all checks ran" "$(checks_in_file)" 20
if [ "$during" -ge $((patience > 1 ? 700 : 900)) ]; then
	ok "while Redis hung for 5 s the other sink got $during of 1000 results"
else
	not_ok "while Redis hung for 5 s the other sink got 900 of 1000 results" "$during"
fi
gap=$(longest_gap)
if [ "$gap" -le $((100 + 333 * patience)) ]; then
	ok "the longest pause of a check was $gap ms, its interval 100 ms"
else
	not_ok "no pause of a check over $((100 + 333 * patience)) ms" "$gap ms"
fi
done_testing
