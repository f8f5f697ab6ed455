#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The canonical JSON of a result and of a change: names, order, types and forms of its fields;
# and the readable line and a template of the same events.
. "$(dirname "$0")/lib.sh"
need jq

start_target shop || exit 1
cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; };
defaults = { interval = "200ms"; retry_interval = "100ms"; };
checks = ( { name = "Server-1"; plugin = "tcp"; address = "127.0.0.1:$target_port"; labels = { role = "db"; site = "icn"; }; } );
sinks = (
  { name = "json"; plugin = "stdout"; format = "json"; },
  { name = "text"; plugin = "file"; path = "$dir/text"; format = "text"; },
  { name = "line"; plugin = "file"; path = "$dir/line"; format = "ALERT: {check} is {state}! {{{labels.role}}} {previous} {reason} {was.state} {seq}"; }
);
routes = ( { name = "all"; match = { kind = ["result", "change"]; check = "Server-1"; }; to = ["json", "text", "line"]; } );
END
start_sonded sonded -c "$dir/sonded.conf" || exit 1
json=$dir/sonded.out
changes() { [ "$(grep -c '"kind":"change"' "$json")" -ge "$1" ]; }
check "the first change" wait_for 5 changes 1
kill "$target_pid"
check "the change to DOWN" wait_for 5 changes 2
start_target shop "$target_port" || exit 1
check "the change to UP" wait_for 5 changes 3
ends_clean sonded
check "each line is valid JSON" jq -e . "$json"

pick() { jq -c "select($1)" "$json"; } # FILTER
first=$(pick '.kind == "change"' | sed -n 1p)
down=$(pick '.kind == "change"' | sed -n 2p)
back=$(pick '.kind == "change"' | sed -n 3p)
soft=$(pick '.kind == "result" and .hard == false' | sed -n 1p)
firm=$(pick '.kind == "result" and .hard and .state == "DOWN"' | sed -n 1p)
keys() { jq -r 'keys_unsorted | join(" ")' <<<"$1"; }
get() { jq -r "$2" <<<"$1"; }
holds() { # WHAT JSON FILTER
	if jq -e "$3" <<<"$2" >/dev/null; then ok "$1"; else not_ok "$1" "$3" "$2"; fi
}

change="id time kind observer seq check plugin state previous since hard attempt reason message duration_us timing_us metrics labels details detection was"
is "a change: the fields and their order" "$(keys "$down")" "$change"
is "the first change has no past: no was, or an empty one" "$(keys "$first" | sed 's/ was$//')" "${change% was}"
is "a soft result: no previous, no since, no was" "$(keys "$soft")" \
	"id time kind observer seq check plugin state hard attempt reason message duration_us timing_us metrics labels details detection"
is "a hard result: a since" "$(keys "$firm")" \
	"id time kind observer seq check plugin state since hard attempt reason message duration_us timing_us metrics labels details detection"

# Whatever the event.
all() { # WHAT FILTER
	if [ "$(jq -c "select(($2) | not)" "$json" | wc -l)" = 0 ]; then ok "$1"; else
		not_ok "$1" "$2" "$(jq -c "select(($2) | not)" "$json" | head -2)"
	fi
}
time='test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$")'
all "id is a UUIDv7" '.id | test("^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")'
all "time is UTC to the microsecond" ".time | $time"
all "observer, check, plugin" '.observer == "node-1" and .check == "Server-1" and .plugin == "tcp"'
all "state is one of four" '.state | IN("UP", "DEGRADED", "DOWN", "UNKNOWN")'
all "hard is true or false" '.hard | type == "boolean"'
all "whole numbers are whole numbers" '[.seq, .attempt, .duration_us, .timing_us[]] | all(type == "number" and . == floor)'
all "seq is the wall clock in microseconds at the start" '.seq > 1500000000000000'
all "the groups are groups" '[.timing_us, .metrics, .labels, .details, .detection] | all(type == "object")'
all "labels are those of the check" '.labels == {"role": "db", "site": "icn"}'
all "a message is a text" '.message | type == "string"'
all "detection says how and when" ".detection.mode == \"poll\" and (.detection.detected | $time)"
is "no id twice" "$(jq -r .id "$json" | sort | uniq -d | wc -l)" 0
is "seq grows with each" "$(jq -r .seq "$json" | awk 'NR > 1 && $1 <= last { bad++ } { last = $1 } END { print bad + 0 }')" 0

holds "first: from UNKNOWN to UP at once" "$first" '.previous == "UNKNOWN" and .state == "UP" and .hard and .attempt == 1 and .reason == "OK"'
holds "down: after two attempts" "$down" '.previous == "UP" and .state == "DOWN" and .hard and .attempt == 2 and .reason == "L4CON"'
holds "... with the address in its message" "$down" '.message == "127.0.0.1:'"$target_port"': connection refused"'
holds "... since is its time" "$down" '.since == .time'
holds "... the onset is the first failure, before its detection" "$down" ".detection.onset < .detection.detected and (.detection.onset | $time)"
holds "... was: UP, since the first change" "$down" '.was.state == "UP" and .was.since == "'"$(get "$first" .since)"'" and (.was.duration_ms | type == "number")'
holds "up: after two attempts, was DOWN" "$back" '.previous == "DOWN" and .state == "UP" and .attempt == 2 and .was.state == "DOWN"'
holds "... for as long as it took" "$back" '.was.duration_ms >= 50 and .was.duration_ms < 20000'
holds "the soft result is the first attempt" "$soft" '.state == "DOWN" and .attempt == 1'
is "a change follows its result" "$(grep -n -m1 '"kind":"change".*"state":"DOWN"' "$json" | cut -d: -f1)" \
	"$(($(grep -n -m1 '"kind":"result".*"state":"DOWN".*"hard":true' "$json" | cut -d: -f1) + 1))"
holds "a connection has its time" "$first" '.timing_us.connect | . >= 0 and . < 1000000'

# 2026-11-20 15:04:05.123Z  DOWN      Server-1          was UP for 3s           L4CON     message
stamp() { get "$1" '.time[0:10] + " " + .time[11:23] + "Z"'; }
check "text: the change to DOWN" grep -qxE "$(stamp "$down")  DOWN +Server-1 +was UP( for [0-9]+m?s)? +L4CON +127\.0\.0\.1:$target_port: connection refused" "$dir/text"
check "text: the first" grep -qE "^$(stamp "$first")  UP +Server-1 +was UNKNOWN +OK " "$dir/text"
check "text: a soft result" grep -qE "^$(stamp "$soft")  DOWN +Server-1 +in [0-9.]+ms, soft +L4CON " "$dir/text"
is "text: a line an event" "$(wc -l <"$dir/text")" "$(wc -l <"$json")"
check "template: the change to DOWN" grep -qxF "ALERT: Server-1 is DOWN! {db} UP L4CON UP $(get "$down" .seq)" "$dir/line"
is "template: a line an event" "$(wc -l <"$dir/line")" "$(wc -l <"$json")"
done_testing
