#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A sink that takes batches and never says what became of them: the others get everything,
# its own bound holds, and at the end it gives back what it had, counted as waiting still.
. "$(dirname "$0")/lib.sh"

start_target shop || exit 1
cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; };
defaults = { interval = "20ms"; };
checks = (
  { name = "a"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
  { name = "b"; plugin = "tcp"; address = "127.0.0.1:$target_port"; }
);
sinks = (
  { name = "never"; plugin = "never-settles"; buffer = { events = 60; }; },
  { name = "slow"; plugin = "file"; path = "$dir/other"; },
  { name = "all"; plugin = "file"; path = "$dir/all"; format = "{check} {id}"; }
);
routes = ( { name = "all"; match = { kind = ["result", "change"]; check = ["a", "b"]; }; to = ["never", "slow", "all"]; } );
END
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
many() { [ "$(wc -l <"$dir/all")" -ge 200 ]; }
check "the others get everything" wait_for 10 many
read -ra now < <(ledger sonded never)
is "it settled nothing" "${now[1]} ${now[2]}" "0 0"
is "it holds its 60" "${now[4]}" 60
check "its ledger closes" closes "${now[@]}"
began=$(now_ms)
ends_clean sonded
took=$(($(now_ms) - began))
if [ "$took" -le $((10000 + 2000 * patience)) ]; then ok "the end took $took ms"; else not_ok "the end took little more than 10 s" "$took ms"; fi
is "the others lost nothing" "$(grep -c '^[ab] ' "$dir/all")" "$(wc -l <"$dir/other")"
check "what it kept is told as waiting" grep -qE 'sink "never": accepted [0-9]+ \+ restored 0 = delivered 0 \+ rejected 0 \+ moved 0 \+ dropped [0-9]+.* \+ queued 60' \
	<(grep 'sink "never": accepted' "$dir/sonded.log" | tail -1)
done_testing
