#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# With handshake = "half" the target's application accepts nothing; with "full" it accepts
# one connection for each run.  Neither leaves a TIME_WAIT behind.  source is what the
# application sees.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
need ss

start_net half count || exit 1
start_net full count || exit 1
rows=
for i in $(seq 20); do
	rows="$rows
{ name = \"half-$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$half_port\"; handshake = \"half\"; },
{ name = \"full-$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$full_port\";
  source = \"127.0.0.77\"; },"
done
once <<<"${rows%,}"
is "all are UP" "$once_status" 0
wait_for 5 eval '[ "$(grep -c accepted "$dir/full.said")" -eq 20 ]'
is "full: each run was accepted, from the source" \
	"$(grep -c '^accepted 127.0.0.77$' "$dir/full.said")" 20
is "half: nothing was accepted" "$(grep -c accepted "$dir/half.said")" 0
is "no TIME_WAIT" "$(ss -Htan state time-wait "( dport = :$half_port or dport = :$full_port )" |
	wc -l)" 0
done_testing
