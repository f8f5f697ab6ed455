#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The version beside a key decides: an event older than that leaves key, set and channel
# alone and still counts as delivered.  Newer is a higher seq from the same observer, a later
# time across observers.  The same event once more sets the key and publishes nothing.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli python3

start_redis || exit 1
port=$(free_port)
mkdir "$dir/conf.d" "$dir/state"
cat >"$dir/conf.d/test.conf" <<END
daemon = { observer = "node-1"; state_dir = "$dir/state"; };
defaults = { interval = "100ms"; timeout = "90ms"; rise = 1; fall = 1; };
checks = ( { name = "shop"; plugin = "tcp"; address = "127.0.0.1:$port"; } );
sinks = ( { name = "current"; plugin = "redis-store"; server = "127.0.0.1:$redis_port";
            publish = "live"; format = "{check} is {state}"; } );
routes = ( { name = "status"; match = { kind = "change"; check = "shop"; }; to = ["current"]; } );
END

key=server-health:shop
versions=server-health:versions
holds() { [ "$(redis GET $key)" = "$1" ]; }
heard() { grep -c '^shop is' "$dir/heard"; }

# A change of the check's state that the sink gets while the version is the given one.
change_with_version() { # VERSION WANTED-STATE
	redis HSET "$versions" "$key" "$1" >/dev/null
	redis SET "$key" untouched >/dev/null
	if [ "$2" = UP ]; then start_target shop "$port"; else kill "$target_pid"; fi
}

redis SUBSCRIBE live >"$dir/heard" 2>&1 &
pids+=($!)
start_target shop "$port" || exit 1
start_sonded sonded -c "$dir/conf.d" || exit 1
check "a first event sets the key" wait_for 5 holds UP
check "... and is published" wait_for 5 grep -q 'shop is UP' "$dir/heard"
version=$(redis HGET "$versions" "$key")
case $version in
20*Z\ [0-9]*\ node-1) ok "the version is time, seq and observer" ;;
*) not_ok "the version is time, seq and observer" "$version" ;;
esac

change_with_version "2020-01-01T00:00:00.000000Z 9007199254740993000 node-1" DOWN
sleep 1
check "a lower seq of the same observer changes nothing" holds untouched
is "... not the set" "$(redis SISMEMBER server-health:down shop)" 0
is "... and is not published" "$(heard)" 1

change_with_version "2999-01-01T00:00:00.000000Z 5 node-2" UP
sleep 1
check "an earlier time of another observer changes nothing" holds untouched
is "... and is not published" "$(heard)" 1

change_with_version "2020-01-01T00:00:00.000000Z 9007199254740993000 node-2" DOWN
check "a later time of another observer sets the key" wait_for 5 holds DOWN
is "... and the set" "$(redis SISMEMBER server-health:down shop)" 1
check "... and is published" wait_for 5 grep -q 'shop is DOWN' "$dir/heard"

change_with_version "2999-01-01T00:00:00.000000Z 999 node-1" UP
check "a higher seq of the same observer sets the key, even if longer by digits" \
	wait_for 5 holds UP
is "... and the set" "$(redis SISMEMBER server-health:down shop)" 0
is "so far three were published" "$(heard)" 3

redis DEL "$key" >/dev/null
redis CLIENT KILL TYPE normal >/dev/null
check "after a reconnect the same event sets the key again" wait_for 5 holds UP
is "... and is not published again" "$(heard)" 3

check "the daemon ends well" stop_sonded "$sonded_pid"
check "what was older counts as delivered" \
	grep -Eq 'sink "current": .*rejected 0 \+ moved 0 \+ dropped 0 \+ queued 0' "$dir/sonded.log"
done_testing
