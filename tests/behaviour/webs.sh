# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034
#
# webs.sh - what the tests of http requests share, with web.sh: the far sides of webs.py, and
# what they were asked.

. "$(dirname "$0")/web.sh"

# A far side of webs.py: its port goes to NAME_port, what it prints to $dir/NAME.said.
start_web() { # NAME MODE [ARGUMENTS...]
	local name=$1 mode=$2
	shift 2
	python3 -u "$here/webs.py" "$mode" "$dir/$name.port" "$@" \
		>"$dir/$name.said" 2>"$dir/$name.log" &
	pids+=($!)
	wait_for 10 test -s "$dir/$name.port" || {
		note "webs.py $mode did not start: $(cat "$dir/$name.log")"
		return 1
	}
	printf -v "${name}_port" %s "$(cat "$dir/$name.port")"
}

# What was asked with this target, as one block; of several the first.
asked() { # NAME TARGET
	awk -v target="$2" 'BEGIN { RS = ""; FS = "\n" }
		index($0, " " target " HTTP/") { print; exit }' "$dir/$1.said"
}

verdict() { # NAME WANTED (state, reason)
	is "$1: $2" "$(field "$1" '"\(.state) \(.reason)"')" "$2"
}

tells() { # NAME GLOB
	local got
	got=$(field "$1" .message)
	# shellcheck disable=SC2053
	if [[ $got == $2 ]]; then ok "$1: $2"; else not_ok "$1: $2" "got '$got'"; fi
}

holds() { # WHAT FILE WORDS
	if grep -qF -- "$3" <<<"$2"; then ok "$1"; else not_ok "$1" "no '$3' in:" "$2"; fi
}

lacks() { # WHAT FILE WORDS
	if grep -qiF -- "$3" <<<"$2"; then not_ok "$1" "'$3' in:" "$2"; else ok "$1"; fi
}
