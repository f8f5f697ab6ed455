#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGSTOP for 15 seconds (SONDE_SOAK=1: 60), then SIGCONT: each check runs once or twice and
# no more, what no answer came to meanwhile is UNKNOWN for the reason OBSERVER and not DOWN,
# an answer that was found late is not slow, what really died is told at once, and the sinks
# go on.
. "$(dirname "$0")/../behaviour/lib.sh"
chaos=$srcdir/tests/chaos
need redis-server redis-cli python3
stopped=15
[ "${SONDE_SOAK:-0}" = 1 ] && stopped=60

# Answers at once; /slow after more than a second; /hold never while the file hold exists.
cat >"$dir/server.py" <<'END'
import asyncio, os, sys

async def answer(reader, writer):
    try:
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(b"GET /slow"):
            await asyncio.sleep(1.2)
        if request.startswith(b"GET /hold") and os.path.exists(sys.argv[1] + "/hold"):
            await reader.read()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    with open(sys.argv[1] + "/port.new", "w") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    os.rename(sys.argv[1] + "/port.new", sys.argv[1] + "/port")
    await server.serve_forever()

asyncio.run(main())
END
python3 "$dir/server.py" "$dir" 2>"$dir/server.log" &
pids+=($!)
wait_for 10 test -s "$dir/port" || exit 1
port=$(cat "$dir/port")
start_redis || exit 1
sleep 1000 &
mortal=$!
pids+=("$mortal")
echo "$mortal" >"$dir/mortal.pid"
mkdir "$dir/conf.d" "$dir/state"
ten='targets = ["ten"]'
cat >"$dir/conf.d/test.conf" <<END
daemon = { observer = "node-1"; state_dir = "$dir/state"; };
defaults = { interval = "2s"; timeout = "1900ms"; fall = 1; rise = 1; };
targets = ( { name = "ten"; hosts = [$(seq -s, -f '"n%g"' 10)]; } );
checks = (
  { name = "quick-{target}"; plugin = "http"; url = "http://127.0.0.1:$port/"; $ten; },
  { name = "tcp-{target}"; plugin = "tcp"; address = "127.0.0.1:$port"; $ten; },
  { name = "slow-{target}"; plugin = "tcp"; address = "127.0.0.1:$port"; $ten;
    steps = ["send GET /slow HTTP/1.0\\r\\n\\r\\n", "expect 200 OK"]; latency_fail = "1500ms"; },
  { name = "hold-{target}"; plugin = "http"; url = "http://127.0.0.1:$port/hold"; $ten; },
  { name = "dead"; plugin = "tcp"; address = "127.0.0.1:$(free_port)"; },
  { name = "mortal"; plugin = "process"; pidfile = "$dir/mortal.pid"; }
);
sinks = (
  { name = "current"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; },
  { name = "log"; plugin = "file"; path = "$dir/events"; }
);
routes = (
  { name = "status"; match = { kind = "change"; }; to = ["current"]; },
  { name = "all"; match = { kind = ["result", "change"]; }; to = ["log"]; }
);
END
state() { redis GET "server-health:$1"; }
start_sonded sonded -c "$dir/conf.d" || exit 1
check "what is there is UP, what is dead DOWN" wait_for 10 eval '
	[ "$(redis --scan --pattern "server-health:*-n*" | wc -l)" = 40 ] &&
	[ "$(state mortal)" = UP ] && [ "$(state dead)" = DOWN ]'
sleep 3

# Some runs are out now that will get no answer; none of them is late yet.
touch "$dir/hold"
sleep 1.2
kill -STOP "$sonded_pid"
before=$(wc -l <"$dir/events")
kill "$mortal"
sleep "$stopped"
rm "$dir/hold"
is "nothing happened meanwhile" "$(wc -l <"$dir/events")" "$before"
resumed=$(date +%s%N)
kill -CONT "$sonded_pid"
check "a process that died meanwhile is DOWN at once" wait_for 1 eval '[ "$(state mortal)" = DOWN ]'
sleep 6
judged=$(python3 - "$dir/events" "$before" "$resumed" 2>&1 <<'END'
import collections, datetime, json, sys
lines = open(sys.argv[1]).readlines()[int(sys.argv[2]):]
events = [json.loads(line) for line in lines]
at = lambda event: datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()
resumed = int(sys.argv[3]) / 1e9
runs = [e for e in events if e["kind"] == "result" and not e["check"].startswith("observer:")]
burst = collections.Counter(e["check"] for e in runs if at(e) < resumed + 1.5 and e["check"] != "mortal")
down = sorted(set(e["check"] for e in runs if e["state"] not in ("UP", "UNKNOWN")) - {"dead", "mortal"})
ours = [e for e in runs if e["reason"] == "OBSERVER"]
deaf = [e for e in ours if not e["check"].startswith("hold-")]
odd = [e for e in ours if e["state"] != "UNKNOWN" or "lagged" not in e["message"]]
changes = sorted(set(e["check"] for e in events if e["kind"] == "change" and
                     not e["check"].startswith("observer:")) - {"mortal"})
longest = max(e["duration_us"] for e in runs) // 1000
print("most=%d down=%d ours=%d deaf=%d odd=%d changes=%d longest=%d checks=%d" %
      (max(burst.values()), len(down), len(ours), len(deaf), len(odd), len(changes), longest,
       len(set(e["check"] for e in runs))))
print(down, changes, burst.most_common(3), file=sys.stderr)
END
)
figures=$(head -1 <<<"$judged")
eval "$(grep -o '[a-z]*=[0-9]*' <<<"$figures")"
check "every check runs on ($checks)" [ "$checks" = 42 ]
check "each at most twice in the first second and a half ($most)" [ "$most" -le 2 ]
check "some runs had no answer when they should have: OBSERVER ($ours)" [ "$ours" -ge 1 ]
is "... and UNKNOWN, since the daemon lagged" "$odd" 0
is "an answer that came meanwhile is read before its deadline" "$deaf" 0
is "nothing is DOWN that is not" "$down" 0
is "nothing changed but what did" "$changes" 0
check "no run is told to have taken longer than it may ($longest ms)" [ "$longest" -le 2500 ]
[ "$tap_failed" = 0 ] || note "$judged"
if seen=$(python3 "$chaos/events.py" "$dir/events" --most-ms $((stopped * 1000 + 60000)) 2>"$dir/wrong"); then
	ok "durations and seqs are right: $seen"
else
	not_ok "durations and seqs are right" "$seen" "$(cat "$dir/wrong")"
fi
for sink in current log; do
	read -ra now < <(ledger sonded "$sink")
	check "the ledger of $sink closes (${now[*]})" closes "${now[@]}"
done
note "figures: stopped $stopped s, runs of a check at once $most, OBSERVER $ours, false DOWN $down; $seen"
ends_clean sonded
done_testing
