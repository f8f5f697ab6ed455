#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A name with several addresses is UP if one of them answers, also where the first one is
# silent; else the most telling failure is told, with its address.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"

start_net open http || exit 1
start_net full backlog || exit 1
start_net names dns \
	"refused.test=127.0.0.2,127.0.0.1" "silent.test=127.0.0.1,127.0.0.3" \
	"both.test=::1,127.0.0.1" "all.test=127.0.0.2,127.0.0.3" "mixed.test=127.0.0.1,127.0.0.2" ||
	exit 1
# Listens where the other's backlog is full, on another address of the same port.
python3 -c 'import socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.3", int(sys.argv[1]))); s.listen(8); print("ready", flush=True)
while True:
    c = s.accept()[0]
    c.settimeout(0.2)
    try:
        c.recv(4096)
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    except OSError:
        pass
    c.close()' "$full_port" >"$dir/second" &
pids+=($!)
wait_for 10 test -s "$dir/second"

ask="{ resolver = \"127.0.0.1:$names_port\"; }"
once "tcp = $ask; http = $ask; timeout = \"2s\";" <<END
{ name = "refused"; plugin = "tcp"; address = "refused.test:$open_port"; },
{ name = "again";   plugin = "tcp"; address = "refused.test:$open_port"; },
{ name = "silent";  plugin = "tcp"; address = "silent.test:$full_port"; },
{ name = "both";    plugin = "tcp"; address = "both.test:$open_port"; },
{ name = "all";     plugin = "tcp"; address = "all.test:$open_port"; },
{ name = "mixed";   plugin = "tcp"; address = "mixed.test:$full_port"; },
{ name = "h-refused"; plugin = "http"; url = "http://refused.test:$open_port/echo"; },
{ name = "h-silent";  plugin = "http"; url = "http://silent.test:$full_port/"; },
{ name = "h-both";    plugin = "http"; url = "http://both.test:$open_port/echo"; },
{ name = "h-all";     plugin = "http"; url = "http://all.test:$open_port/echo"; }
END
found refused "UP OK refused.test:$open_port (127.0.0.1): connected"
found silent "UP OK silent.test:$full_port (127.0.0.3): connected"
found both "UP OK both.test:$open_port (127.0.0.1): connected"
found_like all "DOWN L4CON all.test:$open_port (127.0.0.[23]): connection refused"
found mixed "DOWN L4CON mixed.test:$full_port (127.0.0.2): connection refused"
found h-refused "UP OK refused.test:$open_port (127.0.0.1): HTTP/1.1 200 OK"
found h-silent "UP OK silent.test:$full_port (127.0.0.3): HTTP/1.1 200 OK"
found h-both "UP OK both.test:$open_port (127.0.0.1): HTTP/1.1 200 OK"
found_like h-all "DOWN L4CON all.test:$open_port (127.0.0.[23]): connection refused"
check "the request names the host, not an address" \
	grep -q "^> Host: refused.test:$open_port" "$dir/open.said"
is "a name asked for by several checks is looked up once by each plugin" \
	"$(grep -c '^refused.test A$' "$dir/names.said")" 2
done_testing
