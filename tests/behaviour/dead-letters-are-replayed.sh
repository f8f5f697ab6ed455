#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a dead Redis did not take stands in a file as dead letters.  `sondectl deadletter
# replay` sends them again, with the daemon running and without: each is in Redis then, the
# same event without its letter, and a second run sends none of them again.  What is not
# delivered (no event, no sink, rejected, Redis is away) is told with its line and kept, and
# the next run begins with it.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli python3

port=$(free_port)
dead=$dir/dead
start_target shop || exit 1
cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; };
defaults = { interval = "100ms"; };
checks = (
  { name = "a"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
  { name = "b"; plugin = "tcp"; address = "127.0.0.1:$target_port"; }
);
sinks = (
  { name = "kept"; plugin = "redis-store"; server = "127.0.0.1:$port"; present = false; key = "e:{id}"; value = "{seq} {letter.sink}"; otherwise = "dead"; failover_after = "1s"; },
  { name = "picky"; plugin = "reject"; otherwise = "dead"; },
  { name = "dead"; plugin = "file"; path = "$dead"; }
);
routes = ( { name = "results"; match = { kind = "result"; check = ["a", "b"]; }; to = ["kept"]; } );
END
replay() { # FILE [OPTIONS...]: its exit status; what it says in out and err
	local file=$1
	shift
	run_sondectl -c "$dir/sonded.conf" --plugin-dir "$misbehaving" deadletter replay "$file" "$@" \
		>"$dir/out" 2>"$dir/err.log"
	replayed=$?
}
said() { # DESCRIPTION STATUS LAST-LINE
	is "$1" "$replayed $(grep -E ' (delivered|would be sent), ' "$dir/out")" "$2 $3"
	no_sanitizer err
}
ids() { python3 -c 'import json, sys
for line in open(sys.argv[1]): print(json.loads(line)["id"], json.loads(line)["seq"])' "$1" | sort; }
# ID SEQ of those keys; a letter would leave its sink behind.
there() { redis --scan --pattern 'e:*' | grep -v version | while read -r key; do
	echo "${key#e:} $(redis get "$key")"; done | sed 's/ *$//' | sort; }
letters() { [ "$(wc -l <"$dead")" -ge "$1" ]; }
missing() { comm -23 "$1" <(there) | wc -l; } # of a list of ids

start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
check "a Redis that is not there fills the file" wait_for 20 letters 20
start_redis "$port" || exit 1
check "it comes" wait_for 40 grep -q 'sink "kept": UP' "$dir/sonded.log"
sleep 0.3

# ---- beside the daemon ----

ids "$dead" >"$dir/first"
count=$(wc -l <"$dir/first")
is "nothing of the file is in Redis" "$(missing "$dir/first")" "$count"
replay "$dead" --dry-run
said "a dry run tells what it would do" 0 "$count would be sent, 0 not"
is "... in as many lines" "$(grep -c 'of check "[ab]", id .* to sink "kept"; why: the sink has been DOWN' "$dir/out")" "$count"
is "... and does nothing" "$(missing "$dir/first") $(compgen -G "$dead.rest*")" "$count "
replay "$dead"
said "all of them are delivered" 0 "$count delivered, 0 rejected again, 0 not sent"
is "... and are in Redis, as they were" "$(missing "$dir/first")" 0
is "the file is as it was" "$(ids "$dead" | cmp - "$dir/first")" ""
redis flushall >/dev/null
replay "$dead"
said "a second time there is nothing to do" 0 "0 delivered, 0 rejected again, 0 not sent"
is "... and nothing is sent again" "$(missing "$dir/first")" "$count"

{
	kill -9 "$redis_pid"
	wait "$redis_pid"
} 2>/dev/null
check "Redis dies, and the file grows" wait_for 30 letters $((count + 20))
replay "$dead" --wait 1s
is "a Redis that is not there gets nothing: exit status" "$replayed" 1
check "... the sink and its reason are told" grep -qE 'sink "kept" takes nothing more: .*refused' "$dir/err.log"
kept=$(sed -nE 's/^0 delivered, 0 rejected again, ([0-9]+) not sent$/\1/p' "$dir/out")
check "... and all of it is kept ($kept)" test "${kept:-0}" -ge 20 -a "$(wc -l <"$dead.rest")" = $((kept + 1))
ends_clean sonded

# ---- without a daemon ----

ids "$dead" | comm -23 - "$dir/first" >"$dir/second"
start_redis "$port" || exit 1
replay "$dead"
said "without a daemon they are delivered, those that were kept first" 0 \
	"$(wc -l <"$dir/second") delivered, 0 rejected again, 0 not sent"
is "... each is in Redis" "$(missing "$dir/second")" 0
is "... and no other" "$(there | wc -l)" "$(wc -l <"$dir/second")"

lines=$(wc -l <"$dead")
good=$(head -1 "$dead")
{
	echo 'hello'
	sed 's/"sink":"kept"/"sink":"kapt"/' <<<"$good"
	sed 's/"sink":"kept"/"sink":"picky"/' <<<"$good"
	sed 's/,"letter":.*/}/' <<<"$good"
	echo "$good"
	printf '%s' "${good%\}}"
} >>"$dead"
redis flushall >/dev/null
replay "$dead"
said "of six lines one is delivered" 1 "1 delivered, 1 rejected again, 3 not sent"
tells() { says "$dir/err.log" "$dead$1"; }
check "what is no event is told" tells ":$((lines + 1)): no event: it is no JSON object"
check "... an unknown sink" tells ":$((lines + 2)): no sink is named \"kapt\""
check "... one that rejects it again" tells ":$((lines + 3)): was rejected again by sink \"picky\""
check "... and why" grep -q 'sink "picky": rejected an event of check .*: not wanted here' "$dir/err.log"
check "... an event that is no letter" tells ":$((lines + 4)): is no dead letter: it names no sink"
check "... and a line without an end" tells ": the last line has no end"
check "it is said where they are" grep -qF "$dead.rest holds what was not delivered" "$dir/out"
is "they are there" "$(tail -n +2 "$dead.rest" | cut -c1-5 | tr '\n' ' ')" "hello {\"id\" {\"id\" {\"id\" "
is "nothing went to otherwise" "$(wc -l <"$dead")" $((lines + 5))
echo '}' >>"$dead"
replay "$dead" --sink kept
said "to another sink, with what has an end now" 1 "4 delivered, 0 rejected again, 1 not sent"
is "what is left is left" "$(tail -n +2 "$dead.rest")" hello

# ---- files ----

mv "$dead" "$dead.1" && mv "$dead.rest" "$dead.1.rest"
sed 's/"seq":[0-9]*/"seq":7/' <<<"$good" >"$dead"
cp "$dead.1.rest" "$dead.rest"
replay "$dead"
said "a file that was begun anew is read from its start" 1 "1 delivered, 0 rejected again, 1 not sent"
replay "$dir/nothing"
is "a file that is not there" "$replayed $(grep -c nothing "$dir/err.log")" "2 1"
echo '{}' >"$dead.1.rest"
replay "$dead.1"
check "what is no rest is not taken for one" grep -q 'was not left by a replay' "$dir/err.log"
is "... and stays" "$replayed $(cat "$dead.1.rest")" "2 {}"
replay "$dead" --sink kapt
is "an unknown --sink" "$replayed $(grep -c 'no sink is named "kapt"' "$dir/err.log")" "2 1"
done_testing
