#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Each probe fails in each way ten thousand times, fifty checks of each kind side by side in
# one daemon: it ends with the descriptors, the threads and the memory that it had before.
#
# Descriptors and threads are counted while the daemon rests, after a reload that makes the
# interval a year.  How much memory it once needed at a time, and keeps, depends on how busy
# the machine was: what it keeps of runs shows as growth from each round to the next.
. "$(dirname "$0")/lib.sh"
need python3 openssl

runs=10000 rounds=5 checks=50 interval=$((400 * patience)) # of each kind; ms
[ "$patience" -eq 1 ] || runs=1000
growth=1024 # KiB in all; a hundred bytes kept of each run of one kind are as much
ulimit -n 8192 || skip_all "no 8192 descriptors"

# ---- the kinds: name | answer | target of hostile.py | plugin | options ----

kinds() {
	grep -v '^#' <<'END'
tcp-refused | DOWN L4CON | refused | tcp | address = "@";
tcp-silent | DOWN L7TOUT | mute | tcp | address = "@"; steps = ["expect 220"];
tcp-reset | DOWN L7RSP | reset-at-request | tcp | address = "@"; steps = ["send hello", "expect 220"];
tcp-tls | DOWN L6RSP | tls-garbage | tcp | address = "@"; tls = true; ca = "DIR/ca.pem";
tcp-certificate | DOWN L6CERT | tls-self-signed | tcp | address = "@"; tls = true; ca = "DIR/ca.pem";
tcp-wrong | DOWN L7RSP | banner-wrong | tcp | address = "@"; steps = ["expect 220"];
tcp-too-large | DOWN L7BIG | banner-endless | tcp | address = "@"; steps = ["expect(100ms, 4KiB) ready"];
tcp-slow | DOWN L7TOUT | banner-drip | tcp | address = "@"; steps = ["expect ready"];
tcp-no-name | DOWN DNSERR | dns-unknown | tcp | address = "{target}.example:1"; resolver = "@";
tcp-no-resolver | UNKNOWN DNSTOUT | udp-mute | tcp | address = "{target}.example:1"; resolver = "@";
udp-silent | DOWN L7TOUT | udp-mute | tcp | address = "@"; transport = "udp"; steps = ["send ping", "expect pong"];
starttls-refused | DOWN L7RSP | smtp-no-starttls | tcp | address = "@"; starttls = "smtp"; ca = "DIR/ca.pem";
http-refused | DOWN L4CON | refused | http | url = "http://@/";
http-silent | DOWN L7TOUT | mute | http | url = "http://@/";
http-reset | DOWN L7RSP | reset-at-request | http | url = "http://@/";
http-tls | DOWN L6RSP | tls-garbage | http | url = "https://@/"; ca = "DIR/ca.pem";
http-certificate | DOWN L6CERT | tls-self-signed | http | url = "https://@/"; ca = "DIR/ca.pem";
http-wrong | DOWN L7STS | http-error | http | url = "http://@/"; save_body = "on-failure";
http-too-large | DOWN L7BIG | body-endless | http | url = "http://@/"; max_body = "16KiB"; body_match = "never";
http-slow | DOWN L7TOUT | body-drip | http | url = "http://@/"; body_match = "never";
http-bomb | DOWN L7BIG | bomb-gzip | http | url = "http://@/"; compression = true; max_body = "16KiB";
http-circle | DOWN L7RSP | redirect-circle | http | url = "http://@/"; max_redirects = 1;
http-no-name | DOWN DNSERR | dns-unknown | http | url = "http://{target}.example/"; resolver = "@";
http-no-resolver | UNKNOWN DNSTOUT | udp-mute | http | url = "http://{target}.example/"; resolver = "@";
process-none | DOWN PROCNONE | | process | comm = "nobody-{target}";
process-no-pidfile | DOWN PROCNONE | | process | pidfile = "DIR/{target}.pid";
process-dead | DOWN PROCNONE | | process | pidfile = "DIR/dead.pid";
process-many | DOWN PROCMANY | | process | comm = "hostile-many"; min = 0; max = 0;
END
}

# ---- the targets ----

trim() {
	local text=${1#"${1%%[! ]*}"}
	echo "${text%"${text##*[! ]}"}"
}
declare -A port
mapfile -t targets < <(kinds | cut -d'|' -f3 | tr -d ' ' | grep . | sort -u)
python3 -u "$srcdir/tests/hostile.py" "$dir" "${targets[@]}" >"$dir/ports" 2>"$dir/hostile.log" &
pids+=($!)
wait_for 20 grep -qx ready "$dir/ports" || exit 1
while read -r name number; do port[$name]=$number; done < <(grep -v ready "$dir/ports")
true &
echo $! >"$dir/dead.pid"
wait $!
cp "$(type -P sleep)" "$dir/hostile-many"
"$dir/hostile-many" 3600 &
pids+=($!)

# ---- the daemon, asking or resting ----

names=()
rows=
while IFS='|' read -r name answer target plugin options; do
	name=$(trim "$name") target=$(trim "$target")
	names+=("$name")
	echo "$name $answer" >>"$dir/wanted"
	options=${options//@/127.0.0.1:${port[${target:-none}]-1}}
	rows+="{ name = \"$name-{target}\"; plugin = \"$(trim "$plugin")\"; targets = [\"many\"];
		labels = { kind = \"$name\"; }; ${options//DIR/$dir} },
		"
done < <(kinds)
mkdir "$dir/state"
configure() { # FILE INTERVAL
	cat >"$dir/$1" <<-END
		daemon = { observer = "test"; state_dir = "$dir/state"; loops = 2; };
		defaults = { interval = "$2"; timeout = "$((interval / 2))ms"; rise = 1; fall = 1; };
		targets = ( { name = "many"; hosts = [$(seq -s, -f '"t%g"' $checks)]; } );
		checks = ( ${rows%,*} );
		sinks = ( { name = "said"; plugin = "file"; path = "$dir/said";
		            format = "{labels.kind} {state} {reason}"; } );
		routes = ( { name = "all"; match = { kind = "result"; not = { check = "observer:*"; }; };
		             to = ["said"]; } );
	END
}
configure asking.conf "${interval}ms"
configure resting.conf 365d
reloads=0
turn() { # FILE
	cp "$dir/$1.conf" "$dir/sonded.conf"
	kill -HUP "$sonded_pid"
	reloads=$((reloads + 1))
	wait_for 30 eval "[ \$(grep -c 'reloaded' '$dir/sonded.log') -ge $reloads ]"
}
# Descriptors and threads, when nothing is under way: a question to a silent name server
# outlives its check by three seconds, since others may ask the same.
rest() {
	turn resting
	sleep $((4 + patience))
	echo "$(find "/proc/$sonded_pid/fd" -mindepth 1 | wc -l)" descriptors, \
		"$(find "/proc/$sonded_pid/task" -mindepth 1 -maxdepth 1 | wc -l)" threads
}
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$sonded_pid/status"; }
# Until each kind was asked so often and answered as it should, a tenth of that at least: a
# busy machine makes timeouts of many answers.
given() { # RUNS
	for _ in $(seq 40); do
		sleep 2
		awk '{ count[$0]++ } END { for (said in count) print said, count[said] }' "$dir/said" \
			>"$dir/count"
		awk -v runs="$1" '
			NR == FNR { wanted[$1] = $2 " " $3; next }
			{ all[$1] += $4; if (wanted[$1] == $2 " " $3) right[$1] = $4 }
			END { for (kind in wanted) if (all[kind] < runs || right[kind] < runs / 10) exit 1 }' \
			"$dir/wanted" "$dir/count" && return
	done
	sort "$dir/count"
	return 1
}

cp "$dir/asking.conf" "$dir/sonded.conf"
start_sonded sonded -c "$dir/sonded.conf" || exit 1
check "warm: each of ${#names[@]} kinds fails as it should" given $((runs / rounds))
before=$(rest)
turn asking
began=$SECONDS held=()
for ((round = 1; round <= rounds; round++)); do
	given $((runs / rounds * (round + 1))) >"$dir/given" || {
		not_ok "$runs runs of each kind" "$(cat "$dir/given")"
		break
	}
	held[round]=$(memory)
done
note "$((runs / rounds)) runs of each, $rounds times, took $((SECONDS - began)) s"
note "KiB of memory after each round: ${held[*]}"
is "nothing is left open" "$(rest)" "$before"
if [ "$patience" -eq 1 ]; then
	grown=$(printf '%s\n' "${held[@]}" | awk 'NR > 1 { print $1 - last } { last = $1 }' |
		sort -n | sed -n "$((rounds / 2))p")
	note "it grows by $grown KiB a round"
	check "memory does not grow" [ $((${grown:-growth} * rounds)) -lt $growth ]
fi
ends_clean sonded
done_testing
