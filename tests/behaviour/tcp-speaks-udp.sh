#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# With transport = "udp" a datagram is sent and its answer looked at: an echo is UP, another
# answer or none is DOWN, and a port where nobody is says so by ICMP, at once.  A name falls
# back to its next address.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
. "$(dirname "$0")/tcp.sh"

start_peer echo udp-echo || exit 1
start_peer far udp-echo 127.0.0.3 || exit 1
start_net mute silent || exit 1
start_net names dns "two.test=127.0.0.2,127.0.0.3" || exit 1
nobody=$(free_port)
full=$(printf '%065507d' 0)

once 'tcp = { transport = "udp"; timeout = "1s"; };' <<END
{ name = "echo"; plugin = "tcp"; address = "127.0.0.1:$echo_port"; source = "127.0.0.9";
  steps = ["send hello", "expect echo hello", "send-hex 00 ff", "expect-hex 00 ff"]; },
{ name = "other"; plugin = "tcp"; address = "127.0.0.1:$echo_port";
  steps = ["send hello", "expect goodbye"]; },
{ name = "mute"; plugin = "tcp"; address = "127.0.0.1:$mute_port";
  steps = ["send hello", "expect hello"]; },
{ name = "step"; plugin = "tcp"; address = "127.0.0.1:$mute_port"; timeout = "10s";
  steps = ["send hello", "expect(100ms) hello"]; },
{ name = "nobody"; plugin = "tcp"; address = "127.0.0.1:$nobody";
  steps = ["send hello", "expect hello"]; },
{ name = "full"; plugin = "tcp"; address = "127.0.0.1:$echo_port";
  steps = ["send $full", "expect echo 00"]; },
{ name = "over"; plugin = "tcp"; address = "127.0.0.1:$echo_port";
  steps = ["send word", "expect-regex (?<said>.*)", "send {said}$full", "expect x"]; },
{ name = "two"; plugin = "tcp"; address = "two.test:$far_port";
  resolver = "127.0.0.1:$names_port"; steps = ["send hello", "expect hello"]; }
END
found echo "UP OK 127.0.0.1:$echo_port: answered"
found other "DOWN L7RSP 127.0.0.1:$echo_port: step 2 (expect): the peer answers\
 otherwise; heard \"echo hello\""
found mute "DOWN L7TOUT 127.0.0.1:$mute_port: step 2 (expect): no answer in time;\
 nothing was heard"
found step "DOWN L7TOUT 127.0.0.1:$mute_port: step 2 (expect): no answer in time;\
 nothing was heard"
found nobody "DOWN L4CON 127.0.0.1:$nobody: the port is unreachable"
found full "UP OK 127.0.0.1:$echo_port: answered"
found over "DOWN L7BIG 127.0.0.1:$echo_port: step 3 (send): with what was captured it is too large\
 to send"
found two "UP OK two.test:$far_port (127.0.0.3): answered"
is "the far side heard what was sent" "$(grep -c '^hello$' "$dir/echo.said")" 2

wrong <<END
{ name = "a"; plugin = "tcp"; transport = "udp"; address = "127.0.0.1:53"; },
{ name = "b"; plugin = "tcp"; transport = "udp"; address = "127.0.0.1:53"; steps = ["send x"]; },
{ name = "c"; plugin = "tcp"; transport = "udp"; address = "unix:/x"; steps = ["expect x"]; },
{ name = "d"; plugin = "tcp"; transport = "udp"; address = "127.0.0.1:53"; tls = true;
  steps = ["expect x"]; },
{ name = "e"; plugin = "tcp"; transport = "udp"; address = "127.0.0.1:53"; hold = true;
  steps = ["expect x"]; },
{ name = "f"; plugin = "tcp"; transport = "udp"; address = "127.0.0.1:53"; send_proxy = "v1";
  steps = ["expect x"]; },
{ name = "g"; plugin = "tcp"; transport = "udp"; address = "127.0.0.1:53"; handshake = "half";
  steps = ["expect x"]; },
{ name = "h"; plugin = "tcp"; transport = "udp"; address = "127.0.0.1:53";
  steps = ["expect x", "close"]; },
{ name = "i"; plugin = "tcp"; transport = "udp"; address = "127.0.0.1:53";
  steps = ["send x", "send 0$full", "expect x"]; }
END
complains 'check "a": steps: udp answers only what it is asked'
complains 'check "b": steps: udp answers only what it is asked'
complains 'check "c": transport: udp needs a host and a port, not a unix socket'
complains 'check "d": transport: TLS is for tcp only'
complains 'check "e": hold: udp has no connection to hold'
complains 'check "f": send_proxy: the PROXY header is for tcp only'
complains 'check "g": handshake: udp has no handshake to halve'
complains 'check "h": steps: a close step is for tcp only'
complains 'check "i": steps: steps[2] sends more than 65507 bytes, the most of a datagram'
done_testing
