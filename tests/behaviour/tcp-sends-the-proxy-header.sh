#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# send_proxy puts a header of the PROXY protocol before everything else, in its text (v1) or
# its binary form (v2), with the addresses that the connection has: nginx understands it, and
# a listener sees these bytes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
. "$(dirname "$0")/tcp.sh"
. "$(dirname "$0")/pki.sh"
need nginx

pki_make || exit 1
start_peer raw record || exit 1
start_peer local record "$dir/local.sock" || exit 1
web_port=$(free_port)
tls_port=$(free_port)
cat >"$dir/nginx.conf" <<END
daemon off;
master_process off;
pid $dir/nginx.pid;
error_log $dir/nginx.log;
events { }
http {
	access_log off;
	client_body_temp_path $dir/body;
	proxy_temp_path $dir/proxy;
	fastcgi_temp_path $dir/fastcgi;
	uwsgi_temp_path $dir/uwsgi;
	scgi_temp_path $dir/scgi;
	server {
		listen 127.0.0.1:$web_port proxy_protocol;
		listen 127.0.0.1:$tls_port ssl proxy_protocol;
		ssl_certificate $pki/good-chain.pem;
		ssl_certificate_key $pki/server.key;
		location / { return 200 "from \$proxy_protocol_addr \$proxy_protocol_port"; }
	}
}
END
nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/nginx.log" 2>"$dir/nginx.err" &
pids+=($!)
wait_for 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$tls_port" || {
	cat "$dir/nginx.log"
	exit 1
}

ask='steps = ["send GET / HTTP/1.0\r\n\r\n", "expect-regex from (?<from>[0-9.]+) [0-9]+"]'
start_checks proxy <<END
{ name = "none"; plugin = "tcp"; address = "127.0.0.1:$web_port"; $ask; },
{ name = "v1"; plugin = "tcp"; address = "127.0.0.1:$web_port"; send_proxy = "v1";
  source = "127.0.0.8"; $ask; },
{ name = "v2"; plugin = "tcp"; address = "127.0.0.1:$web_port"; send_proxy = "v2";
  source = "127.0.0.9"; $ask; },
{ name = "tls"; plugin = "tcp"; address = "127.0.0.1:$tls_port"; send_proxy = "v2";
  source = "127.0.0.10"; tls = true; ca = "$pki/root.pem"; $ask; },
{ name = "raw1"; plugin = "tcp"; address = "127.0.0.1:$raw_port"; send_proxy = "v1";
  steps = ["send one", "expect(200ms) never"]; },
{ name = "raw2"; plugin = "tcp"; address = "127.0.0.1:$raw_port"; send_proxy = "v2";
  steps = ["send two", "expect(200ms) never"]; },
{ name = "unix1"; plugin = "tcp"; address = "unix:$dir/local.sock"; send_proxy = "v1";
  steps = ["send one"]; },
{ name = "unix2"; plugin = "tcp"; address = "unix:$dir/local.sock"; send_proxy = "v2";
  steps = ["send two"]; }
END
for check in none v1 v2 tls raw1 raw2 unix1 unix2; do answered "$check"; done
is "without a header nginx refuses" "$(first none '"\(.state) \(.reason)"')" "DOWN L7RSP"
is "v1: nginx sees our address" "$(first v1 '"\(.state) \(.details.from)"')" "UP 127.0.0.8"
is "v2: nginx sees our address" "$(first v2 '"\(.state) \(.details.from)"')" "UP 127.0.0.9"
is "v2 before TLS" "$(first tls '"\(.state) \(.details.from)"')" "UP 127.0.0.10"

unhex() { python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))'; }
wait_for 5 grep -q '6f6e65' "$dir/raw.said"
wait_for 5 grep -q '74776f' "$dir/raw.said"
read -r said from < <(grep 6f6e65 "$dir/raw.said")
text=$(unhex <<<"$said" | tr -d '\r' | head -1)
check "v1 is what the protocol says: $text" \
	grep -qE "^PROXY TCP4 127.0.0.1 127.0.0.1 $from $raw_port$" <<<"$text"
read -r said from < <(grep 74776f "$dir/raw.said")
ports=$(printf %04x%04x "$from" "$raw_port")
check "v2 is what the protocol says: $said" \
	grep -qE "^0d0a0d0a000d0a515549540a2111000c7f0000017f000001${ports}74776f$" \
	<<<"$said"
wait_for 5 eval '[ "$(wc -l <"$dir/local.said")" -ge 2 ]'
is "a unix socket: v1" "$(grep 6f6e65 "$dir/local.said" | head -1 | cut -d" " -f1 | unhex | tr -d '\r' | xargs)" \
	"PROXY UNKNOWN one"
is "a unix socket: v2" "$(grep 74776f "$dir/local.said" | head -1 | cut -d" " -f1)" \
	0d0a0d0a000d0a515549540a2000000074776f
ends_clean proxy
done_testing
