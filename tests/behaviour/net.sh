# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034
#
# net.sh - what the tests of the network probes share, beside lib.sh: the far sides of
# net.py, and checks run once.

need python3

# A far side of net.py: its port goes to the variable NAME_port, its pid to NAME_pid, what
# it prints to $dir/NAME.said.
start_net() { # NAME MODE [ARGUMENTS...]
	local name=$1 mode=$2
	shift 2
	python3 -u "$here/net.py" "$mode" "$dir/$name.port" "$@" \
		>"$dir/$name.said" 2>"$dir/$name.log" &
	pids+=($!)
	printf -v "${name}_pid" %s "$!"
	wait_for 10 test -s "$dir/$name.port" || {
		note "net.py $mode did not start: $(cat "$dir/$name.log")"
		return 1
	}
	printf -v "${name}_port" %s "$(cat "$dir/$name.port")"
}

# Runs the checks given on stdin (rows of `checks`) once; what they found goes to $dir/once.
once() { # [DEFAULTS]
	{
		echo "daemon = { observer = \"test\"; state_dir = \"$dir/state\"; };"
		echo "defaults = { ${1-} };"
		echo "checks = ("
		cat
		echo ");"
	} >"$dir/once.conf"
	mkdir -p "$dir/state"
	run_sonded -c "$dir/once.conf" --once >"$dir/once" 2>"$dir/once.log"
	once_status=$?
}

# What the last `once` says of a check: state, reason, message.
said() { # NAME
	awk -v name="$1" '$4 == name {
		for (i = 5; i <= NF; i++)
			if ($i ~ /^(OK|OTHER|DNS[A-Z]+|L[467][A-Z0-9]+|TIMEOUT|OBSERVER)$/)
				break
		state = $3
		reason = $i
		at = index($0, " " reason " ")
		message = substr($0, at + length(reason) + 2)
		sub("^ +", "", message)
		print state, reason, message
	}' "$dir/once"
}

found() { # NAME WANTED (state, reason, message)
	is "$1: $2" "$(said "$1")" "$2"
}

# As found, but the message is a glob.
found_like() { # NAME GLOB
	local got
	got=$(said "$1")
	# shellcheck disable=SC2053
	if [[ $got == $2 ]]; then
		ok "$1: $2"
	else
		not_ok "$1: $2" "got '$got'" "$(tail -3 "$dir/once.log")"
	fi
}

# The errors that --check finds in the checks given on stdin go to $dir/wrong.
wrong() {
	{
		echo "daemon = { observer = \"test\"; state_dir = \"$dir/state\"; };"
		echo "checks = ("
		cat
		echo ");"
	} >"$dir/wrong.conf"
	mkdir -p "$dir/state"
	run_sonded -c "$dir/wrong.conf" --check >/dev/null 2>"$dir/wrong"
	wrong_status=$?
}

complains() { # TEXT that one of the errors holds
	if grep -Fq -- "$1" "$dir/wrong"; then
		ok "says: $1"
	else
		not_ok "says: $1" "$(cat "$dir/wrong")"
	fi
}
