#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An event that a sink rejects is counted and logged, with check, id, route and reason, and
# holds up nobody; many of them are told together, not each with a line of its own.
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
  { name = "picky"; plugin = "reject"; checks = ["a"]; },
  { name = "all"; plugin = "file"; path = "$dir/all"; format = "{check} {id}"; }
);
routes = (
  { name = "everything"; match = { kind = ["result", "change"]; check = ["a", "b"]; }; to = ["picky", "all"]; }
);
END
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
many() { [ "$(grep -c '^a ' "$dir/all")" -ge 60 ]; }
check "events of the rejected check go on" wait_for 10 many
settled() { read -ra now < <(ledger sonded picky) && [ "${now[2]}" -ge 60 ]; }
check "... and are counted as rejected" wait_for 5 settled
check "... the ledger closes" closes "${now[@]}"
id=$(grep -m1 '^a ' "$dir/all" | cut -d' ' -f2)
check "the first is logged with check, id, route and reason" says "$dir/sonded.log" \
	"sink \"picky\": rejected an event of check \"a\", id $id, route \"everything\": not wanted here"
lines=$(grep -c 'sink "picky": rejected' "$dir/sonded.log")
if [ "$lines" -le 4 ]; then ok "$lines lines tell them all"; else not_ok "few lines tell them all" "$lines lines"; fi
ends_clean sonded
read -ra last < <(grep 'sink "picky": accepted' "$dir/sonded.log" | tail -1 |
	ledger_figures)
is "rejected are all events of a" "${last[2]}" "$(grep -c '^a ' "$dir/all")"
is "delivered are all of b" "${last[1]}" "$(grep -c '^b ' "$dir/all")"
done_testing
