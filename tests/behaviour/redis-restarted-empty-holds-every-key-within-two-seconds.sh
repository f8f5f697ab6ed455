#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A Redis that comes back empty holds every key and the set of what is down again within
# two seconds of being reachable: after a quick restart, which only the broken connection
# betrays, and after an absence in which the sink has long been backing off.  The checks
# run once an hour, so nothing but the sink itself tells the states again.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli python3

start_target up || exit 1
closed=$(free_port)
start_redis || exit 1
mkdir "$dir/conf.d" "$dir/state"
{
	cat <<-END
		daemon = { observer = "node-1"; state_dir = "$dir/state"; };
		defaults = { interval = "1h"; timeout = "5s"; retry_interval = "50ms"; };
		targets = (
		  { name = "good"; file = "good.csv"; },
		  { name = "bad"; file = "bad.csv"; }
		);
		checks = (
		  { name = "up-{target}"; plugin = "tcp"; address = "127.0.0.1:$target_port"; targets = ["good"]; },
		  { name = "down-{target}"; plugin = "tcp"; address = "127.0.0.1:$closed"; targets = ["bad"]; }
		);
		sinks = ( { name = "current"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; } );
		routes = ( { name = "status"; match = { kind = "change"; }; to = ["current"]; } );
	END
} >"$dir/conf.d/test.conf"
{ echo target && seq 150; } >"$dir/conf.d/good.csv"
{ echo target && seq 50; } >"$dir/conf.d/bad.csv"

every_key() { # all of them, and right
	[ "$(redis KEYS 'server-health:up-*' | sed 's/.*/GET &/' | redis | grep -c '^UP$')" = 150 ] &&
		[ "$(redis KEYS 'server-health:down-*' | sed 's/.*/GET &/' | redis | grep -c '^DOWN$')" = 50 ] &&
		[ "$(redis SCARD server-health:down)" -ge 50 ]
}

# Ends the server, waits, starts it anew on the same port; prints how long it took from its
# first answer until every key was there.
restart() { # SECONDS
	kill "$redis_pid" && wait "$redis_pid" 2>/dev/null
	sleep "$1"
	start_redis "$redis_port" || return 1
	local began
	began=$(now_ms)
	wait_for 30 every_key || return 1
	took=$(($(now_ms) - began))
}

start_sonded sonded -c "$dir/conf.d" || exit 1
check "the keys of 200 checks are there" wait_for 20 every_key
for away in 0 6; do
	took=-1
	restart "$away"
	if [ "$took" -ge 0 ] && [ "$took" -le 2000 ]; then
		ok "away for $away s and back empty: every key after $took ms"
	else
		not_ok "away for $away s and back empty: every key within 2000 ms" "took $took ms"
	fi
done
check "the loss was told" grep -q 'sink "current": DOWN' "$dir/sonded.log"
check "the return was told" grep -q 'sink "current": UP again' "$dir/sonded.log"
check "the daemon ends well" stop_sonded "$sonded_pid"
check "nothing was dropped or rejected" \
	grep -Eq 'sink "current": .*rejected 0 \+ dropped 0 \+ queued 0' "$dir/sonded.log"
done_testing
