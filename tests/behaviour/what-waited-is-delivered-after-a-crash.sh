#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A Redis and a directory are absent; results and changes wait for them; kill -9; a start with both there:
# nothing is missing, everything of a check comes in its order, and the ledger says how much
# was restored.  A sink that is configured no more keeps what waits, which is told, and gets
# it when it is back.
. "$(dirname "$0")/lib.sh"
need jq redis-server redis-cli

start_target shop || exit 1
absent=$(free_port)
conf() { # SINKS
	cat >"$dir/it.conf" <<-END
		daemon = { observer = "node-1"; state_dir = "$dir/state"; };
		defaults = { retry_interval = "20ms"; interval = "20ms"; timeout = "20ms"; };
		checks = (
		  { name = "one"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
		  { name = "two"; plugin = "tcp"; address = "127.0.0.1:$target_port"; }
		);
		sinks = (
		  { name = "witness"; plugin = "file"; path = "$dir/witness"; buffer = { sync = "each"; }; },
		  { name = "memory"; plugin = "file"; path = "$dir/away/memory"; buffer = { disk = "0"; }; }
		  $1
		);
		routes = (
		  { name = "results"; match = { kind = ["result", "change"]; check = ["one", "two"]; }; to = [$2]; }
		);
	END
}
redis_sink=', { name = "live"; plugin = "redis-notify"; server = "127.0.0.1:'$absent'"; channel = "live"; format = "{check} {seq}"; }'
file_sink=", { name = \"late\"; plugin = \"file\"; path = \"$dir/away/late\"; buffer = { sync = \"1s\"; }; }"
crash() {
	kill -9 "$sonded_pid"
	wait "$sonded_pid" 2>/dev/null
}
seqs() { # FILE CHECK
	jq -r "select(.check == \"$2\") | .seq" "$1"
}
in_order() { # FILE CHECK
	seqs "$1" "$2" | sort -nc
}
waiting() { # SINK: how many
	local figures
	read -ra figures < <(ledger "$run" "$1")
	[ "${figures[4]:-0}" -ge 300 ]
}

conf "$redis_sink$file_sink" '"witness", "memory", "live", "late"'
run_sonded -c "$dir/it.conf" --check >"$dir/out" 2>"$dir/err"
is "--check passes without a word" "$? $(cat "$dir/err")" "0 "
check "it says what a crash loses without a disk" \
	grep -q 'of sink "memory": everything that waits: in memory only' "$dir/out"
check "... and with one, where the strictest sink has each write synced" \
	grep -q 'of sink "late": nothing' "$dir/out"
run=one
start_sonded one -c "$dir/it.conf" || exit 1
check "events wait for the absent Redis" wait_for 30 waiting live
check "... and for the absent directory" waiting late
crash
cp "$dir/witness" "$dir/before"
note "$(wc -l <"$dir/before") results had been told to somebody else by then"

# A start without the Redis sink: what waits for it is told, and stays.
mkdir "$dir/away"
conf "$file_sink" '"witness", "memory", "late"'
run=two
start_sonded two -c "$dir/it.conf" || exit 1
check "what was restored is logged" grep -qE 'journal: [0-9]+ events restored for sink "late"' "$dir/two.log"
check "what waits for a sink that is configured no more is told" wait_for 10 grep -qE \
	'sink "live" is configured no more; [0-9]+ events wait for it on the disk, and go to it when it is back' "$dir/two.log"
got_all() { # FILE: everything that the witness had before the crash
	for check in one two; do
		comm -23 <(seqs "$dir/before" $check | sort) <(seqs "$1" $check | sort) | grep -q . && return 1
	done
	return 0
}
check "the file gets everything" wait_for 30 got_all "$dir/away/late"
for check in one two; do
	check "... of check $check in its order" in_order "$dir/away/late" $check
done
is "... and nothing twice that nobody had" "$(jq -r .id "$dir/away/late" | sort | uniq -d | wc -l)" 0
missing() { comm -23 <(jq -r .seq "$dir/before" | sort) <(jq -r .seq "$dir/away/memory" | sort) | wc -l; }
check "a sink without a disk has lost what waited" test "$(missing)" -ge 300
read -ra figures < <(ledger two late)
check "the ledger closes" closes "${figures[@]}"
check "... and says what was restored" test "${figures[6]:-0}" -ge 300
stop_sonded "$sonded_pid"
is "it ends well" $? 0

start_redis "$absent" || exit 1
redis SUBSCRIBE live >"$dir/heard" 2>&1 &
pids+=($!)
wait_subscribed live || exit 1
conf "$redis_sink$file_sink" '"witness", "memory", "live", "late"'
run=three
start_sonded three -c "$dir/it.conf" || exit 1
heard() { # as JSON lines
	awk '/^live$/ && (getline) > 0 && NF == 2 { print "{\"check\":\"" $1 "\",\"seq\":" $2 "}" }' "$dir/heard" >"$dir/heard.json"
	got_all "$dir/heard.json"
}
check "the sink that is back gets what waited for it" wait_for 30 heard
for check in one two; do
	check "... of check $check in its order" in_order "$dir/heard.json" $check
done
read -ra figures < <(ledger three live)
check "its ledger closes" closes "${figures[@]}"
check "... and says what was restored" test "${figures[6]:-0}" -ge 300
is "what was settled before an end in order is not delivered again" \
	"$(jq -r .id "$dir/away/late" | sort | uniq -d | wc -l)" 0
ends_clean three
lost=$(find "$dir/state/journal" -name '*.bad' | wc -l)
is "nothing in the journal was damaged" "$lost" 0
done_testing
