#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A watched process is killed: one DOWN, hard at once though fall is 2, that says how it
# ended.  By pidfile and by name; the time from kill to event is printed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"

rounds=10
make_sleeper name snz
start_sleeper "$name"
watch_processes 'fall = 2;' <<END
{ name = "by-file"; plugin = "process"; pidfile = "$dir/$name.pid"; },
{ name = "by-comm"; plugin = "process"; comm = "$name"; }
END

both() { # STATE COUNT
	wait_for 10 reached by-file "$1" "$2" && wait_for 10 reached by-comm "$1" "$2"
}

since_kill() { # CHECK: from the kill to its last event, in microseconds
	echo $(($(events kind change check "$1" state DOWN | tail -1 | event_us) - killed))
}

middle() { # NUMBER...
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

by_file=() by_comm=()
for round in $(seq "$rounds"); do
	both UP "$round" || not_ok "both are UP in round $round"
	killed=${EPOCHREALTIME/[.,]/}
	kill -9 "$sleeper"
	both DOWN "$round" || not_ok "both are DOWN in round $round"
	by_file+=("$(since_kill by-file)")
	by_comm+=("$(since_kill by-comm)")
	start_sleeper "$name"
done
both UP $((rounds + 1))
is "by-file: one DOWN a kill" "$(changes by-file DOWN)" "$rounds"
is "by-comm: one DOWN a kill" "$(changes by-comm DOWN)" "$rounds"

down=$(events kind change state DOWN)
is "each is hard, and says that a process has ended" \
	"$(grep '"hard":true' <<<"$down" | grep -c '"reason":"PROCEXIT"')" $((2 * rounds))
is "each names the process" \
	"$(grep -c "\"message\":\"pid [0-9]* ($name) " <<<"$down")" $((2 * rounds))
note "the signal is known in $(grep -c 'killed by signal 9 (SIGKILL)' <<<"$down") of" \
	"$((2 * rounds))"

file=$(middle "${by_file[@]}") comm=$(middle "${by_comm[@]}")
note "kill to event by pidfile: median $file us of ${by_file[*]}"
note "kill to event by name: median $comm us of ${by_comm[*]}"
# The aim is 1 ms; a sanitizer and a busy machine are given room.
check "half of them within $((20 * patience)) ms" test "$file" -lt $((20000 * patience)) -a "$comm" -lt $((20000 * patience))

check "the daemon ends as it should" stop_sonded "$sonded_pid"
done_testing
