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
