#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# observer:NAME is UP at the start, DEGRADED within a second after a sink lost its server,
# with what that sink says, and UP again when it is back; routed like any other check.
. "$(dirname "$0")/lib.sh"
need jq redis-server redis-cli

start_target shop || exit 1
start_redis || exit 1
cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; };
checks = ( { name = "a"; plugin = "tcp"; address = "127.0.0.1:$target_port"; } );
sinks = (
  { name = "live"; plugin = "redis-notify"; server = "127.0.0.1:$redis_port"; },
  { name = "all"; plugin = "file"; path = "$dir/all"; }
);
routes = (
  { name = "self"; match = { kind = ["change", "result"]; check = "observer:*"; }; to = ["all", "live"]; }
);
END
began=$(now_ms)
start_sonded sonded -c "$dir/sonded.conf" || exit 1
# The last change of the daemon's own check.
own() { jq -r 'select(.kind == "change" and .check == "observer:node-1") | .state' "$dir/all" | tail -1; }
is_own() { [ "$(own)" = "$1" ]; }
check "observer:node-1 is UP" wait_for 5 is_own UP
note "after $(($(now_ms) - began)) ms"
is "it says what it has" "$(jq -r 'select(.kind == "change") | .message' "$dir/all" | head -1)" "1 check and 2 sinks"
is "its first result came as well" "$(jq -r 'select(.kind == "result") | .plugin + " " + .state' "$dir/all" | head -1)" "observer UP"
check "with what it waits for and how its loops lag" jq -es '.[0].metrics | has("checks") and has("lag_ms") and has("events_waiting")' "$dir/all"
wait_for 5 grep -q 'sink "live": UP' "$dir/sonded.log"

kill -9 "$redis_pid"
wait "$redis_pid" 2>/dev/null
killed=$(now_ms)
check "DEGRADED after the sink's server died" wait_for 5 is_own DEGRADED
# By the event's own time: looking takes time as well.
told=$(jq -r 'select(.kind == "change" and .state == "DEGRADED") | .time' "$dir/all")
took=$(($(date -d "$told" +%s%3N) - killed))
# A sink looks for its server once a second while there is nothing to send; the rest is for
# a machine that does other things as well.
if [ "$took" -le $((2000 * patience)) ]; then ok "... within $took ms"; else not_ok "... within a second or so" "$took ms"; fi
message=$(jq -r 'select(.kind == "change" and .state == "DEGRADED") | .reason + " " + .message' "$dir/all")
case $message in
'LIMIT sink "live" is DOWN: '*"127.0.0.1:$redis_port"*) ok "... with what the sink says: $message" ;;
*) not_ok "... with what the sink says" "$message" ;;
esac
start_redis "$redis_port" || exit 1
check "UP again when it is back" wait_for 5 is_own UP
is "that were three changes" "$(jq -r 'select(.kind == "change") | .previous + ">" + .state' "$dir/all" | tr '\n' ' ')" \
	"UNKNOWN>UP UP>DEGRADED DEGRADED>UP "
is "the other check reached nobody: no route takes it" "$(grep -c '"check":"a"' "$dir/all")" 0
ends_clean sonded
done_testing
