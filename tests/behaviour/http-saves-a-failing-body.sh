#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# save_body = "on-failure" puts the first KiB of a failing body into details.body, cleaned,
# whatever was wrong with the answer; nothing of a right one, and nothing by default.
. "$(dirname "$0")/web.sh"

mkdir -p "$dir/www"
printf '<title>\033[2J\000a\377b\342\200\256c</title>\n' >"$dir/www/nasty"
{ printf 'first' && head -c 5000 /dev/zero | tr '\0' 'x' && printf 'last'; } >"$dir/www/long"
start_nginx <<'END' || exit 1
location = /broken { default_type text/plain; return 503 "the database is away\n"; }
location = /fine { return 200 "all is well"; }
location = /none { return 200 ""; }
END
start_net evil http || exit 1
web=http://127.0.0.1:$nginx_port

results 9 "http = { save_body = \"on-failure\"; };" <<END
{ name = "status"; plugin = "http"; url = "$web/broken"; },
{ name = "match";  plugin = "http"; url = "$web/fine"; body_match = "ill"; },
{ name = "header"; plugin = "http"; url = "$web/fine"; headers_match = ["X:"]; },
{ name = "json";   plugin = "http"; url = "$web/fine"; json = ["a == 1"]; },
{ name = "long";   plugin = "http"; url = "$web/long"; max_body = "2000"; },
{ name = "nasty";  plugin = "http"; url = "$web/nasty"; status = ["404"]; },
{ name = "right";  plugin = "http"; url = "$web/fine"; },
{ name = "none";   plugin = "http"; url = "$web/none"; status = ["404"]; },
{ name = "short";  plugin = "http"; url = "http://127.0.0.1:$evil_port/short"; }
END
is "of a wrong status" "$(field status .details.body)" "the database is away"
is "of a body that does not match" "$(field match .details.body)" "all is well"
is "of a wrong header" "$(field header .details.body)" "all is well"
is "of what is no JSON" "$(field json .details.body)" "all is well"
is "the first KiB of a large one" "$(field long '.details.body | length')" 1024
is "from its beginning" "$(field long '.details.body[0:6]')" firstx
is "the reason is still the size" "$(field long .reason)" L7BIG
check "clean" test "$(field nasty .details.body | LC_ALL=C tr -d '\40-\176\n\200-\377' | wc -c)" = 0
check "but there" grep -q '<title>.*c</title>' <<<"$(field nasty .details.body)"
is "nothing of a right answer" "$(field right .details.body)" null
is "nothing where there is nothing" "$(field none .details.body)" null
is "what came of one that broke off" "$(field short .details.body)" abc

results 1 <<END
{ name = "default"; plugin = "http"; url = "$web/broken"; }
END
is "nothing by default" "$(field default .details.body)" null
is "though it failed" "$(field default .reason)" L7STS
done_testing
