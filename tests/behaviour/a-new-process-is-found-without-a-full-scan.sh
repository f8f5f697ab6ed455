#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A check that waits for a process finds it without reading every other one again: where the
# kernel tells us of processes (its proc connector) within a tenth of a second, though the
# interval is half a minute; where it does not, at the next run.  A process that becomes
# another program without a new pid is found as well.  Counted by strace.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/process.sh"
need strace python3

# Full readings: how often the stat of this old shell was read.
full() {
	grep -c "\"$$/stat\"" "$TRACE"
}

lists() {
	grep -c 'getdents64(.* = 0$' "$TRACE"
}

make_sleeper name scn
make_sleeper late lat
real=$sonded
sonded=$dir/traced
export TRACE=$dir/trace

# strace does not stand between us and the daemon (-D); a leak check cannot be traced.
traced() { # COMMAND... to run it by
	cat >"$sonded" <<END
#!/bin/sh
export ASAN_OPTIONS="\${ASAN_OPTIONS:+\$ASAN_OPTIONS:}detect_leaks=0"
exec $* strace -D -f --seccomp-bpf -s 64 -e trace=openat,getdents64 -o "\$TRACE" "$real" "\$@"
END
	chmod +x "$sonded"
	rm -f "$TRACE"
}

watch_both() { # INTERVAL
	watch_processes <<END
{ name = "new";  plugin = "process"; comm = "$name"; interval = "$1"; },
{ name = "exec"; plugin = "process"; comm = "$late"; exe = "$dir/$late"; interval = "$1"; }
END
	check "new is DOWN" wait_for 20 reached new DOWN
	check "exec is DOWN" wait_for 20 reached exec DOWN
}

# A shell that becomes the other program once $dir/go is there, with the same pid.
start_late() {
	rm -f "$dir/go"
	"$BASH" -c "until [ -e '$dir/go' ]; do sleep 0.02; done; exec '$dir/$late' 300" &
	changer=$!
	disown "$changer"
	pids+=("$changer")
}

# ---- the kernel tells ----

told() {
	python3 - <<-'END'
		import socket, struct
		s = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 11)
		s.bind((0, 1))
		message = struct.pack("=4I2HI", 1, 1, 0, 4711, 4, 0, 1)
		s.settimeout(1)
		s.send(struct.pack("=IHHII", 16 + len(message), 3, 0, 0, 0) + message)
		for _ in range(1000):
		    answer = s.recv(4096)
		    if struct.unpack_from("=I", answer, 28)[0] == 4712:
		        break
		s.send(struct.pack("=IHHII", 16 + len(message), 3, 0, 0, 0) + message[:-4]
		       + struct.pack("=I", 2))
	END
}

# Milliseconds from then to the last change of a check to UP.
took() { # CHECK THEN in microseconds
	echo $((($(events kind change check "$1" state UP | tail -1 | event_us) - $2) / 1000))
}

with_connector() {
	local n began before
	traced
	watch_both 30s
	sleep 2.5 # by now nothing but new processes would be read anew
	before=$(full)
	for n in 1 2 3 4 5; do
		began=$(date +%s%6N)
		start_sleeper "$name"
		wait_for 20 reached new UP "$n"
		took new "$began" >>"$dir/took"
		kill -9 "$sleeper"
		wait_for 20 reached new DOWN $((n + 1))
		sleep 0.1 # it is asked no more often than retry_interval
	done
	is "each start is seen, and each end" "$(changes new UP) $(changes new DOWN)" "5 6"
	n=$(sort -n "$dir/took" | sed -n 3p)
	check "the starts are seen within 100 ms (median $n of $(xargs <"$dir/took"))" \
		test "$n" -le $((100 * patience))
	start_late
	sleep 0.5
	began=$(date +%s%6N)
	: >"$dir/go"
	check "an exec is seen" wait_for 20 reached exec UP
	n=$(took exec "$began")
	check "long before the next run ($n ms)" test "$n" -le 10000
	is "it has the pid of before" "$(events kind change check exec state UP | field pid)" "$changer"
	is "all that without a full scan" $(($(full) - before)) 0

	# More news than the kernel keeps for us; that of the start is among the lost.
	kill -STOP "$sonded_pid"
	"$builddir/tests/herd" -r 5000 -s 1 -l 1 >/dev/null
	start_sleeper "$name"
	began=$(date +%s%6N)
	kill -CONT "$sonded_pid"
	check "a start whose news were lost is seen" wait_for 20 reached new UP 6
	n=$(took new "$began")
	check "long before the next run ($n ms)" test "$n" -le 10000
	is "by one full scan" $(($(full) - before)) 1
	kill -9 "$sleeper"
	kill "$changer"
	check "the daemon ends as it should" stop_sonded "$sonded_pid"
}

if told 2>"$dir/told"; then
	with_connector
else
	ok "the kernel tells of processes # SKIP it refuses us: $(tail -1 "$dir/told")"
fi

# ---- the kernel tells nothing ----

# It tells nothing to another network namespace.
without_connector() { # COMMAND...
	local before listed
	traced "$*"
	rm -rf "$dir/state"
	watch_both 300ms
	sleep 2.5
	before=$(full)
	listed=$(lists)
	sleep 3
	check "looks go on" test $(($(lists) - listed)) -ge 5
	start_sleeper "$name"
	check "a start is seen" wait_for 20 reached new UP
	check "with at most one full scan in all" test $(($(full) - before)) -le 1
	start_late
	sleep 3 # no longer young: it is believed to be a shell
	: >"$dir/go"
	check "an exec is seen" wait_for 20 reached exec UP
	is "it has the pid of before" "$(events kind change check exec state UP | field pid)" "$changer"
	check "the daemon ends as it should" stop_sonded "$sonded_pid"
}

if unshare --net true 2>"$dir/net"; then
	without_connector unshare --net
elif unshare --user --map-root-user --net true 2>"$dir/net"; then
	without_connector unshare --user --map-root-user --net
else
	ok "the kernel tells nothing # SKIP no namespace can be made: $(tail -1 "$dir/net")"
fi
done_testing
