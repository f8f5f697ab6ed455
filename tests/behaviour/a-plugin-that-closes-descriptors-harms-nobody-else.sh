#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A probe closes what it has watched, another steals a descriptor of a third: the daemon goes
# on, and so do the checks on the same loop, with their own descriptors, and the sinks.
. "$(dirname "$0")/lib.sh"
need jq redis-server redis-cli

start_target shop || exit 1
start_redis || exit 1
cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; };
defaults = { interval = "100ms"; };
checks = (
  { name = "own"; plugin = "close-fds"; mode = "own"; },
  { name = "victim"; plugin = "close-fds"; mode = "victim"; },
  { name = "thief"; plugin = "close-fds"; mode = "thief"; interval = "400ms"; },
  { name = "tcp"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
  { name = "http"; plugin = "http"; url = "http://127.0.0.1:$target_port/"; },
  { name = "process"; plugin = "process"; pidfile = "$dir/shop.pid"; }
);
sinks = (
  { name = "all"; plugin = "file"; path = "$dir/all"; },
  { name = "redis"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; }
);
routes = ( { name = "all"; match = { kind = ["result", "change"]; not = { check = "observer:*"; }; }; to = ["all", "redis"]; } );
END
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
runs() { [ "$(grep -c "\"kind\":\"result\".*\"check\":\"$1\"" "$dir/all")" -ge "$2" ]; }
for name in own tcp http process; do
	check "$name runs 25 times" wait_for 15 runs "$name" 25
done
check "the thief has stolen" grep -q 'stole [0-9]' "$dir/all"
# On a machine that does other things as well an answer may be late; it is never wrong.
for name in tcp http process; do
	is "$name found nothing wrong" "$(jq -r "select(.check == \"$name\" and .kind == \"result\") | .reason" "$dir/all" |
		grep -vE 'TOUT$|^TIMEOUT$|^OBSERVER$' | sort -u)" OK
done
check "the log says whose fault it is" grep -qE 'check "(own|victim)": descriptor [0-9]+: .*; the plugin closed it before its watch' "$dir/sonded.log"
is "Redis has it" "$(redis GET server-health:tcp)" UP
killed=$(now_ms)
kill "$target_pid"
down() { grep -q '"kind":"change".*"check":"process".*"state":"DOWN"' "$dir/all"; }
check "a death is still noticed" wait_for 5 down
note "the death took $(($(now_ms) - killed)) ms to the file"
ends_clean sonded
done_testing
