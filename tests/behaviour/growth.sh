# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# growth.sh - whether a daemon grows whose checks fail ten thousand times in each way that
# the sourcing test names by kinds(), fifty checks of each side by side.  Sourced behind
# lib.sh; grows_not is the whole test.
#
# The heap is counted, not guessed (tests/heapcount.c).  Each round has checks of its own, of
# new names, which come to rest by themselves: one that is DOWN so often in a row is hard, and
# asked again in a year.  The daemon is counted twice a round: when its checks rest, which
# shows what a check or a loop keeps of its runs; and when a reload has taken them away, which
# shows what is lost.  The third round has twice the runs of the second: what stands at more
# after it than after the second grows with the runs.
. "$(dirname "$0")/heap.sh"
need python3 openssl

checks=50
falls=(10 60 130) # runs of each check in each round: 50 * 200 are ten thousand
[ "$patience" -eq 1 ] || falls=(2 4 8)
ulimit -n 8192 || skip_all "no 8192 descriptors"

# ---- a kind: name | how | answer | target of hostile.py | plugin | options ----
#
# The sinks have no disk: the name of one that is configured no more keeps its cursor, 70 KiB,
# until the next start, and each round has a name of its own.
#
# How it comes to rest: `falls` by failing so often; `silent` too, each time by its timeout;
# `shuts` when its target, which answered until then, or did not, fails for good; `lives`
# never, its runs find processes that come and go, and begin and end at once.


# ---- the targets ----

trim() {
	local text=${1#"${1%%[! ]*}"}
	echo "${text%"${text##*[! ]}"}"
}
declare -A port
mapfile -t targets < <(kinds | cut -d'|' -f4 | tr -d ' ' | grep . | cat - <(echo refused) | sort -u)
python3 -u "$srcdir/tests/hostile.py" "$dir" "${targets[@]}" >"$dir/ports" 2>"$dir/hostile.log" &
pids+=($!)
wait_for 20 grep -qx ready "$dir/ports" || exit 1
while read -r name number; do port[$name]=$number; done < <(grep -v ready "$dir/ports")
true &
echo $! >"$dir/dead.pid"
wait $!
cp "$(type -P sleep)" "$dir/hostile-many"
cp "$(type -P sleep)" "$dir/hostile-dies"
"$dir/hostile-many" 3600 &
pids+=($!)

# A process that is there for a while and not there for a while, until the targets shut.
die() {
	while [ -d "$dir" ]; do
		while [ -e "$dir/closed" ]; do sleep 0.1; done
		"$dir/hostile-dies" 3600 &
		echo $! >"$dir/dies.pid"
		sleep 0.2
		kill -9 $!
		wait $!
		sleep 0.15
	done 2>/dev/null
}
die &
pids+=($!)

# ---- the daemon, asking or resting ----

how_of() { # HOW
	case $1 in
	falls) echo "timeout = \"1s\"; interval = \"1s\"; down_interval = \"365d\"; fall = FALL;" ;;
	silent) echo "timeout = \"200ms\"; interval = \"1s\"; down_interval = \"365d\"; fall = FALL;" ;;
	shuts) echo "timeout = \"300ms\"; interval = \"300ms\"; down_interval = \"365d\"; fall = 30;" ;;
	lives) echo "timeout = \"200ms\"; interval = \"200ms\"; fall = 1;" ;;
	esac
}

rows=
while IFS='|' read -r name how answer target plugin options; do
	name=$(trim "$name") how=$(trim "$how") target=$(trim "$target")
	echo "$name $how $answer" >>"$dir/wanted"
	options=${options//@/127.0.0.1:${port[${target:-none}]-1}}
	rows+="{ name = \"$name-ROUND-{target}\"; plugin = \"$(trim "$plugin")\"; targets = [\"many\"];
		labels = { kind = \"$name\"; }; $(how_of "$how") ${options//DIR/$dir} },
		"
done < <(kinds)
kinds=$(wc -l <"$dir/wanted")
mkdir "$dir/state"
configure() { # ROUND CHECKS
	cat >"$dir/next.conf" <<-END
		daemon = { observer = "test"; state_dir = "$dir/state"; loops = 2; };
		defaults = { retry_interval = "250ms"; rise = 1; };
		targets = ( { name = "many"; hosts = [$(seq -s, -f '"t%g"' $checks)]; } );
		checks = ( $2 );
		sinks = ( { name = "said-$1"; plugin = "file"; path = "$dir/said.$1"; buffer = { disk = "0"; };
		            format = "{labels.kind} {state} {reason}"; } );
		routes = ( { name = "all"; match = { kind = "result"; not = { check = "observer:*"; }; };
		             to = ["said-$1"]; } );
	END
	mv "$dir/next.conf" "$dir/sonded.conf"
}
reloads=0
turn() {
	kill -HUP "$sonded_pid"
	reloads=$((reloads + 1))
	wait_for 30 eval "[ \$(grep -c 'reloaded' '$dir/sonded.log') -ge $reloads ]"
}

# ---- what is counted ----

# How many runs there were of each kind, and how many ended as they should.
tally() { # ROUND
	awk 'NR == FNR { how[$1] = $2; wanted[$1] = $3 " " $4; next }
		{ all[$1]++; if ($2 " " $3 == wanted[$1]) right[$1]++ }
		END { for (kind in how) print kind, how[kind], all[kind] + 0, right[kind] + 0 }' \
		"$dir/wanted" "$dir/said.$1" | sort
}
# Until each kind was asked so often.
asked() { # ROUND RUNS
	for _ in $(seq 180); do
		sleep 1
		tally "$1" >"$dir/tally"
		awk -v runs="$2" '$3 < runs { exit 1 }' "$dir/tally" && return
	done
	return 1
}
# Until nothing is asked any more but what lives.
rests() { # ROUND
	local last=
	for _ in $(seq 40); do
		sleep 2
		[ "$(tally "$1" | grep -v ' lives ')" = "$last" ] && return
		last=$(tally "$1" | grep -v ' lives ')
	done
	return 1
}
# A question to a silent name server outlives its check by three seconds, since others may
# ask the same.
settle() { sleep $((3 + patience)); }

grows_not() {
	local none round text runs wrong
	none="{ name = \"none\"; plugin = \"tcp\"; address = \"127.0.0.1:${port[refused]}\"; interval = \"365d\"; }"
	configure none "$none"
	start_sonded sonded -c "$dir/sonded.conf" || exit 1
	local began=$SECONDS resting=() gone=() left=()
	for round in "${!falls[@]}"; do
		rm -f "$dir/closed"
		text=${rows//FALL/${falls[round]}}
		configure "$round" "${text//ROUND/$round}$none"
		turn
		runs=$((falls[round] * checks))
		asked "$round" $runs || not_ok "round $round: $runs runs of each" "$(cat "$dir/tally")"
		note "round $round: $runs runs of each of $kinds kinds, $((SECONDS - began)) s"
		touch "$dir/closed"
		check "round $round: the checks come to rest" rests "$round"
		settle
		resting[round]=$(heap)
		wrong=$(awk -v runs=$runs '$4 < runs / 10' "$dir/tally")
		is "round $round: each kind fails as it should" "$wrong" ""
		configure none "$none"
		turn
		sleep 2
		gone[round]=$(heap)
		left[round]=$(open_now)
		note "at rest: ${resting[round]}; without them: ${gone[round]} bytes, blocks;" \
			"$(awk '/^VmRSS/ { print $2 }' "/proc/$sonded_pid/status") KiB resident; ${left[round]}"
	done
	is "nothing is left open" "${left[2]}" "${left[1]}"
	note "grown from round 1 to round 2: at rest by" \
		$((${resting[2]% *} - ${resting[1]% *})) "bytes, without them by" \
		$((${gone[2]% *} - ${gone[1]% *})) bytes
	# 6,500 runs of each kind more than before: two bytes of each run of one kind.
	check "nothing is lost" grows_less "${gone[1]}" "${gone[2]}" 16384
	# 3,500 runs of each kind more.  The texts of events that are kept for the next time, and
	# libcurl's handles (of http, at most 128 a loop, as many as were out at once), come and go by
	# some ten KiB.
	check "no check, no loop and no library keeps more" \
		grows_less "${resting[1]}" "${resting[2]}" 131072
	ends_clean sonded
	done_testing
}
