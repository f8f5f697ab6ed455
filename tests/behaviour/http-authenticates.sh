#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# user and password open what basic authentication guards, bearer what a token does; the
# wrong ones do not; no secret is printed or told.
. "$(dirname "$0")/webs.sh"

printf 'probe:{PLAIN}geh/eim \xc3\xa4\n' >"$dir/users"
start_nginx <<END || exit 1
location = /basic { auth_basic "guarded"; auth_basic_user_file $dir/users; try_files /page =404; }
location = /token { if (\$http_authorization != "Bearer abc.DEF-123==") { return 401; } return 200; }
END
echo hello >"$dir/www/page"
web=http://127.0.0.1:$nginx_port

results 6 <<END
{ name = "right";   plugin = "http"; url = "$web/basic"; user = "probe"; password = "geh/eim ä"; },
{ name = "wrong";   plugin = "http"; url = "$web/basic"; user = "probe"; password = "hush-hush"; },
{ name = "nobody";  plugin = "http"; url = "$web/basic"; },
{ name = "token";   plugin = "http"; url = "$web/token"; bearer = "abc.DEF-123=="; },
{ name = "badge";   plugin = "http"; url = "$web/token"; bearer = "hush-hush"; },
{ name = "tokenless"; plugin = "http"; url = "$web/token"; }
END
verdict right "UP OK"
verdict wrong "DOWN L7STS"
verdict nobody "DOWN L7STS"
verdict token "UP OK"
verdict badge "DOWN L7STS"
tells tokenless "* 401 Unauthorized, wanted 200-299"
for secret in 'geh/eim' hush-hush abc.DEF-123; do
	check "no $secret in events and log" eval "! grep -qF '$secret' '$dir/results' '$dir/results.log'"
done

wrong <<END
{ name = "a"; plugin = "http"; url = "http://me:word@192.0.2.1/"; },
{ name = "b"; plugin = "http"; url = "http://192.0.2.1/"; password = "x"; },
{ name = "c"; plugin = "http"; url = "http://192.0.2.1/"; user = "a:b"; },
{ name = "d"; plugin = "http"; url = "http://192.0.2.1/"; user = "a"; bearer = "x"; },
{ name = "e"; plugin = "http"; url = "http://192.0.2.1/"; bearer = "a b"; },
{ name = "f"; plugin = "http"; url = "http://192.0.2.1/"; bearer = "x"; headers = ["authorization: y"]; }
END
complains 'check "a": url: a URL is printed: write user and password as options'
complains 'check "b": password: there is no user'
complains 'check "c": user: a user has no colon'
complains 'check "d": bearer: either user and password, or a token'
complains 'check "e": bearer: a token has no blanks'
complains 'check "f": bearer: headers has an Authorization already'
done_testing
