#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# TLS against openssl s_server: versions, the name asked for, client certificates, ALPN, pins,
# and a certificate that is wrong is told by a reason of its own and a sentence that says how,
# with the days that it has left.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
. "$(dirname "$0")/tcp.sh"
. "$(dirname "$0")/pki.sh"

pki_make || exit 1
for cert in ends_soon ends_now expired early wrong_name unknown self_signed short_mid; do
	start_tls "$cert" "${cert//_/-}" || exit 1
done
start_tls good good -rev -alpn other,sonde || exit 1
start_tls old good -rev -tls1_2 || exit 1
start_tls asks good -rev -tls1_2 -Verify 3 -verify_return_error -CAfile "$pki/root.pem" || exit 1
start_tls www good -www -Verify 3 -verify_return_error -CAfile "$pki/root.pem" || exit 1
start_tls named good -rev -tlsextdebug || exit 1
start_net plain http || exit 1
start_net mute mute || exit 1
cat "$pki/client.pem" "$pki/mid.pem" >"$pki/client-chain.pem"
pin=$(pki_sha256 good)
pin_of_others=$(pki_sha256 expired)

tls="tls = true; ca = \"$pki/root.pem\""
start_checks tls 'tcp = { timeout = "10s"; }; interval = "1h";' <<END
{ name = "good"; plugin = "tcp"; address = "localhost:$good_port"; $tls; alpn = ["sonde", "h9"];
  steps = ["send olleh\n", "expect-regex (?<said>[a-z]+)\n"]; cert_sha256 = ["$pin"]; },
{ name = "tls-step"; plugin = "tcp"; address = "127.0.0.1:$good_port"; ca = "$pki/root.pem";
  steps = ["tls", "send olleh\n", "expect hello"]; },
{ name = "no-alpn"; plugin = "tcp"; address = "localhost:$old_port"; $tls; alpn = ["sonde"]; },
{ name = "old"; plugin = "tcp"; address = "localhost:$old_port"; $tls; tls_max = "1.2"; },
{ name = "too-old"; plugin = "tcp"; address = "localhost:$old_port"; $tls; tls_min = "1.3"; },
{ name = "named"; plugin = "tcp"; address = "127.0.0.1:$named_port"; $tls; sni = "a.wild.test"; },
{ name = "misnamed"; plugin = "tcp"; address = "127.0.0.1:$good_port"; $tls; sni = "b.test"; },
{ name = "pin"; plugin = "tcp"; address = "localhost:$good_port"; $tls;
  cert_sha256 = ["$pin_of_others"]; },
{ name = "ends-soon"; plugin = "tcp"; address = "localhost:$ends_soon_port"; $tls; },
{ name = "ends-now"; plugin = "tcp"; address = "localhost:$ends_now_port"; $tls; },
{ name = "never-mind"; plugin = "tcp"; address = "localhost:$ends_now_port"; $tls;
  cert_warn = "0"; cert_fail = "0"; },
{ name = "warned"; plugin = "tcp"; address = "localhost:$good_port"; $tls; cert_warn = "100d"; },
{ name = "failed"; plugin = "tcp"; address = "localhost:$good_port"; $tls; cert_warn = "0";
  cert_fail = "100d"; },
{ name = "short-mid"; plugin = "tcp"; address = "localhost:$short_mid_port"; $tls; },
{ name = "expired"; plugin = "tcp"; address = "localhost:$expired_port"; $tls; },
{ name = "early"; plugin = "tcp"; address = "localhost:$early_port"; $tls; },
{ name = "wrong-name"; plugin = "tcp"; address = "localhost:$wrong_name_port"; $tls; },
{ name = "unknown"; plugin = "tcp"; address = "localhost:$unknown_port"; $tls; },
{ name = "self-signed"; plugin = "tcp"; address = "localhost:$self_signed_port"; $tls; },
{ name = "unverified"; plugin = "tcp"; address = "localhost:$unknown_port"; tls = true;
  verify = false; },
{ name = "client"; plugin = "tcp"; address = "localhost:$asks_port"; $tls;
  cert = "$pki/client-chain.pem"; key_file = "$pki/client.key"; },
{ name = "no-client"; plugin = "tcp"; address = "localhost:$asks_port"; $tls; },
{ name = "client-13"; plugin = "tcp"; address = "localhost:$www_port"; $tls;
  cert = "$pki/client-chain.pem"; key_file = "$pki/client.key";
  steps = ["send GET / HTTP/1.0\r\n\r\n", "expect HTTP/1.0 200"]; },
{ name = "no-client-13"; plugin = "tcp"; address = "localhost:$www_port"; $tls;
  steps = ["send GET / HTTP/1.0\r\n\r\n", "expect HTTP/1.0 200"]; },
{ name = "plain"; plugin = "tcp"; address = "localhost:$plain_port"; $tls; },
{ name = "mute"; plugin = "tcp"; address = "localhost:$mute_port"; $tls; timeout = "2s"; }
END
told() { # CHECK STATE REASON SENTENCE (a pattern, behind the address)
	answered "$1"
	check "$1: $2 $3 $4" grep -qE "^$2 $3 (localhost:[0-9]+ \(127.0.0.1\)|127.0.0.1:[0-9]+): $4$" \
		<<<"$(first "$1" '"\(.state) \(.reason) \(.message)"')"
}
told good UP OK 'connected by TLSv1.3, all steps passed'
is "good: what was said" "$(first good .details.said)" hello
is "good: the protocol that the server chose" "$(first good .details.tls_alpn)" sonde
is "good: version and cipher" "$(first good '"\(.details.tls_version) \(.details.tls_cipher)"')" \
	"TLSv1.3 TLS_AES_256_GCM_SHA384"
is "good: its pin" "$(first good .details.cert_sha256)" "$pin"
is "good: its phases" "$(first good '.timing_us | keys | join(" ")')" \
	"connect dns first_byte send tls transfer"
told tls-step UP OK 'connected by TLSv1.3, all steps passed'
told no-alpn UP OK 'connected by TLSv1.2'
is "no-alpn: the server chose none" "$(first no-alpn .details.tls_alpn)" none
told old UP OK 'connected by TLSv1.2'
told too-old DOWN L6RSP 'TLS handshake: .*alert protocol version'
told named UP OK 'connected by TLSv1.3'
check "named: the server was asked for that name" \
	grep -q 'a.wild.test' "$dir/named.said"
told misnamed DOWN L6CERT 'the certificate is for localhost.* and not for b.test'
told pin DOWN L6CERT 'the certificate is not the pinned one.*'
told ends-soon DEGRADED L6CERT 'the certificate .*(9|10) days.*'
told ends-now DOWN L6CERT 'the certificate .*[12] days?.*'
told never-mind UP OK 'connected by TLSv1.3'
told warned DEGRADED L6CERT 'the certificate .*(89|90) days.*'
told failed DOWN L6CERT 'the certificate .*(89|90) days.*'
told short-mid DEGRADED L6CERT '.*short-mid-ca.* (9|10) days.*'
told expired DOWN L6CERT 'the certificate expired 3 days ago'
told early DOWN L6CERT 'the certificate .*[23] days.*'
told wrong-name DOWN L6CERT 'the certificate is for elsewhere.test and not for localhost'
told unknown DOWN L6CERT 'the certificate is signed by an unknown authority.*'
told self-signed DOWN L6CERT 'the certificate is self-signed'
told unverified UP OK 'connected by TLSv1.3'
left() { first "$1" ".metrics.$2 // \"none\" | if type == \"number\" then round else . end"; }
is "expired: days left though it is not verified" "$(left expired cert_left_days)" -3
is "unknown: days left though it is not verified" "$(left unknown cert_left_days)" 90
is "unknown: there is no verified chain" "$(left unknown cert_verified_left_days)" none
is "short-mid: days left of the chain" "$(left short-mid cert_verified_left_days)" 10
told client UP OK 'connected by TLSv1.2'
told no-client DOWN L6RSP 'TLS handshake: .*alert handshake failure'
told client-13 UP OK 'connected by TLSv1.3, all steps passed'
told no-client-13 DOWN L6RSP 'step [12] .*: TLS: .*alert certificate required.*'
told plain DOWN L6RSP 'TLS handshake: wrong version number; the peer does not seem to speak TLS'
told mute DOWN L6TOUT 'TLS handshake: not ended in time'
ends_clean tls

wrong <<END
{ name = "a"; plugin = "tcp"; address = "127.0.0.1:443"; alpn = ["h2"]; },
{ name = "b"; plugin = "tcp"; address = "127.0.0.1:443"; sni = "shop.test"; },
{ name = "c"; plugin = "tcp"; address = "unix:/x"; tls = true; },
{ name = "d"; plugin = "tcp"; address = "127.0.0.1:443"; tls = true; starttls = "smtp"; },
{ name = "e"; plugin = "tcp"; address = "127.0.0.1:443"; tls = true; steps = ["tls"]; },
{ name = "f"; plugin = "tcp"; address = "127.0.0.1:443"; tls = true; handshake = "half"; },
{ name = "g"; plugin = "tcp"; address = "127.0.0.1:443"; tls = true; ca = "$dir/none"; }
END
complains 'check "a": alpn: is for a check that speaks TLS'
complains 'check "b": sni: has no meaning: this check does not speak TLS'
complains 'check "c": sni: a unix socket has no name that a certificate could carry'
complains 'check "d": starttls: asks for TLS in plain text, and tls = true begins with it'
complains 'check "e": steps: tls = true has begun TLS already'
complains 'check "f": handshake: "half" opens no connection; use "full" for TLS'
complains 'check "g": ca'
done_testing
