#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A sink asks for the events of one check again and again: no later event of that check goes
# before them, while the events of the other checks go on; nothing is lost or sent twice.
. "$(dirname "$0")/lib.sh"

start_target shop || exit 1
cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; };
defaults = { interval = "50ms"; };
checks = (
  { name = "a"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
  { name = "b"; plugin = "tcp"; address = "127.0.0.1:$target_port"; }
);
sinks = (
  { name = "again"; plugin = "retry"; checks = ["a"]; times = 5; file = "$dir/again"; },
  { name = "made"; plugin = "file"; path = "$dir/made"; format = "{check} {state} {id}"; }
);
routes = ( { name = "all"; match = { kind = ["result", "change"]; check = ["a", "b"]; }; to = ["again", "made"]; } );
END

start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
delivered() { [ "$(grep -c "^delivered $1 " "$dir/again")" -ge "$2" ]; }
check "events of the retried check arrive" wait_for 10 delivered a 15
check "... and of the other" wait_for 10 delivered b 15
ends_clean sonded

is "5 were retried" "$(grep -c '^retry a ' "$dir/again")" 5
is "... all of them the first event of the check" "$(grep '^retry ' "$dir/again" | sort -u | wc -l)" 1
first=$(grep -m1 '^a ' "$dir/made")
check "... which is the first that is delivered" grep -m1 -qx "delivered $first" <(grep '^delivered a ' "$dir/again" | head -1)
between=$(sed -n '/^retry a/,/^delivered a/p' "$dir/again" | grep -c '^delivered b ')
if [ "$between" -ge 2 ]; then
	ok "meanwhile $between events of the other check went on"
else
	not_ok "meanwhile the other check's events went on" "$between did" "$(cat "$dir/again")"
fi
for check in a b; do
	grep "^delivered $check " "$dir/again" | cut -d' ' -f2- >"$dir/$check.got"
	grep "^$check " "$dir/made" | head -n "$(wc -l <"$dir/$check.got")" >"$dir/$check.made"
	check "the events of $check came in the order made, each once" cmp "$dir/$check.got" "$dir/$check.made"
done
done_testing
