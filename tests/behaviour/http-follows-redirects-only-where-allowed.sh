#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Redirects are followed max_redirects times at most, to http and https only, never from https
# to http unless redirect_downgrade says so; the new host is looked up by our resolver;
# credentials stay with the origin of the URL; the method changes as with browsers.
. "$(dirname "$0")/webs.sh"
. "$(dirname "$0")/pki.sh"

pki_make || exit 1
start_web here echo || exit 1
start_web there echo || exit 1
start_web tls echo "$pki/good-chain.pem" "$pki/server.key" || exit 1
start_net names dns there.test=127.0.0.1 shop.test=127.0.0.1 || exit 1
here_at=http://127.0.0.1:$here_port there_at=http://there.test:$there_port
tls_at=https://shop.test:$tls_port

results 25 "http = { max_redirects = 3; resolver = \"127.0.0.1:$names_port\"; ca = \"$pki/root.pem\"; };" <<END
{ name = "off";     plugin = "http"; url = "$here_at/go?301=/x"; max_redirects = 0; ca = ""; },
{ name = "wanted";  plugin = "http"; url = "$here_at/go?301=/x"; max_redirects = 0; ca = ""; status = ["301"]; },
{ name = "none";    plugin = "http"; url = "$here_at/plain"; },
{ name = "path";    plugin = "http"; url = "$here_at/go?302=/path?q=1"; body_match = "^\$"; },
{ name = "host";    plugin = "http"; url = "$here_at/go?307=$there_at/host"; },
{ name = "large";   plugin = "http"; url = "$here_at/again/1"; max_body = "2B"; },
{ name = "three";   plugin = "http"; url = "$here_at/again/3"; },
{ name = "four";    plugin = "http"; url = "$here_at/again/4"; },
{ name = "file";    plugin = "http"; url = "$here_at/go?302=file:///etc/passwd"; },
{ name = "ftp";     plugin = "http"; url = "$here_at/go?302=ftp://127.0.0.1/"; },
{ name = "user";    plugin = "http"; url = "$here_at/go?302=ftp://me:geh@eim@127.0.0.1/x@y"; },
{ name = "304";     plugin = "http"; url = "$here_at/go?304=/x"; status = ["304"]; },
{ name = "nohost";  plugin = "http"; url = "$here_at/go?302=http://no%20host/"; },
{ name = "family";  plugin = "http"; url = "$here_at/go?302=http://[::1]:1/"; ip = "4"; },
{ name = "unknown"; plugin = "http"; url = "$here_at/go?302=http://unknown.test/"; },
{ name = "refused"; plugin = "http"; url = "$here_at/go?302=http://127.0.0.1:1/"; },
{ name = "up";      plugin = "http"; url = "$here_at/go?301=$tls_at/up"; },
{ name = "down";    plugin = "http"; url = "$tls_at/go?301=$there_at/down"; },
{ name = "let";     plugin = "http"; url = "$tls_at/go?301=$there_at/let"; redirect_downgrade = true; },
{ name = "secrets"; plugin = "http"; url = "$here_at/go?302=$there_at/secrets"; user = "me"; password = "word";
  cert = "$pki/client.pem"; key_file = "$pki/client.key"; headers = ["Cookie: a=b", "X-Api-Key: c", "Accept: d/e", "Host: fake.test"]; },
{ name = "own";     plugin = "http"; url = "$here_at/go?302=/own"; bearer = "word"; },
{ name = "badge";   plugin = "http"; url = "$tls_at/go?302=https://127.0.0.1:$tls_port/badge";
  cert = "$pki/client.pem"; key_file = "$pki/client.key"; sni = "shop.test"; },
{ name = "post";    plugin = "http"; url = "$here_at/go?302=/post"; method = "POST"; body = "what"; headers = ["Content-Type: a/b"]; },
{ name = "post307"; plugin = "http"; url = "$here_at/go?307=/post307"; method = "POST"; body = "what"; headers = ["Content-Type: a/b"]; },
{ name = "put303";  plugin = "http"; url = "$here_at/go?303=/put303"; method = "PUT"; body = "what"; }
END
tells off "*: HTTP/1.1 301 Over there, wanted 200-299"
verdict wanted "UP OK"
is "a redirect that is not followed is no metric" "$(field off .metrics.redirects)" null
verdict none "UP OK"
is "none followed" "$(field none .metrics.redirects) $(field none .details.url)" "0 null"
verdict path "UP OK"
is "the last URL" "$(field path .details.url)" "$here_at/path?q=1"
is "how many" "$(field path .metrics.redirects)" 1
tells host "there.test:$there_port (127.0.0.1): HTTP/1.1 200 OK"
check "the new host was looked up by our resolver" grep -q '^there.test A$' "$dir/names.said"
check "dns is among its phases" test "$(field host '.timing_us.dns >= 0')" = true
verdict three "UP OK"
is "three" "$(field three .metrics.redirects)" 3
verdict large "UP OK" # max_body is not about a redirect's
verdict four "DOWN L7RSP"
tells four "*: redirected more than 3 times, last to $here_at/again/0"
verdict file "DOWN L7RSP"
tells file "*: redirected to file:///etc/passwd, which is neither http nor https"
tells ftp "*: redirected to ftp://127.0.0.1/, which is neither http nor https"
tells user "*: redirected to ftp://127.0.0.1/x@y, which is neither http nor https"
verdict 304 "UP OK" # that is no redirect
verdict nohost "DOWN L7RSP"
tells family "*: redirected to http://\[::1\]:1/, which is not an address of the kind to use"
verdict unknown "DOWN DNSERR"
tells unknown "unknown.test: *"
verdict refused "DOWN L4CON"
tells refused "127.0.0.1:1: connection refused"
verdict up "UP OK"
check "tls is among its phases" test "$(field up '.timing_us.tls > 0')" = true
verdict down "DOWN L7RSP"
tells down "*: redirected to $there_at/down, from https to http"
lacks "and was not asked for" "$(cat "$dir/there.said")" " /down "
verdict let "UP OK"

verdict secrets "UP OK"
first=$(asked here "/go?302=$there_at/secrets") last=$(asked there /secrets)
holds "credentials at the first origin" "$first" "> Authorization: Basic bWU6d29yZA=="
holds "cookies at the first origin" "$first" "> Cookie: a=b"
holds "the host that was asked for" "$first" "> Host: fake.test"
lacks "no credentials elsewhere" "$last" authorization
lacks "no cookies elsewhere" "$last" cookie
holds "its own host there" "$last" "> Host: there.test:$there_port"
holds "a key at the first origin" "$first" "> X-Api-Key: c"
lacks "no header elsewhere that may be a secret" "$last" x-api-key
holds "what cannot be one" "$last" "> Accept: d/e"
holds "credentials at the same origin" "$(asked here /own)" "> Authorization: Bearer word"
verdict badge "UP OK"
check "the name to ask for is for the first origin" \
	test "$(grep -c '^name shop.test$' "$dir/tls.said")" -ge 1
holds "a POST turns into GET" "$(asked here /post)" "> GET /post HTTP/1.1"
lacks "without its type" "$(asked here /post)" content-
holds "307 does not" "$(asked here /post307)" "> POST /post307 HTTP/1.1"
holds "and has its body" "$(asked here /post307)" "body what"
holds "303 turns PUT into GET" "$(asked here /put303)" "> GET /put303 HTTP/1.1"

wrong <<END
{ name = "a"; plugin = "http"; url = "http://192.0.2.1/"; max_redirects = 21; },
{ name = "b"; plugin = "http"; url = "http://192.0.2.1/"; redirect_downgrade = true; }
END
complains 'check "a": max_redirects must be from 0 to 20'
complains 'check "b": redirect_downgrade: no redirect is followed: max_redirects is 0'
done_testing
