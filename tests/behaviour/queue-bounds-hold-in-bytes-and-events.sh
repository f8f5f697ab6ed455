#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A sink whose server does not answer keeps what its bounds allow, in events and in bytes,
# and no more.  What goes first are results: the changes of all checks are still there when
# the server answers again.  accepted = delivered + rejected + dropped + queued all the time.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli

start_target shop || exit 1
start_redis || exit 1
mkdir "$dir/conf.d"
{ echo target && seq -w 30; } >"$dir/conf.d/many.csv"
cat >"$dir/conf.d/sonded.conf" <<END
daemon = { observer = "node-1"; loops = 2; };
defaults = { interval = "50ms"; };
targets = ( { name = "many"; file = "many.csv"; } );
checks = ( { name = "c{target}"; plugin = "tcp"; address = "127.0.0.1:$target_port"; targets = ["many"]; } );
sinks = (
  { name = "events"; plugin = "redis-notify"; server = "127.0.0.1:$redis_port"; timeout = "60s"; channel = "events";
    format = "{kind} {check} {id}"; buffer = { events = 100; }; },
  { name = "bytes"; plugin = "hang"; seconds = 3600; buffer = { memory = "64KiB"; }; }
);
routes = ( { name = "all"; match = { kind = ["result", "change"]; check = "c*"; }; to = ["events", "bytes"]; } );
END

# The subscriber is there before Redis stops in the middle of its work.
redis SUBSCRIBE events >"$dir/heard" 2>&1 &
pids+=($!)
wait_for 5 grep -q subscribe "$dir/heard" || exit 1
kill -STOP "$redis_pid"
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/conf.d" || exit 1

flooded() { read -ra now < <(ledger sonded events) && [ "${now[0]}" -ge 1000 ]; }
check "1000 events were accepted" wait_for 10 flooded
read -ra events < <(ledger sonded events)
read -ra bytes < <(ledger sonded bytes)
note "bounded in events: accepted ${events[0]}, dropped ${events[3]}, queued ${events[4]}"
note "bounded in bytes: accepted ${bytes[0]}, dropped ${bytes[3]}, queued ${bytes[4]}"
check "the ledger of the first closes" closes "${events[@]}"
check "the ledger of the second closes" closes "${bytes[@]}"
is "100 events wait, as its bound says" "${events[4]}" 100
# An event of these has 400 to 1000 bytes of JSON, and somewhat more in memory.
if [ "${bytes[4]}" -ge 30 ] && [ "${bytes[4]}" -le 164 ]; then
	ok "in 64 KiB ${bytes[4]} events wait"
else
	not_ok "in 64 KiB 30 to 164 events wait" "${bytes[4]}"
fi
check "what was dropped was told" wait_for 12 grep -q 'sink "bytes": its buffer is full: [0-9]* events dropped' "$dir/sonded.log"

kill -CONT "$redis_pid"
changes() { grep -oE '^change c[0-9]+ ' "$dir/heard" | sort -u | wc -l; }
all_changes() { [ "$(changes)" -ge 30 ]; }
wait_for 10 all_changes
is "results went first: the changes of all 30 checks were kept" "$(changes)" 30
emptied() { read -ra now < <(ledger sonded events) && [ "${now[4]}" -le 40 ]; }
check "the queue empties" wait_for 10 emptied
check "... and its ledger closes" closes "${now[@]}"

# The order of each check's events: their ids are UUIDs that grow with time.
grep -oE '^(change|result) c.*' "$dir/heard" | awk '!seen[$0]++ { print $2, $3 }' >"$dir/order"
check "... in the order of each check" cmp <(sort -s -k1,1 "$dir/order") <(sort -k1,1 -k2,2 "$dir/order")
kill -9 "$sonded_pid" # the hanging sink would keep it for its 10 s; that is another test
wait "$sonded_pid" 2>/dev/null
no_sanitizer sonded
done_testing
