#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Whatever a target does (tests/hostile.py), its check ends within its timeout with the right
# reason and in little memory, a check beside it on the same loop is not late because of it,
# and what it says reaches nobody as it is.  tests/hostile-cases lists the cases; the table
# that this test prints is docs/hostile-targets.md:
#
#   tests/behaviour/hostile-targets-are-bounded.sh | sed -n 's/^# MD //p' >docs/hostile-targets.md
. "$(dirname "$0")/lib.sh"
need python3 openssl taskset setsid

cases=$srcdir/tests/hostile-cases
timeout=1000 # ms, of each case
extra=$((50 * patience))
round=2 # s: the interval of each
beside=20 # ms: the interval of the check beside them
late=$((50 * patience))
most=32 # MiB
declare -A port

# The daemon has a processor of its own, which it shares with a witness that tells when it was
# kept from running; the targets have the others.
processors=$(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)))')
ours=${processors%% *} theirs=${processors#* }
theirs=${theirs// /,}
# Where we may, both go before what else the machine does.  The kernel shares a processor among
# sessions first, then among the processes of each.
cat >"$dir/first" <<'END'
#!/bin/bash
{ echo -15 >/proc/self/autogroup; renice -n -15 $$; } >/dev/null 2>&1
exec "$@"
END
chmod +x "$dir/first"

# ---- the targets ----

start_target friendly || exit 1
port[friendly]=$target_port
setsid "$dir/first" taskset -c "$theirs" python3 -u "$srcdir/tests/hostile.py" "$dir" \
	>"$dir/ports" 2>"$dir/hostile.log" &
pids+=($!)
wait_for 20 grep -qx ready "$dir/ports" || exit 1
while read -r name number; do port[$name]=$number; done < <(grep -v ready "$dir/ports")

# A process whose names have all that a name can have; one that is there to be started often.
nasty_name=$'x) R\n1\e[31m\x9b\xff"'
cp "$(type -P sleep)" "$dir/$nasty_name"
(exec -a $'hostile-nasty\e]0;title\a \xe2\x80\xaeabc\xff\n' "$dir/$nasty_name" 3600) &
echo $! >"$dir/nasty.pid"
pids+=($!)
(exec -a "hostile-$(printf 'a%.0s' {1..60000})" sleep 3600) &
pids+=($!)
cp "$(type -P true)" "$dir/hostile-storm"
storm() { seq 1000 | xargs -P 8 -n 1 "$dir/hostile-storm"; }

# ---- configuration ----

trim() {
	local text=${1#"${1%%[! ]*}"}
	echo "${text%"${text##*[! ]}"}"
}

names=()
declare -A wanted row
while IFS='|' read -r name target answer plugin options; do
	name=$(trim "$name") target=$(trim "$target")
	names+=("$name")
	wanted[$name]=$(trim "$answer")
	options=${options//@/127.0.0.1:${port[${target:-none}]-1}}
	row[$name]="{ name = \"$name\"; plugin = \"$(trim "$plugin")\"; ${options//DIR/$dir} }"
done < <(grep -v -e '^#' -e '^$' "$cases")

configure() { # NAME ROWS
	mkdir -p "$dir/$1.state"
	cat >"$dir/$1.conf" <<-END
		daemon = { observer = "test"; state_dir = "$dir/$1.state"; };
		defaults = { interval = "${round}s"; timeout = "${timeout}ms"; rise = 1; fall = 1; };
		checks = ( $2 );
		sinks = ( { name = "json"; plugin = "file"; path = "$dir/$1.json"; },
		          { name = "line"; plugin = "file"; path = "$dir/$1.line"; format = "text"; } );
		routes = ( { name = "all"; match = { kind = ["result", "change"];
		             not = { check = "observer:*"; }; }; to = ["json", "line"]; } );
	END
}

# ---- all at once, and somebody beside them ----

all=
for name in "${names[@]}"; do all+="${row[$name]}, "; done
configure all "$all { name = \"bystander\"; plugin = \"tcp\"; address = \"127.0.0.1:$target_port\";
	handshake = \"half\"; interval = \"${beside}ms\"; timeout = \"${beside}ms\"; }"
judge() { python3 "$srcdir/tests/hostile_judge.py" "$@"; }
cat >"$dir/launch" <<END
#!/bin/bash
echo \$\$ >"$dir/all.pid"
exec setsid "$dir/first" taskset -c $ours "$sonded" "\$@"
END
chmod +x "$dir/launch"
taskset -c "$ours" python3 "$srcdir/tests/hostile_judge.py" witness "$dir/stalls" "$dir/all.pid" \
	2>"$dir/witness.log" &
pids+=($!)
wait_for 10 test -e "$dir/stalls" || exit 1
sonded=$dir/launch start_sonded all -c "$dir/all.conf" || exit 1
asked() { # looking takes time that others need
	for _ in $(seq 30); do
		sleep 1
		judge asked "$dir/all.json" 4 "${names[@]}" && return
	done
	return 1
}
check "each case is asked four times" asked
storm
ends_clean all

declare -A answer took message
while IFS='|' read -r name what ms text; do
	answer[$name]=$what took[$name]=$ms message[$name]=$text
done < <(judge answers "$dir/all.json" "$dir/stalls" "$cases" $timeout)
slow=
for name in "${names[@]}"; do
	is "$name: ${wanted[$name]}" "${answer[$name]-}" "${wanted[$name]}"
	[ "${took[$name]:-9999}" -le $((timeout + extra)) ] || slow+="$name: ${took[$name]-} ms "
done
is "each ends within its timeout and $extra ms" "$slow" ""
is "the check beside them is UP all the time" "${answer[bystander]}" "UP OK"
{
	read -r p99 worst _ count
	note "its $count results while all begin, within a second: p99 $p99 ms apart, worst $worst ms"
	read -r p99 worst again count
	note "... and $count then: p99 $p99 ms, worst $worst ms, $again ms but for the worst round"
} < <(judge gaps "$dir/all.json" "$dir/stalls" bystander 1 $round)
# What a target does, it does in each round; what the machine does and nobody tells of, such as
# a disk that makes the daemon wait, in one.
if [ "$count" -ge 50 ]; then
	check "... and then, but for one round, never more than $late ms late" \
		[ "$again" -le $((beside + late)) ]
else
	not_ok "... and then never more than $late ms late" "others had the processor all the time: only $count gaps can be judged"
fi
for file in all.log all.out all.json all.line; do
	check "$file is clean" judge clean "$dir/$file"
done

# ---- one by one, each in a daemon of its own: memory ----

declare -A peak
has_answered() { grep -q '"kind":"result"' "$dir/$1.json"; }
peaks() { # NAMES
	local name
	declare -A daemon
	for name in "$@"; do
		configure "alone-$name" "${row[$name]}"
		start_sonded "alone-$name" -c "$dir/alone-$name.conf" || return 1
		daemon[$name]=$sonded_pid
		[ "$name" = process-storm ] && storm
	done
	for name in "$@"; do
		wait_for 10 has_answered "alone-$name" || return 1
		peak[$name]=$(awk '/^VmHWM/ { printf "%.1f", $2 / 1024 }' "/proc/${daemon[$name]}/status")
		kill "${daemon[$name]}"
	done
}
for ((i = 0; i < ${#names[@]}; i += 8)); do
	peaks "${names[@]:i:8}" || not_ok "each answers alone"
done
if [ "$patience" -eq 1 ]; then
	large=
	for name in "${names[@]}"; do
		[ "${peak[$name]%.*}" -lt $most ] || large+="$name: ${peak[$name]} MiB "
	done
	is "none needs $most MiB" "$large" ""
fi

# ---- the table ----

page() {
	cat <<-END
		# Hostile targets

		What a target can do to a check: each line is a case of \`tests/hostile-cases\`, asked three
		times or more with a timeout of $timeout ms, all at once in one daemon, while a check beside
		them runs every $beside ms on the same loop. The time is that of the longest run, without what
		others took of the daemon's processor; all begin within a tenth of a second, so it holds some
		waiting for each other. The memory is the peak (VmHWM) of a daemon that asks this case alone;
		a friendly target stands first for comparison.

		\`tests/behaviour/hostile-targets-are-bounded.sh\` asks them, holds them to these answers, to
		$most MiB and to the timeout and $extra ms, and prints this page:

		    tests/behaviour/hostile-targets-are-bounded.sh | sed -n 's/^# MD //p' >docs/hostile-targets.md

		| case | answer | message | time, ms | peak, MiB |
		|---|---|---|--:|--:|
	END
	for name in "${names[@]}"; do
		echo "| $name | ${answer[$name]-} | ${message[$name]-} | ${took[$name]-} | ${peak[$name]-} |"
	done
}
answers_of() { # PAGE: cases and answers, without messages and times
	sed -n 's/^| *\([a-z0-9][^|]*\)|\([^|]*\)|.*|$/\1|\2/p' "$1" | grep -v '^case '
}
page | tee "$dir/page.md" | sed 's/^/# MD /'
check "docs/hostile-targets.md tells the same" \
	diff <(answers_of "$srcdir/docs/hostile-targets.md") <(answers_of "$dir/page.md")
done_testing
