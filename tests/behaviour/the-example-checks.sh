#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What is shipped to be copied is right: --check takes docs/examples/health-alerts and
# conf.d, prints where each check leads, and warns of what has no effect yet.
. "$(dirname "$0")/lib.sh"

# A check's plugin and what it reaches, or "no line".
line_of() { # NAME
	awk -v name="$1" '$1 == name { print $2, $5, $6, $7, $8, $9, $10, $11, $12; found = 1 }
		END { if (!found) print "no line" }' "$dir/out" | sed 's/ *$//'
}

has() { # DESCRIPTION PATTERN FILE
	if grep -qE -e "$2" "$3"; then ok "$1"; else not_ok "$1" "wanted $2" "$(cat "$3")"; fi
}

# ---- docs/examples/health-alerts: Kafka, Redis and files, none of them running ----

for plugin in probe_http sink_kafka sink_redis_store sink_redis_notify; do
	[ -f "$plugins/$plugin.so" ] || skip_all "$plugin was not built"
done
run_sonded -c "$srcdir/docs/examples/health-alerts" --check >"$dir/out" 2>"$dir/err"
is "the example passes" "$? $(grep -c -v 'warning: ' "$dir/err")" "0 0"
is "the inventory gives one check for each database, and none for the web server" \
	"$(grep -o '^ssh:[0-9.]*' "$dir/out" | tr '\n' ' ')" "ssh:192.0.2.10 ssh:192.0.2.11 "
all="alerts (alerts), lines (alerts), current (status), live (status)"
is "a database reaches Kafka and Redis" "$(line_of ssh:192.0.2.10)" "tcp $all"
is "so does one that is written down" "$(line_of Server-1)" "tcp $all"
is "the shop reaches Redis" "$(line_of shop)" "http current (status), live (status)"
is "a target of an inline list, too" "$(line_of http:web2)" "http current (status), live (status)"
is "and a process" "$(line_of nginx)" "process current (status), live (status)"
is "and the daemon itself" "$(line_of observer:node-1)" "observer current (status), live (status)"
# interval 10s + timeout 5s + (fall - 1) x max(retry_interval 5s, timeout 5s)
is "the longest time from a failure to its event is told" \
	"$(awk '$1 == "Server-1" { print $3, $4 }' "$dir/out")" "10s 20s"
is "and a default of one plugin counts" "$(awk '$1 == "shop" { print $3, $4 }' "$dir/out")" "30s 38s"
has "the load is told" '^load: [0-9.]+ runs per second on 1 loop$' "$dir/out"
has "and what a crash would lose" \
	'of sink "alerts": what was accepted in the last 50ms \(a crash of the machine only\)' "$dir/out"
is "it warns of nothing" "$(sed 's,.*/,,' "$dir/err")" ""

# ---- what a crash loses, by sink ----

losses() { # STATE_DIR SYNC...: what is said of a sink without a disk, then of one for each
	local sync
	{
		echo "daemon = { state_dir = \"$1\"; };"
		echo 'sinks = ( { name = "m"; plugin = "stdout"; buffer = { disk = "0"; }; }'
		shift
		for sync; do
			echo ", { name = \"$sync\"; plugin = \"stdout\"; buffer = { disk = \"1MiB\"; sync = \"$sync\"; }; }"
		done
		echo ");"
	} >"$dir/losses.conf"
	run_sonded -c "$dir/losses.conf" --check 2>"$dir/err" | sed -n 's/^  of sink "[^"]*": //p' |
		cut -d, -f1 | sort -u
}
memory="everything that waits: in memory only"
only="(a crash of the machine only)"
is "synced each time: nothing" "$(losses "$dir/state" each)" "$memory"$'\n'"nothing"
is "the strictest counts for all" "$(losses "$dir/state" never 2s each)" "$memory"$'\n'"nothing"
is "the shortest interval" "$(losses "$dir/state" 2s 70ms never)" \
	"$memory"$'\n'"what was accepted in the last 70ms $only"
is "never" "$(losses "$dir/state" never)" "$memory"$'\n'"what the kernel had not written $only"
losses "" each >"$dir/out"
check "an explicit disk without a state_dir is an error that says what to do" grep -q \
	'losses.conf:3: sink "each": disk needs a directory that survives: set daemon.state_dir' "$dir/err"
check "... and nothing was made of the state_dir" test ! -e "$dir/state"

# ---- conf.d: works without any server ----

run_sonded -c "$srcdir/conf.d" --check >"$dir/out" 2>"$dir/err"
is "conf.d passes without a word" "$? $(cat "$dir/err")" "0 "
has "it prints changes of the daemon itself" '^observer:.* terminal \(changes\)$' "$dir/out"
start_sonded shipped -c "$srcdir/conf.d" || exit 1
check "its first change is printed" wait_for 5 grep 'UP .*observer:' "$dir/shipped.out"
stop_sonded "$sonded_pid"
is "and it ends as it should" "$?" 0

# What is commented out there is meant to be taken: it must be right, too.
sed -E 's/^( *)# (\{ name = )/\1\2/' "$srcdir/conf.d/10-sonde.conf" >"$dir/taken.conf"
run_sonded -c "$dir/taken.conf" --check >"$dir/out" 2>"$dir/err"
is "the checks that are commented out in it pass" "$? $(cat "$dir/err")" "0 "
is "all of them" "$(awk '$2 ~ /^(tcp|http|process)$/' "$dir/out" | wc -l)" 3
done_testing
