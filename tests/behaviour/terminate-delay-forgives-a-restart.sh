#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# With terminate_delay, a process that is back in time was never DOWN; one that is not is
# DOWN when the delay is over and not before.  Without, every death is DOWN.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"

make_sleeper name trm
delay=$((patience > 1 ? 4 : 2)) # s: time enough to start another
start_sleeper "$name"
watch_processes <<END
{ name = "patient"; plugin = "process"; pidfile = "$dir/$name.pid"; terminate_delay = "${delay}s"; },
{ name = "searching"; plugin = "process"; comm = "$name"; terminate_delay = "${delay}s"; },
{ name = "strict"; plugin = "process"; pidfile = "$dir/$name.pid"; }
END
for check in patient searching strict; do
	check "$check is UP" wait_for 10 reached "$check" UP
done

kill -9 "$sleeper"
check "strict is DOWN at once" wait_for 10 reached strict DOWN
sleep 0.5
start_sleeper "$name"
check "strict is UP again" wait_for 10 reached strict UP 2
sleep "$delay"
is "patient never was DOWN" "$(changes patient DOWN)" 0
is "searching never was DOWN" "$(changes searching DOWN)" 0
check "a run in between said that it waits" \
	grep -q '"message":"[^"]*; another may take its place' "$dir/run.out"

# The new one is watched as the first was.
killed=${EPOCHREALTIME/[.,]/}
kill -9 "$sleeper"
for check in patient searching; do
	check "$check is DOWN when it does not come back" wait_for 10 reached "$check" DOWN
	down=$(events kind change check "$check" state DOWN)
	waited=$((($(event_us <<<"$down") - killed) / 1000))
	note "$check: DOWN after $waited ms"
	check "$check: not before the delay" test "$waited" -ge $((delay * 1000))
	check "$check: nor long after" test "$waited" -lt $(((delay + patience) * 1000))
	is "$check: the reason is the end" "$(field reason <<<"$down")" PROCEXIT
done

check "the daemon ends as it should" stop_sonded "$sonded_pid"
done_testing
