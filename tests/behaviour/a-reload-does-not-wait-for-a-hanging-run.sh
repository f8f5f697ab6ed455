#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Blocking runs that hang on their workers while a reload adjusts, changes and removes their
# checks: the answer comes at once, the one that is adjusted is still asked only when its run
# has returned, the late answers of the others are nobody's, and nothing is left of them.
. "$(dirname "$0")/lib.sh"
need jq

configure() { # INTERVAL SECONDS MORE
	cat >"$dir/sonded.conf" <<-END
		daemon = { observer = "node-1"; workers = 8; };
		defaults = { timeout = "200ms"; retry_interval = "300ms"; fall = 1; };
		checks = (
		  { name = "adjusted"; plugin = "hang"; seconds = 3; file = "$dir/adjusted.runs"; interval = "$1"; },
		  { name = "changed"; plugin = "hang"; seconds = $2; file = "$dir/changed.runs"; interval = "300ms"; } $3
		);
		sinks = ( { name = "all"; plugin = "file"; path = "$dir/all"; } );
		routes = ( { name = "all"; match = { kind = ["result", "change"]; not = { check = "observer:*"; }; }; to = ["all"]; } );
	END
}
lines() { [ "$(grep -c "$2" "$dir/$1.runs")" -ge "$3" ]; }
changes() { jq -r "select(.check == \"$1\" and .kind == \"change\") | .state + \" \" + .reason" "$dir/all" | tr '\n' ','; }
says_of() { [ "$(changes "$1")" = "$2" ]; }
removed=", { name = \"removed\"; plugin = \"hang\"; seconds = 3; file = \"$dir/removed.runs\"; interval = \"300ms\"; }"

configure 300ms 3 "$removed"
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
for one in adjusted changed removed; do
	check "$one is DOWN, its run hangs" wait_for 10 says_of "$one" "DOWN TIMEOUT,"
done
configure 350ms 4 ''
asked=$(now_ms)
kill -HUP "$sonded_pid"
check "the reload is answered" wait_for 10 says "$dir/sonded.log" 'reloaded: check "changed" changed, check "adjusted" adjusted, check "removed" removed; 2 checks'
check "... at once" test $(($(now_ms) - asked)) -lt $((1000 * patience))
check "the removed one says so" wait_for 5 says_of removed "DOWN TIMEOUT,UNKNOWN REMOVED,"
check "another run of the changed one begins" wait_for 5 lines changed begins 2
is "... before the first has returned" "$(grep -c returns "$dir/changed.runs")" 0
is "that of the adjusted one does not" "$(cat "$dir/adjusted.runs")" begins
check "... until it has returned" wait_for 10 lines adjusted begins 2
is "... as it should" "$(head -3 "$dir/adjusted.runs" | tr '\n' ' ')" "begins returns begins "
check "all that hung have returned" wait_for 10 lines removed returns 1
check "... the changed one's too" wait_for 10 lines changed returns 1
is "nobody believed them" "$(changes adjusted)$(changes changed)" "DOWN TIMEOUT,DOWN TIMEOUT,"
sleep 1.5
kill -HUP "$sonded_pid"
check "another is answered as well" wait_for 10 says "$dir/sonded.log" 'reloaded: nothing changed; 2 checks'
ends_clean sonded
is "nothing was stuck at the end" "$(grep -c stuck "$dir/sonded.log")" 0
done_testing
