#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What goes wrong before TLS begins is told for what it is and at once: a no in the words of
# the server, another protocol, bytes that somebody slipped in before the encryption, a
# flood, a hang-up, silence.  And a server that is only slow is no fault.
. "$(dirname "$0")/lib.sh"
. "$here/net.sh"
. "$here/pki.sh"
need python3
pki_make || exit 1

names=()

# A server of starttls.py, and the row of a check that asks it.
server() { # NAME PROTOCOL OPTIONS TURN...
	local name=$1 protocol=$2 options=$3
	shift 3
	python3 "$here/starttls.py" "$dir/$name.port" "$pki/good-chain.pem" "$pki/server.key" \
		"$@" >"$dir/$name.log" 2>&1 &
	pids+=($!)
	names+=("$name")
	protocols[$name]=$protocol options_of[$name]=$options
}
declare -A protocols options_of ports

server no smtp "" '220 mx\r\n' '250 mx\r\n' '454 TLS not available due to temporary reason\r\n'
server busy smtp "" '421 come back later\r\n'
server other smtp "" 'SSH-2.0-OpenSSH_9.2\r\n'
server harm smtp "" '\x1b[2J\x00\xff 500\r\n'
server imap-no imap "" '* OK hi\r\n' '* 1 EXISTS\r\na1 NO not today\r\n'
server imap-bye imap "" '* OK hi\r\n' '* BYE going down\r\n'
server pop3-no pop3 "" '+OK hi\r\n' '-ERR no TLS here\r\n'
server ftp-no ftp "" '220-hi\r\nthere\r\n220 hi\r\n' '502 what\r\n'
server mysql-blocked mysql "" '\x10\x00\x00\x00\xffj\x04#HY000Blocked'
server injected smtp "" '220 mx\r\n' '250 mx\r\n' '220 go\r\n250 believe me\r\n' tls
server flood smtp "" 'flood:220-more and '
server closed smtp "" '220 mx\r\n' close
server silent smtp 'timeout = "1s";' '220 mx\r\n'
server patient smtp 'steps = ("expect now encrypted", "send bye\r\n", "close");' \
	'slow:220-mx\r\n220 mx\r\n' 'slow:250-mx\r\n250-STARTTLS\r\n250 HELP\r\n' \
	'slow:220 go\r\n' tls 'slow:now encrypted\r\n' close

for name in "${names[@]}"; do
	wait_for 20 test -s "$dir/$name.port" || {
		note "starttls.py did not start: $(cat "$dir/$name.log")"
		exit 1
	}
	ports[$name]=$(cat "$dir/$name.port")
done
for name in "${names[@]}"; do
	printf '{ name = "%s"; plugin = "tcp"; address = "127.0.0.1:%s"; starttls = "%s"; %s },\n' \
		"$name" "${ports[$name]}" "${protocols[$name]}" \
		"ca = \"$pki/root.pem\"; ${options_of[$name]}"
done | sed '$ s/,$//' >"$dir/rows"

began=$(now_ms)
once 'timeout = "20s";' <"$dir/rows"
took=$(($(now_ms) - began))

down() { # NAME REASON GLOB
	found_like "$1" "DOWN $2 127.0.0.1:${ports[$1]}: $3"
}

down no L7RSP 'starttls smtp: the server answers 454 TLS not available due to temporary reason'
down busy L7RSP 'starttls smtp: the server answers 421 come back later'
down other L7RSP 'starttls smtp: the server answers SSH-2.0-OpenSSH_9.2'
down harm L7RSP 'starttls smtp: the server answers *'
check "what it said does no harm" eval "! grep -q '[[:cntrl:]]' <(tr -d '\n' <'$dir/once')"
down imap-no L7RSP 'starttls imap: the server answers NO not today'
down imap-bye L7RSP 'starttls imap: the server answers \* BYE going down'
down pop3-no L7RSP 'starttls pop3: the server answers -ERR no TLS here'
down ftp-no L7RSP 'starttls ftp: the server answers 502 what'
down mysql-blocked L7RSP 'starttls mysql: the server answers Blocked'
down injected L6RSP '*more before TLS than it was asked*'
down flood L7BIG '*more bytes than*'
down closed L7RSP '*closed the connection*'
down silent L7TOUT '*'
found_like patient "UP OK 127.0.0.1:${ports[patient]}: connected by TLSv1.?, all steps passed"
check "only silence was waited for ($took ms)" test "$took" -lt 15000
no_sanitizer once
done_testing
