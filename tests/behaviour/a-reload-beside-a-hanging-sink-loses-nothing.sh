#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# While a Redis accepts and never answers, a reload stops no probe for longer than two seconds,
# and what waited for that sink is delivered once it answers.  Checks keep their phase: one
# with a long interval does not run again.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli python3

start_redis || exit 1
start_target shop || exit 1
cat >"$dir/sonded.conf" <<END
defaults = { interval = "100ms"; rise = 1; fall = 1; };
checks = (
  { name = "shop"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
  { name = "seldom"; plugin = "tcp"; address = "127.0.0.1:$target_port"; interval = "1h"; }
);
sinks = (
  { name = "hangs"; plugin = "redis-notify"; server = "127.0.0.1:$redis_port"; timeout = "60s"; },
  { name = "all"; plugin = "stdout"; format = "{time} {check}"; }
);
routes = (
  { name = "results"; match = { kind = "result"; check = ["shop", "seldom"]; }; to = ["all"]; },
  { name = "changes"; to = ["hangs"]; }
);
END
start_sonded sonded -c "$dir/sonded.conf" || exit 1
ran() { [ "$(grep -c " $1\$" "$dir/sonded.out")" -ge "$2" ]; }
check "the seldom check has run" wait_for 10 ran seldom 1
kill -STOP "$redis_pid"
kill "$target_pid" # a change, which waits
sleep 0.5
before=$(grep -c ' shop$' "$dir/sonded.out")
kill -HUP "$sonded_pid"
check "it reloads" wait_for 15 grep -q reloaded "$dir/sonded.log"
check "the check goes on" wait_for 10 ran shop $((before + 10))
gap=$(python3 - "$dir/sonded.out" <<'END'
import datetime, sys
last = longest = 0
for line in open(sys.argv[1]):
    time, check = line.split()
    if check == "shop":
        at = datetime.datetime.fromisoformat(time.rstrip("Z")).timestamp()
        longest = max(longest, at - (last or at))
        last = at
print(int(longest * 1000))
END
)
note "the longest pause of the check: $gap ms"
check "no pause was over $((2 * patience)) s" test "$gap" -le $((2000 * patience))
is "the seldom check did not run again" "$(grep -c ' seldom$' "$dir/sonded.out")" 1
kill -CONT "$redis_pid"
delivered() {
	kill -USR1 "$sonded_pid"
	sleep 0.2
	grep 'sink "hangs": accepted' "$dir/sonded.log" | tail -1 | grep -q 'queued 0 '
}
check "what waited is delivered" wait_for 20 delivered
stop_sonded "$sonded_pid"
is "it ends with status 0" "$?" 0
no_sanitizer sonded
done_testing
