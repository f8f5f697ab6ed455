#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# instructions.sh - how many instructions a tcp check costs, from its timer to its result,
# without the kernel's: counted by callgrind, so that it holds on any machine, however busy.
# A long run less a short one, so that starting and ending do not count.
#
# The figure is for gcc 12 with -O2, as Debian 12 builds; others are not compared.  When it
# has to change, say why in the commit that changes it.

# shellcheck source=SCRIPTDIR/../behaviour/lib.sh
. "$(dirname "$0")/../behaviour/lib.sh"

pinned=3840
tolerance=5 # percent

need valgrind
[ "$patience" = 1 ] || skip_all "a sanitizer's instructions are not counted"
grep -q '^CFLAGS=.*-O2' "$builddir/config.log" || skip_all "not built with -O2"
"${CC:-gcc}" --version | grep -q '^gcc.* 12\.' || skip_all "the figure is for gcc 12"

listen_on() { # prints the port
	exec python3 -u -c '
import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(100)
print(s.getsockname()[1])
while True:
    s.accept()[0].close()
'
}

listen_on >"$dir/port" &
pids+=($!)
wait_for 10 test -s "$dir/port" || not_ok "a listener"
cat >"$dir/it.conf" <<END
daemon = { observer = "bench"; };
checks = ( { name = "it"; plugin = "tcp"; address = "127.0.0.1:$(cat "$dir/port")";
  handshake = "half"; interval = "10ms"; timeout = "10ms"; } );
END

# Prints instructions and runs of a daemon that is ended after so many runs, or a few more.
count() { # RUNS
	local log=$dir/$1.log pid
	valgrind --tool=callgrind --callgrind-out-file="$dir/$1.callgrind" "$sonded" \
		--plugin-dir "$plugins" -c "$dir/it.conf" >"$dir/$1.out" 2>"$log" &
	pid=$!
	pids+=("$pid")
	until [ "$(grep -o ', runs [0-9]*' "$log" | tail -1 | cut -d' ' -f3)" -ge "$1" ] 2>/dev/null; do
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.5
		grep -q ' sonded .* check' "$log" && kill -USR1 "$pid"
	done
	kill -TERM "$pid"
	wait "$pid"
	echo "$(grep -o 'Collected : [0-9]*' "$log" | cut -d' ' -f3)" \
		"$(grep -o ', runs [0-9]*' "$log" | tail -1 | cut -d' ' -f3)"
}

read -r few few_runs < <(count 100)
read -r many many_runs < <(count 600)
if [ -z "${many_runs:-}" ] || [ "${many_runs:-0}" -le "${few_runs:-0}" ]; then
	not_ok "callgrind counted" "few: ${few:-} in ${few_runs:-}" "many: ${many:-} in ${many_runs:-}"
	done_testing
fi
each=$(((many - few) / (many_runs - few_runs)))
note "$each instructions a check, of $((many_runs - few_runs)) checks"
if [ $((each * 100)) -le $((pinned * (100 + tolerance))) ] &&
	[ $((each * 100)) -ge $((pinned * (100 - tolerance))) ]; then
	ok "a tcp check costs $pinned instructions, within $tolerance %"
else
	not_ok "a tcp check costs $pinned instructions, within $tolerance %" "it costs $each"
fi
done_testing
