#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What an answer has to be besides its status, against a real nginx: headers that must and
# must not match, values in JSON, the digest, the age, the size; one reason each, told in
# the order status, headers, size, patterns, JSON, digest, age.
. "$(dirname "$0")/web.sh"

mkdir -p "$dir/www"
echo 'as it was' >"$dir/www/new"
echo 'as it was' >"$dir/www/old"
touch -d '2 hours ago' "$dir/www/old"
sum=$(sha256sum "$dir/www/new" | cut -d ' ' -f 1)
none=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
start_nginx <<'END' || exit 1
location = /h { add_header X-Role "primary"; add_header X-Role "backup"; add_header X-Empty ";";
	default_type text/plain; return 200 "hello\n"; }
location = /json { default_type application/json; return 200
	'{"status":"ok","db":{"nodes":[{"id":1,"up":true},{"id":2,"up":false}],"lag":0.25},"odd key":{"x":null},"n":18446744073709551616,"version":"v2.10"}'; }
location = /text { return 200 "no JSON"; }
location = /empty { return 200 ""; }
location = /date { add_header Last-Modified "yesterday, perhaps"; return 200 "x"; }
location = /gone { add_header X-Role "primary" always; return 410 "gone\n"; }
END
web=http://127.0.0.1:$nginx_port at=127.0.0.1:$nginx_port

once <<END
{ name = "h-any";    plugin = "http"; url = "$web/h"; headers_match = ["x-role: ^backup\$", "Content-Type:^text/"]; },
{ name = "h-there";  plugin = "http"; url = "$web/h"; headers_match = ["X-Empty:"]; },
{ name = "h-absent"; plugin = "http"; url = "$web/h"; headers_match = ["X-Other: ."]; },
{ name = "h-wrong";  plugin = "http"; url = "$web/h"; headers_match = ["X-Role: ^master"]; },
{ name = "h-not";    plugin = "http"; url = "$web/h"; headers_not_match = ["X-Role: backup"]; },
{ name = "h-none";   plugin = "http"; url = "$web/h"; headers_not_match = ["X-Role: master", "X-Other:"]; },
{ name = "j-ok";     plugin = "http"; url = "$web/json";
  json = ["status == \"ok\"", "db.nodes[0].up == true", "db.lag < 1", "[\"odd key\"].x == null",
    "db.nodes[1].id >= 2", "version ~ \"^v2[.]\"", "status != \"bad\"", "n > 1e19", "db.lag <= 0.25"]; },
{ name = "j-value";  plugin = "http"; url = "$web/json"; json = ["db.nodes[1].up == true"]; },
{ name = "j-path";   plugin = "http"; url = "$web/json"; json = ["db.nodes[2].up == true"]; },
{ name = "j-key";    plugin = "http"; url = "$web/json"; json = ["db.replicas != 0"]; },
{ name = "j-order";  plugin = "http"; url = "$web/json"; json = ["status > 5"]; },
{ name = "j-regex";  plugin = "http"; url = "$web/json"; json = ["version ~ \"^v3\""]; },
{ name = "j-text";   plugin = "http"; url = "$web/text"; json = ["a == 1"]; },
{ name = "j-empty";  plugin = "http"; url = "$web/empty"; json = ["a == 1"]; },
{ name = "d-right";  plugin = "http"; url = "$web/new"; body_sha256 = "$sum"; },
{ name = "d-upper";  plugin = "http"; url = "$web/new"; body_sha256 = "${sum^^}"; },
{ name = "d-empty";  plugin = "http"; url = "$web/empty"; body_sha256 = "$none"; },
{ name = "d-wrong";  plugin = "http"; url = "$web/text"; body_sha256 = "$sum"; },
{ name = "a-young";  plugin = "http"; url = "$web/new"; max_age = "1h"; },
{ name = "a-old";    plugin = "http"; url = "$web/old"; max_age = "1h"; },
{ name = "a-absent"; plugin = "http"; url = "$web/text"; max_age = "1h"; },
{ name = "a-no-date"; plugin = "http"; url = "$web/date"; max_age = "1h"; },
{ name = "a-head";   plugin = "http"; url = "$web/new"; method = "HEAD"; max_age = "1h"; },
{ name = "s-small";  plugin = "http"; url = "$web/text"; min_body = "8"; },
{ name = "s-exact";  plugin = "http"; url = "$web/text"; min_body = "7"; },
{ name = "o-status";  plugin = "http"; url = "$web/gone"; headers_match = ["X-Other:"]; max_body = "1"; },
{ name = "o-headers"; plugin = "http"; url = "$web/h"; headers_match = ["X-Other:"]; max_body = "1"; },
{ name = "o-big";     plugin = "http"; url = "$web/h"; headers_match = ["X-Role:"]; max_body = "1"; body_match = "x"; },
{ name = "o-size";    plugin = "http"; url = "$web/h"; min_body = "10"; body_match = "x"; },
{ name = "o-pattern"; plugin = "http"; url = "$web/h"; body_match = "x"; json = ["a == 1"]; },
{ name = "o-json";    plugin = "http"; url = "$web/h"; json = ["a == 1"]; body_sha256 = "$sum"; },
{ name = "o-digest";  plugin = "http"; url = "$web/h"; body_sha256 = "$sum"; max_age = "1s"; }
END
found h-any "UP OK $at: HTTP/1.1 200 OK"
found h-there "UP OK $at: HTTP/1.1 200 OK"
found h-absent "DOWN L7BODY $at: the header X-Other is absent"
found h-wrong "DOWN L7BODY $at: the header X-Role is \"primary\", which does not match \"^master\""
found h-not "DOWN L7BODY $at: the header X-Role is \"backup\", which matches \"backup\""
found h-none "UP OK $at: HTTP/1.1 200 OK"
found j-ok "UP OK $at: HTTP/1.1 200 OK"
found j-value "DOWN L7BODY $at: db.nodes[1].up == true does not hold: it is false"
found j-path "DOWN L7BODY $at: db.nodes[2].up == true does not hold: db.nodes has 2 elements"
found j-key "DOWN L7BODY $at: db.replicas != 0 does not hold: db has no \"replicas\""
found j-order "DOWN L7BODY $at: status > 5 does not hold: it is \"ok\", which has no order with a number"
found j-regex "DOWN L7BODY $at: version ~ \"^v3\" does not hold: it is \"v2.10\""
found_like j-text "DOWN L7BODY $at: the body is not JSON: *, at line 1, column *"
found j-empty "DOWN L7BODY $at: the body is empty, and no JSON"
for name in d-right d-upper d-empty a-young a-head s-exact; do
	found "$name" "UP OK $at: HTTP/1.1 200 OK"
done
found_like d-wrong "DOWN L7BODY $at: the body's SHA-256 is *, wanted $sum"
found_like a-old "DOWN L7BODY $at: last modified 72?? s ago (*GMT), wanted at most 3600 s"
found a-absent "DOWN L7BODY $at: the header Last-Modified is absent, and max_age wants it"
found a-no-date "DOWN L7BODY $at: the header Last-Modified is no date: \"yesterday, perhaps\""
found s-small "DOWN L7BODY $at: 7 bytes of body, wanted at least 8"
found o-status "DOWN L7STS $at: HTTP/1.1 410 Gone, wanted 200-299"
found o-headers "DOWN L7BODY $at: the header X-Other is absent"
found o-big "DOWN L7BIG $at: more than 1 bytes of body"
found o-size "DOWN L7BODY $at: 6 bytes of body, wanted at least 10"
found o-pattern "DOWN L7BODY $at: the body does not match body_match"
found_like o-json "DOWN L7BODY $at: the body is not JSON: *"
found_like o-digest "DOWN L7BODY $at: the body's SHA-256 is *"

# What is told besides.
results 3 <<END
{ name = "right"; plugin = "http"; url = "$web/new"; body_sha256 = "$sum"; max_age = "1h"; },
{ name = "wrong"; plugin = "http"; url = "$web/text"; body_sha256 = "$sum"; },
{ name = "plain"; plugin = "http"; url = "$web/old"; }
END
is "the digest is told" "$(field right .details.body_sha256)" "$sum"
is "also of a body that is another" "$(field wrong .details.body_sha256)" \
	"$(printf 'no JSON' | sha256sum | cut -d ' ' -f 1)"
is "and not where nobody asked" "$(field plain .details.body_sha256)" null
is "the body's bytes" "$(field right .metrics.body_bytes)" 10
check "the headers' bytes" test "$(field right .metrics.header_bytes)" -gt 100
check "the age" test "$(field right .metrics.age_seconds)" -lt 600
is "the status" "$(field plain .metrics.status)" 200

wrong <<'END'
{ name = "a"; plugin = "http"; url = "http://192.0.2.1/"; headers_match = ["no name"]; },
{ name = "b"; plugin = "http"; url = "http://192.0.2.1/"; headers_not_match = ["X: a(b"]; },
{ name = "c"; plugin = "http"; url = "http://192.0.2.1/"; json = ["a = 1"]; },
{ name = "d"; plugin = "http"; url = "http://192.0.2.1/"; json = ["a == 1", "a.b == ok"]; },
{ name = "e"; plugin = "http"; url = "http://192.0.2.1/"; json = ["a == 1"]; max_body = "5MiB"; },
{ name = "f"; plugin = "http"; url = "http://192.0.2.1/"; body_sha256 = "abc"; },
{ name = "g"; plugin = "http"; url = "http://192.0.2.1/"; method = "HEAD"; json = ["a == 1"]; },
{ name = "h"; plugin = "http"; url = "http://192.0.2.1/"; min_body = "2MiB"; },
{ name = "i"; plugin = "http"; url = "http://192.0.2.1/"; save_body = "always"; },
{ name = "j"; plugin = "http"; url = "http://192.0.2.1/"; max_headers = "1MiB"; },
{ name = "k"; plugin = "http"; url = "http://192.0.2.1/"; method = "HEAD"; min_body = "1"; },
{ name = "l"; plugin = "http"; url = "http://192.0.2.1/"; method = "HEAD"; body_sha256 = "abc"; }
END
complains 'check "a": headers_match: "no name" has no header'"'"'s name; write "Content-Type: ^text/html"'
complains 'check "b": headers_not_match: "a(b": not a regular expression: missing closing parenthesis, at character 4'
complains 'check "c": json: "a = 1", at character 3: after the path comes ==, !=, <, <=, >, >= or ~'
complains 'check "d": json: "a.b == ok", at character 8: the value is "a string" in quotes, a number, true, false or null'
complains 'check "e": max_body: json looks at bodies of at most 4MiB; write less'
complains 'check "f": body_sha256: a digest is 64 hex digits, as sha256sum prints them'
complains 'check "g": json: the answer to HEAD has no body'
complains 'check "h": min_body: it is over max_body'
complains 'check "i": save_body'
complains 'check "j": max_headers must be from 256 to 256KiB'
complains 'check "k": min_body: the answer to HEAD has no body'
complains 'check "l": body_sha256: the answer to HEAD has no body'
done_testing
