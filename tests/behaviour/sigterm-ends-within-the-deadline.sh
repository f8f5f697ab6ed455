#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGTERM ends the daemon: what waits is delivered first; with a sink and a blocking probe
# that never come back it ends within its ten seconds, and says what it left behind.
. "$(dirname "$0")/lib.sh"

start_target shop || exit 1
# conf NAME < more checks; then more sinks as $2, their names as $3
conf() {
	{
		echo 'daemon = { observer = "node-1"; }; defaults = { interval = "50ms"; };'
		echo 'targets = ( { name = "ten"; hosts = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]; } );'
		echo "checks = ( { name = \"c{target}\"; plugin = \"tcp\"; address = \"127.0.0.1:$target_port\"; targets = [\"ten\"]; }"
		cat
		echo "); sinks = ( { name = \"all\"; plugin = \"file\"; path = \"$dir/$1.all\"; } $2 );"
		echo "routes = ( { name = \"all\"; match = { kind = \"result\"; check = \"c*\"; }; to = [\"all\" $3]; } );"
	} >"$dir/$1.conf"
}
lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

conf well '' '' </dev/null
start_sonded well --plugin-dir "$misbehaving" -c "$dir/well.conf" || exit 1
wait_for 10 lines "$dir/well.all" 100
began=$(now_ms)
ends_clean well
took=$(($(now_ms) - began))
if [ "$took" -le $((2000 * patience)) ]; then ok "without anything in its way it takes $took ms"; else not_ok "it ends at once" "$took ms"; fi
read -r accepted < <(grep 'sink "all": accepted' "$dir/well.log" | tail -1 | sed -E 's/.*accepted ([0-9]+) \+.*/\1/')
is "all that was accepted was delivered" "$(wc -l <"$dir/well.all")" "$accepted"

conf stuck ', { name = "hangs"; plugin = "hang"; seconds = 3600; }' ', "hangs"' <<'END'
  , { name = "stays"; plugin = "hang"; seconds = 3600; interval = "1s"; timeout = "100ms"; }
END
start_sonded stuck --plugin-dir "$misbehaving" -c "$dir/stuck.conf" || exit 1
wait_for 10 lines "$dir/stuck.all" 100
began=$(now_ms)
kill "$sonded_pid"
wait "$sonded_pid"
status=$?
took=$(($(now_ms) - began))
no_sanitizer stuck
is "with something stuck it ends with status 1" "$status" 1
if [ "$took" -le $((10000 + 2000 * patience)) ]; then ok "... after $took ms"; else not_ok "... within ten seconds, and the end" "$took ms"; fi
check "it says that it ends" grep -q 'ending; up to 10 s for what waits' "$dir/stuck.log"
check "it names the sink that it left behind" grep -q 'sink "hangs": is stuck in its plugin and left behind' "$dir/stuck.log"
check "... and what waited there" grep -qE 'sink "hangs": accepted [1-9][0-9]* \+ restored 0 = delivered 0 \+ rejected 0 \+ moved 0 \+ dropped 0 \+ queued [1-9]' "$dir/stuck.log"
check "it names the check that it left behind" grep -q 'check "stays".* left behind' "$dir/stuck.log"
read -r accepted < <(grep 'sink "all": accepted' "$dir/stuck.log" | tail -1 | sed -E 's/.*accepted ([0-9]+) \+.*/\1/')
is "the sink that works got all it was given" "$(wc -l <"$dir/stuck.all")" "$accepted"

start_sonded again --plugin-dir "$misbehaving" -c "$dir/stuck.conf" || exit 1
hung() { read -ra now < <(ledger again hangs) && [ "${now[4]}" -ge 1 ]; }
wait_for 10 hung
began=$(now_ms)
kill "$sonded_pid"
wait_for 5 grep -q 'ending; up to' "$dir/again.log"
sleep 0.2
kill "$sonded_pid"
wait "$sonded_pid"
status=$?
took=$(($(now_ms) - began))
is "a second SIGTERM kills" "$status" 143
if [ "$took" -le $((3000 * patience)) ]; then ok "... at once, after $took ms"; else not_ok "... at once" "$took ms"; fi
done_testing
