#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A sink that a reload changes, twenty times while thousands of events a second go to it,
# loses none and turns no two of a check around: a blocking one, and an asynchronous one
# with batches under way.  One that is stuck in its plugin gives up what it holds as well.
. "$(dirname "$0")/lib.sh"
need python3 redis-server redis-cli

start_redis || exit 1
checks=$((30 / patience))
results='kind = ["result", "change"]; not = { check = "observer:*"; };'
configure() { # TURN
	cat >"$dir/next.conf" <<-END
		defaults = { interval = "10ms"; };
		targets = ( { name = "many"; hosts = [$(seq -s, -f '"c%g"' $checks)]; } );
		checks = ( { name = "{target}"; plugin = "ready"; targets = ["many"]; } );
		sinks = (
		  { name = "all"; plugin = "file"; path = "$dir/all"; format = "{check} {seq}"; },
		  { name = "blocking"; plugin = "file"; path = "$dir/blocking.$1"; format = "{check} {seq}"; },
		  { name = "redis"; plugin = "redis-notify"; server = "127.0.0.1:$redis_port";
		    channel = "turn-$1"; format = "{check} {seq}"; }
		);
		routes = ( { name = "all"; match = { $results }; to = ["all", "blocking", "redis"]; } );
	END
	mv "$dir/next.conf" "$dir/sonded.conf"
}
# Prints how many events of each check are missing, come late, or twice.
compare() { # ALL FILE
	python3 - "$1" "$2" <<-'END'
		import re, sys
		def lanes(path):
		    all = {}
		    for line in open(path, errors="replace"):
		        if re.match(r"c[0-9]+ [0-9]+$", line):
		            check, seq = line.split()
		            all.setdefault(check, []).append(int(seq))
		    return all
		wanted, got = lanes(sys.argv[1]), lanes(sys.argv[2])
		missing = late = twice = 0
		for check, seqs in wanted.items():
		    first = list(dict.fromkeys(got.get(check, [])))
		    twice += len(got.get(check, [])) - len(first)
		    missing += len(set(seqs) - set(first))
		    late += sum(1 for a, b in zip(first, first[1:]) if b < a)
		print("missing", missing, "late", late, "twice", twice, "of", sum(map(len, wanted.values())))
	END
}

configure 0
redis PSUBSCRIBE 'turn-*' >"$dir/heard" 2>"$dir/heard.log" &
pids+=($!)
subscribed() { redis PUBSUB NUMPAT | grep -qx 1; }
wait_for 10 subscribed || exit 1
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
sleep 0.5
for turn in $(seq 20); do
	configure "$turn"
	kill -HUP "$sonded_pid"
	check_turn() { [ "$(grep -c 'reloaded: 2 sinks changed' "$dir/sonded.log")" -ge "$turn" ]; }
	wait_for 15 check_turn || not_ok "reload $turn is taken"
	sleep 0.2
done
ends_clean sonded
for turn in $(seq 0 20); do cat "$dir/blocking.$turn"; done >"$dir/blocking"
all_heard() { [ "$(grep -cE '^c[0-9]+ ' "$dir/heard")" -ge "$(wc -l <"$dir/all")" ]; }
wait_for 10 all_heard
was=$(compare "$dir/all" "$dir/blocking")
note "the blocking sink: $was"
check "the blocking one: nothing missing, nothing late" grep -q '^missing 0 late 0 ' <<<"$was"
is "... nor twice" "$(awk '{ print $6 }' <<<"$was")" 0
was=$(compare "$dir/all" "$dir/heard")
note "the asynchronous sink: $was"
check "the asynchronous one: nothing missing, nothing late" grep -q '^missing 0 late 0 ' <<<"$was"
check "of many" test "$(wc -l <"$dir/all")" -ge $((5000 / patience / patience))
check "each turn had some of them" test "$(find "$dir" -name 'blocking.*' -size +0 | wc -l)" = 21
is "both ledgers close with nothing left" \
	"$(grep -cE 'sink "(blocking|redis)": accepted ([0-9]+) \+ restored 0 = delivered \2 \+ rejected 0 \+ moved 0 \+ dropped 0 \+ queued 0 ;' "$dir/sonded.log")" 2

# ---- stuck ----

target_conf() { # SINK
	cat >"$dir/stuck.conf" <<-END
		defaults = { interval = "100ms"; };
		checks = ( { name = "c1"; plugin = "ready"; }, { name = "c2"; plugin = "ready"; } );
		sinks = (
		  { name = "all"; plugin = "file"; path = "$dir/stuck.all"; format = "{check} {seq}"; },
		  { name = "moving"; $1 format = "{check} {seq}"; }
		);
		routes = ( { name = "all"; match = { $results }; to = ["all", "moving"]; } );
	END
}
target_conf 'plugin = "hang";'
start_sonded stuck --plugin-dir "$misbehaving" -c "$dir/stuck.conf" || exit 1
many() { [ "$(wc -l <"$dir/stuck.all")" -ge 10 ]; }
wait_for 10 many
target_conf "plugin = \"file\"; path = \"$dir/moved\";"
kill -HUP "$sonded_pid"
check "a stuck one is changed for another plugin" wait_for 5 grep -q 'reloaded: sink "moving" changed' "$dir/stuck.log"
asked=$(now_ms)
read -ra now < <(ledger stuck moving)
check "the daemon is not deaf meanwhile" test "$(($(now_ms) - asked))" -lt $((1000 * patience))
is "nothing went through yet" "${now[1]}" 0
check "... and its ledger closes" closes "${now[@]}"
check "it is given up" wait_for 20 says "$dir/stuck.log" 'sink "moving": is stuck in its plugin and left behind'
check "its heir has what waited" wait_for 5 test -s "$dir/moved"
sleep 1
stop_sonded "$sonded_pid"
is "a thread that is left behind is an end with status 1" "$?" 1
no_sanitizer stuck
was=$(compare "$dir/stuck.all" "$dir/moved")
note "the heir of the stuck sink: $was"
check "... what it held as well, in order" grep -q '^missing 0 late 0 ' <<<"$was"
done_testing
