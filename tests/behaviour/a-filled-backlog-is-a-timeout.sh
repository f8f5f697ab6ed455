#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A listener whose backlog is full does not answer: DOWN with L4TOUT, at the deadline and
# not long after it.  One that takes connections again before the deadline is UP.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"

start_net full backlog || exit 1
start_net unix unix-backlog "$dir/full.sock" || exit 1

began=$(now_ms)
once 'timeout = "700ms"' <<END
{ name = "full"; plugin = "tcp"; address = "127.0.0.1:$full_port"; },
{ name = "unix"; plugin = "tcp"; address = "unix:$dir/full.sock"; },
{ name = "http"; plugin = "http"; url = "http://127.0.0.1:$full_port/"; }
END
took=$(($(now_ms) - began))
found full "DOWN L4TOUT 127.0.0.1:$full_port: no answer in time"
found unix "DOWN L4TOUT unix:$dir/full.sock: no answer in time"
found http "DOWN L4TOUT 127.0.0.1:$full_port: no connection in time"
check "it took the timeout, not longer: $took ms" test "$took" -ge 700 -a "$took" -lt $((700 + 2300 * patience))

start_net brief unix-backlog "$dir/brief.sock" 0.5 || exit 1
once 'timeout = "5s"' <<END
{ name = "brief"; plugin = "tcp"; address = "unix:$dir/brief.sock"; }
END
found brief "UP OK unix:$dir/brief.sock: connected"
done_testing
