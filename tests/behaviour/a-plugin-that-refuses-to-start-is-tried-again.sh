#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A probe whose start fails is UNKNOWN by our own fault, with its words; it is closed, opened
# anew and tried again until it starts, and was never DOWN.
. "$(dirname "$0")/lib.sh"
need jq

cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; };
defaults = { interval = "100ms"; retry_interval = "100ms"; };
checks = (
  { name = "late"; plugin = "refuse-start"; times = 3; file = "$dir/letters"; },
  { name = "other"; plugin = "older"; }
);
sinks = ( { name = "all"; plugin = "file"; path = "$dir/all"; } );
routes = ( { name = "all"; match = { kind = ["result", "change"]; check = ["late", "other"]; }; to = ["all"]; } );
END
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
up() { grep -q '"kind":"change".*"check":"late".*"state":"UP"' "$dir/all"; }
check "it starts in the end" wait_for 10 up
is "... after three refusals: opened, started and closed each time, on a fresh page" "$(cat "$dir/letters")" oscoscoscos
ends_clean sonded
is "it was closed in the end" "$(cat "$dir/letters")" oscoscoscosc

# A machine that stalls for a tenth of a second has no worker in time: our own fault as well.
results() { jq -r 'select(.check == "late" and .kind == "result") | '"$1" "$dir/all"; }
is "until then it was UNKNOWN, our own fault, with its words" \
	"$(results 'select(.state != "UP" and (.message | startswith("no worker") | not)) | .state + " " + .reason + " " + .message' | sort -u)" \
	"UNKNOWN OBSERVER cannot start: not yet"
is "one change, to UP" "$(jq -r 'select(.check == "late" and .kind == "change") | .previous + " " + .state' "$dir/all")" "UNKNOWN UP"
others=$(grep -c '"kind":"result".*"check":"other".*"state":"UP"' "$dir/all")
if [ "$others" -ge 5 ]; then ok "the other check ran $others times"; else not_ok "the other check goes on" "$others runs"; fi
done_testing
