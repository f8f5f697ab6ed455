#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Two daemons that read what the other writes, and what they write themselves, pass each event
# on once: an event that came from us, or through us, is dropped and counted.  What is no event
# goes to `otherwise`.  The files stand for a topic.
. "$(dirname "$0")/lib.sh"

count=2000
for node in 1 2; do
	other=$((3 - node))
	numbers="{ name = \"in\"; plugin = \"numbers\"; rate = 2000; count = $count; keys = 7; },"
	[ $node = 1 ] || numbers=
	cat >"$dir/$node.conf" <<-END
		daemon = { observer = "node-$node"; };
		sources = ( $numbers
		  { name = "own"; plugin = "lines"; path = "$dir/topic-$node"; },
		  { name = "other"; plugin = "lines"; path = "$dir/topic-$other"; otherwise = "dead"; labels = { read-by = "$node"; }; } );
		sinks = ( { name = "topic"; plugin = "file"; path = "$dir/topic-$node"; buffer = { full = "block"; }; },
		          { name = "dead"; plugin = "file"; path = "$dir/dead-$node"; } );
		routes = ( { name = "all"; match = { kind = ["result", "change"]; check = "key-*"; }; to = ["topic"]; } );
	END
done
start_sonded 1 --plugin-dir "$misbehaving" -c "$dir/1.conf" || exit 1
first_pid=$sonded_pid
start_sonded 2 --plugin-dir "$misbehaving" -c "$dir/2.conf" || exit 1
lines() { cat "$dir/$1" 2>/dev/null | wc -l; }
has_lines() { [ "$(lines "$1")" -ge "$2" ]; }
check "the second passes all on" wait_for $((30 * patience)) has_lines topic-2 $count
echo 'this is { no event' >>"$dir/topic-1"
check "what is no event goes to otherwise" wait_for 10 has_lines dead-2 1
sleep 1
is "nothing comes round: the first has written each once" "$(lines topic-1)" $((count + 1))
is "... and the second" "$(lines topic-2)" "$count"
check "the second says through whom, and keeps whose it is" \
	eval "[ \$(grep -cF '\"observer\":\"node-1\",\"via\":[\"node-2\"],' '$dir/topic-2') = $count ]"
check "... with the label of its source" grep -qF '"read-by":"2"' "$dir/topic-2"
is "the ids are the same" \
	"$(grep -o '^{"id":"[^"]*"' "$dir/topic-2" | sort | uniq | wc -l)" "$count"
check "... as those of the first" \
	eval "diff <(grep -o '^{\"id\":\"[^\"]*\"' '$dir/topic-1' | sort) <(grep -o '^{\"id\":\"[^\"]*\"' '$dir/topic-2' | sort)"
is "the broken one says why, with what came" \
	"$(grep -c '"kind":"broken".*"message":"no event: it is no JSON object".*"data":"this is { no event"' "$dir/dead-2")" 1
ends_clean 2
counted() { # NODE SOURCE: echoes and broken
	grep "source \"$2\": pushed" "$dir/$1.log" | tail -1 | sed 's/.*echoes \([0-9]*\), broken \([0-9]*\).*/\1 \2/'
}
is "the second counts its own as echoes" "$(counted 2 own)" "$count 0"
is "... and of the first what is broken" "$(counted 2 other)" "0 1"
sonded_pid=$first_pid
ends_clean 1
is "the first counts what came back from the second" "$(counted 1 other)" "$count 0"
is "... and its own" "$(counted 1 own)" "$count 1"
done_testing
