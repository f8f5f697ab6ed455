#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# http and https go through an HTTP proxy and through a SOCKS5 proxy, which look the target's
# name up; what the proxy refuses is told as the proxy's doing; the environment's proxies
# are none of ours.
. "$(dirname "$0")/webs.sh"
. "$(dirname "$0")/pki.sh"
need tinyproxy

# A proxy that lets 127.0.0.1 through to the given ports; its port goes to NAME_port.
start_tinyproxy() { # NAME LINES_OF_CONFIGURATION...
	local name=$1 port
	shift
	for _ in 1 2 3; do
		port=$(free_port)
		printf '%s\n' "Port $port" "Listen 127.0.0.1" "Timeout 20" "Allow 127.0.0.1" \
			"LogFile \"$dir/$name.said\"" "LogLevel Connect" "DisableViaHeader Yes" "$@" \
			>"$dir/$name.conf"
		tinyproxy -d -c "$dir/$name.conf" >"$dir/$name.log" 2>&1 &
		pids+=($!)
		printf -v "${name}_port" %s "$port"
		wait_for 5 eval "exec 3<>/dev/tcp/127.0.0.1/$port" && return
	done
	return 1
}

pki_make || exit 1
start_web open echo || exit 1
start_web tls echo "$pki/good-chain.pem" "$pki/server.key" || exit 1
start_net names dns proxy.test=127.0.0.1 two.test=127.0.0.2,127.0.0.1 || exit 1
start_net mute mute || exit 1
start_tinyproxy free "ConnectPort $tls_port" "ConnectPort 1" || exit 1
start_tinyproxy guarded "BasicAuth probe geheim" "ConnectPort $tls_port" || exit 1
start_web socks socks "" "" localhost=127.0.0.1 || exit 1
start_web login socks probe geheim localhost=127.0.0.1 || exit 1
free=http://127.0.0.1:$free_port guarded=http://127.0.0.1:$guarded_port
open=http://localhost:$open_port tls=https://localhost:$tls_port

export http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1
results 20 "http = { ca = \"$pki/root.pem\"; resolver = \"127.0.0.1:$names_port\"; timeout = \"4s\"; };" <<END
{ name = "direct"; plugin = "http"; url = "http://127.0.0.1:$open_port/direct"; ca = ""; },
{ name = "plain";  plugin = "http"; url = "$open/plain"; proxy = "$free"; ca = ""; },
{ name = "tunnel"; plugin = "http"; url = "$tls/tunnel"; proxy = "$free"; headers = ["X-Secret: for the target"]; },
{ name = "named";  plugin = "http"; url = "$tls/named"; proxy = "http://proxy.test:$free_port"; },
{ name = "login";  plugin = "http"; url = "$tls/login"; proxy = "$guarded"; proxy_user = "probe"; proxy_password = "geheim"; },
{ name = "plain-login"; plugin = "http"; url = "$open/x"; proxy = "$guarded"; proxy_user = "probe"; proxy_password = "geheim"; ca = ""; },
{ name = "407";    plugin = "http"; url = "$tls/"; proxy = "$guarded"; },
{ name = "wrong";  plugin = "http"; url = "$tls/"; proxy = "$guarded"; proxy_user = "probe"; proxy_password = "hush-hush"; },
{ name = "403";    plugin = "http"; url = "https://localhost:2/"; proxy = "$free"; },
{ name = "500";    plugin = "http"; url = "https://localhost:1/"; proxy = "$free"; },
{ name = "second"; plugin = "http"; url = "https://localhost:2/"; proxy = "http://two.test:$free_port"; },
{ name = "gone";   plugin = "http"; url = "$tls/"; proxy = "http://127.0.0.1:1"; },
{ name = "noname"; plugin = "http"; url = "$tls/"; proxy = "http://unknown.test:3128"; },
{ name = "moved";  plugin = "http"; url = "$open/go?302=$tls/moved"; proxy = "$free"; max_redirects = 1; },
{ name = "s-plain"; plugin = "http"; url = "$open/s-plain"; proxy = "socks5://127.0.0.1:$socks_port"; ca = ""; },
{ name = "s-tls";  plugin = "http"; url = "$tls/s-tls"; proxy = "socks5h://proxy.test:$socks_port"; },
{ name = "s-login"; plugin = "http"; url = "$tls/"; proxy = "socks5://127.0.0.1:$login_port"; proxy_user = "probe"; proxy_password = "geheim"; },
{ name = "s-wrong"; plugin = "http"; url = "$tls/"; proxy = "socks5://127.0.0.1:$login_port"; proxy_user = "probe"; proxy_password = "hush-hush"; },
{ name = "s-refused"; plugin = "http"; url = "http://localhost:1/"; proxy = "socks5://127.0.0.1:$socks_port"; ca = ""; },
{ name = "s-noname"; plugin = "http"; url = "http://unknown.test:1/"; proxy = "socks5://127.0.0.1:$socks_port"; ca = ""; }
END
verdict direct "UP OK"
tells plain "localhost:$open_port via 127.0.0.1:$free_port: HTTP/1.* 200 OK"
tells tunnel "localhost:$tls_port via 127.0.0.1:$free_port: HTTP/1.1 200 OK"
check "by CONNECT" grep -q "CONNECT localhost:$tls_port" "$dir/free.said"
holds "headers are for the target" "$(asked tls /tunnel)" "> X-Secret: for the target"
check "a tunnel has its tls apart" \
	test "$(field tunnel '.timing_us | .tls > 0 and .connect > 0 and .send >= 0')" = true
tells named "localhost:$tls_port via proxy.test:$free_port (127.0.0.1): HTTP/1.1 200 OK"
verdict login "UP OK"
lacks "the proxy's password is for the proxy" "$(cat "$dir/tls.said")" proxy-authorization
verdict plain-login "UP OK"
verdict 407 "DOWN L7RSP"
tells 407 "localhost:$tls_port via 127.0.0.1:$guarded_port: the proxy answers CONNECT with 407"
tells wrong "*: the proxy answers CONNECT with 40[17]"
tells 403 "*: the proxy answers CONNECT with 403"
tells 500 "*: the proxy answers CONNECT with 50[0-9]"
verdict second "DOWN L7RSP"
tells second "localhost:2 via two.test:$free_port (127.0.0.1): the proxy answers CONNECT with 403"
verdict gone "DOWN L4CON"
tells gone "localhost:$tls_port via 127.0.0.1:1: connection refused"
verdict noname "DOWN DNSERR"
tells noname "unknown.test: *"
verdict moved "UP OK"
holds "a redirect goes through it as well" "$(cat "$dir/tls.said")" "> GET /moved "
tells s-plain "localhost:$open_port via 127.0.0.1:$socks_port: HTTP/1.1 200 OK"
verdict s-tls "UP OK"
check "the proxy looks names up" grep -q "^asked for localhost:$tls_port$" "$dir/socks.said"
lacks "and no resolver of ours" "$(cat "$dir/names.said")" localhost
verdict s-login "UP OK"
verdict s-wrong "DOWN L7RSP"
tells s-wrong "*: the proxy does not connect us: wrong user or password"
verdict s-refused "DOWN L7RSP"
tells s-refused "*: the proxy does not connect us: connection refused"
tells s-noname "*: the proxy does not connect us: no route to host"
check "no password in events and log" eval "! grep -q 'geheim\|hush-hush' '$dir/results' '$dir/results.log'"

once "timeout = \"700ms\";" <<END
{ name = "mute";   plugin = "http"; url = "$tls/"; proxy = "http://127.0.0.1:$mute_port"; },
{ name = "s-mute"; plugin = "http"; url = "$open/"; proxy = "socks5://127.0.0.1:$mute_port"; }
END
found mute "DOWN L7TOUT localhost:$tls_port via 127.0.0.1:$mute_port: no way through the proxy in time"
found s-mute "DOWN L7TOUT localhost:$open_port via 127.0.0.1:$mute_port: no way through the proxy in time"

wrong <<END
{ name = "a"; plugin = "http"; url = "http://192.0.2.1/"; proxy = "127.0.0.1:3128"; },
{ name = "b"; plugin = "http"; url = "http://192.0.2.1/"; proxy = "http://127.0.0.1"; },
{ name = "c"; plugin = "http"; url = "http://192.0.2.1/"; proxy = "http://me:word@127.0.0.1:3128"; },
{ name = "d"; plugin = "http"; url = "http://192.0.2.1/"; proxy_user = "me"; },
{ name = "e"; plugin = "http"; url = "http://192.0.2.1/"; proxy = "http://127.0.0.1:3128"; proxy_password = "geheim"; },
{ name = "f"; plugin = "http"; url = "http://192.0.2.1/"; proxy = "http://127.0.0.1:3128"; resolve = "192.0.2.2"; },
{ name = "g"; plugin = "http"; url = "http://192.0.2.1/"; proxy = "http://127.0.0.1:3128"; ip = "6"; }
END
complains 'check "a": proxy: a proxy is written http://host:port or socks5://host:port'
complains 'check "b": proxy: the port is missing'
complains 'check "c": proxy: its user and password belong into proxy_user and proxy_password'
complains 'check "d": proxy_user: there is no proxy'
complains 'check "e": proxy_password: there is no proxy_user'
complains 'check "f": resolve: the proxy looks the host up, not we'
complains 'check "g": ip: 127.0.0.1 is not an IPv6 address'
done_testing
