# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034
#
# tcp.sh - what the tests of the tcp probe share, beside lib.sh and net.sh: the far sides of
# tcp.py, and a daemon whose events can be looked at.

need python3 jq

# A far side of tcp.py: its port goes to NAME_port, its pid to NAME_pid, what it prints to
# $dir/NAME.said.
start_peer() { # NAME MODE [ARGUMENTS...]
	local name=$1 mode=$2
	shift 2
	python3 -u "$here/tcp.py" "$mode" "$dir/$name.port" "$@" \
		>"$dir/$name.said" 2>"$dir/$name.log" &
	pids+=($!)
	printf -v "${name}_pid" %s "$!"
	wait_for 10 test -s "$dir/$name.port" || {
		note "tcp.py $mode did not start: $(cat "$dir/$name.log")"
		return 1
	}
	printf -v "${name}_port" %s "$(cat "$dir/$name.port")"
}

# A daemon with the checks given on stdin; its events go to $dir/NAME.json, one a line.
start_checks() { # NAME [DEFAULTS]
	mkdir -p "$dir/$1.state"
	cat >"$dir/$1.conf" <<-END
		daemon = { observer = "test"; state_dir = "$dir/$1.state"; };
		defaults = { ${2-} };
		checks = ( $(cat) );
		sinks = ( { name = "json"; plugin = "file"; path = "$dir/$1.json"; } );
		routes = ( { name = "all"; match = { kind = ["result", "change"];
		             not = { check = "observer:*"; }; }; to = ["json"]; } );
	END
	events=$dir/$1.json
	start_sonded "$1" -c "$dir/$1.conf" || exit 1
}

# What jq makes of a check's results (or changes), one a line.
results() { # CHECK FILTER
	jq -r --arg check "$1" "select(.check == \$check and .kind == \"result\") | $2" "$events"
}

changes() { # CHECK FILTER
	jq -r --arg check "$1" "select(.check == \$check and .kind == \"change\") | $2" "$events"
}

# Until a check has that many results.
answered() { # CHECK [COUNT]
	wait_for 20 eval "[ \"\$(results '$1' .seq | wc -l)\" -ge ${2-1} ]" ||
		note "$1 has not answered ${2-1} times: $(tail -n 3 "$events" "$dir"/*.log)"
}

# The first result of a check.
first() { # CHECK FILTER
	results "$1" "$2" | head -1
}
