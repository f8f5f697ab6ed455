#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A sink that a reload removes while its far side is silent: the others and the signals go on;
# what waits is delivered when the far side answers within the deadline, goes to a sink of the
# same name that the next reload brings back, and is else counted and said; and the daemon
# still ends within its deadline.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli

start_redis || exit 1
with="{ name = \"away\"; plugin = \"redis-notify\"; server = \"127.0.0.1:$redis_port\"; timeout = \"60s\"; format = \"{check} {seq}\"; },"
configure() { # SINK ITS-NAME
	cat >"$dir/next.conf" <<-END
		defaults = { interval = "50ms"; };
		checks = ( { name = "c1"; plugin = "ready"; }, { name = "c2"; plugin = "ready"; } );
		sinks = ( $1 { name = "all"; plugin = "file"; path = "$dir/all"; format = "{check} {seq}"; } );
		routes = ( { name = "all"; match = { kind = "result"; check = "c*"; }; to = [${2:+\"$2\",} "all"]; } );
	END
	mv "$dir/next.conf" "$dir/sonded.conf"
}
reload() { # WORDS OF THE LOG
	local before
	before=$(grep -c "$1" "$dir/sonded.log")
	kill -HUP "$sonded_pid"
	wait_for 5 eval "[ \$(grep -c '$1' '$dir/sonded.log') -gt $before ]"
}
lines() { grep -cE '^c[12] [0-9]+$' "$1"; }
goes_on() { # EVENTS MORE
	local before
	before=$(wc -l <"$dir/all")
	more() { [ "$(wc -l <"$dir/all")" -ge $((before + $1)) ]; }
	wait_for 5 more "$1"
}
# Of what the others had from here to there.
all_heard() { # FROM TO
	sed -n "$1,$2p" "$dir/all" | sort >"$dir/wanted"
	grep -E '^c[12] ' "$dir/heard" | sort -u | comm -13 - "$dir/wanted" >"$dir/missing"
	[ ! -s "$dir/missing" ]
}

configure "$with" away
redis SUBSCRIBE health-status >"$dir/heard" 2>"$dir/heard.log" &
pids+=($!)
wait_subscribed health-status || exit 1
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
heard() { [ "$(lines "$dir/heard")" -ge "$1" ]; }
check "it delivers" wait_for 5 heard 10

# ---- the far side answers in time ----

kill -STOP "$redis_pid"
goes_on 10
configure "" ""
last=$(wc -l <"$dir/all")
check "it is removed" reload 'reloaded: sink "away" removed, route "all" changed; 2 checks, 1 sink, 1 route'
check "the others go on" goes_on 10
asked=$(now_ms)
check "the daemon hears signals" ledger sonded all
check "... at once" test $(($(now_ms) - asked)) -lt $((1000 * patience))
is "nothing is said of its end yet" "$(grep -c 'sink "away" was removed' "$dir/sonded.log")" 0
kill -CONT "$redis_pid"
check "then it has ended, with nothing left" wait_for 5 says "$dir/sonded.log" 'sink "away" was removed; nothing waited any more'
check "the far side has all that the others had by then" wait_for 2 all_heard 1 "$last"
is "... once" "$(grep -E '^c[12] ' "$dir/heard" | sort | uniq -d | wc -l)" 0

# ---- it comes back while it drains ----

configure "$with" away
check "it is added" reload 'reloaded: sink "away" added'
goes_on 4
check "... and delivers" wait_for 5 heard $(($(lines "$dir/heard") + 4))
first=$(wc -l <"$dir/all")
kill -STOP "$redis_pid"
goes_on 10
configure "" ""
last=$(wc -l <"$dir/all")
check "it is removed again" reload 'reloaded: sink "away" removed'
configure "$with" away
check "... and is back" reload 'reloaded: sink "away" added'
again=$(wc -l <"$dir/all")
goes_on 10
kill -CONT "$redis_pid"
check "what it had left is delivered" wait_for 10 all_heard "$first" "$last"
check "... and what came since it is back" wait_for 10 all_heard "$((again + 1))" "$((again + 10))"
is "it was not said to have ended" "$(grep -c 'sink "away" was removed' "$dir/sonded.log")" 1

# ---- the far side does not answer ----

goes_on 10
kill -STOP "$redis_pid"
goes_on 10
configure "" ""
check "it is removed once more" reload 'reloaded: sink "away" removed'
check "what is left is said" wait_for 20 grep -qE 'sink "away" was removed; [0-9]+ events that waited are lost' "$dir/sonded.log"
check "the others go on" goes_on 10

# ---- the daemon ends meanwhile ----

configure "$with" away
check "it is added for the last time" reload 'reloaded: sink "away" added'
goes_on 10
configure "" ""
check "... and removed" reload 'reloaded: sink "away" removed'
began=$(now_ms)
ends_clean sonded
took=$(($(now_ms) - began))
check "the daemon ended within its deadline" test "$took" -le $((10000 + 2000 * patience))
note "the end took $took ms"
kill -CONT "$redis_pid"
done_testing
