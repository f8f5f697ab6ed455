#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The probe http fails in each way ten thousand times, fifty checks of each kind side by side in
# one daemon: it ends with the descriptors, the threads and the heap that it had before.
. "$(dirname "$0")/lib.sh"

# See growth.sh for what the columns are.
kinds() {
	cat <<'END'
http-refused | falls | DOWN L4CON | refused | http | url = "http://@/";
http-silent | silent | DOWN L7TOUT | mute | http | url = "http://@/";
http-reset | falls | DOWN L7RSP | reset-at-request | http | url = "http://@/";
http-tls | falls | DOWN L6RSP | tls-garbage | http | url = "https://@/"; ca = "DIR/ca.pem";
http-certificate | falls | DOWN L6CERT | tls-self-signed | http | url = "https://@/"; ca = "DIR/ca.pem";
http-expired | falls | DOWN L6CERT | tls-expired | http | url = "https://@/"; ca = "DIR/ca.pem";
http-pin | falls | DOWN L6CERT | tls-self-signed | http | url = "https://@/"; verify = false; cert_sha256 = ["7dc01cfc30f226ee774271e9f96ca0fbe629ffeb98f353bad364825ddd98d301"];
http-client | falls | DOWN L6RSP | tls-wants-certificate | http | url = "https://@/"; ca = "DIR/ca.pem"; cert = "DIR/self.pem";
http-wrong | falls | DOWN L7STS | http-error | http | url = "http://@/"; save_body = "on-failure";
http-header | falls | DOWN L7BODY | json-wrong | http | url = "http://@/"; headers_match = ["X-None:"];
http-json | falls | DOWN L7BODY | json-wrong | http | url = "http://@/"; json = ["status == \"ok\""]; save_body = "on-failure";
http-late | falls | DOWN LIMIT | http-late | http | url = "http://@/"; latency_fail = "5ms";
http-too-large | falls | DOWN L7BIG | body-endless | http | url = "http://@/"; max_body = "16KiB"; body_match = "never";
http-slow | silent | DOWN L7TOUT | body-drip | http | url = "http://@/"; body_match = "never";
http-bomb | falls | DOWN L7BIG | bomb-gzip | http | url = "http://@/"; compression = true; max_body = "16KiB";
http-circle | falls | DOWN L7RSP | redirect-circle | http | url = "http://@/"; max_redirects = 1;
http-elsewhere | falls | DOWN L7RSP | redirect-file | http | url = "http://@/"; max_redirects = 1;
http-no-name | falls | DOWN DNSERR | dns-unknown | http | url = "http://{target}.example/"; resolver = "@";
http-no-resolver | shuts | UNKNOWN DNSTOUT | dns-mute | http | url = "http://{target}.example/"; resolver = "@";
http-no-socket | falls | DOWN L4CON | | http | url = "http://localhost/"; unix_socket = "DIR/none.sock";
http-socket | falls | DOWN L7RSP | unix-hangs-up | http | url = "http://localhost/"; unix_socket = "DIR/unix-hangs-up.sock";
http-keep | shuts | UP OK | kept-fin | http | url = "http://@/"; keep = true;
http-proxy-none | falls | DOWN L4CON | refused | http | url = "http://192.0.2.1/"; proxy = "http://@";
http-proxy-refuses | falls | DOWN L7RSP | http-error | http | url = "https://hostile.example/"; proxy = "http://@"; ca = "DIR/ca.pem";
http-proxy-socks | falls | DOWN L7RSP | banner-nasty | http | url = "http://192.0.2.1/"; proxy = "socks5://@";
http-2 | falls | DOWN L7RSP | banner-wrong | http | url = "http://@/"; http_version = "2-prior-knowledge";
http-2-not-offered | falls | DOWN L7RSP | tls-no-goodbye | http | url = "https://@/"; http_version = "2"; ca = "DIR/ca.pem";
END
}
. "$(dirname "$0")/growth.sh"
grows_not
