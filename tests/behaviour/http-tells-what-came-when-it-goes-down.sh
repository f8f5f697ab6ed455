#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The answer that makes an http check DOWN brings along what helps to find out why: the first
# bytes that came, also where they are no HTTP, how the connection stood, which address
# failed how.  A right answer brings none of it, nor does one that changes nothing.
. "$(dirname "$0")/web.sh"

start_net evil http || exit 1
start_net mute mute || exit 1
start_net names dns "shop.test=127.0.0.2,127.0.0.3" || exit 1
start_target right || exit 1
evil=http://127.0.0.1:$evil_port

results 5 "timeout = \"1s\"; http = { resolver = \"127.0.0.1:$names_port\"; };" <<END
{ name = "right";   plugin = "http"; url = "http://127.0.0.1:$target_port/"; },
{ name = "status";  plugin = "http"; url = "http://127.0.0.1:$target_port/status/503"; },
{ name = "garbage"; plugin = "http"; url = "$evil/garbage"; },
{ name = "mute";    plugin = "http"; url = "http://127.0.0.1:$mute_port/"; },
{ name = "name";    plugin = "http"; url = "http://shop.test:$evil_port/"; }
END
has() { # NAME FIELD TEXT
	local got
	got=$(field "$1" "$2")
	if [[ $got == *"$3"* ]]; then ok "$1 has $2: $3"; else not_ok "$1 has $2: $3" "got '$got'"; fi
}
has status .details.received 'HTTP/1.1 503 As Asked'
has status .details.received 'ok'
has garbage .details.received 'no HTTP at all'
is "bytes of it" "$(field status '.metrics.received_bytes > 50')" true
has mute .details.tcp_info 'retransmitted'
is "nothing came" "$(field mute .details.received)" null
has name .details.tries '127.0.0.2'
has name .details.tries 'connection refused'
is "nothing of this goes with a right answer" "$(field right '.details | has("received")')" false
is "nor its count" "$(field right .metrics.received_bytes)" null

results 2 <<END
{ name = "soft"; plugin = "http"; url = "$evil/garbage"; fall = 3; retry_interval = "100ms"; }
END
is "a soft DOWN changes nothing" "$(field soft '.details | has("received")')" false
is "though it is one" "$(field soft .state)" DOWN
done_testing
