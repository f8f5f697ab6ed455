#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# With Redis gone, the Kafka sink's p99 from event to delivery report over 1,000 changes is
# at most twice that with Redis there (medians of three runs each, in turn, since a busy
# machine stalls a broker now and then).  When Redis is back it gets what waited, in order,
# and every ledger closes.
. "$(dirname "$0")/lib.sh"
need kcat redis-server redis-cli jq java python3

start_kafka || { not_ok "a broker starts"; done_testing; }
start_redis || { not_ok "Redis starts"; done_testing; }
sink_port=$(free_port)

# Redis behind a port that can be closed: the server itself stays, so that the subscriber
# of the end is there before the sink is.
start_forwarder() {
	python3 - "$sink_port" "$redis_port" <<'END' &
import socket, sys, threading
def copy(a, b):
    try:
        while True:
            data = a.recv(65536)
            if not data:
                break
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("127.0.0.1", int(sys.argv[1])))
l.listen()
while True:
    c, _ = l.accept()
    s = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    threading.Thread(target=copy, args=(c, s), daemon=True).start()
    threading.Thread(target=copy, args=(s, c), daemon=True).start()
END
	forwarder=$!
	pids+=("$forwarder")
	wait_for 10 redis-cli -p "$sink_port" ping
}

conf() { # TOPIC; made now, so that the first record does not wait for it
	echo warm | kcat -b "127.0.0.1:$kafka_port" -P -t "$1"
	local n
	echo 'checks = ('
	for n in $(seq 10); do
		[ "$n" = 1 ] || echo ','
		echo "{ name = \"flip-$n\"; plugin = \"flip\"; interval = \"20ms\"; flips = 100; after = \"1s\"; }"
	done
	cat <<-END
		);
		sinks = (
		    { name = "alerts"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "$1"; },
		    { name = "current"; plugin = "redis-store"; server = "127.0.0.1:$sink_port"; },
		    { name = "live"; plugin = "redis-notify"; server = "127.0.0.1:$sink_port"; channel = "flips"; }
		);
		routes = ( { name = "all"; match = { plugin = "flip"; }; to = ["alerts", "current", "live"]; } );
	END
}

ledger() { # NAME SINK: the last line of it
	kill -USR1 "$sonded_pid"
	sleep 0.2
	grep "sink \"$2\": accepted" "$dir/$1.log" | tail -1
}
delivered() { ledger "$1" "$2" | grep -q "delivered $3 "; }
p99() { ledger "$1" alerts | sed -n 's/.*p99 \([0-9.]*\) ms.*/\1/p'; }
closes() { # NAME SINK
	ledger "$1" "$2" | awk '{ for (i = 1; i < NF; i++) v[$i] = $(i + 1) }
		END { exit v["accepted"] != v["delivered"] + v["rejected"] + v["dropped"] + v["queued"] }'
}

median() { # THREE NUMBERS
	printf '%s\n' "$@" | sort -n | sed -n 2p
}

# 1,000 changes to Kafka and, if it is there, to Redis; leaves the daemon running.
run() { # NAME
	conf "flips-$1" >"$dir/$1.conf"
	start_sonded "$1" --plugin-dir "$builddir/tests/plugins/.libs" -c "$dir/$1.conf" || return 1
	wait_for 30 delivered "$1" alerts 1000
}

# Class loading and compiling in the broker is not what is measured.
seq 20000 | kcat -b "127.0.0.1:$kafka_port" -P -t warm
with=() without=()
for i in 1 2 3; do
	start_forwarder || not_ok "the forwarder starts"
	check "Redis there, $i: 1,000 changes are delivered to Kafka" run "up-$i"
	check "Redis there, $i: and to Redis" wait_for 30 delivered "up-$i" live 1000
	with+=("$(p99 "up-$i")")
	stop_sonded "$sonded_pid"
	kill "$forwarder"
	wait "$forwarder" 2>/dev/null
	check "Redis gone, $i: 1,000 changes are delivered to Kafka" run "down-$i"
	without+=("$(p99 "down-$i")")
	[ "$i" = 3 ] || stop_sonded "$sonded_pid"
done
note "p99 from event to delivery report, ms: ${with[*]} with Redis, ${without[*]} without"
check "Redis gone: the p99 is at most twice that with Redis" \
	awk -v a="$(median "${with[@]}")" -v b="$(median "${without[@]}")" \
	'BEGIN { exit !(a > 0 && b > 0 && b <= 2 * a) }'
check "Redis gone: what waits is counted, and the ledger closes" closes down-3 live

python3 - "$redis_port" >"$dir/heard" <<'END' &
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"SUBSCRIBE flips\r\n")
f = s.makefile("rb")
for line in f:
    if line.startswith(b"{"):
        print(line.decode().strip(), flush=True)
END
pids+=($!)
wait_subscribed flips || not_ok "the subscriber is there"
start_forwarder
check "Redis back: it gets all that waited" wait_for 45 delivered down-3 live 1000
heard_all() { [ "$(wc -l <"$dir/heard")" = 1000 ]; }
check "Redis back: the subscriber heard 1,000 messages" wait_for 10 heard_all
check "Redis back: in order, check by check" jq -es 'group_by(.check) | all(map(.seq) == (map(.seq) | sort))' "$dir/heard"
for sink in alerts current live; do
	check "sink $sink: accepted = delivered + rejected + dropped + queued" closes down-3 "$sink"
done
done_testing
