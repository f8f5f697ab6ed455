#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A thousand processes a second appear and die for some seconds, with names and arguments
# made to confuse, while checks look for processes by every selector: these stay right, a
# check of another kind on the same loop keeps its schedule, and neither memory nor
# descriptors grow.  Once as the kernel tells of processes, once where it does not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"

seconds=4
make_sleeper name few
make_sleeper steady std
start_sleeper "$name"
start_sleeper "$steady"
start_target shop || exit 1
herd=$builddir/tests/herd
# What a sanitizer keeps of freed memory is not the daemon's.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1"

# Arguments hold what a command line should not.
run_herd() {
	(exec -a $'x) S 1\n(\e[31m \xff' "$herd" -s "$seconds" -l 60) >"$dir/herd"
}

cpu_ms() { # user and system time of the daemon so far
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hz) }' \
		"/proc/$sonded_pid/stat"
}

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$sonded_pid/status"; }
fds() { find "/proc/$sonded_pid/fd" -mindepth 1 2>/dev/null | wc -l; }

largest() { # FILE, COMMAND now and then until the file stop is there
	local most=0 now
	until [ -e "$dir/stop" ]; do
		now=$("$2") && [ "$now" -gt "$most" ] && most=$now
		sleep 0.1
	done
	echo "$most" >"$1"
}

# All pauses between answers of the tcp check, in ms, in order of size.
pauses() {
	grep '"check":"tcp"' "$dir/tcp" | field time | date -f - +%s%3N |
		awk 'NR > 1 { print $1 - before } { before = $1 }' | sort -n
}

storm() { # WHAT
	local what=$1 began cpu rss open one two took n
	check "$what: few is DOWN" wait_for 20 reached few DOWN
	check "$what: odd is UP" wait_for 20 reached odd UP
	check "$what: none is UP" wait_for 20 reached none UP
	check "$what: steady is UP" wait_for 20 reached steady UP
	rm -f "$dir/stop"
	rss=$(rss_kb) open=$(fds) cpu=$(cpu_ms)
	: >"$dir/tcp"
	largest "$dir/fds" fds &
	one=$!
	largest "$dir/rss" rss_kb &
	two=$!
	began=$(now_ms)
	run_herd
	took=$(($(now_ms) - began))
	cpu=$(($(cpu_ms) - cpu))
	: >"$dir/stop"
	wait "$one" "$two"
	sleep 0.5
	n=$(cat "$dir/herd")
	check "$what: there were many ($n in $took ms)" test "$n" -ge 1000
	is "$what: nothing changed" "$(events kind change | wc -l)" 4
	is "$what: and nothing was unknown" "$(grep -c OBSERVER "$dir/run.out")" 0
	n=$(pauses | wc -l)
	check "$what: the other check ran $n times" test "$n" -ge $((took / 50 * 8 / 10 / patience))
	n=$(pauses | awk '{ all[NR] = $1 } END { print all[int(NR * 0.95)] }')
	check "$what: on time (95 of 100 pauses are $n ms at most)" test "$n" -le $((50 + 50 * patience))
	check "$what: the daemon used $cpu ms of the processor" test "$cpu" -le $((took * patience / 3))
	n=$(($(cat "$dir/rss") - rss))
	check "$what: and $n KiB more memory at most" test "$n" -le $((8192 * patience))
	n=$(cat "$dir/fds")
	check "$what: $open descriptors, $n at most" test "$n" -le $((open + 400))
	check "$what: and the same afterwards" wait_for 10 eval '[ "$(fds)" -le '"$open"' ]'
	start_sleeper "$name"
	check "$what: a second one is found" wait_for 10 reached few UP
	kill -9 "$sleeper"
	ends_clean run
}

storm_with() { # WHAT INTERVAL
	rm -rf "$dir/state"
	mkdir -p "$dir/state"
	cat >"$dir/run.conf" <<END
daemon = { observer = "test"; state_dir = "$dir/state"; };
defaults = { interval = "$2"; retry_interval = "200ms"; rise = 1; };
checks = (
  { name = "steady"; plugin = "process"; comm = "$steady"; },
  { name = "few"; plugin = "process"; comm = "$name"; cmdline = "300\$"; min = 2; },
  { name = "none"; plugin = "process"; cmdline = "^none-$$"; min = 0; max = 0; },
  { name = "odd"; plugin = "process"; comm = "a) Z 1 1 (b"; user = "$(id -u)"; min = 0; max = 100000; },
  { name = "tcp"; plugin = "tcp"; address = "127.0.0.1:$target_port"; interval = "50ms"; }
);
sinks = ( { name = "out"; plugin = "stdout"; format = "json"; },
          { name = "tcp"; plugin = "file"; path = "$dir/tcp"; } );
routes = ( { name = "all"; match = { plugin = "process"; }; to = ["out"]; },
           { name = "tcp"; match = { plugin = "tcp"; kind = "result"; }; to = ["tcp"]; } );
END
	: >"$dir/run.out"
	start_sonded run -c "$dir/run.conf" || exit 1
	storm "$1"
}

storm_with "told" 1s

# To another user namespace the kernel tells nothing.
real=$sonded
sonded=$dir/apart
cat >"$sonded" <<END
#!/bin/sh
exec unshare --user --map-root-user "$real" "\$@"
END
chmod +x "$sonded"
if unshare --user --map-root-user true 2>"$dir/apart.why"; then
	storm_with "not told" 200ms
else
	ok "not told # SKIP $(tail -1 "$dir/apart.why")"
fi
done_testing
