#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGHUP every 200 ms, a hundred times, while 2,500 events a second go to a file and a Redis; a
# third of the configurations is invalid, the others add and take away checks, routes and a sink.
# No number is missing or out of order at either, a check that has failed 140 times in a row
# fails for the 150th when it should, and neither descriptors nor threads nor memory grow.
. "$(dirname "$0")/lib.sh"
need python3 redis-server redis-cli

keys=50
each=$(form 1500 15000) # 30 s, five minutes: longer than the reloads take
turns=$(form 100 1200)
fall=150                # in a row, one each 100 ms, is DOWN

start_redis "$(free_port)" || { not_ok "Redis starts"; done_testing; }
nobody=$(free_port)
mkdir "$dir/state"

conf() { # MORE-CHECKS MORE-SINKS MORE-ROUTES
	cat <<-END
		daemon = { observer = "test"; state_dir = "$dir/state"; };
		targets = ( { name = "keys"; hosts = [$(seq -s, -f '"key-%g"' $keys)]; } );
		checks = (
		    { name = "{target}"; plugin = "flip"; targets = ["keys"]; flips = $each; interval = "20ms";
		      after = "1s"; remember = true; },
		    { name = "streak"; plugin = "tcp"; address = "127.0.0.1:$nobody"; fall = $fall; interval = "100ms";
		      retry_interval = "100ms"; down_interval = "365d"; }
		    $1
		);
		sinks = (
		    { name = "lines"; plugin = "file"; path = "$dir/lines"; format = "{check} {message}"; },
		    { name = "redis"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; down_set = "";
		      key = "event:{check}:{message}"; present = false; },
		    { name = "streak"; plugin = "file"; path = "$dir/streak"; format = "{kind} {state} {attempt}"; }
		    $2
		);
		routes = (
		    { name = "all"; $flips_match; to = ["lines", "redis"]; },
		    { name = "streak"; match = { kind = ["result", "change"]; check = "streak"; }; to = ["streak"]; }
		    $3
		);
	END
}
more_checks=', { name = "more-TURN"; plugin = "flip"; interval = "20ms"; }, { name = "again"; plugin = "tcp";
	address = "127.0.0.1:1"; interval = "100ms"; labels = { turn = "TURN"; }; }'
more_sinks=", { name = \"more\"; plugin = \"file\"; path = \"$dir/more\"; }"
more_routes=', { name = "more"; match = { check = ["more-*", "again"]; }; to = ["more"]; }'
wrong=', { name = "wrong"; plugin = "tcp"; addres = "127.0.0.1:1"; }'

# In turn: wrong, more, and as it was.
configure() { # TURN
	case $(($1 % 3)) in
	0) conf "$wrong" "" "" ;;
	1) conf "${more_checks//TURN/$1}" "$more_sinks" "$more_routes" ;;
	2) conf "" "" "" ;;
	esac >"$dir/next.conf"
	mv "$dir/next.conf" "$dir/sonded.conf"
}

# The least of one second, since something is always under way; when nothing waits.
counted() {
	wait_for 20 nothing_waits sonded redis
	for _ in $(seq 10); do
		echo "$(descriptors "$sonded_pid") $(find "/proc/$sonded_pid/task" -mindepth 1 -maxdepth 1 | wc -l) $(resident "$sonded_pid")"
		sleep 0.1
	done | awk '{ for (i = 1; i <= NF; i++) if (NR == 1 || $i < least[i]) least[i] = $i }
		END { print least[1], least[2], least[3] }'
}

conf "" "" "" >"$dir/sonded.conf"
start_sonded sonded -c "$dir/sonded.conf" --plugin-dir "$misbehaving" || exit 1
check "events come" wait_for 10 delivered sonded lines $keys
for turn in $(seq "$turns"); do
	configure "$turn"
	# Now and then something waits for Redis, more than is drained: it must pass to the next.
	[ $((turn % 10)) -ne 8 ] || redis client pause 1200 all >/dev/null
	kill -HUP "$sonded_pid"
	sleep 0.2
	# A third of the way: what a reload needs once is there.
	[ "$turn" -eq $((turns / 9 * 3 + 2)) ] && read -r fds threads memory < <(counted)
done
configure 2
kill -HUP "$sonded_pid"
read -r fds_then threads_then memory_then < <(counted)
going() { [ "$(figure delivered "$(ledger_now sonded lines)")" -lt $((keys * each)) ]; }
check "events still come when the reloads are over" going
took=$(grep -c 'reloaded' "$dir/sonded.log")
refused=$(grep -c 'addres' "$dir/sonded.log")
check "the daemon reloaded, $took times" test "$took" -ge $((turns / 3))
check "... and refused, $refused times" test "$refused" -ge $((turns / 6))
note "after a third and at the end: $fds, $fds_then descriptors; $threads, $threads_then threads; $memory, $memory_then KiB resident"
check "descriptors do not grow" test "$fds_then" -le "$fds"
check "threads do not grow" test "$threads_then" -le "$threads"
# What waits for Redis makes some hundred KiB of difference; sixty graphs would make many MiB.
check "memory does not grow" test $((memory_then - memory)) -le 2048

check "all is delivered to the file" wait_for $((patience * each / 20)) eval '[ "$(wc -l <"$dir/lines")" -ge $((keys * each)) ]'
nothing_missing "nothing is missing from the file" --keys $keys --each $each --ordered --duplicates 0 "file:$dir/lines"
lost=$missing
redis_has() { [ "$(redis --scan --pattern 'event:*' | wc -l)" -ge $((keys * each)) ]; }
check "all is delivered to Redis" wait_for 30 redis_has
nothing_missing "nothing is missing from Redis" --keys $keys --each $each "redis:$redis_port:event:*"
figures "reloads under load, events $events, reloads $turns, refused $refused, missing $((lost + missing))"

# Attempts count up to the change, and no reload began them anew.
check "the streak was seen to its end" grep -q '^change DOWN' "$dir/streak"
is "... which is number $fall" "$(sed -n '/^change DOWN/{p;q}' "$dir/streak")" "change DOWN $fall"
is "... and no number came twice" \
	"$(sed -n '/^change DOWN/q; s/^result DOWN //p' "$dir/streak" | awk '$1 != NR { print NR ": " $1; exit }')" ""
for sink in lines redis streak; do check "$sink: the ledger closes" ledger_closes sonded $sink; done
ends_clean sonded
done_testing
