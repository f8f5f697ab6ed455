#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGHUP: whose plugin options are the same goes on as it is, with its connection and its
# streak, whatever else changes, intervals and labels of its own too; a wrong configuration
# touches nothing; and one line says what is different.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tcp.sh"
need jq ss redis-server redis-cli

start_redis || exit 1
start_peer held keep || exit 1
start_peer other keep || exit 1
closed=$(free_port)
mkdir "$dir/conf.d" "$dir/state"

# Each is a part of the configuration that a step may change.
daemon='loops = 2; log = "info";'
held='interval = "1h";'
soft="address = \"127.0.0.1:$closed\"; fall = 1000; interval = \"100ms\"; retry_interval = \"100ms\";"
other="address = \"127.0.0.1:$other_port\"; interval = \"1h\";"
more=''
redis_options="buffer = { events = 1000; };"
file='' sinks='' routes=''
match='kind = ["result", "change"];' kept='"soft"'
configure() {
	cat >"$dir/conf.d/all.conf" <<-END
		daemon = { observer = "node-1"; state_dir = "$dir/state"; $daemon };
		checks = (
		  { name = "held"; plugin = "tcp"; address = "127.0.0.1:$held_port"; hold = true; $held },
		  { name = "soft"; plugin = "tcp"; $soft },
		  { name = "other"; plugin = "tcp"; hold = true; $other } $more
		);
		sinks = (
		  { name = "json"; plugin = "file"; path = "$dir/json"; $file },
		  { name = "redis"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; $redis_options } $sinks
		);
		routes = (
		  { name = "all"; match = { $match not = { check = "observer:*"; }; }; to = ["json"]; },
		  { name = "changes"; match = { kind = "change"; check = [$kept]; }; to = ["redis"]; } $routes
		);
	END
}
reload() { # WORDS OF THE LOG
	local before
	before=$(grep -c 'reloaded: \|goes on unchanged' "$dir/sonded.log")
	configure
	kill -HUP "$sonded_pid"
	wait_for 15 eval "[ \$(grep -c 'reloaded: \|goes on unchanged' '$dir/sonded.log') -gt $before ]"
	said=$(grep 'reloaded: \|goes on unchanged' "$dir/sonded.log" | tail -1 | sed 's/^.*reloaded: //')
}
reloads() { # DESCRIPTION WORDS
	reload
	is "$1" "$said" "$2"
}
# Our ends of the connections to a peer.
ends() { ss -tnH state established dst "127.0.0.1:$1" | awk '{ print $3 }' | sort | tr '\n' ' '; }
client() { redis CLIENT LIST | sed -n '/cmd=client/!s/^id=\([0-9]*\) .*/\1/p' | sort -n | tr '\n' ' '; }
all='3 checks, 2 sinks, 2 routes'

configure
start_sonded sonded -c "$dir/conf.d" || exit 1
state() { [ "$(jq -r "select(.check == \"$1\" and .kind == \"change\") | .state" "$dir/json" | tail -1)" = "$2" ]; }
check "the held check is UP" wait_for 10 state held UP
check "the other one too" wait_for 10 state other UP
connected() { [ -n "$(client)" ]; }
check "Redis has its client" wait_for 10 connected
sleep 0.5
held_was=$(ends "$held_port") other_was=$(ends "$other_port") client_was=$(client)
is "one connection is held" "$(wc -w <<<"$held_was")" 1

# ---- what is different, in one line ----

reloads "nothing" "nothing changed; $all"
held='interval = "2h"; labels = { role = "db"; };'
reloads "an interval and a label" "check \"held\" adjusted; $all"
held='interval = "1h";'
other="address = \"127.0.0.1:$other_port\"; interval = \"1h\"; steps = [\"send x\"];"
reloads "two at once, one of them its plugin's option" "check \"other\" changed, check \"held\" adjusted; $all"
soft+=' latency_warn = "50ms";'
held+=' timeout = "2s";'
reloads "two of a kind" "2 checks adjusted; $all"
more=", { name = \"new\"; plugin = \"tcp\"; address = \"127.0.0.1:$other_port\"; }, { name = \"newer\"; plugin = \"tcp\"; address = \"127.0.0.1:$other_port\"; }"
reloads "two added" "2 checks added; 5 checks, 2 sinks, 2 routes"
more=", { name = \"new\"; plugin = \"tcp\"; address = \"127.0.0.1:$closed\"; }"
reloads "one removed, one changed" "check \"new\" changed, check \"newer\" removed; 4 checks, 2 sinks, 2 routes"
more='' sinks=", { name = \"added\"; plugin = \"file\"; path = \"$dir/added\"; }"
routes=', { name = "more"; to = ["added"]; }'
reloads "a sink and its route" "check \"new\" removed, sink \"added\" added, route \"more\" added; 3 checks, 3 sinks, 3 routes"
sinks=", { name = \"added\"; plugin = \"file\"; path = \"$dir/added.2\"; }"
routes=', { name = "more"; match = { state = "DOWN"; }; to = ["added"]; }'
reloads "both otherwise" "sink \"added\" changed, route \"more\" changed; 3 checks, 3 sinks, 3 routes"
sinks=", { name = \"added\"; plugin = \"file\"; path = \"$dir/added.2\"; format = \"{check}\"; }"
reloads "another format is another sink" "sink \"added\" changed; 3 checks, 3 sinks, 3 routes"
sinks='' routes=''
reloads "both gone" "sink \"added\" removed, route \"more\" removed; $all"
redis_options='buffer = { events = 2000; };' file='present = true;'
reloads "a buffer and present" "2 sinks adjusted; $all"
file=''
match='kind = ["change", "result"];'
reloads "a match written otherwise is none" "sink \"json\" adjusted; $all"
match='kind = ["change", "result"]; check = "*";'
reloads "a match that asks more" "route \"all\" changed; $all"

# ---- what is read at the start only ----

daemon='loops = 3; workers = 3; log = "info";'
reloads "other threads are none" "nothing changed; $all"
check "... which is said of the loops" says "$dir/sonded.log" "all.conf:1: warning: daemon.loops is read at the start only; it stays 2"
check "... and of the workers" says "$dir/sonded.log" "daemon.workers is read at the start only; it stays 16"
daemon='loops = 2; log = "warning";'
configure
kill -HUP "$sonded_pid"
sleep 0.5
lines=$(wc -l <"$dir/sonded.log")
daemon='loops = 2; log = "info";'
reload
is "log applies at once" "$(($(wc -l <"$dir/sonded.log") - lines))" 1

# ---- what went on ----

is "the held connection is the same after all that" "$(ends "$held_port")" "$held_was"
check "... which that of the changed check is not" test "$(ends "$other_port")" != "$other_was"
is "Redis has the same client" "$(client)" "$client_was"
for i in $(seq 20); do
	held="interval = \"$((i + 1))h\"; labels = { turn = \"$i\"; };"
	soft="address = \"127.0.0.1:$closed\"; fall = $((500 + i)); interval = \"1${i}0ms\"; retry_interval = \"100ms\";"
	reload
done
is "twenty more were all taken" "$(grep -c 'reloaded: 2 checks adjusted; 3 checks' "$dir/sonded.log")" 21
is "the connection is still the same" "$(ends "$held_port")" "$held_was"
is "... and Redis' client" "$(client)" "$client_was"
daemon="loops = \"many\";"
reload
check "a wrong one is refused" says "$dir/sonded.log" 'the configuration that runs goes on unchanged'
is "... and nothing moved: the connection" "$(ends "$held_port")" "$held_was"
is "... Redis' client" "$(client)" "$client_was"
daemon='loops = 2;'
reload
sleep 0.5

# Who is led to a sink that stays is presented to it, though nothing changed of him.
is "Redis knows nothing of the held check" "$(redis EXISTS server-health:held)" 0
kept='"soft", "held"'
reloads "a route that leads more checks to it" "route \"changes\" changed; $all"
known() { [ "$(redis GET server-health:held)" = UP ]; }
check "... is enough for the key to be there" wait_for 5 known
is "... by the same client" "$(client)" "$client_was"

# Every answer of the soft check is one more in its streak, and none is missing.
jq -r 'select(.check == "soft" and .kind == "result") | .attempt' "$dir/json" >"$dir/attempts"
is "no streak was broken" "$(head -1 "$dir/attempts") $(tail -1 "$dir/attempts")" "1 $(wc -l <"$dir/attempts")"
check "... in many runs" test "$(wc -l <"$dir/attempts")" -ge 20
is "the held check has run once" "$(jq -r 'select(.check == "held" and .kind == "result") | .id' "$dir/json" | wc -l)" 1
is "the label is in no event before" "$(jq -r 'select(.check == "held") | .labels.turn // empty' "$dir/json" | wc -l)" 0
ends_clean sonded
done_testing
