#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A sink that hangs, one that is full all the time, servers that are not there, one that never
# settles: each check goes on in its interval, and the sink that works gets everything.
. "$(dirname "$0")/lib.sh"
need python3

start_target shop || exit 1
nobody=$(free_port)
kafka="" kafka_name=""
if [ -e "$plugins/sink_kafka.so" ]; then
	kafka="{ name = \"kafka\"; plugin = \"kafka\"; brokers = \"127.0.0.1:$nobody\"; topic = \"t\"; },"
	kafka_name='"kafka",'
fi
mkdir "$dir/conf.d"
{ echo target && seq 20; } >"$dir/conf.d/many.csv"
cat >"$dir/conf.d/sonded.conf" <<END
daemon = { observer = "node-1"; loops = 2; };
defaults = { interval = "100ms"; };
targets = ( { name = "many"; file = "many.csv"; } );
checks = ( { name = "c{target}"; plugin = "tcp"; address = "127.0.0.1:$target_port"; targets = ["many"]; } );
sinks = (
  { name = "hangs"; plugin = "hang"; seconds = 3600; },
  { name = "full"; plugin = "hang"; seconds = 3600; buffer = { memory = "64KiB"; events = 10; }; },
  { name = "never"; plugin = "never-settles"; buffer = { events = 50; }; },
  { name = "redis"; plugin = "redis-store"; server = "127.0.0.1:$nobody"; },
  $kafka
  { name = "works"; plugin = "file"; path = "$dir/results"; format = "{check} {time}"; }
);
routes = (
  { name = "all"; match = { kind = "result"; check = "c*"; }; to = ["hangs", "full", "never", "redis", $kafka_name "works"]; }
);
END

start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/conf.d" || exit 1
results() { [ "$(wc -l <"$dir/results")" -ge "$1" ]; }
check "the sink that works gets 800 results" wait_for 12 results 800
read -ra full < <(ledger sonded full)
read -ra hangs < <(ledger sonded hangs)
check "the full one holds its 10" test "${full[4]}" = 10
check "... dropped the others" test "${full[3]}" -ge 700
check "... and its ledger closes" closes "${full[@]}"
check "the hanging one keeps them all" test "${hangs[0]}" = "${hangs[4]}"
kill -9 "$sonded_pid"
wait "$sonded_pid" 2>/dev/null
no_sanitizer sonded

# Pauses between two results of one check, in ms: the middle one and the longest.
read -r middle longest < <(python3 - "$dir/results" <<'END'
import datetime, sys
last, gaps = {}, []
for line in open(sys.argv[1]):
    check, time = line.split()
    at = datetime.datetime.fromisoformat(time.rstrip("Z")).timestamp()
    if check in last:
        gaps.append(at - last[check])
    last[check] = at
gaps.sort()
print(int(gaps[len(gaps) // 2] * 1000 + 0.5), int(gaps[-1] * 1000))
END
)
if [ "$middle" -ge 95 ] && [ "$middle" -le 105 ]; then
	ok "the middle pause of a check was $middle ms, its interval 100 ms"
else
	not_ok "the middle pause of a check is its interval, 100 ms" "$middle ms"
fi
# This machine does other things as well; who waited for a sink would wait for seconds.
if [ "$longest" -le $((1000 * patience)) ]; then ok "the longest was $longest ms"; else not_ok "none over $patience s" "$longest ms"; fi
done_testing
