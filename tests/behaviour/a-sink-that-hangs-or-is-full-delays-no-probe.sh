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

# Pauses between two results of a check, in its intervals.  Each check keeps to its phase, so
# one result that is late makes one pause longer and the next as much shorter: the mean of an
# interval does not depend on how busy the machine is, as a single pause does.  The first run
# is not in phase yet.  Prints that mean (ms), how many of 100 intervals had a run, and the
# longest pause (ms).
read -r mean ran longest < <(python3 - "$dir/results" <<'END'
import collections, datetime, sys
times = collections.defaultdict(list)
for line in open(sys.argv[1]):
    check, time = line.split()
    times[check].append(datetime.datetime.fromisoformat(time.rstrip("Z")).timestamp())
pauses = [b - a for some in times.values() for a, b in zip(some[1:], some[2:])]
intervals = sum(round(pause / 0.1) for pause in pauses)
print("%.2f %d %d" % (sum(pauses) / intervals * 1000, 100 * len(pauses) / intervals,
                      max(pauses) * 1000))
END
)
check "the mean interval of a check is 100 ms ($mean)" \
	awk -v ms="$mean" 'BEGIN { exit !(ms >= 98 && ms <= 102) }'
least=$((patience > 1 ? 50 : 80))
check "... and at least $least of 100 had a run ($ran)" test "$ran" -ge "$least"
# This machine does other things as well; who waited for a sink would wait for seconds.
if [ "$longest" -le $((1000 * patience)) ]; then ok "the longest was $longest ms"; else not_ok "none over $patience s" "$longest ms"; fi
done_testing
