#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real Redis that is absent when the daemon starts, is killed (-9) and restarted, pauses its
# clients, is full, wants a password all at once, becomes a replica, forgets its scripts, and is
# absent when the daemon ends.  Each event sets a key of its own, and the server keeps on its
# disk whatever it answered for: no key is missing, and the last state of each check is right.
. "$(dirname "$0")/lib.sh"
need python3 redis-server redis-cli

keys=50
rounds=$(form 1 200)
each=$(form 900 18000) # 18 s, an hour
pause=$(form 20ms 200ms)
redis_port=$(free_port)

conf() {
	flips $keys "$each" "$pause"
	cat <<-END
		daemon = { observer = "test"; };
		sinks = (
		    { name = "events"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; timeout = "1s";
		      key = "event:{check}:{message}"; down_set = ""; present = false; buffer = { memory = "256MiB"; }; },
		    { name = "current"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; timeout = "1s";
		      value = "{message}"; versions = "current"; buffer = { memory = "256MiB"; }; }
		);
		routes = ( { name = "all"; $flips_match; to = ["events", "current"]; } );
	END
}

secretly() { redis -a secret --no-auth-warning "$@" 2>/dev/null; }
redis_again() { start_redis "$redis_port" "${keeping[@]}"; }
evals() { redis info commandstats | sed -n 's/^cmdstat_eval:calls=\([0-9]*\),.*/\1/p'; }
goes_on() { # it delivers more than now
	local more
	more=$(($(figure delivered "$(ledger_now sonded events)") + keys))
	wait_for 30 delivered sonded events $((more < keys * each ? more : keys * each))
}

conf >"$dir/sonded.conf"
start_sonded sonded -c "$dir/sonded.conf" --plugin-dir "$misbehaving" ||
	{ not_ok "the daemon starts without a Redis"; done_testing; }
ok "the daemon starts without a Redis"
check "events wait" wait_for 10 waits sonded events
redis_again || { not_ok "a Redis comes"; done_testing; }
check "they are delivered" goes_on

kills=0
# Until the server has answered a few commands so.
answers() { # ERROR
	[ "$(secretly info errorstats | tr -d '\r' | sed -n "s/^errorstat_$1:count=//p")" -ge 3 ]
}
trouble() { # WHAT ERROR
	check "$1: the server says $2" wait_for 10 answers "$2"
	sleep 0.5
	secretly config resetstat >/dev/null
}
for round in $(seq "$rounds"); do
	kill_hard "$redis_pid"
	kills=$((kills + 1))
	random_pause 100 1500
	redis_again || { not_ok "it comes back"; done_testing; }
	check "killed: it goes on" goes_on

	redis client pause 2500 all >/dev/null
	check "paused: the sink sees it" wait_for 10 grep -qF "no answer in time" "$dir/sonded.log"
	check "paused: it goes on" goes_on

	redis config set maxmemory 1 >/dev/null
	trouble "full" "OOM"
	redis config set maxmemory 0 >/dev/null
	check "full: it goes on" goes_on

	redis config set requirepass secret >/dev/null
	secretly client kill type normal >/dev/null
	trouble "a password" "NOAUTH"
	secretly config set requirepass '' >/dev/null
	check "a password: it goes on" goes_on

	redis replicaof 127.0.0.1 1 >/dev/null
	trouble "a replica" "READONLY"
	redis replicaof no one >/dev/null
	check "a replica: it goes on" goes_on

	before=$(evals)
	redis script flush >/dev/null
	check "no scripts: it goes on" goes_on
	check "... and the script was sent again" test "$(evals)" -gt "${before:-0}"
done
current() {
	for n in $(seq $keys); do redis get "server-health:key-$n"; done | sort -u
}
check "all is delivered" wait_for 60 delivered sonded events $((keys * each))
check "the last state of each check is there" wait_for 60 eval '[ "$(current)" = "flip $each" ]'
nothing_missing "no key is missing" --keys $keys --each $each "redis:$redis_port:event:*"
figures "Redis in trouble, events $events, kills $kills, missing $missing"
check "the ledger closes" ledger_closes sonded events
check "... of the other as well" ledger_closes sonded current

# ---- absent at the end ----

kill_hard "$redis_pid"
began=$(now_ms)
ends_clean sonded
took=$(($(now_ms) - began))
check "the daemon ends within eleven seconds ($took ms)" test "$took" -le $((10000 + 1000 * patience))
done_testing
