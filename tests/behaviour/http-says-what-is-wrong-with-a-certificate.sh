#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# https: a certificate that `ca` vouches for is right, any other is L6CERT unless verify is
# false; the name asked for (SNI) is the URL's, though the name is resolved by us.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
need openssl

openssl req -x509 -newkey rsa:2048 -nodes -days 60 -keyout "$dir/key" -out "$dir/cert" \
	-subj /CN=shop.test -addext subjectAltName=DNS:shop.test,IP:127.0.0.1 2>/dev/null
start_net tls https "$dir/cert" "$dir/key" || exit 1
start_net names dns "shop.test=127.0.0.1" "other.test=127.0.0.1" || exit 1

once "http = { resolver = \"127.0.0.1:$names_port\"; };" <<END
{ name = "right";   plugin = "http"; url = "https://shop.test:$tls_port/"; ca = "$dir/cert"; },
{ name = "address"; plugin = "http"; url = "https://127.0.0.1:$tls_port/"; ca = "$dir/cert"; },
{ name = "unknown"; plugin = "http"; url = "https://shop.test:$tls_port/"; },
{ name = "other";   plugin = "http"; url = "https://other.test:$tls_port/"; ca = "$dir/cert"; },
{ name = "trusting"; plugin = "http"; url = "https://other.test:$tls_port/"; verify = false; }
END
found right "UP OK shop.test:$tls_port (127.0.0.1): HTTP/1.1 200 OK"
found address "UP OK 127.0.0.1:$tls_port: HTTP/1.1 200 OK"
found_like unknown "DOWN L6CERT shop.test:$tls_port (127.0.0.1): *"
found_like other "DOWN L6CERT other.test:$tls_port (127.0.0.1): *"
found trusting "UP OK other.test:$tls_port (127.0.0.1): HTTP/1.1 200 OK"
check "the server was asked for the name" grep -q '^name shop.test$' "$dir/tls.said"
done_testing
