#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The daemon is killed (-9) fifty times, each time at a random moment, while a source gives
# 20,000 events a second to a file and a real Kafka, now with sync = "50ms", now with "each", now
# with "never".  Nothing is missing and nothing out of order at either; what comes twice is
# within what was on its way at each kill; the journal is whole.
. "$(dirname "$0")/lib.sh"
need kcat java python3

kills=$(form 50 1000)
keys=100 rate=20000
count=$((kills * 8000)) # a life is 275 ms of work, at most 500
window=4096             # of each sink: what it may have had and not said so
syncs=(50ms each never)

start_kafka || { not_ok "a broker starts"; done_testing; }
mkdir "$dir/state"
conf() { # SYNC
	numbers $keys $count $rate
	cat <<-END
		daemon = { observer = "test"; state_dir = "$dir/state"; };
		defaults = { buffer = { memory = "16MiB"; disk = "256MiB"; sync = "$1"; full = "block"; }; };
		sinks = (
		    { name = "lines"; plugin = "file"; path = "$dir/lines"; },
		    { name = "alerts"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "numbered"; }
		);
		routes = ( { name = "all"; $numbers_match; to = ["lines", "alerts"]; } );
	END
}

for kill in $(seq "$kills"); do
	conf "${syncs[kill % 3]}" >"$dir/sonded.conf"
	start_sonded sonded -c "$dir/sonded.conf" --plugin-dir "$misbehaving" ||
		{ not_ok "after kill $((kill - 1)) it starts"; done_testing; }
	random_pause 50 500
	kill_hard "$sonded_pid"
	grep -hE -A 12 'Sanitizer|runtime error' "$dir/sonded.log" >>"$dir/sanitizer"
done
ok "it starts again each time"
is "no sanitizer said a word" "$(head -40 "$dir/sanitizer")" ""
settled=$(settled_number)
check "it was killed while events came ($settled of $count were settled)" test "${settled:-0}" -lt $count

conf 50ms >"$dir/sonded.conf"
start_sonded sonded -c "$dir/sonded.conf" --plugin-dir "$misbehaving" || { not_ok "it starts"; done_testing; }
check "in the end all is settled" wait_for $((60 + count / 5000)) numbers_settled $count
check "... and delivered" wait_for 60 nothing_waits sonded lines alerts
for sink in lines alerts; do check "$sink: the ledger closes" ledger_closes sonded $sink; done
ends_clean sonded
check "the journal is whole" journal_whole "$dir/state"
lost=0 twice=0
for far in "file:$dir/lines" "kafka:$kafka_port:numbered"; do
	# Half a second of what the source was not told about is sent again as well.
	nothing_missing "${far%%:*}: nothing is missing" --count $count --ordered --halves $kills \
		--duplicates $((kills * (window + rate / 2))) "$far"
	lost=$((lost + missing)) twice=$((twice + duplicates))
	figures "kill -9 of the daemon (${far%%:*}), events $events, kills $kills, missing $missing, duplicates $duplicates"
done
done_testing
