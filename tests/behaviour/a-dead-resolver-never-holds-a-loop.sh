#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A name server that takes questions and never answers: 600 checks that ask it find UNKNOWN
# with DNSTOUT, and a check beside them, every 100 ms on the same loop, never waits 50 ms.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"

start_net dead silent || exit 1
start_net open count || exit 1
{
	echo "daemon = { observer = \"test\"; state_dir = \"$dir/state\"; loops = 1; };"
	echo "checks = ("
	for i in $(seq 300); do
		echo "{ name = \"tcp-$i\"; plugin = \"tcp\"; address = \"host-$i.test:22\";"
		echo "  resolver = \"127.0.0.1:$dead_port\"; interval = \"2s\"; timeout = \"1s\"; },"
		echo "{ name = \"http-$i\"; plugin = \"http\"; url = \"http://web-$i.test/\";"
		echo "  resolver = \"127.0.0.1:$dead_port\"; interval = \"2s\"; timeout = \"1s\"; },"
	done
	echo "{ name = \"clock\"; plugin = \"tcp\"; address = \"127.0.0.1:$open_port\";"
	echo "  interval = \"100ms\"; timeout = \"100ms\"; });"
	echo "sinks = ({ name = \"out\"; plugin = \"file\"; path = \"$dir/events\"; });"
	echo "routes = ({ name = \"all\"; match = { kind = \"result\"; }; to = [\"out\"]; });"
} >"$dir/dead.conf"
mkdir "$dir/state"
# A machine that stalls is late as well; what the resolver does, it does in every run.
figure() { awk -v name="$1" '$1 == name { $1 = ""; print substr($0, 2) }' "$dir/figures"; }
for try in 1 2 3; do
rm -f "$dir/events"
start_sonded dead -c "$dir/dead.conf" || exit 1
sleep 6
stop_sonded "$sonded_pid"

python3 - "$dir/events" >"$dir/figures" <<'END'
import datetime, json, sys
times, found, worst = [], {}, 0
for line in open(sys.argv[1]):
    event = json.loads(line)
    if event["check"] == "clock":
        times.append(datetime.datetime.fromisoformat(event["time"].rstrip("Z")).timestamp())
        worst = max(worst, event["duration_us"])
    elif event["check"].startswith(("tcp-", "http-")):
        key = event["state"] + " " + event["reason"]
        found[key] = found.get(key, 0) + 1
gaps = [b - a for a, b in zip(times, times[1:])]
print("runs", len(times))
print("late_ms %d" % ((max(gaps) - 0.1) * 1000 if gaps else 9999))
print("worst_us %d" % worst)
print("found", " ".join(sorted(found)))
print("count", sum(found.values()))
END
note "run $try: $(cat "$dir/figures")"
[ "$(figure late_ms)" -lt $((50 * patience)) ] && [ "$(figure worst_us)" -lt $((50000 * patience)) ] && break
done
check "the clock check ran on" test "$(figure runs)" -ge 50
check "it was never 50 ms late" test "$(figure late_ms)" -lt $((50 * patience))
check "it never took 50 ms" test "$(figure worst_us)" -lt $((50000 * patience))
is "the others are UNKNOWN" "$(figure found)" "UNKNOWN DNSTOUT"
check "each of them answered more than once" test "$(figure count)" -ge 1200
done_testing
