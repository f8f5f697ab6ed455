#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A source gives 2,000 events a second to a real Kafka, a real Redis and a file.  At random moments
# one of the four is killed (-9), or the daemon is asked to end, and comes back some time later,
# while another may be away.  Nothing is missing anywhere, and nothing out of order: what a daemon
# that ended still had waiting is delivered by the next.
. "$(dirname "$0")/lib.sh"
need kcat java python3 redis-server redis-cli

deaths=$(form 12 400)
keys=50 rate=2000
count=$((deaths * rate * 3))
window=4096 # of each sink: what it may have had and not said so
mkdir "$dir/state"
start_kafka || { not_ok "a broker starts"; done_testing; }
redis_port=$(free_port)
start_redis "$redis_port" "${keeping[@]}" || { not_ok "Redis starts"; done_testing; }
{
	numbers $keys $count $rate
	cat <<-END
		daemon = { observer = "test"; state_dir = "$dir/state"; };
		defaults = { buffer = { memory = "1MiB"; disk = "256MiB"; sync = "50ms"; full = "block"; }; };
		sinks = (
		    { name = "kafka"; plugin = "kafka"; brokers = "127.0.0.1:$kafka_port"; topic = "numbered"; },
		    { name = "redis"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; timeout = "1s"; down_set = "";
		      key = "event:{check}:{$number_field}"; present = false; },
		    { name = "lines"; plugin = "file"; path = "$dir/lines"; }
		);
		routes = ( { name = "all"; $numbers_match; to = ["kafka", "redis", "lines"]; } );
	END
} >"$dir/sonded.conf"

lives=0 # of the daemon: the name of its log
launch() {
	lives=$((lives + 1))
	start_sonded "life-$lives" -c "$dir/sonded.conf" --plugin-dir "$misbehaving"
}
die() { # WHO HOW
	case $1 in
	daemon)
		kill "-$2" "$sonded_pid"
		wait "$sonded_pid" 2>/dev/null
		;;
	kafka) kill_kafka ;;
	redis) kill_hard "$redis_pid" ;;
	esac
}
come_back() { # WHO
	case $1 in
	daemon) launch ;;
	kafka) resume_kafka ;;
	redis) start_redis "$redis_port" "${keeping[@]}" ;;
	esac || { not_ok "$1 comes back"; done_testing; }
}

launch || { not_ok "the daemon starts"; done_testing; }
away= # who comes back next
died=
for _ in $(seq "$deaths"); do
	random_pause 300 1500
	who=$(shuf -n 1 -e daemon daemon kafka redis)
	[ "$who" != "$away" ] || continue
	how=$(shuf -n 1 -e 9 9 TERM)
	die "$who" "$how"
	died="$died $who"
	random_pause 0 1000
	# At most one stays away when the next one dies.
	[ -z "$away" ] || come_back "$away"
	away=$who
	if [ "$who" = daemon ] || [ $((RANDOM % 2)) = 0 ]; then
		come_back "$who"
		away=
	fi
done
[ -z "$away" ] || come_back "$away"
note "these died:$died"
check "all is settled" wait_for $((60 + count / rate)) numbers_settled $count
check "... and delivered" wait_for 90 nothing_waits "life-$lives" kafka redis lines
for sink in kafka redis lines; do check "$sink: the ledger closes" ledger_closes "life-$lives" $sink; done
ends_clean "life-$lives"
check "the journal is whole" journal_whole "$dir/state"
died=$(wc -w <<<"$died")
most=$((died * (window + rate)))
for far in "kafka:$kafka_port:numbered" "redis:$redis_port:event:*" "file:$dir/lines"; do
	nothing_missing "${far%%:*}: nothing is missing" --count $count --ordered --halves "$died" --duplicates $most "$far"
	figures "whatever dies when (${far%%:*}), events $events, deaths $died, missing $missing, duplicates $duplicates"
done
done_testing
