#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The probe tcp fails in each way ten thousand times, fifty checks of each kind side by side in
# one daemon: it ends with the descriptors, the threads and the heap that it had before.
. "$(dirname "$0")/lib.sh"

# See growth.sh for what the columns are.
kinds() {
	cat <<'END'
tcp-refused | falls | DOWN L4CON | refused | tcp | address = "@";
tcp-half | falls | DOWN L4CON | refused | tcp | address = "@"; handshake = "half";
tcp-silent | silent | DOWN L7TOUT | mute | tcp | address = "@"; steps = ["expect 220"];
tcp-reset | falls | DOWN L7RSP | reset-at-request | tcp | address = "@"; steps = ["send hello", "expect 220"];
tcp-tls | falls | DOWN L6RSP | tls-garbage | tcp | address = "@"; tls = true; ca = "DIR/ca.pem";
tcp-tls-silent | silent | DOWN L6TOUT | mute | tcp | address = "@"; tls = true; ca = "DIR/ca.pem";
tcp-certificate | falls | DOWN L6CERT | tls-self-signed | tcp | address = "@"; tls = true; ca = "DIR/ca.pem";
tcp-expired | falls | DOWN L6CERT | tls-expired | tcp | address = "@"; tls = true; ca = "DIR/ca.pem";
tcp-pin | falls | DOWN L6CERT | tls-self-signed | tcp | address = "@"; tls = true; verify = false; cert_sha256 = ["7dc01cfc30f226ee774271e9f96ca0fbe629ffeb98f353bad364825ddd98d301"];
tcp-client | falls | DOWN L6RSP | tls-wants-certificate | tcp | address = "@"; tls = true; ca = "DIR/ca.pem"; cert = "DIR/self.pem"; steps = ["expect 220"];
tcp-wrong | falls | DOWN L7RSP | banner-wrong | tcp | address = "@"; steps = ["expect 220"];
tcp-late | falls | DOWN LIMIT | banner-late | tcp | address = "@"; steps = ["expect 220"]; latency_fail = "5ms";
tcp-too-large | falls | DOWN L7BIG | banner-endless | tcp | address = "@"; steps = ["expect(4KiB) ready"];
tcp-slow | silent | DOWN L7TOUT | banner-drip | tcp | address = "@"; steps = ["expect ready"];
tcp-no-name | falls | DOWN DNSERR | dns-unknown | tcp | address = "{target}.example:1"; resolver = "@";
tcp-no-resolver | shuts | UNKNOWN DNSTOUT | dns-mute | tcp | address = "{target}.example:1"; resolver = "@";
tcp-no-socket | falls | DOWN L4CON | | tcp | address = "unix:DIR/none.sock";
tcp-socket | falls | DOWN L7RSP | unix-hangs-up | tcp | address = "unix:DIR/unix-hangs-up.sock"; steps = ["expect 220"];
hold-fin | shuts | UP OK | held-fin | tcp | address = "@"; hold = true; steps = ["expect 220"];
hold-reset | shuts | UP OK | held-reset | tcp | address = "@"; hold = true; steps = ["expect 220"];
udp-silent | silent | DOWN L7TOUT | udp-mute | tcp | address = "@"; transport = "udp"; steps = ["send ping", "expect pong"];
udp-refused | falls | DOWN L4CON | udp-refused | tcp | address = "@"; transport = "udp"; steps = ["send ping", "expect pong"];
starttls-refused | falls | DOWN L7RSP | smtp-no-starttls | tcp | address = "@"; starttls = "smtp"; ca = "DIR/ca.pem";
starttls-injected | falls | DOWN L6RSP | smtp-injects | tcp | address = "@"; starttls = "smtp"; ca = "DIR/ca.pem";
END
}
. "$(dirname "$0")/growth.sh"
grows_not
