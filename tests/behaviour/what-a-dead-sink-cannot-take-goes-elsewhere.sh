#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A Redis is killed and stays away: before failover_after nothing is moved, then the file that
# is its sink's `otherwise` gets what waits, and what comes, in the order of each check.  It
# comes back: so do the events.  Each event is in Redis or in the file, none is missing, and
# the ledger closes: accepted = delivered + moved.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli python3

kept=(--appendonly yes --appendfsync always) # a restart finds what it had
port=$(free_port)
start_redis "$port" "${kept[@]}" || exit 1
start_target shop || exit 1
{
	echo 'daemon = { observer = "node-1"; };'
	echo 'defaults = { interval = "50ms"; timeout = "50ms"; };'
	echo 'checks = ('
	for i in 1 2 3 4; do
		echo "{ name = \"c$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$target_port\"; },"
	done
	echo "{ name = \"c5\"; plugin = \"tcp\"; address = \"127.0.0.1:$target_port\"; } );"
	echo "sinks = ( { name = \"kept\"; plugin = \"redis-store\"; server = \"127.0.0.1:$port\"; present = false;"
	echo '    key = "e:{seq}"; value = "{check}"; otherwise = "dead"; failover_after = "5s"; },'
	echo "  { name = \"dead\"; plugin = \"file\"; path = \"$dir/dead\"; },"
	echo "  { name = \"all\"; plugin = \"file\"; path = \"$dir/all\"; format = \"{seq}\"; } );"
	echo 'routes = ( { name = "results"; match = { kind = "result"; check = "c*"; }; to = ["kept", "all"]; } );'
} >"$dir/sonded.conf"
start_sonded sonded -c "$dir/sonded.conf" || exit 1

keys() { redis --scan --pattern 'e:*' | grep -v version | cut -d: -f2 | sort -u; }
got() { [ "$(keys | wc -l)" -ge "$1" ]; }
check "events reach Redis" wait_for 10 got 50
{
	kill -9 "$redis_pid"
	wait "$redis_pid"
} 2>/dev/null
check "its sink is DOWN" wait_for 10 grep -q 'sink "kept": DOWN' "$dir/sonded.log"
sleep 2
read -ra now < <(ledger sonded kept)
check "for a while they wait: ${now[*]:0:6}" test "${now[4]}" -ge 50 -a "${now[5]}" -eq 0
check "then they are in the file" wait_for 10 test -s "$dir/dead"
caught_up() { read -ra now < <(ledger sonded kept) && [ "${now[5]}" -ge 300 ] && [ "${now[4]}" -le 30 ]; }
check "... and those that come follow" wait_for 20 caught_up
check "the log says so" wait_for 20 grep -qE \
	'sink "kept": moved [0-9]+ events to sink "dead", as it had been DOWN for [0-9]+s' "$dir/sonded.log"

redis_port=$port
start_redis "$port" "${kept[@]}" || exit 1
check "it is back" wait_for 40 grep -q 'sink "kept": UP again' "$dir/sonded.log"
sleep 0.5
moved=$(wc -l <"$dir/dead")
before=$(keys | wc -l)
check "events reach Redis again" wait_for 10 got $((before + 50))
is "none goes to the file any more" "$(wc -l <"$dir/dead")" "$moved"
ends_clean sonded

keys >"$dir/keys"
python3 - "$dir" >"$dir/sums" <<'END'
import json, sys
there = sys.argv[1]
every = [int(line) for line in open(there + "/all")]
redis = {int(line) for line in open(there + "/keys")}
dead = [json.loads(line) for line in open(there + "/dead")]
last, disorder = {}, 0
for e in dead:
    disorder += e["seq"] <= last.get(e["check"], 0)
    last[e["check"]] = e["seq"]
moved = {e["seq"] for e in dead}
print(len(set(every) - redis - moved), len(dead) - len(moved), disorder, len(redis & moved),
      sum("the sink has been DOWN for" not in e["letter"]["reason"] for e in dead))
print(len(set(every)), len(redis), len(moved))
END
read -r missing twice disorder both other <<<"$(head -1 "$dir/sums")"
note "events, in Redis, in the file: $(tail -1 "$dir/sums")"
is "none is missing" "$missing" 0
is "none is in the file twice" "$twice" 0
is "each check is in order there" "$disorder" 0
is "each says why" "$other" 0
check "in both is at most what was under way when Redis died: $both" test "$both" -le 5
read -ra last < <(grep 'sink "kept": accepted' "$dir/sonded.log" | tail -1 | ledger_figures)
check "the ledger closes: ${last[*]:0:6}" closes "${last[@]}"
is "moved is what is in the file; nothing rejected, dropped or queued" \
	"${last[5]} ${last[2]} ${last[3]} ${last[4]}" "$moved 0 0 0"
done_testing
