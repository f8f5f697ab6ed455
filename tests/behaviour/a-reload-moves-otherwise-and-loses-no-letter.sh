#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A sink rejects all that it gets, while reload after reload gives it another `otherwise`, or
# takes that one away, or changes it, or changes the sink itself: each event is a dead letter
# in one of the files, once, and the daemon ends well.
. "$(dirname "$0")/lib.sh"

start_target shop || exit 1
configure() { # OTHERWISE PATH-OF-ONE WITH-TWO CHECKS-OF-PICKY
	{
		echo 'daemon = { observer = "node-1"; };'
		echo 'defaults = { interval = "10ms"; };'
		echo 'checks = ('
		for i in 1 2 3 4; do
			echo "{ name = \"c$i\"; plugin = \"tcp\"; address = \"127.0.0.1:$target_port\"; },"
		done
		echo "{ name = \"c5\"; plugin = \"tcp\"; address = \"127.0.0.1:$target_port\"; } );"
		echo 'sinks = ('
		echo "  { name = \"picky\"; plugin = \"reject\"; checks = [$4]; otherwise = \"$1\"; },"
		[ "$3" = 0 ] || echo "  { name = \"two\"; plugin = \"reject\"; otherwise = \"one\"; },"
		echo "  { name = \"one\"; plugin = \"file\"; path = \"$dir/$2\"; format = \"{id} {letter.sink}\"; },"
		echo "  { name = \"all\"; plugin = \"file\"; path = \"$dir/all\"; format = \"{id} picky\"; }"
		echo ');'
		echo 'routes = ( { name = "all"; match = { kind = "result"; check = "c*"; }; to = ["picky", "all"]; } );'
	} >"$dir/next.conf"
	mv "$dir/next.conf" "$dir/sonded.conf"
}
all='"c1", "c2", "c3", "c4", "c5"'
configure one dead.1 0 ''
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
for round in 1 2 3 4 5 6 7 8; do
	for next in "two dead.1 1 " "two dead.2 1 " "one dead.2 1 $all" "one dead.2 0 $all" "one dead.1 0 "; do
		read -r otherwise path two checks <<<"$next"
		configure "$otherwise" "$path" "$two" "$checks"
		kill -HUP "$sonded_pid"
		sleep 0.1
	done
done
check "it was reloaded many times" test "$(grep -c 'reloaded' "$dir/sonded.log")" -ge 20
ends_clean sonded
sort "$dir/all" >"$dir/sorted"
note "$(wc -l <"$dir/all") events, letters in the two files: $(cat "$dir/dead.1" | wc -l) $(cat "$dir/dead.2" | wc -l)"
check "both files got some" test -s "$dir/dead.1" -a -s "$dir/dead.2"
is "none is missing" "$(cat "$dir/dead.1" "$dir/dead.2" | sort -u | comm -13 - "$dir/sorted" | wc -l)" 0
is "none is there twice, or without its first sink" \
	"$(cat "$dir/dead.1" "$dir/dead.2" | sort | comm -23 - "$dir/sorted" | wc -l)" 0
is "none was rejected for good" "$(grep -c 'rejected an event' "$dir/sonded.log")" 0
done_testing
