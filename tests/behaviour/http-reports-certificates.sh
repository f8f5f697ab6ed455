#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What https tells of a certificate: each fault has its sentence, the days that are left are
# metrics even then; few days are DEGRADED, very few DOWN; a pin is right or not; verify =
# false still reports.  DOWN by the status comes before DEGRADED by the certificate.
. "$(dirname "$0")/web.sh"
. "$(dirname "$0")/pki.sh"

pki_make || exit 1
sites="good ends-soon ends-now expired early wrong-name unknown self-signed short-mid"
for site in $sites; do
	start_tls "${site//-/_}" "$site" -www || exit 1
	eval "${site//-/_}=https://127.0.0.1:\$${site//-/_}_port/"
done
pin=$(pki_sha256 good)

results 17 "http = { ca = \"$pki/root.pem\"; };" <<END
{ name = "good";        plugin = "http"; url = "$good"; },
{ name = "ends-soon";   plugin = "http"; url = "$ends_soon"; },
{ name = "ends-now";    plugin = "http"; url = "$ends_now"; },
{ name = "expired";     plugin = "http"; url = "$expired"; },
{ name = "early";       plugin = "http"; url = "$early"; },
{ name = "wrong-name";  plugin = "http"; url = "$wrong_name"; },
{ name = "unknown";     plugin = "http"; url = "$unknown"; },
{ name = "self-signed"; plugin = "http"; url = "$self_signed"; },
{ name = "short-mid";   plugin = "http"; url = "$short_mid"; },
{ name = "never";       plugin = "http"; url = "$ends_now"; cert_warn = "0"; cert_fail = "0"; },
{ name = "strict";      plugin = "http"; url = "$good"; cert_warn = "100d"; cert_fail = "95d"; },
{ name = "pinned";      plugin = "http"; url = "$good"; cert_sha256 = ["${pin^^}"]; },
{ name = "other-pin";   plugin = "http"; url = "$ends_soon"; cert_sha256 = ["$pin"]; },
{ name = "lenient";     plugin = "http"; url = "$unknown"; verify = false; },
{ name = "lenient-old"; plugin = "http"; url = "$expired"; verify = false; cert_warn = "0"; cert_fail = "0"; },
{ name = "both-down";   plugin = "http"; url = "$ends_now"; status = ["404"]; },
{ name = "status-down"; plugin = "http"; url = "$ends_soon"; status = ["404"]; }
END
verdict() { # NAME WANTED
	is "$1: $2" "$(field "$1" '"\(.state) \(.reason)"')" "$2"
}
tells() { # NAME GLOB
	local got
	got=$(field "$1" .message)
	# shellcheck disable=SC2053
	if [[ $got == $2 ]]; then ok "$1: $2"; else not_ok "$1: $2" "got '$got'"; fi
}
days() { # NAME FROM TO
	check "$1: from $2 to $3 days are left" \
		test "$(field "$1" ".metrics.cert_left_days | . >= $2 and . <= $3")" = true
}
verdict good "UP OK"
days good 89 90
verdict ends-soon "DEGRADED L6CERT"
tells ends-soon '*: the certificate ends in *days*'
days ends-soon 9 10
verdict ends-now "DOWN L6CERT"
tells ends-now '*: the certificate ends in *'
days ends-now 1 2
verdict expired "DOWN L6CERT"
tells expired '*: the certificate expired 3 days ago*'
days expired -3.1 -2.9
verdict early "DOWN L6CERT"
tells early '*: the certificate *3 days*'
verdict wrong-name "DOWN L6CERT"
tells wrong-name '*: the certificate is for elsewhere.test and not for 127.0.0.1'
days wrong-name 89 90
verdict unknown "DOWN L6CERT"
tells unknown '*: the certificate is signed by an unknown authority (*unknown-root*)'
days unknown 89 90
verdict self-signed "DOWN L6CERT"
tells self-signed '*: the certificate is self-signed'
days self-signed 89 90
verdict short-mid "DEGRADED L6CERT"
days short-mid 9 10
verdict never "UP OK"
verdict strict "DOWN L6CERT"
verdict pinned "UP OK"
verdict other-pin "DOWN L6CERT"
tells other-pin '*: the certificate is not the pinned one*'
verdict lenient "UP OK"
days lenient 89 90
is "what is wrong is told" "$(field lenient '.details.cert_trouble | contains("unknown authority")')" true
verdict lenient-old "UP OK"
days lenient-old -3.1 -2.9
verdict both-down "DOWN L6CERT"
verdict status-down "DOWN L7STS"
days status-down 9 10

is "issuer" "$(field good '.details.cert_issuer | contains("mid")')" true
is "subject" "$(field good '.details.cert_subject | contains("good")')" true
is "names" "$(field good '.details.cert_names | contains("shop.test")')" true
is "digest" "$(field good .details.cert_sha256)" "$pin"
is "version" "$(field good .details.tls_version)" TLSv1.3
check "cipher" test "$(field good .details.tls_cipher)" != null
check "also where verification fails" test "$(field unknown .details.tls_cipher)" != null
is "the digest there as well" "$(field unknown .details.cert_sha256)" "$(pki_sha256 unknown)"
is "the verified chain where there is one" \
	"$(field good '.metrics.cert_verified_left_days >= 89')" true
is "and not where there is none" "$(field unknown .metrics.cert_verified_left_days)" null
done_testing
