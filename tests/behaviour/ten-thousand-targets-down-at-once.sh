#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Ten thousand targets fall silent at the same moment, and come back: each check has exactly
# one change each time, the daemon needs less than one processor, and 99 of 100 runs begin
# within 100 ms of when they are due.
if [ "${SONDE_INSIDE:-0}" != 1 ]; then
	for how in "-n" "-rn"; do
		unshare "$how" true 2>/dev/null && SONDE_INSIDE=1 exec unshare "$how" "$BASH" "$0"
	done
fi
. "$(dirname "$0")/lib.sh"
[ "${SONDE_INSIDE:-0}" = 1 ] || skip_all "unshare is not allowed here"
need ip nft python3
ip link set lo up || skip_all "no loopback in a network namespace"
nft add table inet sonde 2>/dev/null || skip_all "nft is not allowed here"
nft add chain inet sonde input '{ type filter hook input priority 0; }'
ulimit -n 12000 || skip_all "no 12000 descriptors"

checks=10000 port=7777 interval=10 timeout=3 retry=4
[ "$patience" -eq 1 ] || checks=1000

# All of 127.0.0.0/8 is here, so one listener is every target.
python3 -c '
import socket, sys
s = socket.socket()
s.bind(("0.0.0.0", int(sys.argv[1])))
s.listen(4096)
print("ready", flush=True)
while True:
    s.accept()[0].close()' $port >"$dir/listener" &
pids+=($!)
wait_for 10 grep -q ready "$dir/listener" || exit 1

seq $checks | awk 'BEGIN { print "target" }
	{ printf "127.%d.%d.%d\n", 1 + $1 % 50, 1 + int($1 / 50) % 200, 1 + int($1 / 10000) }' \
	>"$dir/fleet.csv"
mkdir "$dir/state"
cat >"$dir/sonded.conf" <<END
daemon = { observer = "test"; state_dir = "$dir/state"; };
defaults = { interval = "${interval}s"; timeout = "${timeout}s"; retry_interval = "${retry}s"; };
targets = ( { name = "fleet"; file = "$dir/fleet.csv"; } );
checks = ( { name = "{target}"; plugin = "tcp"; address = "{target}:$port"; targets = ["fleet"]; } );
sinks = ( { name = "json"; plugin = "file"; path = "$dir/json"; buffer = { memory = "64MiB"; }; } );
routes = ( { name = "all"; match = { kind = ["result", "change"]; }; to = ["json"]; } );
END

# The witness tells when the daemon was kept from running; it needs its processor.
ours=$(python3 -c 'import os; print(min(os.sched_getaffinity(0)))')
cat >"$dir/launch" <<END
#!/bin/bash
echo \$\$ >"$dir/pid"
exec taskset -c $ours "$sonded" "\$@"
END
chmod +x "$dir/launch"
judge() { python3 "$srcdir/tests/hostile_judge.py" "$@"; }
taskset -c "$ours" python3 "$srcdir/tests/hostile_judge.py" witness "$dir/stalls" "$dir/pid" \
	2>"$dir/witness.log" &
pids+=($!)
wait_for 10 test -e "$dir/stalls" || exit 1
sonded=$dir/launch start_sonded sonded -c "$dir/sonded.conf" || exit 1

changes() { # STATE: how many
	grep -c "\"kind\":\"change\".*\"plugin\":\"tcp\",\"state\":\"$1\"" "$dir/json"
}
all_are() { # STATE CHANGES
	for _ in $(seq $((30 * patience))); do
		sleep 1 # looking takes time that the daemon needs
		[ "$(changes "$1")" -ge "$2" ] && return
	done
	return 1
}
ticks() { awk '{ print $14 + $15 }' "/proc/$sonded_pid/stat"; }
# Runs the command, and waits until all are in that state.
all_at_once() { # STATE CHANGES COMMAND...
	local state=$1 count=$2 began ticks now
	shift 2
	began=$(now_ms) ticks=$(ticks)
	"$@"
	check "all $checks are $state" all_are "$state" "$count"
	now=$(now_ms)
	percent=$((($(ticks) - ticks) * 100000 / $(getconf CLK_TCK) / (now - began)))
	note "$state after $(((now - began) / 1000)) s, with $percent % of a processor"
}
all_at_once UP "$checks" true
all_at_once DOWN "$checks" nft add rule inet sonde input tcp dport $port drop
check "that takes less than a processor" [ "$percent" -lt 100 ]
all_at_once UP $((2 * checks)) nft flush chain inet sonde input
sleep 1
ends_clean sonded

is "each changed thrice: UP, DOWN, UP" "$(judge changes "$dir/json" tcp)" "$checks UP DOWN UP"
read -r p50 p99 worst runs < <(judge lag "$dir/json" "$dir/stalls" $interval $retry)
note "lag of $runs runs: p50 $p50 ms, p99 $p99 ms, at worst $worst ms"
check "99 of 100 runs begin within $((100 * patience)) ms" [ "${p99%.*}" -lt $((100 * patience)) ]
check "... and there were as many as must be" [ "$runs" -gt $((3 * checks)) ]
done_testing
