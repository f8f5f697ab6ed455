#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# 5,000 events a second, for a sink that takes ten of them, a file and a Redis: the file and the
# Redis get every event, within a second, the slow one its ten, and the memory stays within what
# its buffer may hold.  In the middle as at the end each ledger closes: what the slow one was
# not given waits or was dropped, and is counted.
. "$(dirname "$0")/lib.sh"
need python3 redis-server redis-cli

keys=100
each=$(form 1000 30000) # 20 s, ten minutes
total=$((keys * each))
buffer=4 # MiB

start_redis "$(free_port)" || { not_ok "Redis starts"; done_testing; }
conf() {
	flips $keys $each
	cat <<-END
		daemon = { observer = "test"; };
		sinks = (
		    { name = "slow"; plugin = "slow"; pause = "100ms"; file = "$dir/slow"; buffer = { memory = "${buffer}MiB"; }; },
		    { name = "lines"; plugin = "file"; path = "$dir/lines"; format = "{check} {message}"; },
		    { name = "redis"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; down_set = "";
		      key = "event:{check}:{message}"; present = false; }
		);
		routes = ( { name = "all"; $flips_match; to = ["slow", "lines", "redis"]; } );
	END
}
conf >"$dir/sonded.conf"
start_sonded sonded -c "$dir/sonded.conf" --plugin-dir "$misbehaving" || exit 1
before=$(resident "$sonded_pid")
began=$(now_ms)

# The buffer is full after some two seconds; whatever grows then grows for ever.
dropping() { [ "$(figure dropped "$(ledger_now sonded slow)")" -gt 0 ]; }
check "the slow one's buffer is full" wait_for 20 dropping
full=$(resident "$sonded_pid")
while ! delivered sonded lines $total; do
	sleep 1
	ledger_closes sonded slow || not_ok "slow: the ledger closes in the middle"
	[ $(($(now_ms) - began)) -lt $((patience * (each * 20 + 15000))) ] || break
done
took=$(($(now_ms) - began))
after=$(resident "$sonded_pid")
check "the file has all $total, $took ms after the start" delivered sonded lines $total
check "... which are $((each * 20 + 1000)) ms of events" test $took -le $((patience * (each * 20 + 6000)))
check "and so has Redis" wait_for 10 delivered sonded redis $total
slow=$(ledger_last sonded slow)
note "resident: $before KiB, $full KiB with the buffer full, $after KiB at the end; slow: $slow"
# An event in a buffer is counted by its bytes as JSON and what the core adds.
check "the memory stays within the buffer and ten MiB" test $((after - before)) -le $(((buffer + 10) * 1024))
check "... and does not grow when it is full" test $((after - full)) -le 2048

nothing_missing "nothing is missing from the file" --keys $keys --each $each --ordered --duplicates 0 "file:$dir/lines"
nothing_missing "nothing is missing from Redis" --keys $keys --each $each "redis:$redis_port:event:*"
for sink in slow lines redis; do check "$sink: the ledger closes" ledger_closes sonded $sink; done
got=$(figure delivered "$slow")
check "the slow one had ten a second ($got in $took ms)" test "$got" -ge $((took / 200)) -a "$got" -le $((took / 90))
is "slow: what was not delivered waits or was dropped" \
	$((total - got)) $(($(figure dropped "$slow") + $(figure queued "$slow")))
figures "slow sink, events $total, missing $missing, delivered to the slow one $got," \
	"dropped by its policy $(figure dropped "$slow"), grown $((after - before)) KiB"
# Ten a second, of thousands that wait: it is not asked to deliver them all.
kill_hard "$sonded_pid"
no_sanitizer sonded
python3 "$chaos/checker.py" --keys $keys --each $each --ordered --duplicates 0 "file:$dir/slow" >"$dir/slow.seen" 2>&1
if grep -q 'duplicates 0, out of order 0' "$dir/slow.seen"; then
	ok "what it got was in order, and once"
else
	not_ok "what it got was in order, and once" "$(tail -3 "$dir/slow.seen")"
fi
done_testing
