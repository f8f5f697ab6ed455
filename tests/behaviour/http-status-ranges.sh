#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What status = [...] wants, against a real nginx: single codes, ranges, negations; methods,
# headers and bodies arrive as configured; the body must and must not match.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
need nginx

start_nginx() {
	nginx_port=$(free_port)
	cat >"$dir/nginx.conf" <<END
daemon off; master_process off; worker_processes 1; pid $dir/nginx.pid; error_log $dir/nginx.log;
events { worker_connections 64; }
http {
	access_log $dir/access; client_body_temp_path $dir/t1; proxy_temp_path $dir/t2;
	fastcgi_temp_path $dir/t3; uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
	server {
		listen 127.0.0.1:$nginx_port;
		location = /ok { return 200 "all is well: 42 items\n"; }
		location = /created { return 201 ""; }
		location = /moved { return 301 http://127.0.0.1:$nginx_port/ok; }
		location = /gone { return 410 "gone\n"; }
		location = /broken { return 503 "broken\n"; }
		location = /method { return 200 "method=\$request_method token=\$http_x_token\n"; }
	}
}
END
	nginx -c "$dir/nginx.conf" -e "$dir/nginx.log" -p "$dir" 2>"$dir/nginx.err" &
	pids+=($!)
	wait_for 5 eval "exec 3<>/dev/tcp/127.0.0.1/$nginx_port"
}
for _ in 1 2 3; do start_nginx && break; done
web=http://127.0.0.1:$nginx_port at=127.0.0.1:$nginx_port

once <<END
{ name = "default";    plugin = "http"; url = "$web/ok"; },
{ name = "default201"; plugin = "http"; url = "$web/created"; },
{ name = "default301"; plugin = "http"; url = "$web/moved"; },
{ name = "default503"; plugin = "http"; url = "$web/broken"; },
{ name = "one";        plugin = "http"; url = "$web/moved"; status = ["200", "301"]; },
{ name = "range";      plugin = "http"; url = "$web/gone"; status = ["200-299", "400-499"]; },
{ name = "not-this";   plugin = "http"; url = "$web/gone"; status = ["200-499", "!410"]; },
{ name = "all-but";    plugin = "http"; url = "$web/broken"; status = ["!500-599"]; },
{ name = "all-but-ok"; plugin = "http"; url = "$web/gone"; status = ["!500-599"]; },
{ name = "head";       plugin = "http"; url = "$web/ok"; method = "HEAD"; },
{ name = "post";       plugin = "http"; url = "$web/method"; method = "POST"; body = "x=1";
  headers = ["X-Token: secret-1"]; body_match = "^method=POST token=secret-1\$"; },
{ name = "delete";     plugin = "http"; url = "$web/method"; method = "DELETE";
  body_match = "method=DELETE"; },
{ name = "match";      plugin = "http"; url = "$web/ok"; body_match = "[0-9]+ items"; },
{ name = "no-match";   plugin = "http"; url = "$web/ok"; body_match = "(?i)FAILED"; },
{ name = "must-not";   plugin = "http"; url = "$web/ok"; body_not_match = "is well"; },
{ name = "both";       plugin = "http"; url = "$web/ok"; body_match = "well"; body_not_match = "ill"; },
{ name = "small";      plugin = "http"; url = "$web/ok"; max_body = "10"; },
{ name = "exact";      plugin = "http"; url = "$web/ok"; max_body = "22"; },
{ name = "status-first"; plugin = "http"; url = "$web/gone"; max_body = "2"; body_match = "x"; }
END
found default "UP OK $at: HTTP/1.1 200 OK"
found default201 "UP OK $at: HTTP/1.1 201 Created"
found default301 "DOWN L7STS $at: HTTP/1.1 301 Moved Permanently, wanted 200-299"
found default503 "DOWN L7STS $at: HTTP/1.1 503 Service Temporarily Unavailable, wanted 200-299"
found one "UP OK $at: HTTP/1.1 301 Moved Permanently"
found range "UP OK $at: HTTP/1.1 410 Gone"
found not-this "DOWN L7STS $at: HTTP/1.1 410 Gone, wanted 200-499, !410"
found all-but "DOWN L7STS $at: HTTP/1.1 503 Service Temporarily Unavailable, wanted !500-599"
found all-but-ok "UP OK $at: HTTP/1.1 410 Gone"
found head "UP OK $at: HTTP/1.1 200 OK"
found post "UP OK $at: HTTP/1.1 200 OK"
found delete "UP OK $at: HTTP/1.1 200 OK"
found match "UP OK $at: HTTP/1.1 200 OK"
found no-match "DOWN L7BODY $at: the body does not match body_match"
found must-not "DOWN L7BODY $at: the body matches body_not_match"
found both "UP OK $at: HTTP/1.1 200 OK"
found small "DOWN L7BIG $at: more than 10 bytes of body"
found exact "UP OK $at: HTTP/1.1 200 OK"
found status-first "DOWN L7STS $at: HTTP/1.1 410 Gone, wanted 200-299"
check "our name is in the request" grep -Eq '"sonde/[0-9.]+"' "$dir/access"
done_testing
