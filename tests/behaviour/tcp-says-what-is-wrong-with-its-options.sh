#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every wrong option of a tcp check has a sentence of its own, all in one run.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"

long=$(printf 'x%.0s' $(seq 120))
wrong <<END
{ name = "a"; plugin = "tcp"; address = "192.0.2.1"; },
{ name = "b"; plugin = "tcp"; address = "192.0.2.1:99999"; },
{ name = "c"; plugin = "tcp"; address = "2001:db8::1:22"; },
{ name = "d"; plugin = "tcp"; address = "[2001:db8::1]"; },
{ name = "e"; plugin = "tcp"; address = "300.1.1.1:22"; },
{ name = "f"; plugin = "tcp"; address = "a b:22"; },
{ name = "g"; plugin = "tcp"; address = "unix:relative"; },
{ name = "h"; plugin = "tcp"; address = "unix:/$long"; },
{ name = "i"; plugin = "tcp"; address = "192.0.2.1:22"; ip = "6"; },
{ name = "j"; plugin = "tcp"; address = "192.0.2.1:22"; source = "here"; },
{ name = "k"; plugin = "tcp"; address = "192.0.2.1:22"; source = "::1"; },
{ name = "l"; plugin = "tcp"; address = "unix:/x"; source = "192.0.2.1"; },
{ name = "m"; plugin = "tcp"; address = "unix:/x"; handshake = "half"; },
{ name = "n"; plugin = "tcp"; address = "192.0.2.1:22"; handshake = "haf"; },
{ name = "o"; plugin = "tcp"; address = "192.0.2.1:22"; resolver = "dns.example"; },
{ name = "p"; plugin = "tcp"; address = "[192.0.2.1]:22"; },
{ name = "q"; plugin = "tcp"; },
{ name = "r"; plugin = "tcp"; adress = "192.0.2.1:22"; address = "192.0.2.1:22"; },
{ name = "s"; plugin = "tcp"; address = "192.0.2.1:22"; handshake = "half"; steps = ["send x"]; },
{ name = "t"; plugin = "tcp"; address = "192.0.2.1:22"; handshake = "half"; send_proxy = "v1"; },
{ name = "u"; plugin = "tcp"; address = "192.0.2.1:22"; steps = ["expct x"]; },
{ name = "v"; plugin = "tcp"; address = "192.0.2.1:22"; send_proxy = "v3"; },
{ name = "w"; plugin = "tcp"; address = "192.0.2.1:22"; transport = "upd"; },
{ name = "x"; plugin = "tcp"; address = "192.0.2.1:22"; starttls = "smpt"; },
{ name = "y"; plugin = "tcp"; address = "192.0.2.1:22"; steps = ["send AUTH sesame {nonse}"]; },
{ name = "z"; plugin = "tcp"; address = "192.0.2.1:22";
  steps = ["send(2s, 4KiB) AUTH sesame and much more that makes the line a long one"]; },
{ name = "aa"; plugin = "tcp"; address = "unix:/x"; resolver = "192.0.2.53"; },
{ name = "ab"; plugin = "tcp"; address = "unix:/x"; ip = "6"; },
{ name = "ac"; plugin = "tcp"; address = "192.0.2.1:443"; cert_warn = "30d"; }
END
is "exit status" "$wrong_status" 2
complains 'check "a": address: the port is missing; write host:port, [v6]:port or unix:/path'
complains 'check "b": address: the port is a number from 1 to 65535, not "99999"'
complains 'check "c": address: an IPv6 address needs brackets, as [2001:db8::1]:443'
complains 'check "d": address: write an IPv6 address as [2001:db8::1]:443'
complains 'check "e": address: "300.1.1.1" is neither an address nor a host name'
complains 'check "f": address: "a b" is neither an address nor a host name'
complains 'check "g": address: the path of a unix socket begins with /'
complains 'check "h": address: the path of a unix socket has at most 107 bytes'
complains 'check "i": ip: 192.0.2.1:22 is not an IPv6 address'
complains 'check "j": source: "here" is not an IP address'
complains 'check "k": source: ::1 is of the other IP version than the target'
complains 'check "l": source: a unix socket has no source address'
complains 'check "m": handshake: a unix socket has no handshake to halve'
complains 'did you mean "half"?'
complains 'check "o": resolver: "dns.example" is no address of a name server'
complains 'check "p": address: "192.0.2.1" is neither an address nor a host name'
complains 'check "q"'
complains 'did you mean "address"?'
complains 'check "s": handshake: "half" opens no connection; use "full" for steps'
complains 'check "t": handshake: "half" opens no connection; use "full" for send_proxy'
complains 'check "u": steps: steps[1]: unknown verb; did you mean "expect"?'
complains 'send_proxy must be one of "no", "v1", "v2"'
complains 'did you mean "udp"?'
complains 'did you mean "smtp"?'
complains 'check "y": steps: steps[1] (send): no earlier step captures what'
complains 'check "z": steps: steps[1] (send): only expect'
complains 'check "aa": resolver: has no meaning for a unix socket'
complains 'check "ab": ip: has no meaning for a unix socket'
complains 'check "ac": cert_warn: has no meaning: this check does not speak TLS'
check "what is sent is in no message" eval '! grep -q sesame "$dir/wrong"'

# One check is for names and addresses alike: those of a list may be either.
cat >"$dir/list.conf" <<END
daemon = { observer = "test"; state_dir = "$dir/state"; };
targets = ( { name = "both"; hosts = ["192.0.2.1", "db.example"]; } );
checks = ( { name = "{target}"; plugin = "tcp"; address = "{target}:22"; targets = ["both"]; resolver = "192.0.2.53"; } );
END
check "a name server is taken where some targets are addresses" \
	run_sonded -c "$dir/list.conf" --check

# A default for all checks may be idle in some.
cat >"$dir/default.conf" <<END
daemon = { observer = "test"; state_dir = "$dir/state"; };
defaults = { tcp = { resolver = "192.0.2.53"; cert_warn = "30d"; sni = "db.example"; };
             process = { terminate_delay = "5s"; rss_warn = "1GiB"; }; };
checks = ( { name = "plain"; plugin = "tcp"; address = "192.0.2.1:22"; },
           { name = "unix"; plugin = "tcp"; address = "unix:/run/it.sock"; },
           { name = "back"; plugin = "tcp"; address = "192.0.2.1:22"; sni = ""; cert_warn = "0"; cert_sha256 = []; },
           { name = "none"; plugin = "process"; comm = "it"; min = 0; max = 0; terminate_delay = "0s"; rss_warn = "0"; } );
END
check "a default may be idle, and taken back" run_sonded -c "$dir/default.conf" --check
done_testing
