#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# cert and key_file are shown to a server that asks for them, on a kept connection as well, and
# to no other origin; a request goes out only after the server's certificate was found right;
# tls_min, tls_max and sni are what the handshake has.
. "$(dirname "$0")/webs.sh"
. "$(dirname "$0")/pki.sh"

pki_make || exit 1
cat "$pki/client.pem" "$pki/mid.pem" >"$dir/chain.pem"
cat "$pki/client.pem" "$pki/mid.pem" "$pki/client.key" >"$dir/all.pem"
start_web other echo "$pki/good-chain.pem" "$pki/server.key" "$pki/root.pem" || exit 1
start_web wrong echo "$pki/wrong-name-chain.pem" "$pki/server.key" "$pki/root.pem" || exit 1
other=https://127.0.0.1:$other_port
start_nginx ssl <<END || exit 1
ssl_certificate $pki/good-chain.pem; ssl_certificate_key $pki/server.key; ssl_protocols TLSv1.2;
ssl_verify_client on; ssl_client_certificate $pki/root.pem; ssl_verify_depth 3;
location / { return 200 "\$ssl_client_s_dn \$ssl_server_name"; }
location = /moved { return 302 $other/moved; }
END
own=https://127.0.0.1:$nginx_port
pair="cert = \"$dir/chain.pem\"; key_file = \"$pki/client.key\""

results 11 "http = { ca = \"$pki/root.pem\"; };" <<END
{ name = "pair";  plugin = "http"; url = "$own/"; $pair; body_match = "CN=client"; },
{ name = "file";  plugin = "http"; url = "$own/"; cert = "$dir/all.pem"; body_match = "CN=client"; },
{ name = "kept";  plugin = "http"; url = "$own/"; $pair; keep = true; body_match = "CN=client"; },
{ name = "none";  plugin = "http"; url = "$own/"; },
{ name = "moved"; plugin = "http"; url = "$own/moved"; $pair; max_redirects = 1; },
{ name = "shown"; plugin = "http"; url = "$other/shown"; $pair; },
{ name = "wrong"; plugin = "http"; url = "https://127.0.0.1:$wrong_port/never"; $pair; user = "me"; password = "word"; },
{ name = "trusting"; plugin = "http"; url = "https://127.0.0.1:$wrong_port/always"; verify = false; ca = ""; },
{ name = "sni";   plugin = "http"; url = "$own/"; $pair; sni = "localhost"; body_match = " localhost\$"; },
{ name = "newer"; plugin = "http"; url = "$own/"; $pair; tls_min = "1.3"; },
{ name = "older"; plugin = "http"; url = "$other/older"; tls_max = "1.2"; }
END
for name in pair file kept sni; do
	verdict "$name" "UP OK"
done
is "the version" "$(field pair .details.tls_version)" TLSv1.2
tells none "*: HTTP/1.1 400 Bad Request, wanted 200-299"
verdict moved "UP OK"
verdict shown "UP OK"
# Of the three connections to the other origin only "shown" may show one.
is "no other origin sees it" "$(grep '^certificate' "$dir/other.said" | sort | paste -sd' ')" \
	"certificate no certificate no certificate yes"
verdict wrong "DOWN L6CERT"
lacks "nothing is asked of a server that is not the right one" "$(cat "$dir/wrong.said")" /never
verdict trusting "UP OK"
holds "unless verify is false" "$(cat "$dir/wrong.said")" "> GET /always"
verdict newer "DOWN L6RSP"
tells newer "127.0.0.1:$nginx_port: TLS: tlsv1 alert protocol version"
verdict older "UP OK"
is "no newer version than tls_max" "$(field older .details.tls_version)" TLSv1.2
done_testing
