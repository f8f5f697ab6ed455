#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The same server with the same options: the probes tcp and http find the same fault in its
# certificate and say the same sentence, metrics and details; and it is what is known of the
# certificate.  Metrics are there though the verification failed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pki.sh"
need jq

pki_make || exit 1
for cert in good ends-soon ends-now expired early wrong-name unknown self-signed short-mid; do
	start_tls "${cert//-/_}" "$cert" -www || exit 1
done
cp "$pki/good.pem" "$pki/alone.pem"
start_tls alone alone -www || exit 1
start_tls old good -www -tls1_1 -cipher DEFAULT@SECLEVEL=0 || exit 1
start_tls newest good -www -tls1_3 || exit 1
start_tls asking good -www -Verify 2 -verify_return_error -CAfile "$pki/root.pem" || exit 1

root="ca = \"$pki/root.pem\";"
good_pin=$(pki_sha256 good)
other_pin=$(pki_sha256 unknown)
client="cert = \"$pki/client-chain.pem\"; key_file = \"$pki/client.key\";"
cat "$pki/client.pem" "$pki/mid.pem" >"$pki/client-chain.pem"

# name | server | options | state and reason | the sentence, a glob; "" is none
cases="
good | good | $root | UP OK |
by-its-issuer | good | ca = \"$pki/mid.pem\"; | UP OK |
by-itself | self_signed | ca = \"$pki/self-signed.pem\"; | UP OK |
other-name | good | $root sni = \"shop.test\"; | UP OK |
wild-name | good | $root sni = \"a.wild.test\"; | UP OK |
no-such-name | good | $root sni = \"deep.a.wild.test\"; | DOWN L6CERT | the certificate is for localhost, shop.test, *.wild.test, 127.0.0.1, ::1 and not for deep.a.wild.test
ends-soon | ends_soon | $root | DEGRADED L6CERT | the certificate ends in 10 days (*)
ends-soon-enough | ends_soon | $root cert_warn = \"9d\"; | UP OK |
ends-now | ends_now | $root | DOWN L6CERT | the certificate ends in 2 days (*)
ends-now-unjudged | ends_now | $root cert_warn = \"0\"; cert_fail = \"0\"; | UP OK |
short-mid | short_mid | $root | DEGRADED L6CERT | the certificate's issuer (CN=short-mid-ca,O=Sonde Test) ends in 10 days (*)
expired | expired | $root | DOWN L6CERT | the certificate expired 3 days ago
expired-unverified | expired | $root verify = false; | DOWN L6CERT | the certificate expired 3 days ago (*)
expired-unjudged | expired | $root verify = false; cert_warn = \"0\"; cert_fail = \"0\"; | UP OK |
early | early | $root | DOWN L6CERT | the certificate is not valid before 3 days from now
wrong-name | wrong_name | $root | DOWN L6CERT | the certificate is for elsewhere.test and not for 127.0.0.1
wrong-name-unverified | wrong_name | $root verify = false; | UP OK |
unknown | unknown | $root | DOWN L6CERT | the certificate is signed by an unknown authority (CN=unknown-root,O=Sonde Test)
untrusted | good | | DOWN L6CERT | the certificate is signed by an unknown authority (CN=root,O=Sonde Test)
self-signed | self_signed | $root | DOWN L6CERT | the certificate is self-signed
no-intermediate | alone | $root | DOWN L6CERT | the certificate is signed by an unknown authority (CN=mid,O=Sonde Test; no intermediate certificate was sent)
pinned | good | $root cert_sha256 = (\"$other_pin\", \"${good_pin^^}\"); | UP OK |
wrongly-pinned | good | $root cert_sha256 = (\"$other_pin\"); | DOWN L6CERT | the certificate is not the pinned one
pinned-only | unknown | verify = false; cert_sha256 = (\"$other_pin\"); | UP OK |
wrongly-pinned-only | good | verify = false; cert_sha256 = (\"$other_pin\"); | DOWN L6CERT | the certificate is not the pinned one
too-old | old | $root | DOWN L6RSP |
old | old | $root tls_min = \"1.0\"; | UP OK |
old-at-most | old | $root tls_max = \"1.1\"; | UP OK |
newest | newest | $root tls_min = \"1.3\"; | UP OK |
too-new | newest | $root tls_max = \"1.2\"; | DOWN L6RSP |
with-client | asking | $root $client | UP OK |
"

# ---- both probes ask ----

each() { # COMMAND, with name server options wanted sentence
	local name server options wanted sentence
	while IFS='|' read -r name server options wanted sentence; do
		[ -n "$name" ] || continue
		read -r name <<<"$name"
		read -r server <<<"$server"
		read -r wanted <<<"$wanted"
		read -r sentence <<<"$sentence"
		"$@"
	done <<<"$cases"
}

rows() {
	local port=${server}_port
	echo "{ name = \"tcp-$name\"; plugin = \"tcp\"; address = \"127.0.0.1:${!port}\"; tls = true; $options },"
	echo "{ name = \"http-$name\"; plugin = \"http\"; url = \"https://127.0.0.1:${!port}/\"; $options },"
}

{
	echo "daemon = { observer = \"test\"; state_dir = \"$dir/state\"; };"
	echo "defaults = { interval = \"1h\"; timeout = \"20s\"; };"
	echo "checks = ("
	each rows | sed '$s/,$//'
	echo ");"
	echo "sinks = ( { name = \"json\"; plugin = \"stdout\"; format = \"json\"; } );"
	echo "routes = ( { name = \"all\"; match = { kind = \"result\"; }; to = \"json\"; } );"
} >"$dir/both.conf"
mkdir "$dir/state"
start_sonded both -c "$dir/both.conf" || exit 1
count=$(grep -c '^{ name' "$dir/both.conf")
answered() { [ "$(jq -r .check "$dir/both.out" | sort -u | wc -l)" -ge "$((count - 1))" ]; }
check "all have answered" wait_for 60 answered
ends_clean both

# ---- what they say ----

declare -A verdict said facts
while IFS=$'\t' read -r name found message known; do
	verdict[$name]=$found
	case $message in
	*'the certificate'*) said[$name]="the certificate${message#*the certificate}" ;;
	*) said[$name]= ;;
	esac
	facts[$name]=$known
done < <(jq -r '[.check, .state + " " + .reason, .message,
	([.metrics, .details | to_entries[] | select(.key | test("^cert_|^tls_[vc]"))] | tostring)
	] | @tsv' "$dir/both.out")

compare() {
	local probe
	for probe in tcp http; do
		is "$probe $name: $wanted" "${verdict[$probe-$name]-}" "$wanted"
		# shellcheck disable=SC2053
		if [[ ${said[$probe-$name]-} == $sentence ]]; then
			ok "$probe $name: ${sentence:-no sentence}"
		else
			not_ok "$probe $name: $sentence" "got '${said[$probe-$name]-}'"
		fi
	done
	is "$name: alike" "${facts[tcp-$name]-}" "${facts[http-$name]-}"
}
each compare

fact() { # CHECK FIELD WANTED
	is "$1: $2" "$(jq -r --arg check "$1" \
		"select(.check == \$check) | .$2 // \"none\" | tostring" "$dir/both.out")" "$3"
}
fact http-good metrics.cert_left_days 90
fact http-good metrics.cert_verified_left_days 90
fact http-good details.cert_sha256 "$good_pin"
fact http-good details.cert_subject "CN=good,O=Sonde Test"
fact http-good details.cert_issuer "CN=mid,O=Sonde Test"
fact http-good details.cert_names "localhost, shop.test, *.wild.test, 127.0.0.1, ::1"
fact http-good details.cert_serial \
	"$(openssl x509 -in "$pki/good.pem" -noout -serial | sed 's/.*=//' | tr A-F a-f)"
fact http-good details.cert_not_after \
	"$(date -u -d "$(openssl x509 -in "$pki/good.pem" -noout -enddate | sed 's/.*=//')" +%F)"
fact http-good details.tls_version TLSv1.3
fact http-good details.tls_cipher TLS_AES_256_GCM_SHA384
fact http-old details.tls_version TLSv1.1
fact http-expired metrics.cert_left_days -3
fact http-expired metrics.cert_verified_left_days -3
fact http-wrong-name metrics.cert_verified_left_days 90
fact http-wrong-name-unverified details.cert_trouble \
	"the certificate is for elsewhere.test and not for 127.0.0.1"
fact http-short-mid metrics.cert_left_days 10
fact http-unknown metrics.cert_left_days 90
fact http-unknown metrics.cert_verified_left_days none
check "the server saw the client's certificate" grep -Eq 'CN ?= ?client' "$dir/asking.said"
done_testing
