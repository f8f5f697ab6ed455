#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# kill -9, and a start: who was DOWN is DOWN without a word, since when is known, and a sink
# with `present` is told the last change with its id; unconfirmed failures count on; runs
# keep their phase; a check that is configured no more ends as REMOVED, once.
. "$(dirname "$0")/lib.sh"
need jq

start_target shop || exit 1
closed=$(free_port)
late=$(free_port)
tcp() { # NAME PORT OPTIONS
	echo "{ name = \"$1\"; plugin = \"tcp\"; address = \"127.0.0.1:$2\"; $3 }"
}
conf() { # MORE CHECKS
	cat >"$dir/it.conf" <<-END
		daemon = { observer = "node-1"; state_dir = "$dir/state"; };
		defaults = { retry_interval = "100ms"; interval = "200ms"; timeout = "100ms"; };
		checks = (
		  $(tcp refused "$closed" 'fall = 2;'),
		  $(tcp steady "$target_port" 'interval = "3s"; retry_interval = "3s";')$1
		);
		sinks = (
		  { name = "changes"; plugin = "file"; path = "$dir/changes"; },
		  { name = "results"; plugin = "file"; path = "$dir/results"; },
		  { name = "told"; plugin = "file"; path = "$dir/told"; present = true; }
		);
		routes = (
		  { name = "changes"; match = { kind = "change"; not = { check = "observer:*"; }; }; to = ["changes", "told"]; },
		  { name = "results"; match = { kind = "result"; not = { check = "observer:*"; }; }; to = ["results"]; }
		);
	END
}
changes() { # CHECK
	jq -r "select(.check == \"$1\") | .previous + \">\" + .state" "$dir/changes" | tr '\n' ' '
}
changed() { [ "$(changes "$1")" = "$2" ]; }
last() { # FILE CHECK FIELD
	jq -r "select(.check == \"$2\") | .$3" "$dir/$1" | tail -1
}
attempts() { # how many results of `late`
	jq -r 'select(.check == "late") | .attempt' "$dir/results" 2>/dev/null | wc -l
}
crash() {
	kill -9 "$sonded_pid"
	wait "$sonded_pid" 2>/dev/null
}

soft=", $(tcp late "$late" 'fall = 5; retry_interval = "2s"; interval = "2s";')"
conf "$soft, $(tcp goes "$target_port" '')"
start_sonded one -c "$dir/it.conf" || exit 1
check "one is DOWN" wait_for 10 changed refused "UNKNOWN>DOWN "
check "one is UP" wait_for 10 changed goes "UNKNOWN>UP "
check "one with a long interval, too" wait_for 10 changed steady "UNKNOWN>UP "
three() { [ "$(attempts)" -ge 3 ]; }
check "one has failed three times of five" wait_for 20 three
before=$(attempts)
since=$(last changes refused since)
id=$(last changes refused id)
crash

conf "$soft"
# Out of phase with the check that has a long interval: its next run is not due now.
steady=$(date -d "$(last results steady time)" +%s%3N)
while due=$((($(now_ms) - steady) % 3000)); [ $due -lt 500 ] || [ $due -gt 2000 ]; do sleep 0.1; done
runs=$(jq -r 'select(.check == "steady") | .id' "$dir/results" | wc -l)
lines=$(wc -l <"$dir/results")
told=$(wc -l <"$dir/told")
start_sonded two -c "$dir/it.conf" || exit 1
check "it says what it knows" says "$dir/two.log" "journal: 5 checks known"
ran() { tail -n +$((lines + 1)) "$dir/results" | jq -e "select(.check == \"$1\")" | grep -q .; }
check "after a restart the one that is DOWN is asked again" wait_for 10 ran refused
check "its last change is presented with the same id" \
	wait_for 10 eval "tail -n +$((told + 1)) '$dir/told' | jq -r .id | grep -qx '$id'"
check "the failures count on, to the fifth" wait_for 20 changed late "UNKNOWN>DOWN "
is "... which were no more than five" \
	"$(jq -r 'select(.check == "late" and .hard == false or .check == "late" and .attempt == 5) | .attempt' \
		"$dir/results" | tr '\n' ' ')" "1 2 3 4 5 "
note "$before of them before the crash"
check "the check with a long interval has run" \
	wait_for 10 eval "[ \$(jq -r 'select(.check == \"steady\") | .id' '$dir/results' | wc -l) -gt $runs ]"
next=$(date -d "$(jq -r 'select(.check == "steady") | .time' "$dir/results" | tail -n +$((runs + 1)) | head -1)" +%s%3N)
off=$(((next - steady) % 3000))
[ $off -gt 1500 ] && off=$((3000 - off))
note "$off ms off its phase"
check "... in its phase" test $off -lt $((300 * patience))
is "nobody was told that it is DOWN a second time" "$(changes refused)" "UNKNOWN>DOWN "
is "... nor that the other is UP" "$(changes steady)" "UNKNOWN>UP "
is "since when is known" "$(jq -r 'select(.check == "refused" and .hard) | .since' "$dir/results" | sort -u)" "$since"
is "the one that is configured no more ends" "$(changes goes)" "UNKNOWN>UP UP>UNKNOWN "
is "... as removed" "$(last changes goes reason)" REMOVED
crash

start_sonded three -c "$dir/it.conf" || exit 1
check "it is forgotten" says "$dir/three.log" "journal: 4 checks known"
lines=$(wc -l <"$dir/results")
check "a third start runs" wait_for 10 ran refused
is "it says REMOVED once" "$(changes goes)" "UNKNOWN>UP UP>UNKNOWN "
kill "$target_pid"
check "what changes is told as ever" wait_for 20 changed steady "UNKNOWN>UP UP>DOWN "
is "... with the state before" "$(jq -r 'select(.check == "steady" and .state == "DOWN") | .was.since' "$dir/changes")" \
	"$(jq -r 'select(.check == "steady" and .state == "UP") | .since' "$dir/changes")"
seqs=$(jq .seq "$dir/results" | sort -n | uniq -d | wc -l)
is "no seq was used twice" "$seqs" 0
ends_clean three
done_testing
