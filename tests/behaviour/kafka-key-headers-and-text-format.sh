#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a record looks like on a real broker: topic, key and headers by template, the
# attributes of CloudEvents, a text as payload; and that --check refuses what would break the
# promise, without printing a secret.
. "$(dirname "$0")/lib.sh"
need kcat java jq

start_kafka || { not_ok "a broker starts"; done_testing; }
start_target shop || { not_ok "a target starts"; done_testing; }
cat >"$dir/sonde.conf" <<END
daemon = { observer = "node 1"; };
defaults = { interval = "1h"; };
checks = (
    { name = "Server-1"; plugin = "tcp"; address = "127.0.0.1:$target_port"; labels = { team = "db"; }; },
    { name = "Server-2"; plugin = "tcp"; address = "127.0.0.1:$target_port"; labels = { team = "no topic!"; }; }
);
sinks = (
    { name = "plain"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "events"; },
    { name = "lines"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "lines-{labels.team}";
      key = "{labels.team}/{check}"; headers = ["team={labels.team}", "note={state}=={state}"];
      cloudevents = false; format = "ALERT: {check} is {state}!"; properties = ("linger.ms=1"); },
    { name = "bare"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "bare"; key = "";
      cloudevents = false; compression = "lz4"; }
);
routes = ( { name = "all"; match = { kind = "change"; check = "Server-*"; }; to = ["plain", "lines", "bare"]; } );
END
start_sonded sonded -c "$dir/sonde.conf" || { not_ok "the daemon starts"; done_testing; }

has() { [ "$(kafka_read "$1" 2>/dev/null | grep -c .)" = "$2" ]; }
check "two events on the topic" wait_for 20 has events 2
check "one line on the other" wait_for 20 has lines-db 1
check "two records without a key" wait_for 20 has bare 2

of_one() { kafka_read events -f '%k\t%h\t%s\n' | awk -F'\t' '$1 == "Server-1"'; }
is "the key is the check" "$(of_one | cut -f1)" Server-1
of_one | cut -f2 | tr ',' '\n' >"$dir/headers"
of_one | cut -f3 >"$dir/payload"
field() { jq -r "$1" "$dir/payload"; }
for header in "ce_specversion=1.0" "ce_id=$(field .id)" "ce_source=/sonde/node%201" \
	"ce_type=sonde.change" "ce_subject=Server-1" "ce_time=$(field .time)" \
	"content-type=application/json"; do
	check "header $header" grep -qxF "$header" "$dir/headers"
done
is "seven headers, no more" "$(grep -c . "$dir/headers")" 7
is "the payload is the event" "$(field '"\(.check) \(.state) \(.previous)"')" "Server-1 UP UNKNOWN"

is "a text, its key and its headers" "$(kafka_read lines-db -f '%k|%h|%s\n')" \
	"db/Server-1|team=db,note=UP==UP|ALERT: Server-1 is UP!"
is "no key and no header" "$(kafka_read bare -K '|' -f '%K|%h|%s\n' | cut -d'{' -f1 | sort -u)" "-1||"
check "what no topic can be called is rejected" wait_for 5 \
	grep -q 'rejected an event of check "Server-2".*no topic can have this name' "$dir/sonded.log"
ends_clean sonded

refuses() { # DESCRIPTION OPTIONS SENTENCE
	cat >"$dir/wrong.conf" <<END
sinks = ( { name = "alerts"; plugin = "kafka";
            $2 } );
END
	run_sonded -c "$dir/wrong.conf" --check >"$dir/told" 2>&1
	is "$1: exit status" $? 2
	check "$1: the sentence" says "$dir/told" "$3"
}
b='brokers = "127.0.0.1:1";'
refuses "no brokers" '' 'brokers'
refuses "no host:port" 'brokers = "127.0.0.1:99999";' 'wrong.conf:2: sink "alerts": brokers: "127.0.0.1:99999" is no host:port'
refuses "an unknown property" "$b properties = (\"lingr.ms=1\");" 'No such configuration property: "lingr.ms"'
refuses "a wrong value" "$b properties = (\"linger.ms=soon\");" 'Invalid value for configuration property'
refuses "code" "$b properties = (\"plugin.library.paths=/tmp/x.so\");" 'it would load code into the daemon'
refuses "a command" "$b properties = (\"sasl.kerberos.kinit.cmd=rm x\");" 'it would run a command'
refuses "less than all acknowledgements" "$b properties = (\"acks=1\");" 'it is always all'
refuses "a secret without its sign" "$b properties = (\"sasl.password geheim\");" 'a property is written "name=value"'
check "and the secret is not printed" eval "! grep -q geheim '$dir/told'"
done_testing
