#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Whatever a web server sends, the check ends with its own reason, in bounded time and
# memory, and what the server says reaches no terminal as it is.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"

start_net evil http || exit 1
start_net mute mute || exit 1
web=http://127.0.0.1:$evil_port at=127.0.0.1:$evil_port

began=$(now_ms)
once 'timeout = "1500ms";' <<END
{ name = "header-line"; plugin = "http"; url = "$web/header-line"; },
{ name = "headers";     plugin = "http"; url = "$web/headers"; },
{ name = "continue";    plugin = "http"; url = "$web/continue"; },
{ name = "body";        plugin = "http"; url = "$web/body"; },
{ name = "body-match";  plugin = "http"; url = "$web/body"; body_match = "never"; },
{ name = "drip";        plugin = "http"; url = "$web/drip"; },
{ name = "nothing";     plugin = "http"; url = "$web/nothing"; },
{ name = "garbage";     plugin = "http"; url = "$web/garbage"; },
{ name = "short";       plugin = "http"; url = "$web/short"; },
{ name = "length";      plugin = "http"; url = "$web/length"; },
{ name = "title";       plugin = "http"; url = "$web/title"; },
{ name = "redirect";    plugin = "http"; url = "$web/redirect"; },
{ name = "pattern";     plugin = "http"; url = "$web/slow-pattern"; body_match = "[0-9]++[a-z]"; },
{ name = "wait";        plugin = "http"; url = "$web/wait"; },
{ name = "mute";        plugin = "http"; url = "http://127.0.0.1:$mute_port/"; },
{ name = "mute-tls";    plugin = "http"; url = "https://127.0.0.1:$mute_port/"; },
{ name = "not-tls";     plugin = "http"; url = "https://127.0.0.1:$evil_port/"; }
END
took=$(($(now_ms) - began))
found_like header-line "DOWN L7BIG $at: *"
found headers "DOWN L7BIG $at: more than 65536 bytes of headers"
found_like continue "DOWN L7BIG $at: more than 65536 bytes of headers"
found body "DOWN L7BIG $at: more than 1048576 bytes of body"
found body-match "DOWN L7BIG $at: more than 1048576 bytes of body"
found drip "DOWN L7TOUT $at: HTTP/1.1 200 OK, but not all of it in time"
found_like nothing "DOWN L7RSP $at: *"
found_like garbage "DOWN L7RSP $at: *"
found_like short "DOWN L7RSP $at: *"
found_like length "DOWN L7RSP $at: *"
found_like title "DOWN L7STS $at: HTTP/1.1 500 *, wanted 200-299"
found redirect "DOWN L7STS $at: HTTP/1.1 302 Found, wanted 200-299"
found pattern "DOWN L7BODY $at: body_match takes too long on this body"
found wait "DOWN L7TOUT $at: no answer in time"
found mute "DOWN L7TOUT 127.0.0.1:$mute_port: no answer in time"
found mute-tls "DOWN L6TOUT 127.0.0.1:$mute_port: no TLS handshake in time"
found_like not-tls "DOWN L6RSP $at: *"
check "it took little more than the timeout: $took ms" test "$took" -lt $((1500 + 2500 * patience))
is "no control character is printed" "$(LC_ALL=C tr -d '\n\40-\176\200-\377' <"$dir/once" | wc -c)" 0
check "no line is longer than 500 bytes" awk 'length > 500 { exit 1 }' "$dir/once"
done_testing
