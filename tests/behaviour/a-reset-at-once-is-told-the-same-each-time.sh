#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A server or a proxy that accepts and resets at once is told as such, L7RSP, whether the
# daemon saw the connection open or only that it was gone: many are asked in one go, so that
# some are reset before anybody looks.  For a tcp check that only connects it is UP.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"

start_net reset reset || exit 1
start_net names dns two.test=127.0.0.1,127.0.0.2 || exit 1
each=150
for i in $(seq $each); do
	echo "{ name = \"direct-$i\"; plugin = \"http\"; url = \"http://127.0.0.1:$reset_port/\"; },"
	echo "{ name = \"tls-$i\"; plugin = \"http\"; url = \"https://127.0.0.1:$reset_port/\"; },"
	echo "{ name = \"plain-$i\"; plugin = \"http\"; url = \"http://shop.example/\"; proxy = \"http://127.0.0.1:$reset_port\"; },"
	echo "{ name = \"tunnel-$i\"; plugin = \"http\"; url = \"https://shop.example/\"; proxy = \"http://127.0.0.1:$reset_port\"; },"
	echo "{ name = \"socks-$i\"; plugin = \"http\"; url = \"http://shop.example/\"; proxy = \"socks5://127.0.0.1:$reset_port\"; },"
	echo "{ name = \"name-$i\"; plugin = \"http\"; url = \"http://two.test:$reset_port/\"; resolver = \"127.0.0.1:$names_port\"; },"
	echo "{ name = \"open-$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$reset_port\"; },"
	echo "{ name = \"steps-$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$reset_port\"; steps = [\"expect x\"]; },"
	echo "{ name = \"secure-$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$reset_port\"; tls = true; verify = false; },"
done | sed '$ s/,$//' >"$dir/rows"
once 'interval = "60s"; timeout = "20s";' <"$dir/rows"

# The states and reasons that checks of a kind have, each with how often.
told() { # KIND
	awk -v kind="^$1-" '$4 ~ kind && match($0, / (L[467][A-Z0-9]+|OK|OBSERVER|TIMEOUT) /) {
		print $3 substr($0, RSTART, RLENGTH)
	}' "$dir/once" | sort | uniq -c | xargs
}
for kind in direct plain tunnel socks name steps; do
	is "$kind: each is L7RSP" "$(told $kind)" "$each DOWN L7RSP"
done
for kind in tls secure; do
	is "$kind: each is L6RSP" "$(told $kind)" "$each DOWN L6RSP"
done
is "open: each is UP" "$(told open)" "$each UP OK"
done_testing
