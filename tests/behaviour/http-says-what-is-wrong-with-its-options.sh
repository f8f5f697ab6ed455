#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every wrong option of an http check has a sentence of its own, all in one run; a header
# cannot smuggle another one in.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"

wrong <<'END'
{ name = "a"; plugin = "http"; url = "shop.example/health"; },
{ name = "b"; plugin = "http"; url = "file:///etc/passwd"; },
{ name = "c"; plugin = "http"; url = "http://shop example/"; },
{ name = "d"; plugin = "http"; url = "http://"; },
{ name = "e"; plugin = "http"; url = "http://shop.example:99999/"; },
{ name = "f"; plugin = "http"; url = "http://192.0.2.1/"; ip = "6"; },
{ name = "g"; plugin = "http"; url = "http://[2001:db8::1]/"; ip = "4"; },
{ name = "h"; plugin = "http"; url = "http://192.0.2.1/"; method = "get"; },
{ name = "i"; plugin = "http"; url = "http://192.0.2.1/"; headers = ["X-A: b\r\nX-B: c"]; },
{ name = "j"; plugin = "http"; url = "http://192.0.2.1/"; headers = ["no colon"]; },
{ name = "k"; plugin = "http"; url = "http://192.0.2.1/"; status = ["2xx"]; },
{ name = "l"; plugin = "http"; url = "http://192.0.2.1/"; status = ["299-200"]; },
{ name = "m"; plugin = "http"; url = "http://192.0.2.1/"; body_match = "a(b"; },
{ name = "n"; plugin = "http"; url = "http://192.0.2.1/"; method = "HEAD"; body_match = "x"; },
{ name = "o"; plugin = "http"; url = "http://192.0.2.1/"; method = "HEAD"; body = "x"; },
{ name = "p"; plugin = "http"; url = "https://192.0.2.1/"; ca = "/none.pem"; },
{ name = "q"; plugin = "http"; url = "http://192.0.2.1/"; max_body = "0"; },
{ name = "r"; plugin = "http"; url = "http://192.0.2.1/"; resolver = "x:y"; },
{ name = "s"; plugin = "http"; url = "http://shöp.example/"; },
{ name = "t"; plugin = "http"; url = "gopher://192.0.2.1/"; },
{ name = "u"; plugin = "http"; url = "http://192.0.2.1/"; user_agent = "me\r\nHost: other"; },
{ name = "v"; plugin = "http"; url = "https://192.0.2.1/"; sni = "shop.example."; },
{ name = "w"; plugin = "http"; url = "https://192.0.2.1/"; cert = "/etc/passwd"; },
{ name = "x"; plugin = "http"; url = "https://192.0.2.1/"; cert_warn = "1d"; },
{ name = "aa"; plugin = "http"; url = "http://192.0.2.1/"; method = "HEAD"; save_body = "on-failure"; },
{ name = "ab"; plugin = "http"; url = "http://192.0.2.1/"; headers = ["user-agent: me"]; user_agent = "we"; },
{ name = "ac"; plugin = "http"; url = "http://192.0.2.1/"; verify = false; },
{ name = "ad"; plugin = "http"; url = "http://192.0.2.1/"; cert_warn = "30d"; },
{ name = "ae"; plugin = "http"; url = "http://192.0.2.1/"; cert_fail = "1d"; }
END
is "exit status" "$wrong_status" 2
complains 'check "a": url: a URL begins with http:// or https://'
complains 'check "b": url: a URL begins with http:// or https://'
complains 'check "c": url: a URL has no blanks; write %20'
complains 'check "d": url: not a URL: '
complains 'check "e": url: '
complains 'check "f": ip: 192.0.2.1 is not an IPv6 address'
complains 'check "g": ip: 2001:db8::1 is not an IPv4 address'
complains 'check "h": method: a method is a word in capitals, as GET'
complains 'check "i": headers: a header has no line breaks or control characters'
complains 'check "j": headers: a header is written "Name: value"'
complains 'check "k": status: "2xx" is no status'
complains 'check "l": status: "299-200" is no status'
complains 'check "m": body_match: not a regular expression: missing closing parenthesis, at character 4'
complains 'check "n": body_match: the answer to HEAD has no body'
complains 'check "o": body: a HEAD request has no body'
complains 'check "p": ca: /none.pem cannot be read: No such file or directory'
complains 'check "q": '
complains 'check "r": resolver: "x:y" is no address of a name server'
complains 'check "s": url: '
complains 'check "t": url: a URL begins with http:// or https://'
complains 'check "u": user_agent: a header has no line breaks or control characters'
complains 'check "v": sni: TLS asks for a name without the dot at its end'
complains 'check "w": cert: /etc/passwd cannot be used: it is not in PEM form'
complains 'check "x": cert_warn: must be longer than cert_fail (3d where it is not set)'
complains 'check "aa": save_body: the answer to HEAD has no body'
complains 'check "ab": user_agent: headers has a User-Agent already'
complains 'check "ac": verify: has no meaning: this check does not speak TLS'
complains 'check "ad": cert_warn: has no meaning: this check does not speak TLS'
complains 'check "ae": cert_fail: has no meaning: this check does not speak TLS'

# What looks alike and has a meaning.
wrong <<'END'
{ name = "a"; plugin = "http"; url = "http://192.0.2.1/"; resolver = "192.0.2.53"; },
{ name = "b"; plugin = "http"; url = "http://shop.example/"; resolve = "192.0.2.1"; resolver = "192.0.2.53"; },
{ name = "c"; plugin = "http"; url = "http://192.0.2.1/"; headers = ["User-Agent: me"]; },
{ name = "d"; plugin = "http"; url = "http://192.0.2.1/"; max_redirects = 1; cert_warn = "30d"; verify = false; }
END
is "what may have a meaning is taken" "$wrong_status $(cat "$dir/wrong")" "0 "
done_testing
