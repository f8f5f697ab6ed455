#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The answer that makes a check DOWN brings what helps to find out why: the addresses and how
# each failed, the state of the connection, what was heard, cut to size.  The answers before
# and after it do not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
. "$(dirname "$0")/tcp.sh"

start_net full backlog || exit 1
start_net names dns "two.test=127.0.0.2,127.0.0.3" || exit 1
start_peer flood flood || exit 1
start_peer keep keep "220 hello" || exit 1
start_peer often keep "220 hello" || exit 1
nobody=$(free_port)

start_checks explain 'interval = "300ms"; timeout = "250ms"; retry_interval = "300ms";' <<END
{ name = "often"; plugin = "tcp"; address = "127.0.0.1:$often_port"; steps = ["expect 220"]; },
{ name = "refused"; plugin = "tcp"; address = "two.test:$nobody";
  resolver = "127.0.0.1:$names_port"; },
{ name = "silent"; plugin = "tcp"; address = "127.0.0.1:$full_port"; },
{ name = "other"; plugin = "tcp"; address = "127.0.0.1:$keep_port"; steps = ["expect 250"]; },
{ name = "flood"; plugin = "tcp"; address = "127.0.0.1:$flood_port"; steps = ["expect ready"]; },
{ name = "negated"; plugin = "tcp"; address = "127.0.0.1:$nobody"; negate = true; }
END
for check in refused silent other flood; do answered "$check" 5; done
changed() { # CHECK TIMES
	wait_for 20 eval "[ \"\$(changes '$1' .seq | wc -l)\" -ge $2 ]"
}
changed often 1
for signal in STOP CONT STOP CONT; do # its kernel accepts for it meanwhile
	count=$(($(changes often .seq | wc -l) + 1))
	kill -"$signal" "$often_pid"
	changed often "$count"
done

once_only() { # CHECK FIELD...
	local check=$1 field
	shift
	for field in "$@"; do
		is "$check: $field comes with the second answer and no other" \
			"$(results "$check" "select(.state == \"DOWN\") | .details.$field // \"\"" |
				sed '/./=;d' | xargs)" 2
		is "$check: $field is in the change" \
			"$(changes "$check" "select(.state == \"DOWN\") | .details.$field")" \
			"$(results "$check" ".details.$field // empty")"
	done
}
once_only refused addresses tries
is "refused: the addresses" "$(results refused '.details.addresses // empty')" \
	"127.0.0.2, 127.0.0.3"
is "refused: how each failed" "$(results refused '.details.tries // empty')" \
	"127.0.0.2: connection refused; 127.0.0.3: connection refused"
once_only silent tcp_info
check "silent: the state of the connection" \
	grep -q '^SYN_SENT, ' <<<"$(results silent '.details.tcp_info // empty')"
once_only other tcp_info received
is "other: what was heard" "$(results other '.details.received // empty')" "220 hello"
is "other: how much" "$(results other '.metrics.received_bytes // empty')" 9
check "other: the state of the connection" \
	grep -qE '^ESTABLISHED, round trip [0-9.]+ ms, .* 9 received$' \
	<<<"$(results other '.details.tcp_info // empty')"
once_only flood received
is "flood: it is cut" "$(results flood '.details.received // empty' | tr -d '\n' | wc -c)" 256
is "often: the state goes to and fro" "$(changes often .state | xargs)" "UP DOWN UP DOWN UP"
is "often: each change to DOWN says why" \
	"$(changes often 'select(.details.tcp_info and .metrics.received_bytes == 0) | .state' |
		xargs)" "DOWN DOWN"
is "often: one answer for each" "$(results often 'select(.details != {}) | .state' | xargs)" \
	"DOWN DOWN"
is "negated: an answer that makes it UP needs no explanation" \
	"$(results negated '.details | length' | sort -u)" 0
ends_clean explain
done_testing
