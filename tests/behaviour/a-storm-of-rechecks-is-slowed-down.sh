#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A probe that asks to be asked again a million times a second runs once more at once and
# then no more often than retry_interval; the loop stays free for the other checks.
. "$(dirname "$0")/lib.sh"
need jq

start_target shop || exit 1
cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; };
defaults = { interval = "100ms"; };
checks = (
  { name = "flood"; plugin = "flood"; burst = 1000; interval = "1h"; retry_interval = "250ms"; },
  { name = "other"; plugin = "tcp"; address = "127.0.0.1:$target_port"; }
);
sinks = ( { name = "all"; plugin = "file"; path = "$dir/all"; } );
routes = ( { name = "all"; match = { kind = "result"; check = ["flood", "other"]; }; to = ["all"]; } );
END
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
runs() { [ "$(grep -c '"check":"flood"' "$dir/all")" -ge 13 ]; }
began=$(now_ms)
check "it runs again and again" wait_for 10 runs
took=$(($(now_ms) - began))
ends_clean sonded
# 13 runs: the first, one at once, 11 pauses of 250 ms.
if [ "$took" -ge 2500 ]; then ok "13 runs took $took ms"; else not_ok "13 runs took 2.5 s at least" "$took ms"; fi
calls=$(jq -r 'select(.check == "flood") | .metrics.calls' "$dir/all" | tail -1)
if [ "$calls" -ge 100000 ]; then ok "it asked $calls times"; else not_ok "it asked 100000 times at least" "$calls"; fi
is "a run that was asked for says so" "$(jq -r 'select(.check == "flood") | .detection.mode' "$dir/all" | sed -n '2,$p' | sort -u)" event
others=$(jq -r 'select(.check == "other" and .state == "UP") | .state' "$dir/all" | wc -l)
wanted=$(((took / 100 - 6) / (patience > 1 ? 2 : 1)))
if [ "$others" -ge "$wanted" ]; then
	ok "the other check ran $others times in its interval of 100 ms"
else
	not_ok "the other check runs in its interval" "$others times, $wanted wanted"
fi
is "... and found no fault of ours" "$(grep -c OBSERVER "$dir/all")" 0
done_testing
