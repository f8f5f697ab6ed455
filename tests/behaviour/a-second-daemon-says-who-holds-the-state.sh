#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Two daemons with one state_dir: the second names the first one's pid and ends with 1, the
# first does not notice.  What a killed daemon leaves behind holds nobody up.
. "$(dirname "$0")/lib.sh"

cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; state_dir = "$dir/state"; };
checks = ( { name = "a"; plugin = "tcp"; address = "127.0.0.1:1"; } );
END
second() { # NAME
	timeout 10 bash -c '"$@"' _ "$sonded" --plugin-dir "$plugins" -c "$dir/sonded.conf" >"$dir/$1.out" 2>"$dir/$1.log"
	status=$?
}

start_sonded first -c "$dir/sonded.conf" || exit 1
first=$sonded_pid
second second
is "the second ends with 1" "$status" 1
check "... and says who holds it" says "$dir/second.log" \
	"state_dir $dir/state is held by another sonded, pid $first; give this one a state_dir of its own"
no_sanitizer second
run_sonded -c "$dir/sonded.conf" --check >"$dir/table" 2>"$dir/told"
is "--check minds nobody" "$?" 0
check "the first runs on" kill -0 "$first"
second third
check "... and is named again" says "$dir/third.log" "pid $first;"

kill -9 "$first"
wait "$first" 2>/dev/null
start_sonded heir -c "$dir/sonded.conf" || exit 1
check "after a kill -9 the next one takes it" test "$(cat "$dir/state/lock")" = "$sonded_pid"
ends_clean heir
start_sonded next -c "$dir/sonded.conf" || exit 1
check "after an end likewise" test "$(cat "$dir/state/lock")" = "$sonded_pid"
ends_clean next
done_testing
