# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# lib.sh - what the tests of reliability share, beside ../behaviour/lib.sh: daemons that are
# killed and started again, numbered events, the checker of far sides, and the faults.
#
# SONDE_SOAK=1 asks for the long forms (make soak).

. "$(dirname "${BASH_SOURCE[0]}")/../behaviour/lib.sh"
chaos=$srcdir/tests/chaos
soak=${SONDE_SOAK:-0}

form() { # SHORT LONG
	if [ "$soak" = 1 ]; then echo "$2"; else echo "$1"; fi
}

# The line that docs/reliability.md is made of.
figures() { # WORDS
	note "figures: $*"
}

# ---- numbered events ----

# Checks key-1 to key-K whose changes are numbered 1..EACH in their messages, one each 20 ms
# (or PAUSE), and so fifty of each key a second, from one second (or AFTER) on.  They live in the
# daemon: another daemon begins at 1 again.
flips() { # KEYS EACH [PAUSE [AFTER]]
	cat <<-END
		targets = ( { name = "keys"; hosts = [$(seq -s, -f '"key-%g"' "$1")]; } );
		checks = ( { name = "{target}"; plugin = "flip"; targets = ["keys"]; flips = $2;
		             interval = "${3:-20ms}"; after = "${4:-1s}"; } );
	END
}

# A source whose events are numbered 1..COUNT over all its keys, key-1 to key-K; the next daemon
# goes on behind what this one was told to be settled, which is in $dir/numbers.
numbers() { # KEYS COUNT RATE
	cat <<-END
		sources = ( { name = "numbers"; plugin = "numbers"; rate = $3; count = $2; keys = $1;
		              file = "$dir/numbers"; } );
	END
}
numbers_settled() { # COUNT: all of them are
	[ "$(settled_number)" = "$1" ]
}
settled_number() { # the file holds the source's one lane and the last number of it
	awk '{ last = $NF } END { print last + 0 }' "$dir/numbers" 2>/dev/null
}

number_field=details.n # where an event of that source has its number

# What of them matches a route.  A check is UNKNOWN before it is numbered.
flips_match='match = { kind = "change"; plugin = "flip"; check = "key-*"; state = ["UP", "DOWN"]; }'
numbers_match='match = { from = "numbers"; kind = ["result", "change"]; }'

# ---- what became of them ----

# Runs the checker; its line goes to `seen`, and the pieces of it to events, missing,
# duplicates and disordered.  True: nothing is missing, and what else was asked for holds.
count_seen() { # CHECKER ARGUMENTS...
	seen=$(python3 "$chaos/checker.py" "$@" 2>"$dir/checker")
	local status=$?
	read -r events missing duplicates disordered < <(tr -dc '0-9 \n' <<<"$seen") || true
	return $status
}

# The same as a test of its own.
nothing_missing() { # DESCRIPTION CHECKER ARGUMENTS...
	local what=$1
	shift
	if count_seen "$@"; then
		ok "$what: $seen"
	else
		not_ok "$what" "$seen" "$(cat "$dir/checker")"
	fi
}

# What SIGUSR1 logs of a sink now, as `accepted 5 = delivered 3 + ... + queued 2`.
ledger_now() { # NAME SINK
	local lines
	lines=$(grep -c "sink \"$2\": accepted" "$dir/$1.log")
	kill -USR1 "$sonded_pid"
	wait_for 5 eval "[ \$(grep -c 'sink \"$2\": accepted' '$dir/$1.log') -gt $lines ]" || return 1
	ledger_last "$1" "$2"
}
# ... and what it logged last, which is at its end.
ledger_last() { # NAME SINK
	sed -n "s/.*sink \"$2\": \(accepted .*\) *;.*/\1/p" "$dir/$1.log" | tail -1
}
# A figure of such a line.
figure() { # WORD LEDGER
	awk -v word="$1" '{ for (i = 1; i < NF; i++) if ($i == word) print $(i + 1) }' <<<"$2"
}
# Whether both of its sides are the same.
adds_up() { # LEDGER
	awk '{ side = 1; for (i = 1; i <= NF; i++) if ($i == "=") side = 2; else if ($i ~ /^[0-9]+$/) sum[side] += $i }
		END { exit !(side == 2 && sum[1] == sum[2]) }' <<<"$1"
}
ledger_closes() { # NAME SINK
	adds_up "$(ledger_now "$1" "$2")"
}

# Until nothing waits for any of the sinks.
nothing_waits() { # NAME SINK...
	local sink
	sleep 0.1
	for sink in "${@:2}"; do
		[ "$(figure queued "$(ledger_now "$1" "$sink")")" = 0 ] || return 1
	done
}
# Until a sink has delivered so many.
delivered() { # NAME SINK COUNT
	sleep 0.1
	[ "$(figure delivered "$(ledger_now "$1" "$2")")" -ge "$3" ]
}
waits() { # NAME SINK: something
	[ "$(figure queued "$(ledger_now "$1" "$2")")" -gt 0 ]
}

# ---- daemons ----

# As kill -9 does; quietly.
kill_hard() { # PID
	kill -9 "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# Whether the journal in a state_dir is whole.
journal_whole() { # STATE-DIR
	"$builddir/sondectl" journal verify "$1"
}

# KiB resident, and how many descriptors are open.
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
descriptors() { find "/proc/$1/fd" -mindepth 1 | wc -l; }

# A moment of so many milliseconds, at random.
random_pause() { # LEAST MOST
	sleep "$(awk -v a="$1" -v b="$2" -v r="$RANDOM" 'BEGIN { printf "%.3f", (a + (b - a) * r / 32767) / 1000 }')"
}

# ---- servers that die ----

# A broker that was killed is asked back at once, not when its session has timed out.
export BROKER_SETTINGS="broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
initial.broker.registration.timeout.ms=30000"

# A broker as it was when it was killed, with what it held.
resume_kafka() {
	"$srcdir/tests/kafka/broker.sh" resume "$dir/kafka" >>"$dir/kafka.log" 2>&1 || return 1
	kafka_pid=$(cat "$dir/kafka/pid")
	pids+=("$kafka_pid")
}
kill_kafka() {
	kill -9 "$kafka_pid" 2>/dev/null
	while grep -qs '^State:.[^Z]' "/proc/$kafka_pid/status"; do sleep 0.02; done
}

# A Redis that keeps all that it ever answered for, on the disk, and its port.
keeping=(--appendonly yes --appendfsync always)

# ---- bad networks ----

# A proxy on a free port before the given one; sets proxy_port.
start_proxy() { # NAME PORT
	proxy_port=$(free_port)
	python3 "$chaos/proxy.py" "$proxy_port" "$2" "$dir/$1.proxy" 2>"$dir/$1.log" &
	pids+=($!)
	wait_for 10 proxy "$1" pass
}
proxy() { # NAME COMMAND...
	python3 "$chaos/proxy.py" --tell "$dir/$1.proxy" "${@:2}"
}

# Runs the whole test again in a namespace of its own: net, or mount.  Where that is not
# allowed, it is skipped.
inside() { # net | mount
	local how=n
	[ "$1" = mount ] && how=m
	if [ "${SONDE_INSIDE:-0}" != 1 ]; then
		for how in "-$how" "-r$how"; do
			unshare "$how" true 2>/dev/null || continue
			rm -rf "$dir"
			SONDE_INSIDE=1 exec unshare "$how" "$BASH" "$0"
		done
		skip_all "unshare is not allowed here"
	fi
	unset SONDE_INSIDE
	[ "$1" = mount ] || ip link set lo up || skip_all "no loopback in a network namespace"
}

# Nothing comes to these ports any more, nor from them: a partition, silent for both sides.
partition() { # PORT...
	local port
	nft add table inet sonde && nft add chain inet sonde input \
		'{ type filter hook input priority 0; }' || return 1
	for port; do
		nft add rule inet sonde input tcp dport "$port" drop
		nft add rule inet sonde input tcp sport "$port" drop
	done
}
heal() {
	nft delete table inet sonde
}

# ---- a disk of its own ----

# Mounts one of that size on $dir/state, inside a namespace of mounts; it goes with the test.
own_disk() { # SIZE
	mkdir -p "$dir/state"
	mount -t tmpfs -o "size=$1" none "$dir/state" || skip_all "a tmpfs cannot be mounted here"
	trap 'own_disk_status=$?; umount -l "$dir/state"; (exit $own_disk_status); cleanup' EXIT
}
