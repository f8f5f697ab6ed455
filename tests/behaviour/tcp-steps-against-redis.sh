#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Steps are said and heard one after the other, against a real server: text, hex, patterns
# whose captures become details and go into later steps; and when a step fails, the answer
# says which, why, and what was heard instead.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
. "$(dirname "$0")/tcp.sh"
need redis-server redis-cli

start_redis "$(free_port)" --requirepass sesame --unixsocket "$dir/redis.sock" || exit 1
redis() { REDISCLI_AUTH=sesame redis-cli -p "$redis_port" "$@" 2>/dev/null; }
redis set big "$(head -c 100000 /dev/zero | tr '\0' b)" >/dev/null
redis set ticket 4711 >/dev/null
redis set place-4711 found >/dev/null
start_peer flood flood || exit 1
start_peer keep keep "220 here \\ \"I\" am" || exit 1

auth='"send AUTH sesame\r\n", "expect(1s) +OK\r\n"'
start_checks steps 'tcp = { timeout = "5s"; };' <<END
{ name = "ping"; plugin = "tcp"; address = "localhost:$redis_port";
  steps = [$auth, "send PING\r\n", "expect +PONG\r\n", "send QUIT\r\n", "expect +OK", "close"]; },
{ name = "unix"; plugin = "tcp"; address = "unix:$dir/redis.sock"; steps = [$auth]; },
{ name = "captures"; plugin = "tcp"; address = "127.0.0.1:$redis_port";
  steps = [$auth, "send GET ticket\r\n", "expect-regex ^\\\\\$4\r\n(?<ticket>[0-9]+)\r\n",
           "send GET place-{ticket}\r\n", "expect-regex \n(?<place>[a-z]+)\r"]; },
{ name = "hex"; plugin = "tcp"; address = "127.0.0.1:$redis_port";
  steps = [$auth, "send-hex 50 49 4e 47 0d0a", "expect-hex 2b 50 4f 4e 47 0d 0a"]; },
{ name = "refused"; plugin = "tcp"; address = "127.0.0.1:$redis_port";
  steps = ["send PING\r\n", "expect(300ms) +PONG"]; },
{ name = "secret"; plugin = "tcp"; address = "127.0.0.1:$redis_port";
  steps = ["send AUTH open-\r\n", "expect(300ms) +OK"]; },
{ name = "closed"; plugin = "tcp"; address = "127.0.0.1:$redis_port";
  steps = [$auth, "send QUIT\r\n", "expect +OK\r\n", "expect more"]; },
{ name = "slow"; plugin = "tcp"; address = "127.0.0.1:$redis_port"; interval = "10s";
  timeout = "8s"; steps = [$auth, "send BLPOP empty 0\r\n", "expect(300ms) *"]; },
{ name = "late"; plugin = "tcp"; address = "127.0.0.1:$redis_port"; timeout = "1s";
  steps = [$auth, "send BLPOP empty 0\r\n", "expect *"]; },
{ name = "big"; plugin = "tcp"; address = "127.0.0.1:$redis_port";
  steps = [$auth, "send GET big\r\n", "expect ready"]; },
{ name = "wide"; plugin = "tcp"; address = "127.0.0.1:$redis_port";
  steps = [$auth, "send GET big\r\n", "expect(200KiB) bbb\r\n"]; },
{ name = "narrow"; plugin = "tcp"; address = "127.0.0.1:$redis_port";
  steps = [$auth, "send GET ticket\r\n", "expect(4B) 4711"]; },
{ name = "costly"; plugin = "tcp"; address = "127.0.0.1:$redis_port";
  steps = [$auth, "send GET big\r\n", "expect-regex (b+)+[cd]"]; },
{ name = "swollen"; plugin = "tcp"; address = "127.0.0.1:$redis_port";
  steps = [$auth, "send GET big\r\n", "expect-regex (?<all>b{1024})", "send $(printf '{all}%.0s' {1..65})",
           "expect never"]; },
{ name = "flood"; plugin = "tcp"; address = "127.0.0.1:$flood_port"; steps = ["expect ready"]; },
{ name = "stays"; plugin = "tcp"; address = "127.0.0.1:$keep_port"; timeout = "1s";
  steps = ["expect 220", "close"]; },
{ name = "banner"; plugin = "tcp"; address = "127.0.0.1:$keep_port";
  steps = ["expect-regex ^(?<code>[0-9]+) (?<text>.*)"]; }
END
at="127.0.0.1:$redis_port"
told() { # CHECK WANTED (state, reason, message)
	answered "$1"
	is "$1: $2" "$(first "$1" '"\(.state) \(.reason) \(.message)"')" "$2"
}
told ping "UP OK localhost:$redis_port (127.0.0.1): connected, all steps passed"
told unix "UP OK unix:$dir/redis.sock: connected, all steps passed"
told captures "UP OK $at: connected, all steps passed"
is "captures become details, and go into what is sent" \
	"$(first captures '"\(.details.ticket) \(.details.place)"')" "4711 found"
told hex "UP OK $at: connected, all steps passed"
told refused "DOWN L7TOUT $at: step 2 (expect): no answer in time;\
 heard \"-NOAUTH Authentication required.\""
told secret "DOWN L7TOUT $at: step 2 (expect): no answer in time;\
 heard \"-WRONGPASS invalid username-password pair or user is disabled.\""
told closed "DOWN L7RSP $at: step 5 (expect): the peer closed the connection;\
 nothing was heard"
told slow "DOWN L7TOUT $at: step 4 (expect): no answer in time; nothing was heard"
took=$(first slow '.duration_us / 1000 | floor')
check "a step's own time ends it: $took ms" [ "$took" -ge 300 -a "$took" -lt $((1000 * patience)) ]
told late "DOWN L7TOUT $at: step 4 (expect): no answer in time; nothing was heard"
answered big
check "big: no more than its bytes are heard" \
	grep -q "^DOWN L7BIG $at: step 4 (expect): more bytes than the step allows" \
	<<<"$(first big '"\(.state) \(.reason) \(.message)"')"
told wide "UP OK $at: connected, all steps passed"
answered narrow
is "narrow: a step's own bytes" "$(first narrow '"\(.state) \(.reason)"')" "DOWN L7BIG"
answered costly
check "costly: an expression is given up" grep -qF "step 4 (expect-regex): the pattern\
 takes too long on what came" <<<"$(first costly '"\(.reason) \(.message)"')"
told swollen "DOWN L7BIG $at: step 5 (send): with what was captured it is too large to send"
answered flood
is "flood" "$(first flood '"\(.state) \(.reason)"')" "DOWN L7BIG"
told stays "DOWN L7TOUT 127.0.0.1:$keep_port: step 2 (close): the peer has not hung up in time;\
 heard \" here \\ \"I\" am\""
told banner "UP OK 127.0.0.1:$keep_port: connected, all steps passed"
is "banner: its captures" "$(first banner '"\(.details.code) \(.details.text)"')" \
	'220 here \ "I" am'
is "phases: who speaks first" "$(first ping '.timing_us | keys | join(" ")')" \
	"connect dns first_byte send transfer"
is "phases: who listens first" "$(first banner '.timing_us | keys | join(" ")')" \
	"connect first_byte transfer"
ends_clean steps
check "what is sent is told nowhere" \
	bash -c "! grep -q -e sesame -e open- '$events' '$dir/steps.log'"
done_testing
