#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A Redis that comes back empty holds every key and the set of what is down again within
# two seconds of being reachable: after a quick restart, which only the broken connection
# betrays, and after an absence in which the sink has long been backing off.  The checks
# run once an hour, so nothing but the sink itself tells the states again.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli python3
most=$((2000 * patience)) # ms

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

# Looks every 10 ms whether all keys are there and right.  With FILE, that of the next server:
# once it sees that of now, it makes FILE; once that is gone, it waits for the other's first
# answer, and prints how many milliseconds passed from there.  One process that runs already:
# starting others takes time as well.
every_key() { # SECONDS [FILE]
	python3 - "$redis_port" "$@" <<-'END'
		import socket, sys, time
		count = b"""local n = 0
		for i = 1, 150 do n = n + (redis.call('GET', 'server-health:up-' .. i) == 'UP' and 1 or 0) end
		for i = 1, 50 do n = n + (redis.call('GET', 'server-health:down-' .. i) == 'DOWN' and 1 or 0) end
		return n + (redis.call('SCARD', 'server-health:down') >= 50 and 1 or 0)"""
		ask = b"*3\r\n$4\r\nEVAL\r\n$%d\r\n%s\r\n$1\r\n0\r\n" % (len(count), count)
		port, file = int(sys.argv[1]), sys.argv[3:]
		server, began, end = None, 0, time.monotonic() + int(sys.argv[2])
		while time.monotonic() < end:
		    try:
		        server = server or socket.create_connection(("127.0.0.1", port))
		        server.sendall(ask)
		        answer = server.recv(100)
		        if not answer:
		            raise ConnectionResetError
		        began = began or time.monotonic()
		        if answer == b":201\r\n" and file:
		            open(file[0], "w").close()
		        elif answer == b":201\r\n":
		            print(int((time.monotonic() - began) * 1000))
		            sys.exit(0)
		    except ConnectionError:
		        server, began, file = None, 0, []
		    time.sleep(0.01)
		sys.exit(1)
	END
}

# Ends the server, waits, starts it anew on the same port.
restart() { # SECONDS
	local watch
	rm -f "$dir/watching"
	every_key 40 "$dir/watching" >"$dir/took" &
	watch=$!
	wait_for 20 test -e "$dir/watching" || return 1
	kill "$redis_pid" && wait "$redis_pid" 2>/dev/null
	sleep "$1"
	start_redis "$redis_port" && wait "$watch"
}

start_sonded sonded -c "$dir/conf.d" || exit 1
check "the keys of 200 checks are there" every_key 20
for away in 0 6; do
	check "away for $away s and back empty: every key is there" restart "$away"
	took=$(cat "$dir/took")
	check "... within $most ms (${took:--})" test "${took:-9999999}" -le $most
done
check "the loss was told" grep -q 'sink "current": DOWN' "$dir/sonded.log"
check "the return was told" grep -q 'sink "current": UP again' "$dir/sonded.log"
check "the daemon ends well" stop_sonded "$sonded_pid"
check "nothing was dropped or rejected" \
	grep -Eq 'sink "current": .*rejected 0 \+ moved 0 \+ dropped 0 \+ queued 0' "$dir/sonded.log"
done_testing
