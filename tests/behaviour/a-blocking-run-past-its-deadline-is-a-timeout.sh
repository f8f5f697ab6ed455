#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A blocking run that does not come back in time is a TIMEOUT at its deadline; its worker is
# written off and replaced, so another check goes on with the only worker there is; it is not
# run again until it has returned, and answers TIMEOUT meanwhile; DOWN after `fall` of them.
. "$(dirname "$0")/lib.sh"
need jq

cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; workers = 1; };
defaults = { interval = "300ms"; timeout = "200ms"; retry_interval = "250ms"; };
checks = (
  { name = "hangs"; plugin = "hang"; seconds = 2; file = "$dir/runs"; },
  { name = "other"; plugin = "older"; timeout = "299ms"; }
);
sinks = ( { name = "all"; plugin = "file"; path = "$dir/all"; } );
routes = ( { name = "all"; match = { kind = ["result", "change"]; check = ["hangs", "other"]; }; to = ["all"]; } );
END
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
lines() { [ "$(grep -c "$1" "$dir/runs")" -ge "$2" ]; }
check "the first run begins" wait_for 5 lines begins 1
check "... and returns, much too late" wait_for 10 lines returns 1
check "only then it runs again" wait_for 5 lines begins 2
is "... and not in between" "$(head -3 "$dir/runs" | tr '\n' ' ')" "begins returns begins "
stop_sonded "$sonded_pid"
is "the end waits for it" "$?" 0
no_sanitizer sonded

results() { jq -r 'select(.check == "'"$1"'" and .kind == "result") | '"$2" "$dir/all"; }
is "each of its results is a TIMEOUT" "$(results hangs '.state + " " + .reason' | sort -u)" "DOWN TIMEOUT"
is "the first at the deadline" "$(results hangs .message | head -1)" "no answer within 200ms"
first=$(results hangs .duration_us | head -1)
if [ "$first" -ge 200000 ] && [ "$first" -le 450000 ]; then
	ok "... after $first us"
else
	not_ok "... after 200 ms" "$first us"
fi
check "the next says that the run has not returned" grep -q 'has not returned' <(results hangs .message | sed -n 2p)
is "one change: DOWN after two" "$(jq -r 'select(.check == "hangs" and .kind == "change") | "\(.previous) \(.state) \(.attempt) \(.reason)"' "$dir/all")" \
	"UNKNOWN DOWN 2 TIMEOUT"
is "the late answer is nowhere" "$(grep -c 'came back late' "$dir/all")" 0
others=$(results other '.state' | grep -c UP)
if [ "$others" -ge 6 ]; then
	ok "the other check was UP $others times meanwhile"
else
	not_ok "the other check goes on meanwhile" "$(results other '.state + " " + .message')"
fi
is "... and nothing else" "$(results other .state | sort -u)" UP
done_testing
