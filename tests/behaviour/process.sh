# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034
#
# process.sh - what the tests of the process probe share, beside lib.sh: programs with a
# name of their own, and the events of the daemon that watches them.

# A program that does nothing, under a name that nobody else has; sets its name.
make_sleeper() { # VARIABLE PREFIX of at most five letters
	local made=$2-$$
	cp "$(command -v sleep)" "$dir/$made"
	printf -v "$1" %s "$made"
}

# Starts one and sets sleeper to its pid; its pidfile is $dir/NAME.pid, whole at once.
start_sleeper() { # NAME [SECONDS]
	"$dir/$1" "${2:-300}" &
	sleeper=$!
	disown "$sleeper"
	pids+=("$sleeper")
	echo "$sleeper" >"$dir/$1.new"
	mv "$dir/$1.new" "$dir/$1.pid"
}

# Starts the daemon on the checks given on stdin; changes and results go to $dir/run.out.
# Ends the test where it does not start.
watch_processes() { # [DEFAULTS]
	{
		echo "daemon = { observer = \"test\"; state_dir = \"$dir/state\"; };"
		echo "defaults = { interval = \"300ms\"; retry_interval = \"50ms\"; rise = 1; ${1-} };"
		echo "checks = ("
		cat
		echo ");"
		echo 'sinks = ( { name = "out"; plugin = "stdout"; format = "json"; } );'
		echo 'routes = ( { name = "all"; match = { kind = ["change", "result"];'
		echo '  plugin = "process"; }; to = ["out"]; } );'
	} >"$dir/run.conf"
	mkdir -p "$dir/state"
	: >"$dir/run.out"
	start_sonded run -c "$dir/run.conf" || {
		not_ok "the daemon starts"
		done_testing
	}
}

# The events that have all of the fields: check shop state DOWN. Oldest first. What was
# before ("was") is left out, as it has a state too.
events() { # [FIELD VALUE]...
	local found
	found=$(sed 's/,"was":{[^}]*}//' "$dir/run.out")
	while [ $# -gt 1 ]; do
		found=$(grep -F "\"$1\":\"$2\"" <<<"$found")
		shift 2
	done
	[ -z "$found" ] || echo "$found"
}

changes() { # CHECK STATE: how many changes to it there are
	events kind change check "$1" state "$2" | wc -l
}

reached() { # CHECK STATE [COUNT]: whether so many changes to it are there
	[ "$(changes "$1" "$2")" -ge "${3:-1}" ]
}

# One field of an event on stdin.
field() { # NAME
	sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

# The time of an event on stdin, in microseconds since 1970.
event_us() {
	date -d "$(field time)" +%s%6N
}

# A process that uses what it is told to, hog.py; its pidfile is $dir/NAME.pid, its pid in hog.
# NAME is of letters only: the descriptor on which it is told is kept in hog_NAME.
start_hog() { # NAME
	rm -f "$dir/$1.pid" "$dir/$1.pid.did" "$dir/$1.fifo"
	mkfifo "$dir/$1.fifo"
	python3 "$srcdir/tests/behaviour/hog.py" "$dir/$1.pid" <"$dir/$1.fifo" >"$dir/$1.log" 2>&1 &
	pids+=($!)
	disown $!
	exec {hog_fd}>"$dir/$1.fifo"
	printf -v "hog_$1" %s "$hog_fd"
	wait_for 20 test -s "$dir/$1.pid" || return 1
	hog=$(cat "$dir/$1.pid")
}

# Tells it, and waits until it has done so.
tell_hog() { # NAME WORDS
	local fd=hog_$1 did
	did=$(wc -l <"$dir/$1.pid.did")
	echo "$2" >&"${!fd}"
	wait_for 20 eval "[ \$(wc -l <'$dir/$1.pid.did') -gt $did ]"
}

# Until the check has had two more results: the first may have been under way.
two_results() { # CHECK
	local results
	results=$(events check "$1" kind result | wc -l)
	wait_for 20 eval "[ \$(events check '$1' kind result | wc -l) -gt $((results + 1)) ]"
}

# The state and the reason of a check's last change.
last_of() { # CHECK
	events check "$1" kind change | tail -1 |
		sed -n 's/.*"state":"\([A-Z]*\)".*"reason":"\([A-Z]*\)".*/\1 \2/p'
}

is_now() { # CHECK STATE REASON
	[ "$(last_of "$1")" = "$2 $3" ]
}
