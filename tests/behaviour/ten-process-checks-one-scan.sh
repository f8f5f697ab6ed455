#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Ten process checks that begin together read /proc once; while all is well they read
# nothing of it any more; a check by pidfile never goes through /proc.  Counted by strace.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"
need strace

# What a scan reads: the stat of this very shell, once each time.
scans() { # TRACE
	grep -c "\"$$/stat\"" "$1"
}

reads() { # TRACE
	grep -Ec '"[0-9]+/(stat|cmdline|exe)"|getdents64' "$1"
}

# strace does not stand between us and the daemon (-D); a leak check cannot be traced.
traced=$dir/traced
real=$sonded
cat >"$traced" <<END
#!/bin/sh
export ASAN_OPTIONS="\${ASAN_OPTIONS:+\$ASAN_OPTIONS:}detect_leaks=0"
exec strace -D -f --seccomp-bpf -s 64 -e trace=openat,getdents64,readlinkat,pidfd_open \\
	-o "\$TRACE" "$real" "\$@"
END
chmod +x "$traced"
sonded=$traced

rows=() checks=""
for n in 0 1 2 3 4 5 6 7 8 9; do
	make_sleeper name "t$n"
	start_sleeper "$name"
	rows+=("{ name = \"check-$n\"; plugin = \"process\"; comm = \"$name\"; }")
	checks="$checks check-$n"
done

all() { # STATE COUNT
	local check
	for check in $checks; do reached "$check" "$1" "${2:-1}" || return 1; done
}

export TRACE=$dir/ten.trace
(IFS=,; echo "${rows[*]}") >"$dir/rows"
watch_processes <"$dir/rows"
check "ten checks are UP" wait_for 20 all UP
is "their first runs were one scan" "$(scans "$TRACE")" 1
is "each process is held" "$(grep -c 'pidfd_open(' "$TRACE")" 10

sleep 0.5
before=$(reads "$TRACE")
runs=$(events kind result | wc -l)
sleep 1.5
check "they were asked since" test "$(events kind result | wc -l)" -ge $((runs + 20))
is "and read nothing" $(($(reads "$TRACE") - before)) 0
check "the daemon ends as it should" stop_sonded "$sonded_pid"

export TRACE=$dir/file.trace
watch_processes <<END
{ name = "by-file"; plugin = "process"; pidfile = "$dir/$name.pid"; }
END
check "a check by pidfile is UP" wait_for 20 reached by-file UP
kill -9 "$sleeper"
check "and DOWN" wait_for 20 reached by-file DOWN
sleep 0.7
is "without a scan" "$(scans "$TRACE")" 0
check "the daemon ends as it should" stop_sonded "$sonded_pid"
done_testing
