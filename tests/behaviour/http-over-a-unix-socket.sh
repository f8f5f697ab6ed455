#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# unix_socket asks a server on a unix socket, with the host of the URL and without any lookup;
# a socket that is not there, or that nobody listens on, is L4CON.
. "$(dirname "$0")/webs.sh"

start_web here unix "$dir/web.sock" || exit 1
start_web there echo || exit 1
start_net names dns shop.test=127.0.0.1 there.test=127.0.0.1 || exit 1
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/dead.sock"

results 6 "http = { max_redirects = 1; resolver = \"127.0.0.1:$names_port\"; };" <<END
{ name = "right"; plugin = "http"; url = "http://shop.test/right"; unix_socket = "$dir/web.sock"; },
{ name = "kept";  plugin = "http"; url = "http://shop.test/kept"; unix_socket = "$dir/web.sock"; keep = true; },
{ name = "moved"; plugin = "http"; url = "http://shop.test/go?302=/there"; unix_socket = "$dir/web.sock"; },
{ name = "away";  plugin = "http"; url = "http://shop.test/go?302=http://there.test:$there_port/away"; unix_socket = "$dir/web.sock"; },
{ name = "none";  plugin = "http"; url = "http://shop.test/"; unix_socket = "$dir/none.sock"; },
{ name = "dead";  plugin = "http"; url = "http://shop.test/"; unix_socket = "$dir/dead.sock"; }
END
tells right "shop.test:80 (unix:$dir/web.sock): HTTP/1.1 200 OK"
holds "the host of the URL" "$(asked here /right)" "> Host: shop.test"
check "its phases" \
	test "$(field right '.timing_us | .connect >= 0 and .first_byte >= 0 and .dns == null')" = true
verdict kept "UP OK"
tells moved "shop.test:80 (unix:$dir/web.sock): HTTP/1.1 200 OK"
tells away "there.test:$there_port (127.0.0.1): HTTP/1.1 200 OK"
is "only the other host was looked up" "$(sort -u "$dir/names.said" | grep -v AAAA)" "there.test A"
tells none "shop.test:80 (unix:$dir/none.sock): no such file or directory"
verdict none "DOWN L4CON"
verdict dead "DOWN L4CON"

wrong <<END
{ name = "a"; plugin = "http"; url = "http://shop.test/"; unix_socket = "run/x"; },
{ name = "b"; plugin = "http"; url = "http://shop.test/"; unix_socket = "/$(printf 'x%.0s' {1..120})"; },
{ name = "c"; plugin = "http"; url = "http://shop.test/"; unix_socket = "/x"; proxy = "http://127.0.0.1:1"; },
{ name = "d"; plugin = "http"; url = "http://shop.test/"; unix_socket = "/x"; source = "127.0.0.1"; },
{ name = "e"; plugin = "http"; url = "http://shop.test/"; unix_socket = "/x"; resolve = "127.0.0.1"; },
{ name = "f"; plugin = "http"; url = "http://shop.test/"; unix_socket = "/x"; ip = "4"; },
{ name = "g"; plugin = "http"; url = "http://shop.test/"; unix_socket = "/x"; resolver = "127.0.0.1"; }
END
complains 'check "a": unix_socket: a path begins with /'
complains 'check "b": unix_socket: a path has at most 107 bytes'
complains 'check "c": proxy: has no meaning for a unix socket'
complains 'check "d": source: has no meaning for a unix socket'
complains 'check "e": resolve: has no meaning for a unix socket'
complains 'check "f": ip: has no meaning for a unix socket'
complains 'check "g": resolver: has no meaning for a unix socket'
done_testing
