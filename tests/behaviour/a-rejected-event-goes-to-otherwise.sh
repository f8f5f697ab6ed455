#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a sink rejects is at its `otherwise`, as the event that it was, with the sink that it
# was meant for, the route, the reason and the attempts: a record that a real broker finds
# too large, in a file; what two sinks reject one behind the other still names the first.
# Both ledgers close.
. "$(dirname "$0")/lib.sh"
need kcat java python3

export BROKER_SETTINGS='message.max.bytes=30000
num.partitions=1'
start_kafka || { not_ok "a broker starts"; done_testing; }
start_target shop || { not_ok "a target starts"; done_testing; }

cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; };
defaults = { interval = "1h"; };
checks = (
  { name = "small"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
  { name = "big"; plugin = "tcp"; address = "127.0.0.1:$target_port"; labels = { note = "$(head -c 40000 /dev/zero | tr '\0' x)"; }; },
  { name = "unwanted"; plugin = "tcp"; address = "127.0.0.1:$target_port"; interval = "50ms"; }
);
sinks = (
  { name = "alerts"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "alerts"; otherwise = "dead"; },
  { name = "dead"; plugin = "file"; path = "$dir/dead"; },
  { name = "picky"; plugin = "reject"; otherwise = "picky too"; },
  { name = "picky too"; plugin = "reject"; otherwise = "last"; },
  { name = "last"; plugin = "file"; path = "$dir/last"; format = "{id} {letter.sink}/{letter.route}/{letter.reason}/{letter.attempts}"; },
  { name = "all"; plugin = "file"; path = "$dir/all"; format = "{check} {id} {seq}"; }
);
routes = (
  { name = "alerts"; match = { check = ["small", "big"]; }; to = ["alerts", "all"]; },
  { name = "unwanted"; match = { kind = "result"; check = "unwanted"; }; to = ["picky", "all"]; }
);
END
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || { not_ok "the daemon starts"; done_testing; }

check "the event that is too large is in the file" wait_for 60 test -s "$dir/dead"
fields() { # of the one letter
	python3 - "$dir/dead" <<-'END'
		import json, sys
		events = [json.loads(line) for line in open(sys.argv[1])]
		for e in events:
		    letter = e["letter"]
		    print(e["check"], e["id"], e["seq"], letter["sink"], letter["route"],
		          letter["attempts"], e["time"] <= letter["time"], letter["reason"])
	END
}
read -r name id seq sink route attempts later reason <<<"$(fields)"
is "it alone" "$(wc -l <"$dir/dead") $name" "1 big"
is "it is the same event" "$id $seq" "$(sed -n 's/^big //p' "$dir/all")"
is "it says where it was meant to go, and that it was tried once" "$sink $route $attempts $later" \
	"alerts alerts 1 True"
check "... and why it did not" grep -q "larger than Kafka takes" <<<"$reason"
check "the log says so" grep -qF \
	"sink \"alerts\": moved an event of check \"big\" to sink \"dead\", id $id, route \"alerts\": $reason" \
	"$dir/sonded.log"
small() { kafka_read alerts -f '%k\n' | grep -qx small; }
check "the small one is on the topic" wait_for 30 small
read -ra kafka < <(ledger sonded alerts)
is "the ledger of the sink: accepted, delivered, rejected, dropped, queued, moved" \
	"${kafka[*]:0:6}" "2 1 0 0 0 1"
read -ra dead < <(ledger sonded dead)
is "... and of the file" "${dead[*]:0:6}" "1 1 0 0 0 0"

many() { [ "$(wc -l <"$dir/last")" -ge 20 ]; }
check "what two sinks reject is at the third" wait_for 20 many
ends_clean sonded
is "... all of it, once" "$(cut -d' ' -f1 "$dir/last" | sort)" \
	"$(sed -n 's/^unwanted \([^ ]*\) .*/\1/p' "$dir/all" | sort)"
is "... naming the first" "$(cut -d' ' -f2- "$dir/last" | sort -u)" "picky/unwanted/not wanted here/1"
for sink in picky "picky too" last; do
	read -ra figures < <(grep "sink \"$sink\": accepted" "$dir/sonded.log" | tail -1 | ledger_figures)
	check "the ledger of \"$sink\" closes with nothing queued: ${figures[*]:0:6}" \
		eval "closes ${figures[*]} && [ ${figures[4]} = 0 ]"
done
done_testing
