#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A tcp check of an address makes the system calls that a connection needs and no others:
# nothing of a resolver, no second descriptor.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
need strace

start_net open count || exit 1
{
	echo "daemon = { observer = \"test\"; state_dir = \"$dir/state\"; };"
	echo "checks = ("
	for i in $(seq 100); do
		echo "{ name = \"c$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$open_port\"; },"
	done
	echo "{ name = \"last\"; plugin = \"tcp\"; address = \"127.0.0.1:$open_port\"; });"
} >"$dir/calls.conf"
mkdir "$dir/state"
ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" strace -f -o "$dir/calls" -e trace=network,epoll_ctl,close,openat \
	"$sonded" --plugin-dir "$plugins" -c "$dir/calls.conf" --once >"$dir/out" 2>"$dir/err" ||
	not_ok "it ran" "$(cat "$dir/err")"
calls() { # of those between the first connect and the last
	awk '/ connect\(.*sin_port=htons\('"$open_port"'\)/ { n = 1 } n' "$dir/calls" |
		grep -c "$1"
}
is "one connect for each check" "$(calls ' connect(')" 101
check "one setsockopt" test "$(calls ' setsockopt(')" -le 102
check "one epoll_ctl" test "$(calls ' epoll_ctl(')" -le 110
is "no file is read" "$(calls 'openat(.*/etc/')" 0
is "no error is asked for where there is none" "$(calls ' getsockopt(')" 0
done_testing
