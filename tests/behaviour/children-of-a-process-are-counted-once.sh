#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# With children = true the figures include all that descend from the processes, each once,
# also where a descendant matches itself; without it only those that match.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"
need python3

if ! { start_hog hog && tell_hog hog "fds 40" && tell_hog hog "children 3"; }; then
	not_ok "the process to be watched starts"
	done_testing
fi
fds=$(ls "/proc/$hog/fd" | wc -l)
note "pid $hog holds $fds descriptors, and so does each of its three children"
limit=$((fds + fds / 2)) # of one process, not of two

watch_processes <<END
{ name = "alone";  plugin = "process"; pidfile = "$dir/hog.pid"; fds_warn = $limit; threads_warn = 100; },
{ name = "family"; plugin = "process"; pidfile = "$dir/hog.pid"; fds_warn = $limit; threads_warn = 100; children = true; },
{ name = "all";    plugin = "process"; cmdline = "hog.py $dir/hog.pid"; fds_warn = $limit; children = true; },
{ name = "match";  plugin = "process"; cmdline = "hog.py $dir/hog.pid"; fds_warn = $limit; }
END

# The latest result of a check has this metric.
latest() { # CHECK METRIC VALUE
	events check "$1" kind result | tail -1 | grep -Eq "\"$2\":$3[,}]"
}

check "alone: one process is within the limit" wait_for 20 is_now alone UP OK
check "alone: one thread" latest alone threads 1
check "family: four are not" wait_for 20 is_now family DEGRADED LIMIT
check "family: four threads" wait_for 20 latest family threads 4
check "family: one process matches" latest family count 1
check "family: the sentence tells how many" grep -Eq \
	"number of descriptors of 4 processes is [0-9]+, more than fds_warn = $limit; the largest is pid" \
	<(events check family state DEGRADED)
check "all: four match" wait_for 20 latest all count 4
check "all: each counts once" wait_for 20 latest all threads 4
check "match: without children, those that match" wait_for 20 latest match threads 4

tell_hog hog "children 5"
check "family: more children" wait_for 20 latest family threads 6
tell_hog hog "children 0"
check "family: without children it is UP" wait_for 20 is_now family UP OK
check "family: one thread" wait_for 20 latest family threads 1

# A process whose parent has ended belongs to another one, here to the oldest of them.
tell_hog hog "adopt"
check "family: a child and its child" wait_for 20 latest family threads 3
sleep 3 # so that they are known, and not read at every run
kill -9 "$(cat "$dir/hog.pid.middle")"
tell_hog hog "reap"
two_results family
check "family: the child has ended, its child is ours" latest family threads 2
ends_clean run
done_testing
