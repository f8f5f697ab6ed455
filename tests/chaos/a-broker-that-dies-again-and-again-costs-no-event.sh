#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real broker that is absent when the daemon starts, is killed (-9) and restarted while
# events come, and absent when the daemon ends.  Nothing that came before the end is missing
# from the topic, and nothing is out of order; what waits at the end is counted, and the end
# comes in time.
. "$(dirname "$0")/lib.sh"
need kcat java python3

keys=50
each=$(form 600 36000)    # 12 s, an hour
pause=$(form 20ms 100ms)
kafka_port=$(free_port)

conf() { # TOPIC EACH
	flips $keys "$2" "$pause"
	cat <<-END
		daemon = { observer = "test"; };
		sinks = ( { name = "alerts"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "$1";
		            buffer = { memory = "256MiB"; }; } );
		routes = ( { name = "all"; $flips_match; to = ["alerts"]; } );
	END
}

conf numbered "$each" >"$dir/sonded.conf"
start_sonded sonded -c "$dir/sonded.conf" --plugin-dir "$misbehaving" ||
	{ not_ok "the daemon starts without a broker"; done_testing; }
ok "the daemon starts without a broker"
check "events wait" wait_for 10 waits sonded alerts
BROKER_PORT=$kafka_port start_kafka || { not_ok "a broker comes"; done_testing; }

kills=0
until delivered sonded alerts $((keys * each)); do
	random_pause "$(form 1500 5000)" "$(form 3000 60000)"
	kill_kafka
	kills=$((kills + 1))
	random_pause 100 "$(form 1000 20000)"
	resume_kafka || { not_ok "the broker comes back"; done_testing; }
	[ $kills -lt "$(form 3 100000)" ] || break
done
check "after $kills kills all is delivered" wait_for 60 delivered sonded alerts $((keys * each))
nothing_missing "nothing is missing" --keys $keys --each "$each" --ordered "kafka:$kafka_port:numbered"
figures "broker killed, events $events, kills $kills, missing $missing, duplicates $duplicates," \
	"out of order $disordered"
check "the ledger closes" ledger_closes sonded alerts
ends_clean sonded

# ---- absent at the end ----

conf late 100 >"$dir/late.conf"
start_sonded late -c "$dir/late.conf" --plugin-dir "$misbehaving" || exit 1
check "events are delivered" wait_for 20 delivered late alerts $((keys * 20))
kill_kafka
check "events wait" wait_for 30 waits late alerts
before=$(ledger_now late alerts)
began=$(now_ms)
ends_clean late
took=$(($(now_ms) - began))
check "the daemon ends within eleven seconds ($took ms)" test "$took" -le $((10000 + 1000 * patience))
after=$(ledger_last late alerts)
note "when the end was asked for: $before; as it ended: $after"
resume_kafka || { not_ok "the broker comes back"; done_testing; }
# All that was reported as delivered, and perhaps what was on its way.
count_seen --keys $keys --each 100 "kafka:$kafka_port:late"
got=$(figure delivered "$after")
check "what counts as delivered is there ($events of $got)" test "$events" -ge "$got"
check "... and what does not is counted" adds_up "$after"
left=$(($(figure dropped "$after") + $(figure queued "$after")))
check "... and was told" grep -q "sink \"alerts\": $left events that waited are lost" "$dir/late.log"
done_testing
