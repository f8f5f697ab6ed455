#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# No broker when the daemon starts: the sink is DOWN and says why, other sinks and all probes
# go on as if it were not there, and what waits is delivered, in order, when the broker comes.
. "$(dirname "$0")/lib.sh"
need kcat java jq

start_target shop || { not_ok "a target starts"; done_testing; }
kafka_port=$(free_port)
cat >"$dir/sonde.conf" <<END
daemon = { observer = "node-1"; };
defaults = { interval = "500ms"; retry_interval = "100ms"; fall = 1; rise = 1; };
checks = ( { name = "shop"; plugin = "tcp"; address = "127.0.0.1:$target_port"; } );
sinks = (
    { name = "alerts"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "alerts"; },
    { name = "lines"; plugin = "file"; path = "$dir/lines"; }
);
routes = (
    { name = "alerts"; match = { kind = "change"; check = "shop"; }; to = ["alerts"]; },
    { name = "all"; match = { kind = ["change", "result"]; check = "shop"; }; to = ["lines"]; }
);
END
start_sonded sonded -c "$dir/sonde.conf" || { not_ok "the daemon starts without a broker"; done_testing; }
ok "the daemon starts without a broker"

results() { jq -c 'select(.kind == "result")' "$dir/lines" 2>/dev/null | grep -c .; }
has_results() { [ "$(results)" -ge "$1" ]; }
check "the sink is DOWN, with the reason" wait_for 10 \
	grep -q 'sink "alerts": DOWN: .*refused' "$dir/sonded.log"
check "probes and the other sink go on" wait_for 10 has_results 8
# The interval is 500 ms.
slowest=$(jq -r 'select(.kind == "result") | .time' "$dir/lines" | tail -8 |
	sed 's/.*:\([0-9.]*\)Z/\1/' |
	awk 'NR > 1 { d = $1 - p; if (d < 0) d += 60; if (d > m) m = d } { p = $1 } END { printf "%d", m * 1000 }')
note "longest time between two results: $slowest ms"
check "no probe is late" [ "$slowest" -lt $((500 + 250 * patience)) ]

# Two more changes wait beside the first.
lines_has() { jq -e "select(.kind == \"change\" and .state == \"$1\")" "$dir/lines"; }
kill -9 "$target_pid"
check "DOWN is noticed" wait_for 10 lines_has DOWN
start_target shop "$target_port"
up_twice() { [ "$(jq -r 'select(.kind == "change" and .state == "UP") | .id' "$dir/lines" | grep -c .)" = 2 ]; }
check "UP is noticed" wait_for 10 up_twice
is "all three wait" "$(ledger sonded alerts | cut -d" " -f1-5)" "3 0 0 0 3"

BROKER_PORT=$kafka_port start_kafka || { not_ok "a broker starts"; done_testing; }
three() { [ "$(kafka_read alerts | grep -c .)" = 3 ]; }
check "the broker comes, and they are delivered" wait_for 15 three
is "in order" "$(kafka_read alerts -f '%s\n' | jq -r .state | tr '\n' ' ')" "UP DOWN UP "
check "the sink is UP again" wait_for 10 grep -q 'sink "alerts": UP' "$dir/sonded.log"
is "the ledger closes" "$(ledger sonded alerts | cut -d" " -f1-5)" "3 3 0 0 0"
ends_clean sonded
done_testing
