#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A hundred reloads, one every 50 ms, under load, a third of them wrong: what they add, change,
# adjust and remove (checks, those of a list of targets too, sinks of both kinds, routes)
# leaves no descriptor, no thread and no memory behind, and no event of those that stay is
# missing.  Without a state directory: what the journal holds in memory comes and goes by some
# ten KiB, which would hide what is looked for.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/heap.sh"
need python3 redis-server

start_redis || exit 1
start_target shop || exit 1
configure() { # a, b or wrong
	local path=$1 more='' list="t1 t2 t3" steps='["send x"]' routes=''
	if [ "$1" = b ]; then
		more=", { name = \"more\"; plugin = \"process\"; process = \"sonded\"; }, { name = \"web\"; plugin = \"http\"; url = \"http://127.0.0.1:$target_port/\"; }"
		list="t2 t3 t4 t5" steps='["send y"]'
		routes=', { name = "more"; match = { kind = "result"; check = "web"; }; to = ["file"]; }'
	fi
	[ "$1" = wrong ] && more=', { name = "wrong"; plugin = "tcp"; addres = "127.0.0.1:1"; }'
	printf '%s\n' target $list >"$dir/list.csv"
	cat >"$dir/next.conf" <<-END
		daemon = { observer = "node-1"; loops = 2; };
		defaults = { interval = "20ms"; retry_interval = "20ms"; };
		targets = ( { name = "list"; file = "$dir/list.csv"; } );
		checks = (
		  { name = "stays-1"; plugin = "ready"; interval = "10ms"; },
		  { name = "stays-2"; plugin = "ready"; interval = "10ms"; },
		  { name = "adjusted"; plugin = "ready"; interval = "$((10 + ${#path} * 10))ms"; labels = { turn = "$1"; }; },
		  { name = "tcp"; plugin = "tcp"; address = "127.0.0.1:$target_port"; hold = true; steps = $steps; },
		  { name = "{target}"; plugin = "tcp"; targets = ["list"]; address = "127.0.0.1:$target_port"; } $more
		);
		sinks = (
		  { name = "all"; plugin = "file"; path = "$dir/all"; format = "{check} {attempt} {seq}"; },
		  { name = "file"; plugin = "file"; path = "$dir/file.$path"; },
		  { name = "redis"; plugin = "redis-notify"; server = "127.0.0.1:$redis_port"; channel = "turn-$path"; },
		  { name = "store"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; },
		  { name = "$1"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; key = "$1:{check}"; }
		);
		routes = (
		  { name = "all"; match = { kind = "result"; }; to = ["all", "file", "redis"]; },
		  { name = "changes"; to = ["store", "$1"]; } $routes
		);
	END
	mv "$dir/next.conf" "$dir/sonded.conf"
}
answers() { grep -c 'reloaded: \|goes on unchanged' "$dir/sonded.log"; }
storm() { # RELOADS
	local i turn=(b a wrong a b wrong)
	for i in $(seq 0 $(($1 - 1))); do
		configure "${turn[i % 6]}"
		kill -HUP "$sonded_pid"
		sleep 0.05
	done
	configure a
	calm() { [ "$(answers)" = "$before" ]; }
	while before=$(answers) && sleep 0.5 && ! calm; do :; done
	kill -HUP "$sonded_pid"
	wait_for 10 eval "[ \$(grep -c 'reloaded: \|goes on unchanged' '$dir/sonded.log') -gt $before ]"
	sleep 2 # what was removed has gone
}

configure a
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
# Libraries take what they keep, and queues and pools are as large as they get.
storm 30
open_was=$(open_now) heap_was=$(heap)
answers_was=$(answers)
storm 100
answered=$(($(answers) - answers_was - 1))
check "most of the hundred were answered by themselves" test "$answered" -ge $((90 / patience))
wrong=$(grep -c 'goes on unchanged' "$dir/sonded.log")
check "a third of them as wrong" test "$wrong" -ge $((30 / patience))
open_is=$(open_now) heap_is=$(heap)
note "$answered answers; before: $heap_was bytes, blocks, $open_was; after: $heap_is, $open_is"
is "descriptors and threads are as many" "$open_is" "$open_was"
check "the heap is as large" grows_less "$heap_was" "$heap_is" 16384
connected() { redis CLIENT LIST | grep -vc cmd=client; }
is "Redis has as many clients as there are sinks" "$(connected)" 3
is "nothing is stuck" "$(grep -c 'stuck\|lost' "$dir/sonded.log")" 0
ends_clean sonded
gaps=$(python3 - "$dir/all" <<'END'
import sys
# In each check's results the numbers only grow, and no two are the same.
last, bad = {}, 0
for line in open(sys.argv[1]):
    check, attempt, seq = line.rsplit(" ", 2)
    bad += int(seq) <= last.get(check, 0)
    last[check] = int(seq)
print(bad)
END
)
is "no event of a check was overtaken" "$gaps" 0
is "every ledger closes with nothing left" \
	"$(grep -cE 'sink "[a-z]*": accepted ([0-9]+) \+ restored 0 = delivered \1 \+ rejected 0 \+ moved 0 \+ dropped 0 \+ queued 0 ;' "$dir/sonded.log")" 5
done_testing
