#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# http_version is what is spoken and what details.http_version says; HTTP/2 that was asked for
# has to be got; compression offers what libcurl can decode and judges the decoded body,
# without it the body comes as it is; timing_us tells each phase.
. "$(dirname "$0")/webs.sh"
. "$(dirname "$0")/pki.sh"

pki_make || exit 1
start_web old echo "$pki/good-chain.pem" "$pki/server.key" || exit 1
start_web slow slow || exit 1
mkdir -p "$dir/www"
head -c 100000 /dev/zero | tr '\0' 'a' >"$dir/www/zeros.txt"
locations="default_type text/plain; gzip on; gzip_min_length 1; gzip_http_version 1.0;
ssl_certificate $pki/good-chain.pem; ssl_certificate_key $pki/server.key;
location = /version { return 200 \"\$server_protocol \$http_accept_encoding\"; }"
start_nginx <<<"$locations" || exit 1
plain=http://127.0.0.1:$nginx_port
start_nginx "ssl http2" <<<"$locations" || exit 1
tls=https://127.0.0.1:$nginx_port
start_nginx "http2" <<<"$locations" || exit 1
h2=http://127.0.0.1:$nginx_port
body=$(head -c 200000 /dev/zero | tr '\0' 'b')

results 11 "http = { ca = \"$pki/root.pem\"; };" <<END
{ name = "1.0";   plugin = "http"; url = "$plain/version"; ca = ""; http_version = "1.0"; body_match = "^HTTP/1.0 \$"; },
{ name = "1.1";   plugin = "http"; url = "$plain/version"; ca = ""; body_match = "^HTTP/1.1 \$"; },
{ name = "tls";   plugin = "http"; url = "$tls/version"; body_match = "^HTTP/1.1 \$"; },
{ name = "2";     plugin = "http"; url = "$tls/version"; http_version = "2"; body_match = "^HTTP/2.0 \$"; },
{ name = "kept";  plugin = "http"; url = "$tls/version"; http_version = "2"; keep = true; },
{ name = "prior"; plugin = "http"; url = "$h2/version"; ca = ""; http_version = "2-prior-knowledge"; body_match = "^HTTP/2.0 \$"; },
{ name = "old";   plugin = "http"; url = "https://127.0.0.1:$old_port/"; http_version = "2"; },
{ name = "none";  plugin = "http"; url = "$plain/version"; ca = ""; http_version = "2-prior-knowledge"; },
{ name = "offer"; plugin = "http"; url = "$plain/version"; ca = ""; compression = true; body_match = "deflate, gzip"; },
{ name = "packed"; plugin = "http"; url = "$plain/zeros.txt"; ca = ""; compression = true; body_match = "^a+\$"; max_body = "100000"; },
{ name = "bomb";  plugin = "http"; url = "$plain/zeros.txt"; ca = ""; compression = true; max_body = "99999"; }
END
verdict 1.0 "UP OK" # nginx answers it with 1.1
for name in 1.1 2; do
	verdict "$name" "UP OK"
	is "$name: which was spoken" "$(field "$name" .details.http_version)" "$name"
done
verdict tls "UP OK"
is "1.1 by default with TLS, too" "$(field tls .details.http_version)" 1.1
verdict kept "UP OK"
verdict prior "UP OK"
is "2 without TLS" "$(field prior .details.http_version)" 2
verdict old "DOWN L7RSP"
tells old "*: the answer did not come as HTTP/2"
verdict none "DOWN L7RSP"
verdict offer "UP OK"
verdict packed "UP OK"
is "the decoded body counts" "$(field packed .metrics.body_bytes)" 100000
verdict bomb "DOWN L7BIG"
is "the phases" "$(field 1.1 '.timing_us | keys_unsorted | join(" ")')" \
	"connect send first_byte transfer"
is "the phases of https" "$(field tls '.timing_us | keys_unsorted | join(" ")')" \
	"connect tls send first_byte transfer"
check "they add up to no more than the whole" \
	test "$(field tls '([.timing_us[]] | add) <= .duration_us')" = true
results 1 <<END
{ name = "slow";  plugin = "http"; url = "http://127.0.0.1:$slow_port/slow"; method = "POST"; body = "$body"; }
END
verdict slow "UP OK"
check "a body that is read slowly is before the first byte of the answer" \
	test "$(field slow '.timing_us | .send >= 0 and .send + .first_byte > 100000 and .transfer < '$((100000 * patience)))" = true

wrong <<END
{ name = "a"; plugin = "http"; url = "http://192.0.2.1/"; http_version = "2"; },
{ name = "b"; plugin = "http"; url = "https://192.0.2.1/"; http_version = "2-prior-knowledge"; },
{ name = "c"; plugin = "http"; url = "https://192.0.2.1/"; http_version = "3"; }
END
complains 'check "a": http_version: without TLS it is "2-prior-knowledge"'
complains 'check "b": http_version: with TLS it is "2"'
complains 'check "c": http_version'
done_testing
