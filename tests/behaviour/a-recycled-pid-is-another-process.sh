#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A process ends and another one gets its pid: a check by pidfile is DOWN and stays so,
# though the pid in the file is alive again, until the file is written anew.  A check that
# looks for a process finds one that has the pid of another that was seen before.
#
# In a pid namespace of its own, where the next pid can be chosen.
if [ -z "${SONDE_TEST_NAMESPACE-}" ]; then
	# shellcheck disable=SC2209
	for how in "" "--user --map-root-user"; do
		# shellcheck disable=SC2086
		if unshare $how --pid --fork --mount-proc test -w /proc/sys/kernel/ns_last_pid; then
			# shellcheck disable=SC2086
			exec env SONDE_TEST_NAMESPACE=1 \
				unshare $how --pid --fork --kill-child --mount-proc "$BASH" "$0"
		fi
	done 2>/dev/null
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"
[ -n "${SONDE_TEST_NAMESPACE-}" ] || skip_all "no pid namespace can be made here"

make_sleeper name rcy
start_sleeper "$name"
first=$sleeper
make_sleeper sought sgt
watch_processes <<END
{ name = "by-file"; plugin = "process"; pidfile = "$dir/$name.pid"; },
{ name = "sought"; plugin = "process"; comm = "$sought"; }
END
check "it is UP" wait_for 10 reached by-file UP
check "what is sought is DOWN" wait_for 10 reached sought DOWN
before=$(awk '{ print $22 }' "/proc/$first/stat")

# Another process with the pid of the first; every try that misses is ended.
recycle() { # NAME
	local try
	for try in $(seq 200); do
		echo $((first - 1)) >/proc/sys/kernel/ns_last_pid
		"$dir/$1" 300 &
		sleeper=$!
		disown "$sleeper"
		pids+=("$sleeper")
		[ "$sleeper" = "$first" ] && return
		kill -9 "$sleeper"
	done
	return 1
}

kill -9 "$first"
wait_for 10 test ! -e "/proc/$first"
check "another process has its pid" recycle "$name"
check "which started later" \
	test "$(awk '{ print $22 }' "/proc/$first/stat")" -gt "$before"
check "the check is DOWN" wait_for 10 reached by-file DOWN
sleep 1
is "and stays so" "$(events kind change check by-file | wc -l)" 2
check "it says that this is another process" \
	grep -q "\"message\":\"$dir/$name.pid: pid $first is another process by now" "$dir/run.out"

echo "$first" >"$dir/$name.new"
mv "$dir/$name.new" "$dir/$name.pid"
check "the file is written anew: it is UP" wait_for 10 reached by-file UP 2


# It was looked at before, when it was settled, so nobody reads it at each look.
sleep 2.5
kill -9 "$first"
wait_for 10 test ! -e "/proc/$first"
check "one that is sought gets the same pid" recycle "$sought"
check "and is found at the next look" wait_for 4 reached sought UP

check "the daemon ends as it should" stop_sonded "$sonded_pid"
done_testing
