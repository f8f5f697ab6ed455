#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The other tests of this directory say that nothing is missing: here the checker is shown far
# sides where something is, the proxy a connection to spoil, and the bad disk a program.
. "$(dirname "$0")/lib.sh"
need python3 redis-server redis-cli

# ---- the checker ----

sees() { # DESCRIPTION WANTED-LINE WANTED-STATUS ARGUMENTS...; the far side is $dir/far
	local what=$1 wanted=$2 status=$3
	shift 3
	count_seen "$@" "file:$dir/far"
	is "$what" "$? $seen" "$status $wanted"
}
both() { for key in a b; do for n in $1; do echo "$key $n"; done; done; }

both "1 2 3 4 5" >"$dir/far"
sees "all is there" "events 10, missing 0, duplicates 0, out of order 0" 0 --keys 2 --each 5
both "1 2 4 5" >"$dir/far"
sees "one of each is missing" "events 8, missing 2, duplicates 0, out of order 0" 1 --keys 2 --each 5
both "1 2 3 4" >"$dir/far"
sees "the last one is missing" "events 8, missing 2, duplicates 0, out of order 0" 1 --keys 2 --each 5
both "1 2 3 4 5" >"$dir/far"
sees "a key is missing" "events 10, missing 5, duplicates 0, out of order 0" 1 --keys 3 --each 5
both "1 2 3 2 3 4 5" >"$dir/far"
sees "sent again from there is no disorder" "events 10, missing 0, duplicates 4, out of order 0" 0 \
	--keys 2 --each 5 --ordered
sees "too many duplicates" "events 10, missing 0, duplicates 4, out of order 0" 1 \
	--keys 2 --each 5 --duplicates 3
both "1 3 2 4 5" >"$dir/far"
sees "disorder" "events 10, missing 0, duplicates 0, out of order 2" 1 --keys 2 --each 5 --ordered
sees "disorder that may be" "events 10, missing 0, duplicates 0, out of order 2" 0 --keys 2 --each 5
printf 'a 1\nb 2\na 3\nb 4\n' >"$dir/far"
sees "numbers of all keys" "events 4, missing 0, duplicates 0, out of order 0" 0 --count 4
sees "... of which one is missing" "events 4, missing 1, duplicates 0, out of order 0" 1 --count 5
: >"$dir/far"
sees "an empty far side" "events 0, missing 5, duplicates 0, out of order 0" 1 --count 5
printf 'a 1\nb 2\na 7\n' >"$dir/far"
sees "what was never sent is no result" "" 2 --count 3
echo 'a-7 word' >"$dir/far"
sees "a record without a number is none" "" 2 --count 3
printf 'a 1\nb 2\n{ "check": "b", \nb 3\n' >"$dir/far"
sees "nor is half a record" "" 2 --count 3
sees "... which may be there once" "events 3, missing 0, duplicates 0, out of order 0" 0 --count 3 --halves 1
cat >"$dir/far" <<-'END'
	{ "check": "a", "message": "flip 1 of 9", "details": { "n": 1 } }
	{ "check": "b", "message": "", "data": { "n": 3 } }
	{ "check": "a", "message": "flip 2" }
END
sees "events in JSON" "events 3, missing 0, duplicates 0, out of order 0" 0 --count 3

start_redis || exit 1
redis mset 'event:a:n 1' '' 'event:a:n 2' '' 'event:b:n 3' '' other '' >/dev/null
is "keys of Redis, an event each" \
	"$(python3 "$chaos/checker.py" --count 3 "redis:$redis_port:event:*")" \
	"events 3, missing 0, duplicates 0, out of order 0"
# ---- the proxy ----

start_proxy network "$redis_port" || exit 1
via() { timeout "$1" redis-cli -p "$proxy_port" ping 2>&1; }
is "pass: a connection works" "$(via 5)" PONG
proxy network delay 300 >/dev/null
before=$(now_ms)
is "delay: it works" "$(via 5)" PONG
took=$(($(now_ms) - before))
check "... later, each way ($took ms)" test "$took" -ge 600
proxy network drop >/dev/null
is "drop: nothing comes" "$(via 1)" ""
proxy network reset >/dev/null
check "reset: it breaks" grep -qi 'reset\|closed' <(via 5)
proxy network pass >/dev/null
is "pass: it works again" "$(via 5)" PONG
check "stat counts connections" awk '{ exit !($1 >= 5) }' <(proxy network stat)

# ---- the bad disk ----

shim=$builddir/tests/chaos/.libs/badfs.so
if [ -e "$shim" ]; then
	mkdir "$dir/below" "$dir/faults"
	bad() { # COMMAND...
		env LD_PRELOAD="$shim" BADFS_BELOW="$dir/below" BADFS_FAULTS="$dir/faults" "$@" 2>&1
	}
	put() { bad dd if=/dev/zero of="$dir/$1" bs=1000 count="$2" conv="${3:-notrunc}" status=none; }
	check "no fault: writing works" put below/a 1 fsync
	echo 0 >"$dir/faults/write-eio"
	check "write-eio: Input/output error" grep -q 'Input/output error' <(put below/a 1)
	check "... elsewhere it works" put elsewhere 1
	rm "$dir/faults/write-eio"
	check "... and again when it is over" put below/a 1
	echo 3 >"$dir/faults/write-full"
	check "write-full after three: No space left" grep -q 'No space left' <(put below/b 5)
	is "... three are there" "$(stat -c %s "$dir/below/b")" 3000
	rm "$dir/faults/write-full"
	echo 0 >"$dir/faults/sync-eio"
	check "sync-eio: Input/output error" grep -q 'Input/output error' <(put below/a 1 fsync)
	rm "$dir/faults/sync-eio"
	echo 0 >"$dir/faults/write-short"
	bad python3 -c 'import os, sys
print(os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), b"x" * 1000))' "$dir/below/c" >"$dir/short"
	is "write-short: the half" "$(cat "$dir/short")" 500
	rm "$dir/faults/write-short"
	echo 0 >"$dir/faults/read-eio"
	check "read-eio: Input/output error" grep -q 'Input/output error' <(bad dd if="$dir/below/a" status=none)
	check "what it did is counted" grep -qx 'read-eio 1' "$dir/faults/count"
elif [ "$patience" -eq 1 ]; then
	not_ok "the bad disk is there" "there is no $shim"
fi
done_testing
