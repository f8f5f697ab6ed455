#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A source is told that an event is settled when every sink of its routes has it, and not
# before.  A sink with full = "block" that is away holds the source, loses nothing of it and
# costs no memory; one with full = "drop" holds nobody and counts what it dropped.  After a
# crash the source goes on behind what it was told: nothing is missing, in order for each key.
# What a removed sink that is stuck still had is given up, and holds nothing up.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli

count=20000
rate=$((8000 / patience))
persistent=(--appendonly yes --appendfsync always)
start_redis "$(free_port)" "${persistent[@]}" || exit 1

configure() { # NAME SINKS TO...
	cat >"$dir/$1.conf" <<-END
		daemon = { observer = "node-1"; };
		sources = ( { name = "in"; plugin = "numbers"; rate = $rate; count = $count; keys = 20;
		    lanes = 3; size = "200"; file = "$dir/$1.state"; labels = { site = "icn"; }; } );
		sinks = ( { name = "lines"; plugin = "file"; path = "$dir/$1.lines";
		            format = "{check} {details.n} {labels.site}"; buffer = { full = "block"; }; },
		          $2 );
		routes = ( { name = "all"; match = { from = "in"; }; to = ["lines", "far"]; },
		           { name = "none"; match = { from = "*"; not = { from = "in"; }; }; to = ["lines"]; } );
	END
}
redis_store() { # BUFFER
	echo "{ name = \"far\"; plugin = \"redis-store\"; server = \"127.0.0.1:$redis_port\";
		key = \"number:{details.n}\"; value = \"{check}\"; present = false; buffer = { $1 }; }"
}
lines() { cat "$dir/$1.lines" 2>/dev/null | wc -l; }
has_lines() { [ "$(lines "$1")" -ge "$2" ]; }
# The least of the last cookies: up to there everything is settled, whatever the lane.
settled() { sort -n -k 2 "$dir/$1.state" 2>/dev/null | awk 'NR == 1 { print $2 } END { if (!NR) print 0 }'; }
all_settled() { [ "$(settled "$1")" -ge $((count - 2)) ]; }
# missing, double and out of order in the file; a repetition after a crash begins anew.
judge() { # NAME
	awk -v count=$count '
		{ if ($3 != "icn") wrong++; if (seen[$2]++) double++
		  if (seen[$2] == 1) { if ($2 < last[$1]) late++; last[$1] = $2 } }
		END { for (n = 1; n <= count; n++) if (!seen[n]) missing++
		      printf "missing %d, late %d, wrong %d, double %d\n", missing, late, wrong, double }' "$dir/$1.lines"
}
stored() { redis --scan --pattern 'number:*' | sort -u | wc -l; }
rss() { awk '/VmRSS/ { print $2 }' "/proc/$1/status"; }

# ---- Redis goes away for a while ----

configure away "$(redis_store 'full = "block"; events = 500;')"
start_sonded away --plugin-dir "$misbehaving" -c "$dir/away.conf" || exit 1
check "events come" wait_for 20 has_lines away 2000
kill -9 "$redis_pid"
wait "$redis_pid" 2>/dev/null
sleep 1
before=$(lines away) memory=$(rss "$sonded_pid") told=$(settled away)
sleep 1
held=$(($(lines away) - before))
is "while Redis is away the source is held" "$held" 0
check "... nothing that waits for it is told as settled: told $told of $before" \
	[ "$told" -le "$before" ]
check "... and 500 at most are out: $((before - told))" [ $((before - told)) -le 600 ]
check "... memory does not grow: $memory KiB, $(rss "$sonded_pid") KiB" \
	[ "$(rss "$sonded_pid")" -le $((memory + 2048)) ]
start_redis "$redis_port" "${persistent[@]}" || exit 1
check "Redis is back: all is settled" wait_for $((60 * patience)) all_settled away
is "the file has all, in order" "$(judge away)" "missing 0, late 0, wrong 0, double 0"
is "Redis has all" "$(stored)" "$count"
read -ra ledger < <(ledger away far)
is "the sink dropped nothing, and has given all" "${ledger[*]:0:5}" "$count $count 0 0 0"
check "the source was held" eval "grep 'source \"in\": pushed $count = settled $count + out 0' '$dir/away.log' | grep -vq 'held 0 '"
ends_clean away

# ---- the daemon is killed ----

redis flushall >/dev/null
configure killed "$(redis_store 'full = "block";')"
for round in 1 2 3; do
	start_sonded "killed-$round" --plugin-dir "$misbehaving" -c "$dir/killed.conf" || exit 1
	wait_for 20 has_lines killed $((round * 4000))
	kill -9 "$sonded_pid"
	wait "$sonded_pid" 2>/dev/null
done
told=$(settled killed)
check "it was killed on its way: $told of $count" [ "$told" -lt "$count" ]
start_sonded killed --plugin-dir "$misbehaving" -c "$dir/killed.conf" || exit 1
check "it goes on behind what it was told" \
	says "$dir/killed.log" "source \"in\": begins with $((told + 1))"
check "in the end all is settled" wait_for $((60 * patience)) all_settled killed
got=$(judge killed)
is "nothing is missing: $got" "${got%%, double*}" "missing 0, late 0, wrong 0"
is "Redis has all" "$(stored)" "$count"
ends_clean killed

# ---- a sink that drops holds nobody ----

kill -9 "$redis_pid"
wait "$redis_pid" 2>/dev/null
configure drops "$(redis_store 'full = "drop"; events = 500;')"
start_sonded drops --plugin-dir "$misbehaving" -c "$dir/drops.conf" || exit 1
check "beside a dead sink that drops all arrives" wait_for $((60 * patience)) has_lines drops $count
is "... in order" "$(judge drops)" "missing 0, late 0, wrong 0, double 0"
read -ra ledger < <(ledger drops far)
is "... which counts what it drops" "${ledger[0]} ${ledger[3]} ${ledger[4]}" "$count $((count - 500)) 500"
check "... and the source is not held" grep -q 'source "in": .* held 0 times' "$dir/drops.log"
ends_clean drops

# ---- a sink that is stuck in its plugin is removed ----

stuck() { # SINKS TO
	cat >"$dir/stuck.conf" <<-END
		daemon = { observer = "node-1"; };
		sources = ( { name = "in"; plugin = "numbers"; rate = 500; file = "$dir/stuck.state"; } );
		sinks = ( { name = "lines"; plugin = "file"; path = "$dir/stuck.lines";
		            format = "{check} {details.n}"; }$1 );
		routes = ( { name = "all"; match = { from = "in"; }; to = ["lines"$2]; } );
	END
}
stuck ', { name = "hung"; plugin = "hang"; seconds = 16; }' ', "hung"'
start_sonded stuck --plugin-dir "$misbehaving" -c "$dir/stuck.conf" || exit 1
check "beside a sink that hangs others go on" wait_for 10 has_lines stuck 500
is "... and nothing is settled" "$(settled stuck)" 0
stuck '' ''
kill -HUP "$sonded_pid"
check "it is removed, and given up" \
	wait_for 20 says "$dir/stuck.log" 'sink "hung" was removed and is stuck in its plugin'
goes_on() { [ "$(settled stuck)" -ge 5000 ]; }
check "... which the source is told: what it keeps goes on" wait_for 3 goes_on
sleep 5 # the plugin comes back, and delivers what was given up
before=$(settled stuck)
goes_on() { [ "$(settled stuck)" -ge $((before + 200)) ]; }
check "... and once only, when the plugin comes back" wait_for 5 goes_on
ends_clean stuck

# ---- an end in order, with a disk ----

cat >"$dir/durable.conf" <<-END
	daemon = { observer = "node-1"; state_dir = "$dir/durable.d"; };
	sources = ( { name = "in"; plugin = "numbers"; rate = 500; file = "$dir/durable.state"; } );
	sinks = ( { name = "lines"; plugin = "file"; path = "$dir/durable.lines";
	            format = "{check} {details.n}"; buffer = { sync = "200ms"; }; } );
	routes = ( { name = "all"; match = { from = "in"; }; to = ["lines"]; } );
END
start_sonded durable --plugin-dir "$misbehaving" -c "$dir/durable.conf" || exit 1
check "events come through a disk" wait_for 10 has_lines durable 300
ends_clean durable
is "at the end the source is told of all that is there" "$(settled durable)" "$(lines durable)"

# ---- wrong configurations ----

cat >"$dir/wrong.conf" <<'END'
sources = (
  { name = "a"; plugin = "numbers"; rat = 5; },
  { name = "b"; plugin = "nombers"; },
  { name = "c"; plugin = "numbers"; otherwise = "dad"; buffer = { memry = "1MiB"; }; },
  { name = "d"; plugin = "numbers"; lanes = 0; labels = "x"; },
  { plugin = "numbers"; },
  { name = "a"; plugin = "numbers"; }
);
sinks = ( { name = "dead"; plugin = "stdout"; } );
routes = ( { name = "r"; match = { from = "aa"; }; to = ["dead"]; } );
END
run_sonded --plugin-dir "$misbehaving" -c "$dir/wrong.conf" --check >"$dir/wrong.log" 2>&1
complains() { check "told: $1" says "$dir/wrong.log" "$dir/wrong.conf:$1"; }
complains '2: source "a": unknown option "rat"; did you mean "rate"?'
complains '3: source "b": no source "nombers"'
complains '4: source "c": otherwise: no sink is named "dad"; did you mean "dead"?'
complains '4: source "c": unknown option "memry"; did you mean "memory"?'
complains '5: source "d": lanes'
complains '5: source "d": labels must be a group'
complains '6: a source without a name'
complains '7: source "a": the name is taken'
complains '10: route "r": from: no source is named "aa"; did you mean "a"?'
run_sonded --plugin-dir "$misbehaving" --describe numbers >"$dir/described"
check "--describe tells a source's options" says "$dir/described" 'source "numbers": emits numbered events'
run_sonded --plugin-dir "$misbehaving" -c "$dir/drops.conf" --check >"$dir/table" 2>&1
check "--check shows what it may reach" grep -qE '^in .*numbers +lines \(all\), far \(all\)' "$dir/table"
done_testing
