#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A process that changes its effective user or group while it is watched is told, with the
# old ones and the new ones, until it ends or changes back.  What a daemon does in its first
# five seconds is no such change.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"
need python3
[ "$(id -u)" = 0 ] || skip_all "only root may change the user of a process"

if ! { start_hog late && late=$hog && start_hog early; }; then
	not_ok "the processes to be watched start"
	done_testing
fi
watch_processes <<END
{ name = "early";  plugin = "process"; pidfile = "$dir/early.pid"; id_change = "fail"; },
{ name = "warn";   plugin = "process"; pidfile = "$dir/late.pid"; id_change = "warn"; },
{ name = "fail";   plugin = "process"; pidfile = "$dir/late.pid"; id_change = "fail"; },
{ name = "family"; plugin = "process"; pidfile = "$dir/late.pid"; id_change = "warn"; children = true; fds_warn = 100000; },
{ name = "rare";   plugin = "process"; pidfile = "$dir/early.pid"; id_change = "fail"; interval = "6s"; },
{ name = "ignore"; plugin = "process"; pidfile = "$dir/late.pid"; }
END

age_ms() { # PID
	awk -v hz="$(getconf CLK_TCK)" '{ start = $22 } END { getline < "/proc/uptime"
		printf "%d\n", ($1 - start / hz) * 1000 }' "/proc/$1/stat"
}

check "early is UP" wait_for 20 is_now early UP OK
tell_hog early "user 65534 65534"
young=no
if [ "$(age_ms "$hog")" -lt 4500 ]; then
	young=yes
else
	note "this machine is too slow for what is done in the first five seconds"
fi
for each in warn fail family rare ignore; do
	check "$each is UP" wait_for 20 is_now "$each" UP OK
done
hog=$late
sleep 5.5
two_results warn

tell_hog late "user 65534 0"
check "warn is DEGRADED" wait_for 20 is_now warn DEGRADED LIMIT
check "fail is DOWN" wait_for 20 is_now fail DOWN LIMIT
check "family is DEGRADED" wait_for 20 is_now family DEGRADED LIMIT
check "both old and new are told" grep -Eq \
	"\"message\":\"pid $hog \([^ ]*\) changed from uid 0, gid 0 to uid 65534, gid 0\"" \
	<(events check fail state DOWN)
sleep 1
check "it stays so" is_now warn DEGRADED LIMIT
is "ignore is UP all the time" "$(events kind change check ignore | wc -l)" 1
if [ "$young" = yes ]; then
	is "what changed in its first seconds is no change" "$(last_of early)" "UP OK"
	wait_for 20 eval '[ "$(events check rare kind result | wc -l)" -ge 2 ]'
	is "nor where one looks but rarely" "$(last_of rare)" "UP OK"
fi
tell_hog late "user 0 0"
check "it changes back: UP" wait_for 20 is_now fail UP OK
tell_hog late "user 0 65534"
check "a change of the group alone is told" wait_for 20 is_now fail DOWN LIMIT

# Another takes its place, and is what it is.
kill -9 "$hog"
start_hog late
check "another process, another start: UP" wait_for 20 is_now fail UP OK
ends_clean run
done_testing
