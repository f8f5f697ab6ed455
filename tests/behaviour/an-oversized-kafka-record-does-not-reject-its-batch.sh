#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Kafka answers for a whole request: one record larger than the topic takes fails all that
# travel with it.  A real broker, twenty small events and an oversized one in one request:
# the twenty are delivered, the one is rejected, logged and counted.
. "$(dirname "$0")/lib.sh"
need kcat java

export BROKER_SETTINGS='message.max.bytes=30000
num.partitions=1'
start_kafka || { not_ok "a broker starts"; done_testing; }
start_target shop || { not_ok "a target starts"; done_testing; }

{
	echo 'daemon = { observer = "node-1"; };'
	echo 'defaults = { interval = "1h"; };'
	echo 'checks = ('
	for i in $(seq 20); do
		echo "{ name = \"small-$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$target_port\"; },"
	done
	echo "{ name = \"big\"; plugin = \"tcp\"; address = \"127.0.0.1:$target_port\";"
	echo "  labels = { note = \"$(head -c 40000 /dev/zero | tr '\0' x)\"; }; }"
	echo ');'
	# They wait for each other, so that they travel together.
	echo "sinks = ( { name = \"alerts\"; plugin = \"kafka\"; brokers = \"127.0.0.1:$kafka_port\";"
	echo '  topic = "alerts"; linger = "1s"; } );'
	echo 'routes = ( { name = "alerts"; match = { kind = "change"; check = ["small-*", "big"]; };'
	echo '  to = ["alerts"]; } );'
} >"$dir/sonde.conf"
start_sonded sonded -c "$dir/sonde.conf" || { not_ok "the daemon starts"; done_testing; }

checks_delivered() { kafka_read alerts -f '%k\n' | sort -u | grep -c '^small-'; }
all_delivered() { [ "$(checks_delivered)" = 20 ]; }
check "the twenty small events are on the topic" wait_for 30 all_delivered
is "the oversized one is not" "$(kafka_read alerts -f '%k\n' | grep -c '^big$')" 0
check "it is rejected, and the log says why" wait_for 10 \
	grep -q 'rejected an event of check "big".*larger than Kafka takes' "$dir/sonded.log"
is "nothing else is" "$(grep -c 'rejected an event' "$dir/sonded.log")" 1

read -r accepted delivered rejected dropped queued _ <<<"$(ledger sonded alerts)"
is "the ledger: accepted, delivered, rejected, dropped, queued" \
	"$accepted $delivered $rejected $dropped $queued" "21 20 1 0 0"
ends_clean sonded
done_testing
