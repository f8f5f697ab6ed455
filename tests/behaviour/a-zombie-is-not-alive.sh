#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A process that has ended but that its parent does not collect is DOWN: at once where it
# was watched, and also for a daemon that finds it so.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"

make_sleeper name zmb
# The parent becomes a program that never waits for its child.
"$BASH" -c "'$dir/$name' 300 & echo \$! >'$dir/child'; exec sleep 300" &
pids+=($!)
check "there is a child" wait_for 10 test -s "$dir/child"
zombie=$(cat "$dir/child")
pids+=("$zombie")

watch_processes <<END
{ name = "by-file"; plugin = "process"; pidfile = "$dir/child"; },
{ name = "by-name"; plugin = "process"; user = "$(id -u)"; comm = "$name"; }
END
check "by-file is UP while it lives" wait_for 10 reached by-file UP
check "by-name is UP while it lives" wait_for 10 reached by-name UP

kill -9 "$zombie"
check "by-file is DOWN" wait_for 10 reached by-file DOWN
check "by-name is DOWN" wait_for 10 reached by-name DOWN
is "it is a zombie still" "$(sed 's/.*) \(.\) .*/\1/' "/proc/$zombie/stat")" Z
is "both say that it has ended" \
	"$(events kind change state DOWN | grep -c '"reason":"PROCEXIT"')" 2
sleep 0.7
is "it stays DOWN" "$(events kind change | wc -l)" 4
check "and is called what it is" \
	grep -q "\"message\":\"$dir/child: pid $zombie ($name) is a zombie" "$dir/run.out"
check "the daemon ends as it should" stop_sonded "$sonded_pid"

# A daemon without history.
rm -rf "$dir/state"
mkdir "$dir/state"
run_sonded -c "$dir/run.conf" --once >"$dir/once" 2>"$dir/once.log"
is "once: not all are UP" $? 1
is "once: both are DOWN for want of a process" "$(grep DOWN "$dir/once" | grep -c PROCNONE)" 2
done_testing
