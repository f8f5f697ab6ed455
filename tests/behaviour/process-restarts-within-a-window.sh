#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A process that ends and comes back again and again is told though it runs whenever one
# looks: from so many restarts within the window on the check is DEGRADED, then DOWN, and UP
# again when they have left the window.  A pool that grows has not restarted.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"

window=$((4 * patience))
make_sleeper name rst
make_sleeper pool rsp
start_sleeper "$name"
one=$sleeper
start_sleeper "$pool"
watch_processes <<END
{ name = "loop"; plugin = "process"; pidfile = "$dir/$name.pid"; terminate_delay = "60s"; restarts_warn = 2;
  restarts_fail = 3; restarts_window = "${window}s"; },
{ name = "ever"; plugin = "process"; comm = "$name"; terminate_delay = "60s"; restarts_warn = 3; },
{ name = "pool"; plugin = "process"; comm = "$pool"; terminate_delay = "60s"; max = 9; restarts_warn = 1; }
END

# How often a check was said to have restarted, in its latest result.
restarts_are() { # CHECK COUNT
	[ "$(events check "$1" kind result | tail -1 |
		sed -n 's/.*"restarts":\([0-9]*\).*/\1/p')" = "$2" ]
}

restart() {
	kill -9 "$one"
	start_sleeper "$name"
	one=$sleeper
}

check "loop is UP" wait_for 20 is_now loop UP OK
check "ever is UP" wait_for 20 is_now ever UP OK
check "pool is UP" wait_for 20 is_now pool UP OK
check "the first look is no restart" wait_for 20 restarts_are loop 0
# Each is to be seen by both before the next, or the one between would be seen by none.
restart
check "one restart is counted" wait_for 20 restarts_are loop 1
is "and is not too many" "$(last_of loop)" "UP OK"
check "the other check counts as well" wait_for 20 restarts_are ever 1
restart
check "two are DEGRADED" wait_for 20 is_now loop DEGRADED LIMIT
check "the other check counts them" wait_for 20 restarts_are ever 2
is "where two are not too many" "$(last_of ever)" "UP OK"
restart
check "three are DOWN" wait_for 20 is_now loop DOWN LIMIT
check "in words" grep -Eq \
	"\"message\":\"3 restarts within $window s, as many as restarts_fail = 3(; pid [0-9]+ |\")" \
	<(events check loop state DOWN)
check "and DEGRADED where three are too many" wait_for 20 is_now ever DEGRADED LIMIT
for _ in 1 2 3; do start_sleeper "$pool"; done
check "they leave the window: UP" wait_for $((3 * window)) is_now loop UP OK
check "none counts any more" wait_for $((2 * window)) restarts_are loop 0
is "in the longer window they do" "$(last_of ever)" "DEGRADED LIMIT"

check "the pool has grown" wait_for 20 grep -q '"count":4' <(events check pool)
check "which is no restart" restarts_are pool 0
kill -9 "$sleeper"
start_sleeper "$pool"
check "one of them restarts: DEGRADED" wait_for 20 is_now pool DEGRADED LIMIT
ends_clean run
done_testing
