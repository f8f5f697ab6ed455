# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
#
# lib.sh - what the behaviour tests share: TAP, temporary files, real servers on free
# ports of 127.0.0.1, ended by pid when the test ends.  Sourced by bash scripts.
#
# From the environment: builddir and srcdir (of the whole tree; automake's test driver sets
# them), SONDE_REQUIRE_ALL=1 (what is missing fails instead of being skipped).

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
srcdir=$(cd "${top_srcdir:-$here/../..}" && pwd)
builddir=$(cd "${top_builddir:-$srcdir/build}" && pwd)
sonded=$builddir/sonded
plugins=$builddir/.libs
target=$builddir/tests/target
misbehaving=$builddir/tests/plugins/.libs # plugins of the tests: --plugin-dir "$misbehaving"

# Bounds in milliseconds hold for a plain build; one with a sanitizer gets this many times as
# long.  run-all.sh runs the tests that have such bounds with a plain build as well.
patience=1
grep -q -- '-fsanitize=' "$builddir/config.log" 2>/dev/null && patience=5

tap_count=0
tap_failed=0
pids=()
dir=$(mktemp -d "${TMPDIR:-/tmp}/sonde-test.XXXXXX")

# ---- TAP ----

ok() { # DESCRIPTION
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

not_ok() { # DESCRIPTION [EXPLANATION...]
	tap_count=$((tap_count + 1))
	tap_failed=1
	echo "not ok $tap_count - $1"
	shift
	for line in "$@"; do note "$line"; done
}

note() { # TEXT of any number of lines
	printf '%s\n' "$*" | sed 's/^/# /'
}

# Runs the command; true = ok.
check() { # DESCRIPTION COMMAND...
	local what=$1
	shift
	if "$@" >"$dir/check.out" 2>&1; then
		ok "$what"
	else
		not_ok "$what" "$*" "$(tail -5 "$dir/check.out")"
	fi
}

is() { # DESCRIPTION GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got    '$2'" "wanted '$3'"; fi
}

skip_all() { # WHY
	if [ "${SONDE_REQUIRE_ALL:-0}" = 1 ]; then
		echo "1..1"
		echo "not ok 1 - cannot run here: $1"
		exit 1
	fi
	echo "1..0 # SKIP $1"
	exit 0
}

need() { # PROGRAM...
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip_all "$program is not installed"
	done
}

# The plan, from what ran; the last line of every test.
done_testing() {
	echo "1..$tap_count"
	exit "$tap_failed"
}

# ---- the end ----

cleanup() {
	local status=$? pid
	trap - EXIT
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
	for pid in "${pids[@]}"; do
		for _ in $(seq 100); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.05
		done
		kill -9 "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	if [ "$status" -ne 0 ] && ls "$dir"/*.log >/dev/null 2>&1; then
		note "the logs end so:"
		tail -n 25 "$dir"/*.log | sed 's/^/# /'
	fi
	rm -rf "$dir"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# ---- waiting, ports ----

# Until the command succeeds.
wait_for() { # SECONDS COMMAND...
	local end=$(($(date +%s%N) + ${1%.*} * 1000000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# Prints one of those that the kernel gives to nobody for an outgoing connection: it is still
# free when a server is to have it again, and nobody answers there until then.
free_port() {
	python3 -c 'import random, socket
with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
    given = int(file.read().split()[0])
while True:
    try:
        s = socket.socket()
        s.bind(("127.0.0.1", random.randrange(10000, given if given > 11000 else 32768)))
        print(s.getsockname()[1])
        break
    except OSError:
        pass'
}

now_ms() { date +%s%3N; }

# ---- the daemon ----


run_sonded() { # ARGUMENTS...
	if [ "${SONDE_TSAN:-0}" = 1 ]; then
		LD_PRELOAD="$builddir/tests/.libs/c11shim.so" "$sonded" --plugin-dir "$plugins" "$@"
	else
		"$sonded" --plugin-dir "$plugins" "$@"
	fi
}

run_sondectl() { # ARGUMENTS...
	if [ "${SONDE_TSAN:-0}" = 1 ]; then
		LD_PRELOAD="$builddir/tests/.libs/c11shim.so" "$builddir/sondectl" --plugin-dir "$plugins" "$@"
	else
		"$builddir/sondectl" --plugin-dir "$plugins" "$@"
	fi
}

# Starts the daemon in the background: stdout to $dir/NAME.out, stderr to $dir/NAME.log, its
# pid in sonded_pid.  Waits until it says that it runs.
start_sonded() { # NAME ARGUMENTS...
	local name=$1
	shift
	if [ "${SONDE_TSAN:-0}" = 1 ]; then
		LD_PRELOAD="$builddir/tests/.libs/c11shim.so" "$sonded" --plugin-dir "$plugins" "$@" \
			>"$dir/$name.out" 2>"$dir/$name.log" &
	else
		"$sonded" --plugin-dir "$plugins" "$@" >"$dir/$name.out" 2>"$dir/$name.log" &
	fi
	sonded_pid=$!
	pids+=("$sonded_pid")
	wait_for 20 grep -q 'sonded .*: [0-9]* check' "$dir/$name.log" || {
		note "sonded did not start"
		return 1
	}
}

# Ends it as systemd would; its exit status.
stop_sonded() { # PID
	kill "$1" 2>/dev/null
	wait "$1"
}

# Ends it, and it must end well: with status 0, and no sanitizer said a word.
ends_clean() { # NAME
	local status
	stop_sonded "$sonded_pid"
	status=$?
	is "$1 ends with status 0" "$status" 0
	no_sanitizer "$1"
}

no_sanitizer() { # NAME
	if grep -qE 'Sanitizer|runtime error' "$dir/$1.log"; then
		not_ok "$1 is clean" "$(grep -E -A 12 'Sanitizer|runtime error' "$dir/$1.log" | head -40)"
	else
		ok "$1 is clean"
	fi
}

# Whether the file holds the words, as they stand.
says() { # FILE WORDS
	grep -qF -- "$2" "$1"
}

# Lines of ledgers as `accepted delivered rejected dropped queued moved restored retries`.
ledger_figures() {
	awk '{ for (i = 1; i < NF; i++) v[$i] = $(i + 1) + 0
		print v["accepted"], v["delivered"], v["rejected"], v["dropped"], v["queued"], v["moved"], v["restored"], v["retries"] }'
}

# The ledger that SIGUSR1 logs of a sink, as ledger_figures says it;
# the first line with which the command is content.
ledger() { # NAME SINK
	local lines
	lines=$(grep -c "sink \"$2\": accepted" "$dir/$1.log")
	kill -USR1 "$sonded_pid"
	wait_for 5 eval "[ \$(grep -c 'sink \"$2\": accepted' '$dir/$1.log') -gt $lines ]" || return 1
	grep "sink \"$2\": accepted" "$dir/$1.log" | tail -1 |
		ledger_figures
}

# Whether a ledger closes.
closes() { # ACCEPTED DELIVERED REJECTED DROPPED QUEUED [MOVED RESTORED RETRIES]
	[ "$(($1 + ${7:-0}))" -eq "$(($2 + $3 + $4 + $5 + ${6:-0}))" ]
}

# ---- targets ----

# A small TCP and HTTP server; sets target_pid and target_port.
start_target() { # NAME [PORT]
	rm -f "$dir/$1.port" "$dir/$1.pid"
	"$target" -n "$1" -p "${2:-0}" -f "$dir/$1.pid" -P "$dir/$1.port" 2>"$dir/$1.log" &
	target_pid=$!
	pids+=("$target_pid")
	wait_for 10 test -s "$dir/$1.pid" || return 1
	target_port=$(cat "$dir/$1.port")
}

# ---- Redis ----

# An empty server on a free port; sets redis_pid and redis_port.
start_redis() { # [PORT [ARGUMENTS...]]
	redis_port=${1:-$(free_port)}
	[ $# -gt 0 ] && shift
	redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no \
		--dir "$dir" "$@" >"$dir/redis.log" 2>&1 &
	redis_pid=$!
	pids+=("$redis_pid")
	wait_for 10 redis ping
}

redis() { # COMMAND...
	redis-cli -p "$redis_port" "$@"
}

# Until somebody listens on the channel.
wait_subscribed() { # CHANNEL
	wait_for 20 eval "redis pubsub numsub '$1' | grep -qx 1"
}

# ---- Kafka ----

# A real broker; sets kafka_port.  Its jars come from the cache that tests/kafka/broker.sh
# fills by Maven.
start_kafka() {
	"$srcdir/tests/kafka/broker.sh" start "$dir/kafka" >"$dir/kafka.log" 2>&1 || {
		tail -20 "$dir/kafka.log" | sed 's/^/# /'
		return 1
	}
	kafka_pid=$(cat "$dir/kafka/pid")
	pids+=("$kafka_pid")
	kafka_port=$(cat "$dir/kafka/port")
}

# All records of a topic from the beginning, one a line.
kafka_read() { # TOPIC [KCAT ARGUMENTS...]
	local topic=$1
	shift
	kcat -b "127.0.0.1:$kafka_port" -C -t "$topic" -o beginning -e -q "$@"
}
