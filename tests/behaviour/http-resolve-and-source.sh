#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# resolve connects to an address instead of looking the host up, the request and TLS still
# name the host; source is the address that the server sees; an address that is not this
# machine's is our own fault.
. "$(dirname "$0")/webs.sh"
. "$(dirname "$0")/pki.sh"

pki_make || exit 1
start_web open echo || exit 1
start_web tls echo "$pki/good-chain.pem" "$pki/server.key" || exit 1
start_web six echo6 || skip_all "there is no ::1"
start_net names dns two.test=127.0.0.1,::1 other.test=127.0.0.1 || exit 1

results 12 "http = { resolver = \"127.0.0.1:$names_port\"; };" <<END
{ name = "port";   plugin = "http"; url = "http://shop.test/port"; resolve = "127.0.0.1:$open_port"; },
{ name = "same";   plugin = "http"; url = "http://shop.test:$open_port/same"; resolve = "127.0.0.1"; },
{ name = "six";    plugin = "http"; url = "http://two.test:$six_port/six"; ip = "6"; },
{ name = "literal"; plugin = "http"; url = "http://[::1]:$six_port/literal"; source = "::1"; },
{ name = "v6";     plugin = "http"; url = "http://shop.test/"; resolve = "[::1]:1"; },
{ name = "tls";    plugin = "http"; url = "https://shop.test/tls"; resolve = "127.0.0.1:$tls_port"; ca = "$pki/root.pem"; },
{ name = "dot";    plugin = "http"; url = "https://shop.test./dot"; resolve = "127.0.0.1:$tls_port"; ca = "$pki/root.pem"; },
{ name = "moved";  plugin = "http"; url = "http://shop.test/go?302=http://other.test:$open_port/moved"; resolve = "127.0.0.1:$open_port"; max_redirects = 1; },
{ name = "source"; plugin = "http"; url = "http://127.0.0.1:$open_port/source"; source = "127.0.0.7"; },
{ name = "family"; plugin = "http"; url = "http://two.test:$open_port/family"; source = "127.0.0.8"; },
{ name = "strange"; plugin = "http"; url = "http://127.0.0.1:$open_port/"; source = "192.0.2.77"; },
{ name = "both";   plugin = "http"; url = "http://shop.test/both"; resolve = "127.0.0.1:$open_port"; source = "127.0.0.9"; keep = true; }
END
tells port "shop.test:80 (127.0.0.1:$open_port): HTTP/1.1 200 OK"
holds "the request names the host" "$(asked open /port)" "> Host: shop.test"
tells same "shop.test:$open_port (127.0.0.1): HTTP/1.1 200 OK"
tells v6 "shop.test:80 (\[::1\]:1): connection refused"
tells six "two.test:$six_port (::1): HTTP/1.1 200 OK"
tells literal "\[::1\]:$six_port: HTTP/1.1 200 OK"
verdict tls "UP OK"
check "TLS names the host" grep -q '^name shop.test$' "$dir/tls.said"
verdict dot "UP OK"
check "without the dot of a full name" eval "! grep '^name shop[.]test[.]' '$dir/tls.said'"
tells moved "other.test:$open_port (127.0.0.1): HTTP/1.1 200 OK"
lacks "the host is not looked up" "$(cat "$dir/names.said")" shop.test
holds "the server sees the source" "$(asked open /source)" "from 127.0.0.7"
holds "which chooses among addresses" "$(asked open /family)" "from 127.0.0.8"
verdict strange "UNKNOWN OBSERVER"
tells strange "*: cannot assign requested address"
holds "both" "$(asked open /both)" "from 127.0.0.9"

wrong <<END
{ name = "a"; plugin = "http"; url = "http://shop.test/"; resolve = "other.test"; },
{ name = "b"; plugin = "http"; url = "http://shop.test/"; resolve = "192.0.2.1"; ip = "6"; },
{ name = "c"; plugin = "http"; url = "http://shop.test/"; source = "eth0"; },
{ name = "d"; plugin = "http"; url = "http://shop.test/"; source = "192.0.2.1"; ip = "6"; },
{ name = "e"; plugin = "http"; url = "http://[2001:db8::1]/"; source = "192.0.2.1"; }
END
complains 'check "a": resolve: write an address, as 192.0.2.1, 192.0.2.1:8443 or [2001:db8::1]:8443'
complains 'check "b": ip: 192.0.2.1 is not an IPv6 address'
complains 'check "c": source: write an address of this machine'
complains 'check "d": source: 192.0.2.1 is not an IPv6 address'
complains 'check "e": source: 2001:db8::1 is not an IPv4 address'
done_testing
