#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One CSV of 300 hosts and three blocks of checks are 900 checks: --check shows them all, and
# they run: 900 changes arrive.  Time and memory are printed.
. "$(dirname "$0")/lib.sh"

start_target shop || exit 1
mkdir "$dir/conf.d"
{
	echo "target,role,rack"
	for i in $(seq 300); do
		echo "host-$i,$([ $((i % 3)) = 0 ] && echo db || echo web),\"rack \"\"$((i / 30))\"\"\""
	done
} >"$dir/conf.d/fleet.csv"
cat >"$dir/conf.d/fleet.conf" <<END
daemon = { observer = "node-1"; loops = 2; };
defaults = { interval = "10s"; };
targets = ( { name = "fleet"; file = "fleet.csv"; } );
checks = (
  { name = "tcp:{target}"; plugin = "tcp"; address = "127.0.0.1:$target_port"; targets = ["fleet"]; },
  { name = "{observer}/http:{target}"; plugin = "http"; url = "http://127.0.0.1:$target_port/{labels.role}"; targets = ["fleet"]; },
  { name = "process:{target}"; plugin = "process"; pidfile = "$dir/shop.pid"; targets = ["fleet"]; }
);
sinks = ( { name = "all"; plugin = "file"; path = "$dir/changes"; }, { name = "db"; plugin = "file"; path = "$dir/db"; } );
routes = (
  { name = "all"; match = { check = ["tcp:*", "node-1/http:*", "process:*"]; }; to = ["all"]; },
  { name = "db"; match = { labels = { role = "db"; }; }; to = ["db"]; }
);
END

began=$(now_ms)
run_sonded -c "$dir/conf.d" --check >"$dir/table" 2>"$dir/told"
is "--check is content" "$?" 0
took=$(($(now_ms) - began))
is "--check shows 900 checks" "$(grep -cE '^(tcp|node-1/http|process):host-[0-9]+ ' "$dir/table")" 900
is "... of 900 names" "$(grep -oE '^(tcp|node-1/http|process):host-[0-9]+ ' "$dir/table" | sort -u | wc -l)" 900
is "... 300 of which reach the second sink" "$(grep -c 'all (all), db (db)' "$dir/table")" 300
check "... and their load" grep -q '^load: 90\.0 runs per second' "$dir/table"
note "--check took $took ms"

began=$(now_ms)
start_sonded sonded -c "$dir/conf.d" || exit 1
check "the daemon says how many" grep -q ': 900 checks, 2 sinks, 2 routes' "$dir/sonded.log"
changes() { [ "$(wc -l <"$dir/changes")" -ge "$1" ]; }
check "900 changes arrive" wait_for 12 changes 900
took=$(($(now_ms) - began))
note "900 checks were UP after $took ms; $(grep VmRSS "/proc/$sonded_pid/status" | tr -s ' \t' ' ')"
is "... all UP" "$(grep -c '"state":"UP"' "$dir/changes")" 900
is "... with the labels of their row" "$(grep -c '"labels":{"rack":"rack \\"[0-9]*\\"","role":"\(db\|web\)"}\|"labels":{"role":"\(db\|web\)","rack":"rack \\"[0-9]*\\""}' "$dir/changes")" 900
is "... a third of them at the second sink" "$(wc -l <"$dir/db")" 300
ends_clean sonded
done_testing
