#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A daemon without descriptors says UNKNOWN with OBSERVER, never DOWN: the target did
# nothing wrong.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"

start_net open http || exit 1
start_net full backlog || exit 1
rows=
for i in $(seq 100); do # hold every descriptor until their timeout
	rows="$rows { name = \"hold-$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$full_port\"; },"
done
for i in $(seq 20); do
	rows="$rows
{ name = \"z-tcp-$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$open_port\"; },
{ name = \"z-http-$i\"; plugin = \"http\"; url = \"http://127.0.0.1:$open_port/echo\"; },
{ name = \"z-name-$i\"; plugin = \"tcp\"; address = \"host-$i.test:80\"; resolver = \"127.0.0.1\"; },"
done
limit() { # the rest of the test keeps its descriptors
	(
		ulimit -n 64
		once 'timeout = "2s"' <<<"${rows%,}"
		echo "$once_status" >"$dir/status"
	)
}
limit
awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^(OK|OBSERVER|L[467][A-Z]+|DNS[A-Z]+)$/) { print $3, $i; break } }' \
	"$dir/once" | sort | uniq -c >"$dir/found"
note "$(cat "$dir/found")"
check "some ran out of descriptors" grep -q 'UNKNOWN OBSERVER' "$dir/found"
check "their messages say so" grep -q 'OBSERVER .*too many open files' "$dir/once"
is "none of them is DOWN but for what timed out" \
	"$(grep DOWN "$dir/found" | grep -vc 'DOWN L4TOUT')" 0
is "no check of the target that answers is DOWN" "$(awk '$4 ~ /^z-/ && $3 == "DOWN"' "$dir/once")" ""
done_testing
