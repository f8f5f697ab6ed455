#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# keep = true asks again and again by one connection, without phases that did not happen; one
# that the server has closed meanwhile is replaced without a word; no check uses the
# connection of another; the certificate is still reported, as long as its connection is what
# a run asked by.  Without keep each run connects.
. "$(dirname "$0")/webs.sh"
. "$(dirname "$0")/pki.sh"

pki_make || exit 1
start_web fickle fickle || exit 1
# nginx numbers its connections.
locations="ssl_certificate $pki/good-chain.pem; ssl_certificate_key $pki/server.key;
keepalive_requests 3;
location / { return 200 \"connection \$connection, request \$connection_requests\"; }
location = /short { keepalive_timeout 0; return 200; }
location = /moved { return 302 /final; }"
start_nginx <<<"$locations" || exit 1
plain=http://127.0.0.1:$nginx_port plain_at=127.0.0.1:$nginx_port
start_nginx ssl <<<"$locations" || exit 1
tls=https://127.0.0.1:$nginx_port
show='save_body = "on-failure"; body_not_match = "connection"' # the body is what we want to see

# Few runs, since a machine that is busy must not make a run late.
results 40 "retry_interval = \"2s\"; http = { keep = true; interval = \"2s\"; timeout = \"2s\"; };" <<END
{ name = "kept";   plugin = "http"; url = "$plain/kept"; $show; },
{ name = "twin";   plugin = "http"; url = "$plain/kept"; $show; },
{ name = "fresh";  plugin = "http"; url = "$plain/fresh"; keep = false; $show; },
{ name = "short";  plugin = "http"; url = "$plain/short"; },
{ name = "fickle"; plugin = "http"; url = "http://127.0.0.1:$fickle_port/"; },
{ name = "moved";  plugin = "http"; url = "$plain/moved"; max_redirects = 1; ca = "$pki/root.pem"; },
{ name = "tls";    plugin = "http"; url = "$tls/tls"; ca = "$pki/root.pem"; },
{ name = "strict"; plugin = "http"; url = "$tls/tls"; }
END
# The first four runs of a check: what the filter finds in each, in one line.
runs() { # NAME FILTER
	jq -r --arg name "$1" "select(.check == \$name) | $2" "$dir/results" | head -4 | paste -sd' '
}
is "kept: nginx ends it after three requests, and nobody notices" \
	"$(runs kept .details.connection)" "new kept kept new"
is "the requests of one connection" "$(runs kept '.details.body | sub(".*request "; "")')" "1 2 3 1"
is "a connection of its own" \
	"$(comm -12 <(runs kept '.details.body | sub(",.*"; "")' | tr ' ' '\n' | grep -o '[0-9]*' | sort -u) \
		<(runs twin '.details.body | sub(",.*"; "")' | tr ' ' '\n' | grep -o '[0-9]*' | sort -u) | wc -l)" 0
is "a kept run connects to nobody" \
	"$(runs kept '.timing_us | has("connect")')" "true false false true"
is "fresh: each run has a connection" "$(runs fresh '.details.body | sub(".*request "; "")')" "1 1 1 1"
is "and says nothing of it" "$(runs fresh .details.connection)" "null null null null"
is "short: a server that closes at once" "$(runs short .details.connection)" "new new new new"
is "and it is UP" "$(runs short .state)" "UP UP UP UP"
is "fickle: one that hangs up when it is asked again" "$(runs fickle .state)" "UP UP UP UP"
is "which a new connection makes good" "$(runs fickle .details.connection)" "new new new new"
check "it did hang up" grep -q "hung up" "$dir/fickle.said"
is "moved: two requests a run, the second of the second is the fourth" \
	"$(runs moved .details.connection)" "kept new kept kept"
is "tls: kept as well" "$(runs tls .details.connection)" "new kept kept new"
is "no handshake in a kept run" \
	"$(runs tls '.timing_us | has("tls")')" "true false false true"
is "but what the certificate said" "$(runs tls '.metrics.cert_left_days | . > 80')" \
	"true true true true"
is "strict: does not trust, though another check is connected" "$(runs strict .reason)" \
	"L6CERT L6CERT L6CERT L6CERT"

# A server whose certificate is refused, and which is gone then.
start_tls gone expired || exit 1
cat >"$dir/gone.conf" <<END
daemon = { observer = "test"; };
defaults = { interval = "500ms"; fall = 1; http = { keep = true; ca = "$pki/root.pem"; }; };
checks = ( { name = "gone"; plugin = "http"; url = "https://127.0.0.1:$gone_port/"; } );
sinks = ( { name = "results"; plugin = "file"; path = "$dir/gone.results"; } );
routes = ( { name = "all"; to = ["results"]; match = { kind = "result"; check = "gone"; }; } );
END
start_sonded gone -c "$dir/gone.conf" || exit 1
check "gone: its certificate has expired" \
	wait_for $((10 * patience)) grep -q '"L6CERT"' "$dir/gone.results"
kill "$gone_pid"
check "gone: then nobody listens, which is what is told" \
	wait_for $((10 * patience)) grep -q '"L4CON"' "$dir/gone.results"
is "without a certificate" "$(jq -r 'select(.reason == "L4CON") | .details.cert_subject' \
	"$dir/gone.results" | head -1)" null
ends_clean gone
done_testing
