#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What answers is UP; what refuses is DOWN with L4CON, and the message names the address
# that refused, also where a name was given.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"

start_net open count || exit 1
start_net names dns "open.test=127.0.0.1" "shut.test=127.0.0.2" "six.test=::1" || exit 1
python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(8); time.sleep(3600)' \
	"$dir/open.sock" &
pids+=($!)
python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET6); s.bind(("::1", 0)); s.listen(8)
print(s.getsockname()[1], flush=True); time.sleep(3600)' >"$dir/six" &
pids+=($!)
wait_for 10 test -S "$dir/open.sock" -a -s "$dir/six"
six=$(cat "$dir/six")
shut=$(free_port)

once "tcp = { resolver = \"127.0.0.1:$names_port\"; };" <<END
{ name = "open";       plugin = "tcp"; address = "127.0.0.1:$open_port"; },
{ name = "open-name";  plugin = "tcp"; address = "open.test:$open_port"; },
{ name = "open-six";   plugin = "tcp"; address = "[::1]:$six"; },
{ name = "name-six";   plugin = "tcp"; address = "six.test:$six"; ip = "6"; },
{ name = "open-unix";  plugin = "tcp"; resolver = ""; address = "unix:$dir/open.sock"; },
{ name = "half";       plugin = "tcp"; address = "127.0.0.1:$open_port"; handshake = "half"; },
{ name = "shut";       plugin = "tcp"; address = "127.0.0.1:$shut"; },
{ name = "shut-half";  plugin = "tcp"; address = "127.0.0.1:$shut"; handshake = "half"; },
{ name = "shut-name";  plugin = "tcp"; address = "shut.test:$shut"; },
{ name = "shut-six";   plugin = "tcp"; address = "[::1]:$shut"; },
{ name = "no-socket";  plugin = "tcp"; resolver = ""; address = "unix:$dir/none.sock"; },
{ name = "no-name";    plugin = "tcp"; address = "none.test:22"; },
{ name = "no-six";     plugin = "tcp"; address = "open.test:22"; ip = "6"; }
END
is "not all are UP" "$once_status" 1
found open "UP OK 127.0.0.1:$open_port: connected"
found open-name "UP OK open.test:$open_port (127.0.0.1): connected"
found open-six "UP OK [::1]:$six: connected"
found name-six "UP OK six.test:$six (::1): connected"
found open-unix "UP OK unix:$dir/open.sock: connected"
found half "UP OK 127.0.0.1:$open_port: connected"
found shut "DOWN L4CON 127.0.0.1:$shut: connection refused"
found shut-half "DOWN L4CON 127.0.0.1:$shut: connection refused"
found shut-name "DOWN L4CON shut.test:$shut (127.0.0.2): connection refused"
found shut-six "DOWN L4CON [::1]:$shut: connection refused"
found no-socket "DOWN L4CON unix:$dir/none.sock: no such file or directory"
found no-name "DOWN DNSERR none.test: there is no such name"
found no-six "DOWN DNSERR open.test: the name has no address of the wanted kind"
done_testing
