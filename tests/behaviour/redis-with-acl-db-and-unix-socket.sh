#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Redis as it is locked down: a unix socket, a database of its own, an ACL user with no more
# rights than the manual asks for.  A wrong password is told, never shown, and loses nothing.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli python3

start_redis "$(free_port)" --unixsocket "$dir/redis.sock" || exit 1
redis ACL SETUSER sonde on '>right' resetkeys '~server-health:*' resetchannels '&health-*' \
	-@all +select +ping '+script|load' +evalsha +eval +hget +hset +hdel +set +del +sadd +srem \
	+pexpire +publish >/dev/null || skip_all "this Redis has no ACL"
start_target shop || exit 1
mkdir "$dir/conf.d" "$dir/state"
cat >"$dir/conf.d/test.conf" <<END
daemon = { observer = "node-1"; state_dir = "$dir/state"; };
defaults = { interval = "100ms"; timeout = "90ms"; rise = 1; fall = 1; };
checks = ( { name = "shop"; plugin = "tcp"; address = "127.0.0.1:$target_port"; labels = { team = "a=b"; }; } );
sinks = (
  { name = "hash"; plugin = "redis-store"; server = "unix:$dir/redis.sock"; db = 3; user = "sonde"; password = "@file:$dir/password";
    type = "hash"; fields = ["state={state}", "team={labels.team}"]; ttl = "1h"; publish = "health-store"; },
  { name = "live"; plugin = "redis-notify"; server = "localhost:$redis_port"; user = "sonde"; password = "@file:$dir/password";
    format = "ALERT: {check} is {state}!"; },
  { name = "wrong"; plugin = "redis-store"; server = "unix:$dir/redis.sock"; db = 4; user = "sonde"; password = "mistaken"; }
);
routes = ( { name = "status"; match = { kind = "change"; check = "shop"; }; to = ["hash", "live", "wrong"]; } );
END
echo right >"$dir/password"

db3() { redis -n 3 "$@"; }
holds() { [ "$(db3 HGET server-health:shop state)" = "$1" ]; }
db4_holds() { [ "$(redis -n 4 GET server-health:shop)" = "$1" ]; }

redis SUBSCRIBE health-store health-status >"$dir/heard" 2>&1 &
pids+=($!)
wait_for 5 grep -q health-status "$dir/heard"
start_sonded sonded -c "$dir/conf.d" || exit 1
check "the hash is in database 3, over the socket" wait_for 5 holds UP
is "a value may hold an equals sign" "$(db3 HGET server-health:shop team)" "a=b"
is "it has these fields only" "$(db3 HLEN server-health:shop)" 2
ttl=$(db3 TTL server-health:shop)
if [ "$ttl" -gt 3500 ] && [ "$ttl" -le 3600 ]; then ok "it has its ttl"; else not_ok "it has its ttl" "$ttl"; fi
is "database 0 has nothing" "$(redis DBSIZE)" 0
check "the store publishes JSON" wait_for 5 grep -q '^{"id":.*"check":"shop"' "$dir/heard"
check "notify publishes its format" wait_for 5 grep -qx 'ALERT: shop is UP!' "$dir/heard"
kill "$target_pid"
check "a change replaces it" wait_for 5 holds DOWN
is "the set is in database 3, too" "$(db3 SMEMBERS server-health:down)" shop

check "a wrong password is told" grep -q 'sink "wrong": DOWN: .*WRONGPASS' "$dir/sonded.log"
check "... and never shown" test "$(grep -c mistaken "$dir/sonded.log")" = 0
redis ACL SETUSER sonde '>mistaken' >/dev/null
check "once it is right, what waited arrives" wait_for 3 db4_holds DOWN
check "the daemon ends well" stop_sonded "$sonded_pid"
is "every sink's ledger closes" "$(grep -Ec 'sink "[^"]*": .*rejected 0 \+ moved 0 \+ dropped 0 \+ queued 0' "$dir/sonded.log")" 3
done_testing
