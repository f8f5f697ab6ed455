# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034
#
# web.sh - what the tests of the http probe share, with lib.sh and net.sh: nginx, and the
# events of checks as JSON.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
need jq

nginx_conf() { # LISTEN
	cat <<-END
		daemon off; master_process off; worker_processes 1;
		pid $dir/nginx.pid; error_log $dir/nginx.log;
		events { worker_connections 64; }
		http {
		    access_log $dir/access; client_body_temp_path $dir/t1; proxy_temp_path $dir/t2;
		    fastcgi_temp_path $dir/t3; uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
		    server {
		        listen $1;
		        root $dir/www;
	END
	cat "$dir/nginx.server"
	echo "} }"
}

# With the rest of its server block from stdin, on a free port of 127.0.0.1: nginx_port.
# LISTEN comes after the port: "ssl".  Files are in $dir/www.
start_nginx() { # [LISTEN]
	need nginx
	mkdir -p "$dir/www"
	cat >"$dir/nginx.server"
	for _ in 1 2 3; do
		nginx_port=$(free_port)
		nginx_conf "127.0.0.1:$nginx_port ${1-}" >"$dir/nginx.conf"
		nginx -c "$dir/nginx.conf" -e "$dir/nginx.log" -p "$dir" 2>"$dir/nginx.err" &
		pids+=($!)
		wait_for 5 eval "exec 3<>/dev/tcp/127.0.0.1/$nginx_port" && return
	done
	note "nginx did not start: $(cat "$dir/nginx.err" "$dir/nginx.log")"
	return 1
}

# Runs the checks given on stdin, COUNT of them, until each has been asked; the results go
# to $dir/results, a line of JSON each.
results() { # COUNT [DEFAULTS]
	{
		echo "daemon = { observer = \"test\"; };"
		echo "defaults = { interval = \"1h\"; fall = 1; ${2-} };"
		echo "checks = ("
		cat
		echo ");"
		echo "sinks = ( { name = \"results\"; plugin = \"file\"; path = \"$dir/results\"; } );"
		echo "routes = ( { name = \"all\"; to = [\"results\"];"
		echo "  match = { kind = \"result\"; not = { check = \"observer:*\"; }; }; } );"
	} >"$dir/results.conf"
	rm -f "$dir/results"
	start_sonded results -c "$dir/results.conf" || return 1
	wait_for $((20 * patience)) eval "[ \"\$(wc -l <'$dir/results')\" -ge $1 ]" ||
		note "only $(wc -l <"$dir/results") of $1 results"
	ends_clean results
}

# What jq finds in the result of a check.
field() { # NAME FILTER
	jq -r --arg name "$1" "select(.check == \$name) | $2" "$dir/results" | head -1
}
