#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
#
# STARTTLS as databases and directories have it: PostgreSQL's SSLRequest, the greeting and
# the SSLRequest of MariaDB, the extended operation of OpenLDAP.  A server that has no TLS
# says so in its protocol, and that is told at once.
. "$(dirname "$0")/lib.sh"
. "$here/net.sh"
. "$here/pki.sh"
. "$here/starttls.sh"
need mariadbd slapd
[ -n "$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null)" ] ||
	skip_all "PostgreSQL is not installed"
pki_make || exit 1

check "a PostgreSQL server" start_postgres postgres tls
check "one without TLS" start_postgres plain_postgres plain
check "a MariaDB server" start_mariadb mysql tls
check "one without TLS" start_mariadb plain_mysql plain
check "an LDAP server" start_slapd ldap tls
check "one without TLS" start_slapd plain_ldap plain
protocols=(postgres mysql ldap)

# What is said after the handshake, as configured, and answered: a start-up packet of
# PostgreSQL for a user "x" (refused or asked for more, by an E or an R), a search for the
# root of the directory.
declare -A steps=(
	[postgres]='"send-hex 0000001000030000 7573657200 7800 00", "expect-regex ^[ER]"'
	[mysql]=''
	[ldap]='"send-hex 30250201016320 0400 0a0100 0a0100 020100 020100 010100 870b6f626a656374636c617373 3000", "expect-hex 020101"'
)
declare -A refusal=(
	[postgres]='the server offers no TLS'
	[mysql]='the server offers no TLS'
	[ldap]='the server answers *'
)

row() { # NAME PROTOCOL PORT_VARIABLE [OPTIONS]
	printf '{ name = "%s"; plugin = "tcp"; address = "127.0.0.1:%s"; starttls = "%s"; %s },\n' \
		"$1" "${!3}" "$2" "${4-}"
}

ca="ca = \"$pki/root.pem\";"
{
	for protocol in "${protocols[@]}"; do
		row "$protocol" "$protocol" "${protocol}_port" "$ca"
		row "$protocol-distrusted" "$protocol" "${protocol}_port"
		row "$protocol-refused" "$protocol" "plain_${protocol}_port" "$ca"
		[ -z "${steps[$protocol]}" ] || row "$protocol-steps" "$protocol" "${protocol}_port" \
			"$ca steps = (${steps[$protocol]});"
	done
	row ldap-as-postgres postgres ldap_port "$ca"
	row mysql-as-ldap ldap mysql_port "$ca"
} | sed '$ s/,$//' >"$dir/rows"

began=$(now_ms)
once 'timeout = "20s";' <"$dir/rows"
took=$(($(now_ms) - began))

for protocol in "${protocols[@]}"; do
	port=${protocol}_port plain=plain_${protocol}_port
	found_like "$protocol" "UP OK 127.0.0.1:${!port}: connected by TLSv1.?, all steps passed"
	[ -z "${steps[$protocol]}" ] || found_like "$protocol-steps" \
		"UP OK 127.0.0.1:${!port}: connected by TLSv1.?, all steps passed"
	found_like "$protocol-distrusted" "DOWN L6CERT 127.0.0.1:${!port}: *unknown authority*"
	found_like "$protocol-refused" \
		"DOWN L7RSP 127.0.0.1:${!plain}: starttls $protocol: ${refusal[$protocol]}"
done
found_like ldap-as-postgres "DOWN L7RSP 127.0.0.1:$ldap_port: *closed the connection*"
found_like mysql-as-ldap \
	"DOWN L7RSP 127.0.0.1:$mysql_port: starttls ldap: the server does not speak this protocol"
check "no answer was waited for in vain ($took ms)" test "$took" -lt 15000
no_sanitizer once
done_testing
