#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A process whose command line makes the regular expression of a check take for ever counts
# as not matching, and is told; the others are found, and their ends are told.  A control
# group that somebody filled is read so far and no further.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"

many=40 # more than have milliseconds each
evil=evil-$$-$(printf 'a%.0s' {1..60})

start_evil() {
	bash -c 'exec -a "$1" sleep 300' _ "$evil" &
	pids+=($!)
	disown $!
	evils+=($!)
}

evils=()
for ((i = 0; i < many; i++)); do start_evil; done
first=$(printf '%s\n' "${evils[@]}" | sort -n | head -1)
echo "$first" >"$dir/evil.pid"
all_evil() { [ "$(pgrep -cf "^evil-$$-a")" -ge "$many" ]; }
wait_for 20 all_evil
make_sleeper name hid
start_sleeper "$name" 301

watch_processes <<END
  { name = "held"; plugin = "process"; cmdline = "^($dir/$name 301|evil-$$-(a+)+[bc])\$"; },
  { name = "none"; plugin = "process"; cmdline = "^evil-$$-(a+)+[bc]\$"; },
  { name = "file"; plugin = "process"; cmdline = "^evil-$$-(a+)+[bc]\$"; pidfile = "$dir/evil.pid"; },
  { name = "barred"; plugin = "process"; cmdline = "^evil-$$-(a+)+[bc]\$"; min = 0; max = 0; }
END
told="pid $first (sleep) and $((many - 1)) more"

wait_for 20 reached held UP
is "the one that is meant is found among them" "$(events check held state UP | head -1 | field message)" \
	"pid $sleeper ($name) is running"
is "the others are told" "$(events check held state UP | head -1 | field undecided)" "$told"
is "the log warns once" "$(grep -c 'warning.*held.*takes too long.*counts as not matching' "$dir/run.log")" 1

wait_for 20 reached none DOWN
says_why() { events check none kind change | grep -qF "; cmdline takes too long on $told\""; }
check "a check that finds none says why" says_why
wait_for 20 reached file DOWN
is "so does one with a pidfile" "$(events check file kind change | tail -1 | field message)" \
	"$dir/evil.pid: the regular expression of cmdline takes too long on pid $first (sleep)"

hidden() { events check barred | tail -1 | grep -q '"reason":"OBSERVER","message":"cmdline takes too long on '; }
check "what may not run does not hide itself that way" wait_for 20 hidden

kill -9 "$sleeper"
wait_for 20 reached held DOWN
is "its end is told as a fact" "$(last_of held)" "DOWN PROCEXIT"
start_sleeper "$name" 301
wait_for 20 reached held UP 2
is "and that it is back" "$(events check held kind change state UP | tail -1 | field message)" \
	"pid $sleeper ($name) is running"
ends_clean run

# ---- control groups, of a tree that is made of plain files ----

groups() {
	mkdir -p "$dir/tree/full" "$dir/tree/wide" "$dir/tree/fits"
	: >"$dir/tree/cgroup.procs"
	seq 1000001 1016385 >"$dir/tree/full/cgroup.procs"
	seq 1000001 1016383 >"$dir/tree/fits/cgroup.procs"
	echo "$sleeper" >>"$dir/tree/fits/cgroup.procs"
	(cd "$dir/tree/wide" && seq 5000 | xargs mkdir)
	cat >"$dir/groups.conf" <<-END
	daemon = { observer = "test"; state_dir = "$dir/groups"; };
	checks = (
	  { name = "full"; plugin = "process"; cgroup = "/full"; },
	  { name = "wide"; plugin = "process"; cgroup = "/wide"; },
	  { name = "fits"; plugin = "process"; cgroup = "/fits"; }
	);
	END
	# shellcheck disable=SC2016
	unshare -m "$BASH" -c 'mount --bind "$1" /sys/fs/cgroup && shift && exec "$@"' _ "$dir/tree" \
		"$sonded" --plugin-dir "$plugins" -c "$dir/groups.conf" --once >"$dir/groups.out" 2>&1
}

found() { # NAME: state, reason and message
	awk -v name="$1" '$4 == name { print }' "$dir/groups.out" |
		sed -E 's/^[^ ]+ [^ ]+ +([A-Z]+) .* (OK|PROC[A-Z]+|OBSERVER) +/\1 \2 /'
}

if [ "${SONDE_TSAN:-0}" = 1 ]; then
	note "control groups: their bounds are in processor time, which ThreadSanitizer multiplies"
elif unshare -m mount --bind /tmp /sys/fs/cgroup 2>/dev/null; then
	groups
	large="UNKNOWN OBSERVER the control group has more than 16384 processes, or than 4096 groups in it"
	is "a group that was filled is not read whole" "$(found full)" "$large"
	# 4096 groups, or 100 ms of processor time, whichever comes first.
	check "nor one with thousands of groups in it" grep -qxE \
		"$large|UNKNOWN OBSERVER the control group takes too long to read" <<<"$(found wide)"
	is "one that is full to the brim is" "$(found fits)" "UP OK pid $sleeper ($name) is running"
else
	ok "control groups # SKIP unshare is not allowed here"
fi
done_testing
