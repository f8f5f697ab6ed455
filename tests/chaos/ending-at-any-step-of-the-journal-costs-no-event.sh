#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The daemon ends at once, as kill -9 would end it, at each named step by which the journal makes
# something last, when it comes there for the first and for the second time.  The next one opens
# the journal, and nothing is missing behind the sink.  The names are those in core/, so a new step
# is tested as well.
. "$(dirname "$0")/lib.sh"
need python3
grep -q 'define ENABLE_FAULT_POINTS 1' "$builddir/config.h" ||
	skip_all "not configured with --enable-fault-points"

keys=10 rate=5000 half=1000
mapfile -t steps < <(sed -n 's/.*fault_point("\([a-z-]*\)").*/\1/p' "$srcdir"/core/*.c | sort -u)
check "core/ names steps (${steps[*]})" test ${#steps[@]} -ge 10
# They come once, when a daemon opens the journal of another: as it was, or damaged.
opening=' cut quarantine rewrite set-aside '

conf() { # COUNT; segments of 64 KiB
	numbers $keys "$1" $rate
	cat <<-END
		daemon = { observer = "test"; state_dir = "$dir/state"; };
		sinks = ( { name = "lines"; plugin = "file"; path = "$dir/lines";
		            buffer = { memory = "1MiB"; disk = "512KiB"; sync = "50ms"; full = "block"; }; },
		          { name = "slow"; plugin = "slow"; pause = "1ms"; file = "$dir/slow";
		            buffer = { memory = "64KiB"; disk = "512KiB"; sync = "50ms"; full = "block"; }; } );
		routes = ( { name = "all"; $numbers_match; to = ["lines", "slow"]; } );
	END
}

# What the newest segment holds: half a record behind its end, a wrong one in its middle, or no
# beginning.
damage() { # STEP
	python3 - "$1" "$(find "$dir/state/journal" -name 'journal.*[0-9]' | sort | tail -1)" <<'END'
import sys
step, name = sys.argv[1:]
with open(name, "r+b") as file:
    held = len(file.read().rstrip(b"\0"))
    at = {"cut": held + 7, "quarantine": held // 2, "set-aside": 0}.get(step)
    if at is not None:
        file.seek(at)
        file.write(b"damaged!")
END
}

# Daemons of one trial; what they say is kept for when it fails.
all_out() { # COUNT
	start_sonded sonded -c "$dir/sonded.conf" --plugin-dir "$misbehaving" &&
		wait_for 20 numbers_settled "$1" && wait_for 20 nothing_waits sonded lines slow
}
trial() { # STEP HIT
	local count=$((2 * half)) status
	rm -rf "$dir/state" "$dir/lines" "$dir/numbers"
	mkdir "$dir/state"
	if [[ $opening == *" $1 "* ]]; then
		# Nothing waits in what is damaged: it is all delivered.
		conf $half >"$dir/sonded.conf"
		all_out $half || { echo "the first half is not delivered" && return 1; }
		kill_hard "$sonded_pid"
		damage "$1"
	fi
	conf $count >"$dir/sonded.conf"
	SONDE_FAULT=$1:$2 "$sonded" --plugin-dir "$plugins" --plugin-dir "$misbehaving" -c "$dir/sonded.conf" \
		>"$dir/fault.log" 2>&1 &
	sonded_pid=$!
	pids+=("$sonded_pid")
	wait_for 6 eval "! kill -0 $sonded_pid"
	stop_sonded "$sonded_pid" # where it did not end by itself
	status=$?
	all_out $count || { echo "after it: not all is delivered" && return 1; }
	# A cursor that points at a segment that is gone would count what it wanted as damaged; what
	# was damaged on purpose is.
	ledger sonded slow >"$dir/last"
	[[ $opening == *" $1 "* ]] || [ "$(cut -d' ' -f4 "$dir/last")" = 0 ] || { echo "something was gone: $(cat "$dir/last")" && return 1; }
	stop_sonded "$sonded_pid" || { echo "it does not end with status 0" && return 1; }
	journal_whole "$dir/state" || return 1
	count_seen --count $count --ordered --halves 2 "file:$dir/lines" || { echo "$seen" && cat "$dir/checker" && return 1; }
	[ $status -eq 137 ] || { echo "it did not come to that step: status $status" && return 1; }
}

trials=0 lost=0 twice=0
for step in "${steps[@]}"; do
	for hit in 1 2 6 15; do
		[[ $hit != 1 && $opening == *" $step "* ]] && continue
		# The first checkpoints come before any segment can go.
		[[ $hit -gt 2 && $step != checkpoint ]] && continue
		missing=0 duplicates=0
		if trial "$step" $hit >"$dir/trial" 2>&1; then
			ok "$step, $hit: $seen"
		else
			not_ok "$step, $hit" "$(cat "$dir/trial")" "$(tail -3 "$dir/fault.log")"
		fi
		trials=$((trials + 1)) lost=$((lost + missing)) twice=$((twice + duplicates))
	done
done
figures "ended at each step of the journal, events $((trials * 2 * half)), kills $trials, missing $lost, duplicates $twice"
done_testing
