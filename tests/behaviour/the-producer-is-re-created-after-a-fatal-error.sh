#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An out-of-order sequence number (error 45) ends an idempotent producer for good; on
# librdkafka 2.0 a mere timeout can have that effect.  A mock cluster injects it: the sink
# makes a new producer and sends again what was not acknowledged; nothing is missing, and the
# last record of each check is its last event.
. "$(dirname "$0")/lib.sh"
need kcat jq
mockd=$builddir/tests/kafka/mockd
[ -x "$mockd" ] || skip_all "librdkafka has no mock cluster here"

mkfifo "$dir/orders"
"$mockd" "$dir/orders" >"$dir/mockd.out" 2>"$dir/mockd.log" &
pids+=($!)
check "the mock cluster starts" wait_for 10 test -s "$dir/mockd.out"
kafka_port=$(head -1 "$dir/mockd.out" | cut -d: -f2)
order() { # WORDS...: returns when it is done
	local lines
	lines=$(wc -l <"$dir/mockd.out")
	timeout 5 sh -c 'echo "$1" >"$2"' sh "$*" "$dir/orders" || return 1
	wait_for 5 eval "[ \$(wc -l <'$dir/mockd.out') -gt $lines ]"
}
order topic alerts 4

start_target shop || { not_ok "a target starts"; done_testing; }
{
	echo 'daemon = { observer = "node-1"; };'
	echo 'defaults = { interval = "1s"; retry_interval = "200ms"; rise = 1; fall = 1; };'
	echo 'checks = ('
	for i in $(seq 199); do
		echo "{ name = \"shop-$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$target_port\"; },"
	done
	echo "{ name = \"shop-200\"; plugin = \"tcp\"; address = \"127.0.0.1:$target_port\"; }"
	echo ');'
	echo "sinks = ( { name = \"alerts\"; plugin = \"kafka\"; brokers = \"127.0.0.1:$kafka_port\";"
	echo '  topic = "alerts"; } );'
	echo 'routes = ( { name = "alerts"; match = { kind = "change"; check = "shop-*"; }; to = ["alerts"]; } );'
} >"$dir/sonde.conf"
start_sonded sonded -c "$dir/sonde.conf" || { not_ok "the daemon starts"; done_testing; }

records() { kafka_read alerts -f '%s\n'; }
# How many checks have the state on the topic.
checks_with() { records | jq -r "select(.state == \"$1\") | .check" | sort -u | grep -c .; }
all_are() { [ "$(checks_with "$1")" = 200 ]; }
made_anew() { [ "$(grep -c 'producer is made anew' "$dir/sonded.log")" -ge "$1" ]; }

check "200 checks are UP on the topic" wait_for 30 all_are UP
order error 0 45 1
kill -9 "$target_pid"
check "the producer is made anew" wait_for 20 made_anew 1
check "all 200 DOWN changes are on the topic" wait_for 30 all_are DOWN

# Once more, several times in a row, while everything comes back.
order error 0 45 3
start_target shop "$target_port"
# Three more errors; those that meet requests of one producer make one new producer.
check "the producer is made anew, more than once" wait_for 20 made_anew 2
last_is_up() { [ "$(records | jq -r '[.check, .state] | @tsv' | awk '{ s[$1] = $2 } END { for (c in s) n += s[c] == "UP"; print n }')" = 200 ]; }
check "the last record of each check is UP" wait_for 30 last_is_up

read -r accepted delivered rejected dropped queued _ <<<"$(ledger sonded alerts)"
is "everything accepted is delivered" "$delivered $rejected $dropped $queued" "$accepted 0 0 0"
is "every event delivered is on the topic" "$(records | jq -r .id | sort -u | grep -c .)" "$accepted"
records | jq -r '[.check, .seq] | @tsv' >"$dir/seqs"
check "no event stands for the first time behind a newer one of its check" \
	awk '!(($1, $2) in seen) { if ($2 < last[$1]) exit 1; last[$1] = $2; seen[$1, $2] = 1 }' "$dir/seqs"
ends_clean sonded
done_testing
