#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Servers that greet like Redis and then answer with what no Redis would: arrays of a
# billion, texts without end, other protocols, answers that nobody asked for, one byte
# now and then.  The sink is DOWN with a reason, the event waits, memory stays bounded, and
# the other sinks do not notice.
. "$(dirname "$0")/lib.sh"
need python3

cat >"$dir/absurd.py" <<'END'
import os, socket, sys, threading, time

def flood(client, start):
    client.sendall(start)
    while True:
        client.sendall(b"x" * 65536)

def drip(client):
    client.sendall(b"+")
    while True:
        time.sleep(0.05)
        client.sendall(b"x")

ANSWERS = {
    "array": lambda c: c.sendall(b"*1000000000\r\n" + b":1\r\n" * 1000),
    "deep": lambda c: c.sendall(b"*1\r\n" * 100000),
    "bulk": lambda c: flood(c, b"$2000000000\r\n"),
    "line": lambda c: flood(c, b"+"),
    "error": lambda c: flood(c, b"-ERR "),
    "http": lambda c: c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "push": lambda c: c.sendall(b">2\r\n+a\r\n+b\r\n:1\r\n"),
    "map": lambda c: c.sendall(b"%1\r\n+a\r\n+b\r\n"),
    "nil": lambda c: c.sendall(b"$-1\r\n"),
    "drip": drip,
    "silent": lambda c: None,
    "close": lambda c: c.shutdown(socket.SHUT_RDWR),
}

def serve(client, answer):
    try:
        while True:
            data = client.recv(65536)
            if not data:
                return
            if b"PING" in data:
                client.sendall(b"+PONG\r\n")
            elif b"SCRIPT" in data:
                client.sendall(b"$40\r\n" + b"a" * 40 + b"\r\n")
            else:
                answer(client)
    except OSError:
        pass

def listen(listener, answer):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, answer), daemon=True).start()

with open(sys.argv[1] + ".new", "w") as ports:
    for name, answer in ANSWERS.items():
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=listen, args=(listener, answer), daemon=True).start()
        print(name, listener.getsockname()[1], file=ports)
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
END
python3 "$dir/absurd.py" "$dir/ports" 2>"$dir/absurd.log" &
pids+=($!)
wait_for 10 test -s "$dir/ports" || exit 1
mapfile -t servers <"$dir/ports"

mkdir "$dir/conf.d" "$dir/state"
names=
{
	echo "daemon = { observer = \"node-1\"; state_dir = \"$dir/state\"; };"
	echo 'defaults = { interval = "1h"; timeout = "1s"; };'
	echo "checks = ( { name = \"shop\"; plugin = \"tcp\"; address = \"127.0.0.1:${servers[0]#* }\"; } );"
	echo 'sinks = ('
	for server in "${servers[@]}"; do
		names+="\"${server% *}\", "
		echo "  { name = \"${server% *}\"; plugin = \"redis-store\"; server = \"127.0.0.1:${server#* }\";"
		echo '    timeout = "1s"; connect_timeout = "1s"; },'
	done
	echo '  { name = "lines"; plugin = "stdout"; } );'
	echo "routes = ( { name = \"all\"; match = { check = \"shop\"; }; to = [${names}\"lines\"]; } );"
} >"$dir/conf.d/test.conf"

resident() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$sonded_pid/status"; }

start_sonded sonded -c "$dir/conf.d" || exit 1
check "another sink gets the event" wait_for 5 grep -q shop "$dir/sonded.out"
for server in "${servers[@]}"; do
	name=${server% *}
	check "$name: the sink is DOWN and says why" \
		wait_for 10 grep -q "sink \"$name\": DOWN: 127.0.0.1:" "$dir/sonded.log"
done
sleep 3
check "the daemon lives" kill -0 "$sonded_pid"
memory=$(resident)
limit=$((32 * 1024))
# A sanitizer's own memory is not the question here.
grep -q 'asan\|tsan' "/proc/$sonded_pid/maps" && limit=$((1024 * 1024))
if [ "$memory" -lt "$limit" ]; then
	ok "it never held more than $memory KiB"
else
	not_ok "it never held more than $limit KiB" "$memory KiB"
fi
# What waits cannot be delivered: it is said, and no reason to fail.
check "the daemon ends well" stop_sonded "$sonded_pid"
is "no sink rejected or dropped the event while it ran" \
	"$(grep -c 'rejected an event\|events dropped' "$dir/sonded.log")" 0
done_testing
