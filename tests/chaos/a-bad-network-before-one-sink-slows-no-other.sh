#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One sink's network delays, drops or resets, or is cut off silently; with the others of that
# daemon it is all well.  Their p99 from event to acknowledgement stays under twice that of a
# daemon whose network is good.  When the network is good again, nothing is missing behind it.
#
# All these daemons run at the same time, send to the same servers and take turns in who starts
# first, so that what stalls the machine stalls all.  Two of them have a good network: where
# their own p99s are half as much apart as what is looked for, the round says nothing about that
# sink, and another one is run.  The middle one of three that do counts.
. "$(dirname "$0")/lib.sh"
need kcat java python3 redis-server redis-cli nft ip
inside net

keys=10 each=200 # 4 s
wanted=$(form 3 100) # rounds that say something
most=$(form 9 200)
modes=(good same delay drop reset redis kafka) # the last two: cut off from
declare -A daemon port

start_kafka || { not_ok "a broker starts"; done_testing; }
apart_port=$kafka_port apart=$dir/apart
mv "$dir/kafka" "$apart"
start_kafka || { not_ok "a second broker starts"; done_testing; }
start_redis || { not_ok "Redis starts"; done_testing; }
apart_redis=$redis_port
start_redis || { not_ok "a second Redis starts"; done_testing; }
for mode in delay drop reset; do
	start_proxy $mode "$apart_redis" || { not_ok "a proxy starts"; done_testing; }
	port[$mode]=$proxy_port
done
port[good]=$apart_redis port[same]=$apart_redis port[kafka]=$apart_redis
port[redis]=$(free_port)
start_forward() { # this one is cut off before the server, not the server itself
	python3 "$chaos/proxy.py" "${port[redis]}" "$apart_redis" "$dir/redis.proxy" 2>"$dir/redis.proxy.log" &
	pids+=($!)
	wait_for 10 proxy redis pass
}
start_forward || { not_ok "a proxy starts"; done_testing; }

# The topics are made and the broker's classes loaded before anything is measured.
for mode in "${modes[@]}"; do seq 2000 | kcat -b "127.0.0.1:$kafka_port" -P -t "$mode"; done
seq 2000 | kcat -b "127.0.0.1:$apart_port" -P -t warm

conf() { # MODE ROUND
	flips $keys $each 20ms 4s
	local brokers=$kafka_port topic=$1
	[ "$1" = kafka ] && brokers=$apart_port topic=far-$2
	cat <<-END
		daemon = { observer = "$1-$2"; };
		sinks = (
		    { name = "kafka"; plugin = "kafka"; brokers = "127.0.0.1:$brokers"; topic = "$topic"; },
		    { name = "redis"; plugin = "redis-notify"; server = "127.0.0.1:$redis_port"; },
		    { name = "far"; plugin = "redis-store"; server = "127.0.0.1:${port[$1]}"; timeout = "1s";
		      key = "$1-$2:{check}:{message}"; down_set = ""; present = false; }
		);
		routes = ( { name = "all"; $flips_match; to = ["kafka", "redis", "far"]; } );
	END
}
of() { sonded_pid=${daemon[$1]}; } # MODE: whose ledger is asked for
p99() { # MODE ROUND SINK, in microseconds
	of "$1"
	ledger_now "$1-$2" "$3" >/dev/null
	sed -n "s/.*sink \"$3\": accepted.*p99 \([0-9.]*\) ms.*/\1/p" "$dir/$1-$2.log" | tail -1 | awk '{ print int($1 * 1000) }'
}
all_there() { # MODE ROUND SINK
	of "$1"
	delivered "$1-$2" "$3" $((keys * each))
}
spoil() {
	proxy delay delay 400 >/dev/null
	proxy drop drop >/dev/null
	proxy reset reset >/dev/null
	partition "${port[redis]}" "$apart_port"
}
better() {
	heal
	for mode in delay drop reset; do proxy $mode pass >/dev/null; done
}

# Which sinks are measured of a daemon.
near() { # MODE
	if [ "$1" = kafka ]; then echo redis; else echo kafka redis; fi
}
# Rounds in which the two good ones agree on a sink, with the worse of them.
agreeing() { # SINK
	awk -v sink="$1" '$3 == sink && $2 == "good" { a[$1] = $4 } $3 == sink && $2 == "same" { b[$1] = $4 }
		END { for (r in a) { most = a[r] > b[r] ? a[r] : b[r]; least = a[r] + b[r] - most
			if (least > 0 && most < 1.5 * least) print r, most } }' "$dir/p99s"
}
sound() { # SINK
	[ "$(agreeing "$1" | wc -l)" -ge "$wanted" ]
}
# The middle one of the ratios in these rounds.
middle() { # MODE SINK
	awk -v mode="$1" -v sink="$2" 'NR == FNR { good[$1] = $2; next }
		$3 == sink && $2 == mode && $1 in good { printf "%.3f\n", $4 / good[$1] }' <(agreeing "$2") "$dir/p99s" |
		sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
: >"$dir/p99s"
lost=0
round=0
while [ $round -lt "$most" ] && ! { sound kafka && sound redis; }; do
	round=$((round + 1))
	for mode in "${modes[@]}"; do
		conf "$mode" "$round" >"$dir/$mode-$round.conf"
		start_sonded "$mode-$round" -c "$dir/$mode-$round.conf" --plugin-dir "$misbehaving" || exit 1
		daemon[$mode]=$sonded_pid
	done
	spoil
	of "${modes[0]}"
	is "round $round: the networks are bad before the first event" \
		"$(figure accepted "$(ledger_now "${modes[0]}-$round" redis)")" 0
	for mode in "${modes[@]}"; do
		for sink in $(near "$mode"); do
			wait_for 30 all_there "$mode" "$round" "$sink" || not_ok "round $round, $mode: all is delivered to $sink"
			echo "$round $mode $sink $(p99 "$mode" "$round" "$sink")" >>"$dir/p99s"
		done
	done
	for mode in delay drop reset redis; do
		of $mode
		waits "$mode-$round" far || not_ok "round $round, $mode: events wait for the far side"
	done
	better
	for mode in "${modes[@]}"; do
		wait_for 40 all_there "$mode" "$round" far || not_ok "round $round, $mode: what waited is delivered"
		of "$mode"
		ledger_closes "$mode-$round" far || not_ok "round $round, $mode: the ledger closes"
		if [ "$mode" = kafka ]; then
			wait_for 60 all_there kafka "$round" kafka || not_ok "round $round: what waited for Kafka is delivered"
			count_seen --keys $keys --each $each --ordered "kafka:$apart_port:far-$round" ||
				not_ok "round $round: nothing is missing from Kafka" "$seen" "$(cat "$dir/checker")"
		fi
		stop_sonded "$sonded_pid" || not_ok "round $round, $mode: it ends well"
		count_seen --keys $keys --each $each "redis:$apart_redis:$mode-$round:*" ||
			not_ok "round $round, $mode: nothing is missing" "$seen" "$(cat "$dir/checker")"
		lost=$((lost + missing))
	done
	# Who was first is last.
	modes=("${modes[@]:1}" "${modes[0]}")
done

note "round, network, sink, p99 in us:" "$(sort -k 3,3 -k 1,1n -k 2,2 "$dir/p99s")"
for sink in kafka redis; do
	check "$sink: $(agreeing $sink | wc -l) of $round rounds say something" sound $sink
done
total=$((round * keys * each))
for mode in delay drop reset redis kafka; do
	for sink in $(near $mode); do
		ratio=$(middle $mode "$sink")
		check "$mode: the p99 of $sink is under twice that of a good network ($ratio)" \
			awk -v ratio="$ratio" 'BEGIN { exit !(ratio > 0 && ratio < 2) }'
		figures "bad network ($mode), events $total, missing $lost, p99 of $sink $ratio times the baseline"
	done
done
done_testing
