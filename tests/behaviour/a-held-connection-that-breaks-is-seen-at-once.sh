#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# With hold = true the connection of a run is kept until the next one.  When it breaks (FIN,
# RST, an ICMP error, a unix socket's end, TLS) a run follows at once, long before the
# interval, and its answer says how it broke, whether that finds the server DOWN or UP.
if [ "${SONDE_INSIDE:-0}" != 1 ]; then
	for how in -n -rn; do
		unshare "$how" true 2>/dev/null && SONDE_INSIDE=1 exec unshare "$how" "$BASH" "$0"
	done
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
. "$(dirname "$0")/tcp.sh"
. "$(dirname "$0")/pki.sh"
[ "${SONDE_INSIDE:-0}" = 1 ] || skip_all "unshare is not allowed here"
need ip nft ss
ip link set lo up
nft add table inet sonde 2>/dev/null || skip_all "nft is not allowed here"
nft add chain inet sonde input '{ type filter hook input priority 0; }'
most=$((100 * patience)) # ms from the break to the answer

pki_make || exit 1
start_peer reset keep "220 hello" || exit 1
start_peer closed keep || exit 1
start_peer killed keep || exit 1
start_peer lost keep || exit 1
start_peer silent keep || exit 1
start_peer fresh keep || exit 1
start_peer local keep "" "$dir/local.sock" || exit 1
start_peer flood flood || exit 1
start_tls sealed good || exit 1

start_checks hold 'interval = "1h"; timeout = "2s"; retry_interval = "200ms"; fall = 1;
	tcp = { hold = true; };' <<END
{ name = "reset"; plugin = "tcp"; address = "127.0.0.1:$reset_port"; steps = ["expect 220"]; },
{ name = "closed"; plugin = "tcp"; address = "127.0.0.1:$closed_port"; },
{ name = "killed"; plugin = "tcp"; address = "127.0.0.1:$killed_port"; },
{ name = "lost"; plugin = "tcp"; address = "127.0.0.1:$lost_port"; },
{ name = "silent"; plugin = "tcp"; address = "127.0.0.1:$silent_port"; timeout = "500ms"; },
{ name = "local"; plugin = "tcp"; address = "unix:$dir/local.sock"; },
{ name = "sealed"; plugin = "tcp"; address = "127.0.0.1:$sealed_port"; tls = true;
  ca = "$pki/root.pem"; },
{ name = "flood"; plugin = "tcp"; address = "127.0.0.1:$flood_port"; },
{ name = "fresh"; plugin = "tcp"; address = "127.0.0.1:$fresh_port"; interval = "300ms"; },
{ name = "let-go"; plugin = "tcp"; address = "127.0.0.1:$fresh_port"; hold = false; }
END
for check in reset closed killed lost silent local sealed flood fresh; do answered "$check"; done

# Keepalive asks a peer after 5 s, every 2 s, three times: it is looked at in the end.
nft add rule inet sonde input tcp dport "$silent_port" drop

# ---- what breaks ----

breaks() { # CHECK WANTED (state, reason, how it broke) COMMAND...
	local check=$1 wanted=$2 since took
	shift 2
	since=$(date +%s%6N)
	"$@"
	answered "$check" 2
	is "$check: $wanted" "$(results "$check" '"\(.state) \(.reason) \(.details.held)"' |
		sed -n '2s/ after [0-9.]* s$//p')" "$wanted"
	took=$(results "$check" '.detection | "\(.mode) \(.detected)"' | sed -n 2p)
	is "$check: it was asked for" "${took% *}" event
	took=$(($(date -d "${took#* }" +%s%6N) - since))
	note "$check: $took us from the command to the answer"
	check "$check: at once" [ $((took / 1000)) -lt "$most" ]
}
breaks reset "UP OK reset by the peer" kill -USR1 "$reset_pid"
breaks closed "UP OK closed by the peer" kill -USR2 "$closed_pid"
breaks local "UP OK closed by the peer" kill -USR2 "$local_pid"
breaks killed "DOWN L4CON closed by the peer" kill -KILL "$killed_pid"
breaks sealed "DOWN L4CON closed by the peer" kill -KILL "$sealed_pid"
is "a change to DOWN says it as well" "$(changes killed .details.held | tail -1 |
	sed 's/ after.*//')" "closed by the peer"
check "... and after how long" \
	grep -qE '^closed by the peer after [0-9]+\.[0-9] s$' <<<"$(changes killed .details.held | tail -1)"

# The acknowledgement of what the peer says is answered by ICMP.
nft add rule inet sonde input tcp dport "$lost_port" reject with icmp host-unreachable
breaks lost "DOWN L4UNR no route to host" kill -HUP "$lost_pid"

# ---- what does not ----

is "what the peer said on the way was thrown away" "$(results reset .seq | wc -l)" 2
kept() { ss -Htn state established "( dport = :$1 )" | wc -l; }
is "a peer that says too much is let go" "$(kept "$flood_port")" 0
kill -KILL "$flood_pid"
answered fresh 4
is "... so that nothing is heard of its end" "$(results flood .seq | wc -l)" 1
check "each run has a connection of its own" [ "$(grep -c accepted "$dir/fresh.said")" -ge 5 ]
is "... and the last one alone is kept" "$(kept "$fresh_port")" 1
is "nothing breaks without being told" "$(results fresh .details.held | sort -u)" null
answered silent 2
is "silent: a peer that vanished is noticed" "$(results silent \
	'"\(.state) \(.reason) \(.details.held)"' | sed -n '2s/ after [0-9.]* s$//p')" \
	"DOWN L4TOUT connection timed out"
ends_clean hold
is "at the end nothing is kept" "$(kept "$closed_port")$(kept "$fresh_port")" 00

wrong <<END
{ name = "a"; plugin = "tcp"; address = "127.0.0.1:80"; hold = true; handshake = "half"; },
{ name = "b"; plugin = "tcp"; address = "127.0.0.1:80"; hold = true; steps = ["close"]; }
END
complains 'check "a": handshake: "half" opens no connection; use "full" for hold'
complains 'check "b": hold: no connection is left to hold after a close step'
done_testing
