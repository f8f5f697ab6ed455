#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The wall clock is set back an hour, forward a year, and right again, while checks run:
# they run as often as before, what does not change stays UP, no event has a duration that
# never was, seq rises, and Redis takes what comes after, though its time is an earlier one.
# A daemon that is started again while the clock is set back is believed as well.
. "$(dirname "$0")/../behaviour/lib.sh"
chaos=$srcdir/tests/chaos
need redis-server redis-cli python3
[ -e "$builddir/tests/.libs/shift.so" ] || skip_all "a sanitizer has to come first"
flips=10 pace=3 # seconds with each clock
[ "${SONDE_SOAK:-0}" = 1 ] && pace=30

start_redis || exit 1
start_target shop || exit 1
mkdir "$dir/conf.d" "$dir/state"
cat >"$dir/conf.d/test.conf" <<END
daemon = { observer = "node-1"; state_dir = "$dir/state"; };
defaults = { interval = "100ms"; timeout = "90ms"; };
targets = ( { name = "keys"; hosts = [$(seq -s, -f '"key-%g"' $flips)]; } );
checks = (
  { name = "{target}"; plugin = "flip"; targets = ["keys"]; },
  { name = "tcp"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
  { name = "http"; plugin = "http"; url = "http://127.0.0.1:$target_port/"; },
  { name = "process"; plugin = "process"; pidfile = "$dir/shop.pid"; }
);
sinks = (
  { name = "current"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; type = "hash";
    fields = ["state={state}", "seq={seq}"]; },
  { name = "log"; plugin = "file"; path = "$dir/events"; }
);
routes = (
  { name = "status"; match = { kind = "change"; }; to = ["current"]; },
  { name = "all"; match = { kind = ["result", "change"]; }; to = ["log"]; }
);
END

set_clock() { # SECONDS from the right time
	python3 -c 'import struct, sys
with open(sys.argv[1], "r+b" if len(sys.argv) > 3 else "wb") as file:
    file.write(struct.pack("q", int(sys.argv[2])))' "$dir/shift" "$1" ${2:+"$2"}
}
start() { # NAME
	SHIFT=$dir/shift LD_PRELOAD=$builddir/tests/.libs/shift.so \
		"$sonded" --plugin-dir "$misbehaving" --plugin-dir "$plugins" -c "$dir/conf.d" \
		>"$dir/$1.out" 2>"$dir/$1.log" &
	sonded_pid=$!
	pids+=("$sonded_pid")
	wait_for 20 grep -q 'sonded .*: [0-9]* check' "$dir/$1.log"
}
stored_seq() { redis HGET server-health:key-1 seq; }
lines() { wc -l <"$dir/events"; }
results() { grep -c '"kind":"result".*"check":"key-' "$dir/events"; }

# How many runs of the ten there are within the pace, from now on; into `runs`.
count_runs() {
	local before
	before=$(results)
	sleep "$pace"
	runs=$(($(results) - before))
}

# As many as with the right clock, give or take: neither a storm nor a pause.
as_before() {
	[ "$runs" -gt $((usual * 7 / 10)) ] && [ "$runs" -lt $((usual * 13 / 10)) ]
}

set_clock 0
start sonded || exit 1
check "the checks are UP" wait_for 10 eval '[ "$(redis HGET server-health:process state)" = UP ]'
count_runs
usual=$runs
check "with the right clock ten checks run ten times a second ($runs)" \
	eval "[ $runs -gt $((flips * pace * 7)) ] && [ $runs -lt $((flips * pace * 12)) ]"

tell="usual $usual"
for step in "an hour back:-3600" "a year forward:31536000" "right again:0"; do
	what=${step%:*}
	seq=$(stored_seq)
	set_clock "${step#*:}" at-once
	count_runs
	tell+=", $what $runs"
	check "$what: they run as before ($runs, usual $usual)" as_before
	check "... and Redis takes what comes" eval "[ \$(stored_seq) -gt $seq ]"
	time=$(tail -1 "$dir/events" | sed 's/.*"time":"\([^"]*\)".*/\1/')
	off=$(($(date -d "$time" +%s) - $(date +%s) - ${step#*:}))
	check "... and the clock was really set" eval "[ ${off#-} -lt 10 ]"
done
for name in tcp http process; do
	is "$name was never anything but UP" \
		"$(grep -F "\"check\":\"$name\"" "$dir/events" | grep -vc '"state":"UP"')" 0
done
stop_sonded "$sonded_pid"
is "the daemon ends well" "$?" 0
most=$((pace * 5 * 1000 + 20000))
if seen=$(python3 "$chaos/events.py" "$dir/events" --most-ms $most 2>"$dir/wrong"); then
	ok "durations and seqs are right: $seen"
else
	not_ok "durations and seqs are right" "$seen" "$(cat "$dir/wrong")"
fi
is "the last change of each check is the one in Redis" "$(
	for name in $(seq -f 'key-%g' $flips); do
		grep '"kind":"change"' "$dir/events" | grep -F "\"check\":\"$name\"" | tail -1 |
			sed 's/.*"seq":\([0-9]*\).*/\1/'
	done | tr '\n' ' '
)" "$(for name in $(seq -f 'key-%g' $flips); do redis HGET "server-health:$name" seq; done | tr '\n' ' ')"

# ---- a new start while the clock is set back: only what is on the disk knows better ----

if [ -d "$dir/state/journal" ]; then
	last=$(sed 's/.*"seq":\([0-9]*\).*/\1/' "$dir/events" | sort -n | tail -1)
	mv "$dir/events" "$dir/events.before"
	seq=$(stored_seq)
	set_clock -3600 at-once
	start again || exit 1
	check "started with the clock an hour back, Redis takes what comes" \
		wait_for 10 eval "[ \$(stored_seq) -gt $seq ]"
	stop_sonded "$sonded_pid"
	if seen=$(python3 "$chaos/events.py" "$dir/events" --most-ms $((most + 60000)) --from-seq "$last" \
		2>"$dir/wrong"); then
		ok "... and no seq goes back: $seen"
	else
		not_ok "... and no seq goes back" "$seen" "$(cat "$dir/wrong")"
	fi
else
	ok "a start with the clock set back # SKIP no journal"
fi
note "figures: runs $tell; $seen"
done_testing
