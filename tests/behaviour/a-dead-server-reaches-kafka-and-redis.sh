#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The job that the project exists for, on a real broker and a real Redis: three targets
# die, and each gives exactly one DOWN change on the topic, in the key, on the channel;
# they come back, and the same with UP.  Prints the time from the kill of a process to the
# Redis subscriber.
. "$(dirname "$0")/lib.sh"
need kcat redis-server redis-cli jq java python3

start_kafka || { not_ok "a broker starts"; done_testing; }
start_redis || { not_ok "Redis starts"; done_testing; }
start_target shop-tcp && tcp_pid=$target_pid tcp_port=$target_port
start_target shop-http && http_pid=$target_pid http_port=$target_port
start_target shop-proc && proc_pid=$target_pid
for i in 1 2 3 4 5; do start_target "timed-$i"; done

mkdir "$dir/conf.d"
cat >"$dir/conf.d/10-checks.conf" <<END
daemon = { observer = "node-1"; };
defaults = { interval = "500ms"; retry_interval = "200ms"; };
checks = (
    { name = "Server-1"; plugin = "tcp"; address = "127.0.0.1:$tcp_port"; labels = { role = "db"; }; },
    { name = "shop"; plugin = "http"; url = "http://127.0.0.1:$http_port/health"; status = ["200-299"]; labels = { role = "db"; }; },
$(for i in 1 2 3 4 5; do
	echo "    { name = \"timed-$i\"; plugin = \"process\"; pidfile = \"$dir/timed-$i.pid\"; },"
done)
    { name = "worker"; plugin = "process"; pidfile = "$dir/shop-proc.pid"; labels = { role = "db"; }; }
);
END
cat >"$dir/conf.d/20-sinks.conf" <<END
sinks = (
    { name = "alerts"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "health-alerts"; key = "{check}"; },
    { name = "lines"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "health-lines"; format = "ALERT: {check} is {state}!"; },
    { name = "current"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; key = "server-health:{check}"; value = "{state}"; },
    { name = "live"; plugin = "redis-notify"; server = "127.0.0.1:$redis_port"; channel = "health-status"; }
);
routes = (
    { name = "alerts"; match = { kind = "change"; labels = { role = "db"; }; }; to = ["alerts", "lines"]; },
    { name = "status"; match = { kind = "change"; }; to = ["current", "live"]; }
);
END

# A subscriber that notes when each message came (milliseconds since 1970, then the message).
python3 - "$redis_port" >"$dir/heard" <<'END' &
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"SUBSCRIBE health-status\r\n")
f = s.makefile("rb")
while True:
    line = f.readline()
    if not line:
        break
    if line.startswith(b"{"):
        print("%.3f %s" % (time.time() * 1000, line.decode().strip()), flush=True)
END
pids+=($!)
wait_subscribed health-status || not_ok "the subscriber is there"

start_sonded sonded -c "$dir/conf.d" || { not_ok "the daemon starts"; done_testing; }

key() { redis get "server-health:$1"; }
key_is() { [ "$(key "$1")" = "$2" ]; }

# NAME STATE: how many changes of that check to that state are on the topic.
on_topic() {
	kafka_read health-alerts -f '%k\t%s\n' | awk -F'\t' -v k="$1" '$1 == k { print $2 }' |
		jq -r 'select(.kind == "change") | .state' | grep -cx "$2"
}
on_topic_once() { [ "$(on_topic "$1" "$2")" = 1 ]; }
# NAME STATE: when the subscriber heard of it, a line each.
heard() {
	sed 's/^\([0-9.]*\) {/{"heard":\1,/' "$dir/heard" |
		jq -r "select(.check == \"$1\" and .state == \"$2\") | .heard"
}
heard_times() { heard "$1" "$2" | grep -c .; }

each() { # STATE: all that must hold when the three targets are in it
	local name
	for name in Server-1 shop worker; do
		check "$name: GET server-health:$name is $1" wait_for 15 key_is "$name" "$1"
		check "$name: a $1 change is on the topic" wait_for 15 on_topic_once "$name" "$1"
	done
}

each UP

kill -9 "$proc_pid" "$tcp_pid" "$http_pid"
each DOWN

# Five processes one after the other, since a machine stalls now and then.
heard_of() { [ -n "$(heard "$1" DOWN)" ]; }
latencies=$(for i in 1 2 3 4 5; do
	killed=$(python3 -c 'import os, sys, time
t = time.time() * 1000
os.kill(int(sys.argv[1]), 9)
print("%.3f" % t)' "$(cat "$dir/timed-$i.pid")")
	wait_for 10 heard_of "timed-$i"
	awk -v a="$killed" -v b="$(heard "timed-$i" DOWN)" 'BEGIN { printf "%.3f\n", b - a }'
done | sort -n)
note "process kill to Redis subscriber, ms:" $latencies
check "in the median a process kill is with the subscriber within $((50 * patience)) ms" \
	awk -v l="$(sed -n 3p <<<"$latencies")" -v most=$((50 * patience)) 'BEGIN { exit !(l > 0 && l < most) }'

start_target shop-tcp "$tcp_port"
start_target shop-http "$http_port"
start_target shop-proc
for name in Server-1 shop worker; do
	check "$name: GET server-health:$name is UP again" wait_for 15 key_is "$name" UP
done
sleep 1 # nothing more may come

twice() { [ "$(on_topic "$1" UP)" = 2 ]; }
for name in Server-1 shop worker; do
	check "$name: the topic has its second UP" wait_for 10 twice "$name"
	is "$name: exactly one DOWN on the topic" "$(on_topic "$name" DOWN)" 1
	is "$name: the subscriber heard DOWN once" "$(heard_times "$name" DOWN)" 1
	is "$name: the subscriber heard UP twice" "$(heard_times "$name" UP)" 2
	is "$name: one readable line of its failure" \
		"$(kafka_read health-lines -f '%s\n' | grep -cx "ALERT: $name is DOWN!")" 1
done

kafka_read health-alerts -f '%s\n' >"$dir/records"
check "every record is JSON" jq -e . "$dir/records"
kafka_read health-alerts -f '%h\n' >"$dir/headers"
check "every record has the CloudEvents headers" \
	awk '!/ce_specversion=1.0/ || !/ce_id=/ || !/ce_source=/ || !/ce_type=/ || !/ce_time=/ { exit 1 }' "$dir/headers"
reason() { jq -r "select(.check == \"$1\" and .state == \"DOWN\") | .reason" "$dir/records"; }
is "a refused connection is L4CON" "$(reason Server-1)" L4CON
is "a dead process is PROCEXIT" "$(reason worker)" PROCEXIT

stop_sonded "$sonded_pid"
is "SIGTERM ends it with 0" $? 0
check "every sink's ledger closes with nothing left" \
	awk '/accepted/ { n++; if ($0 !~ /queued 0( |$)/) exit 1 } END { exit n < 4 }' "$dir/sonded.log"
done_testing
