#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What a process uses is judged: above the first threshold the check is DEGRADED, above the
# second DOWN, each with a sentence that tells the figure and the option; below both it is UP
# again.  A process that is too young as well.  The sums follow a pool that grows, though none
# of its processes ends.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"
need python3

start_hog hog || {
	not_ok "the process to be watched starts"
	done_testing
}

make_sleeper pool pool
start_sleeper "$pool"

watch_processes <<END
{ name = "pool";    plugin = "process"; comm = "$pool"; threads_warn = 2; },
{ name = "cpu";     plugin = "process"; pidfile = "$dir/hog.pid"; cpu_warn = 4; },
{ name = "burnt";   plugin = "process"; pidfile = "$dir/hog.pid"; cpu_warn = 1.5; cpu_fail = 4; },
{ name = "rss";     plugin = "process"; pidfile = "$dir/hog.pid"; rss_warn = "100MiB"; rss_fail = "0.2GiB"; },
{ name = "pss";     plugin = "process"; pidfile = "$dir/hog.pid"; pss_warn = "100MiB"; pss_fail = "0.2GiB"; },
{ name = "threads"; plugin = "process"; pidfile = "$dir/hog.pid"; threads_warn = 8; threads_fail = 16; },
{ name = "fds";     plugin = "process"; pidfile = "$dir/hog.pid"; fds_warn = 50; fds_fail = 100; },
{ name = "young";   plugin = "process"; pidfile = "$dir/hog.pid"; uptime_warn = "8s"; uptime_fail = "4s"; },
{ name = "plain";   plugin = "process"; pidfile = "$dir/hog.pid"; }
END

now_is() { # CHECK STATE REASON
	check "$1 is $2" wait_for 20 is_now "$1" "$2" "$3"
}

says_of() { # CHECK STATE PATTERN of the message
	check "$1, $2: $3" grep -Eq "\"message\":\"$3" <(events kind change check "$1" state "$2")
}

tells() { # CHECK METRIC MOST: a result has it, above that
	local value
	value=$(events check "$1" | sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" | sort -n | tail -1)
	check "$1: metrics.$2 = $value is above $3" \
		awk -v value="${value:-0}" "BEGIN { exit !(value > $3) }"
}

for each in cpu burnt rss pss threads fds plain pool; do now_is "$each" UP OK; done

start_sleeper "$pool"
start_sleeper "$pool"
now_is pool DEGRADED LIMIT
says_of pool DEGRADED "number of threads of 3 processes is 3, more than threads_warn = 2"
kill -9 "$sleeper"
now_is pool UP OK

tell_hog hog "burn 1"
tell_hog hog "rss 120"
tell_hog hog "threads 10"
tell_hog hog "fds 60"
now_is cpu DEGRADED LIMIT
now_is burnt DOWN LIMIT
now_is rss DEGRADED LIMIT
now_is pss DEGRADED LIMIT
now_is threads DEGRADED LIMIT
now_is fds DEGRADED LIMIT
tell_hog hog "burn 0"
tell_hog hog "rss 250"
tell_hog hog "threads 20"
tell_hog hog "fds 120"
now_is cpu UP OK
now_is burnt UP OK
now_is rss DOWN LIMIT
now_is pss DOWN LIMIT
now_is threads DOWN LIMIT
now_is fds DOWN LIMIT
tell_hog hog "rss 0"
tell_hog hog "threads 0"
tell_hog hog "fds 0"
for each in rss pss threads fds; do now_is "$each" UP OK; done
now_is young UP OK
is "the one without thresholds was UP all the time" "$(events kind change check plain | wc -l)" 1

of="of pid $hog \([^ ]*\)"
says_of cpu DEGRADED "cpu $of is [0-9.]+ %, more than cpu_warn = 4 %"
says_of burnt DOWN "cpu $of is [0-9.]+ %, more than cpu_fail = 4 %"
says_of rss DEGRADED "rss $of is 1[0-9.]+ MiB, more than rss_warn = 100 MiB"
says_of rss DOWN "rss $of is 2[0-9.]+ MiB, more than rss_fail = 204.8 MiB"
says_of pss DOWN "pss $of is 2[0-9.]+ MiB, more than pss_fail = 204.8 MiB"
says_of threads DEGRADED "number of threads $of is 1[1-2], more than threads_warn = 8"
says_of threads DOWN "number of threads $of is (1[7-9]|2[01]), more than threads_fail = 16"
says_of fds DOWN "number of descriptors $of is 1[0-9]*, more than fds_fail = 100"
says_of young DOWN "uptime $of is [0-9.]+ s, less than uptime_fail = 4 s"
says_of young DEGRADED "uptime $of is [4-7][0-9.]* s, less than uptime_warn = 8 s"
tells cpu cpu_percent 4
tells rss rss_bytes 200000000
tells pss pss_bytes 200000000
tells threads threads 20
tells fds fds 120
tells plain uptime_seconds 3
is "what nobody asked for is not read" \
	"$(events check plain | grep -c 'rss_bytes\|"fds"\|cpu_percent')" 0
check "a DOWN tells the pids" grep -q "\"details\":{.*\"pids\":\"$hog (" \
	<(events kind change check fds state DOWN)

# It ends: what it used last is told.
kill -9 "$hog"
now_is rss DOWN PROCEXIT
check "what it used last is told" \
	grep -Eq '"last":"(cpu [0-9.e+-]+ %, )?rss [0-9.]+ MiB, threads 1, uptime [0-9.]+ s, [0-9.]+ s before"' \
	<(events kind change check rss reason PROCEXIT)
ends_clean run

# ---- who may not read ----

# The figures of a process of root are asked for by somebody who may not trace it.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	make_sleeper name pss
	start_sleeper "$name"
	python3 -c 'import os, time; os.closerange(0, 256); time.sleep(300)' &
	closed=$!
	pids+=("$closed")
	disown "$closed"
	echo "$closed" >"$dir/closed.pid"
	wait_for 20 eval "! test -e /proc/$closed/fd/0 && ! test -e /proc/$closed/fd/2"
	chmod 755 "$dir"
	mkdir -p "$dir/theirs"
	chown 65534 "$dir/theirs"
	cat >"$dir/barred.conf" <<END
daemon = { observer = "test"; state_dir = "$dir/theirs"; };
checks = (
  { name = "barred"; plugin = "process"; pidfile = "$dir/$name.pid"; pss_warn = "1GiB"; },
  { name = "worse";  plugin = "process"; pidfile = "$dir/$name.pid"; pss_warn = "1GiB"; threads_fail = 1; rss_fail = "1KiB"; },
  { name = "closed"; plugin = "process"; pidfile = "$dir/closed.pid"; fds_warn = 100; },
  { name = "free";   plugin = "process"; pidfile = "$dir/$name.pid"; rss_warn = "1GiB"; threads_warn = 2; }
);
END
	them="setpriv --reuid=65534 --regid=65534 --clear-groups"
	if $them test -x "$sonded" -a -r "$plugins/probe_process.so"; then
		ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" \
			$them "$sonded" --plugin-dir "$plugins" -c "$dir/barred.conf" --once \
			>"$dir/barred" 2>"$dir/barred.log"
		check "PSS that we may not read is UNKNOWN, and says what to do" \
			grep -Eq 'UNKNOWN +barred .*OBSERVER .*memory map \(pss\) of pid .* SYS_PTRACE' "$dir/barred"
		check "what is known to be too much is DOWN all the same" \
			grep -Eq 'DOWN +worse .*LIMIT .*rss of pid' "$dir/barred"
		[ "$(stat -c %s "/proc/$$/fd")" = 0 ] || # before Linux 6.2 they need one
			check "no descriptors at all is a number, too" grep -Eq 'UP +closed .*OK' "$dir/barred"
		check "the other figures need no right" grep -Eq 'UP +free .*OK' "$dir/barred"
	else
		note "the build cannot be read by others: what they may not read is not tested"
	fi
fi

# ---- what makes no sense ----

cat >"$dir/wrong.conf" <<END
daemon = { observer = "test"; state_dir = "$dir/state"; };
checks = (
  { name = "same";     plugin = "process"; comm = "x"; rss_warn = "1GiB"; rss_fail = "1GiB"; },
  { name = "reverse";  plugin = "process"; comm = "x"; uptime_warn = "1s"; uptime_fail = "10s"; },
  { name = "negative"; plugin = "process"; comm = "x"; cpu_warn = -1; },
  { name = "many";     plugin = "process"; comm = "x"; restarts_warn = 101; },
  { name = "nothing";  plugin = "process"; comm = "x"; children = true; },
  { name = "choice";   plugin = "process"; comm = "x"; id_change = "down"; },
  { name = "window";   plugin = "process"; comm = "x"; restarts_window = "1h"; },
  { name = "delay";    plugin = "process"; comm = "x"; min = 0; max = 2; terminate_delay = "3s"; },
  { name = "limit";    plugin = "process"; comm = "x"; min = 0; max = 0; rss_fail = "1GiB"; },
  { name = "change";   plugin = "process"; comm = "x"; min = 0; max = 0; id_change = "warn"; },
  { name = "one";      plugin = "process"; pidfile = "/x"; max = 1; }
);
END
run_sonded -c "$dir/wrong.conf" --check >/dev/null 2>"$dir/wrong"
is "a wrong configuration is refused" $? 2
is "each of its eleven errors has a line" \
	"$(grep -o 'wrong.conf:[0-9]*' "$dir/wrong" | sort -u | wc -l)" 11
check "a window without a threshold" grep -qF \
	'check "window": restarts_window: has no meaning without restarts_warn or restarts_fail' "$dir/wrong"
check "a delay after a death that does not matter" grep -qF \
	'check "delay": terminate_delay: has no meaning with min = 0: no death leaves too few' "$dir/wrong"
check "a threshold where none may run" grep -qF \
	'check "limit": rss_fail: has nothing to judge: max = 0 says that none may run' "$dir/wrong"
done_testing
