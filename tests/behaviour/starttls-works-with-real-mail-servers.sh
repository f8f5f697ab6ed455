#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
#
# STARTTLS against the servers that people run: Exim, Dovecot (IMAP and POP3) and vsftpd.  The certificate is judged as with TLS from the first byte, the steps go on
# encrypted, and a server that has no TLS says so in its own words and at once.
. "$(dirname "$0")/lib.sh"
. "$here/net.sh"
. "$here/pki.sh"
. "$here/starttls.sh"
need dovecot vsftpd
pki_make || exit 1

protocols=(imap pop3 ftp)
if $root; then
	need exim4
	protocols+=(smtp)
	check "an SMTP server" start_exim smtp tls
	check "one without TLS" start_exim plain_smtp plain
elif [ "${SONDE_REQUIRE_ALL:-0}" = 1 ]; then
	not_ok "an SMTP server" "Exim needs root"
else
	ok "an SMTP server # SKIP Exim needs root"
fi
check "an IMAP and POP3 server" start_dovecot dovecot tls
check "one without TLS" start_dovecot plain_dovecot plain
check "an FTP server" start_vsftpd ftp tls
check "one without TLS" start_vsftpd plain_ftp plain
# shellcheck disable=SC2034
imap_port=$dovecot_imap_port pop3_port=$dovecot_pop3_port \
	plain_imap_port=$plain_dovecot_imap_port plain_pop3_port=$plain_dovecot_pop3_port

# What is said after the handshake, as configured; it ends with the peer hanging up.
declare -A steps=(
	[smtp]='"send EHLO test.invalid\r\n", "expect-regex (?m)^250 [^\r\n]*\r\n", "send QUIT\r\n", "expect-regex ^221 "'
	[imap]='"send b CAPABILITY\r\n", "expect-regex ^\\* CAPABILITY [^\r\n]*AUTH=PLAIN[^\r\n]*\r\n", "expect b OK", "send c LOGOUT\r\n", "expect c OK"'
	[pop3]='"send CAPA\r\n", "expect \r\n.\r\n", "send QUIT\r\n", "expect +OK"'
	[ftp]='"send PBSZ 0\r\n", "expect-regex ^200 [^\r\n]*\r\n", "send QUIT\r\n", "expect-regex ^221 "'
)
# What a server without TLS says.
declare -A refusal=(
	[smtp]='the server answers 50[0-9] *'
	[imap]='the server answers BAD *'
	[pop3]='the server answers -ERR *'
	[ftp]='the server answers 530 *'
)

row() { # NAME PROTOCOL PORT_VARIABLE [OPTIONS]
	printf '{ name = "%s"; plugin = "tcp"; address = "127.0.0.1:%s"; starttls = "%s"; %s },\n' \
		"$1" "${!3}" "$2" "${4-}"
}

ca="ca = \"$pki/root.pem\";"
{
	for protocol in "${protocols[@]}"; do
		row "$protocol" "$protocol" "${protocol}_port" "$ca"
		row "$protocol-steps" "$protocol" "${protocol}_port" \
			"$ca steps = (${steps[$protocol]}, \"close\");"
		row "$protocol-distrusted" "$protocol" "${protocol}_port"
		row "$protocol-refused" "$protocol" "plain_${protocol}_port" "$ca"
	done
	row imap-as-smtp smtp imap_port "$ca"
} | sed '$ s/,$//' >"$dir/rows"

began=$(now_ms)
once 'timeout = "20s";' <"$dir/rows"
took=$(($(now_ms) - began))

for protocol in "${protocols[@]}"; do
	port=${protocol}_port plain=plain_${protocol}_port
	found_like "$protocol" "UP OK 127.0.0.1:${!port}: connected by TLSv1.?, all steps passed"
	found_like "$protocol-steps" \
		"UP OK 127.0.0.1:${!port}: connected by TLSv1.?, all steps passed"
	found_like "$protocol-distrusted" "DOWN L6CERT 127.0.0.1:${!port}: *unknown authority*"
	found_like "$protocol-refused" \
		"DOWN L7RSP 127.0.0.1:${!plain}: starttls $protocol: ${refusal[$protocol]}"
done
found_like imap-as-smtp \
	"DOWN L7RSP 127.0.0.1:$imap_port: starttls smtp: the server answers \* OK *"
check "no answer was waited for in vain ($took ms)" test "$took" -lt 15000
no_sanitizer once
done_testing
