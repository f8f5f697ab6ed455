#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGHUP: a changed configuration adds and removes checks, and whoever stays keeps its state
# without a word to anybody; what is removed says so once; what waits for a sink still waits;
# a wrong configuration changes nothing and is told whole.
. "$(dirname "$0")/lib.sh"
need jq redis-server redis-cli

start_target shop || exit 1
start_redis || exit 1
nobody=$(free_port)
closed=$(free_port)
mkdir "$dir/conf.d"
cat >"$dir/conf.d/base.conf" <<END
daemon = { observer = "node-1"; loops = 2; };
defaults = { interval = "200ms"; retry_interval = "100ms"; fall = 3; };
sinks = (
  { name = "all"; plugin = "file"; path = "$dir/all"; },
  { name = "redis"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; },
  { name = "later"; plugin = "redis-notify"; server = "127.0.0.1:$nobody"; channel = "later"; format = "{check} {state} {id}"; }
);
routes = ( { name = "all"; match = { kind = "change"; not = { check = "observer:*"; }; }; to = ["all", "redis", "later"]; } );
END
tcp() { echo "{ name = \"$1\"; plugin = \"tcp\"; address = \"127.0.0.1:$2\"; ${3:-} }"; }
changes() { jq -r "select(.check == \"$1\") | .previous + \">\" + .state" "$dir/all" | tr '\n' ' '; }
changed() { [ "$(changes "$1")" = "$2" ]; }
reload() { # WORDS OF THE LOG
	local before
	before=$(grep -c "$1" "$dir/sonded.log")
	kill -HUP "$sonded_pid"
	wait_for 15 eval "[ \$(grep -c '$1' '$dir/sonded.log') -gt $before ]"
}

echo "checks = ( $(tcp stays "$target_port"), $(tcp goes "$target_port"), $(tcp refused "$closed") );" >"$dir/conf.d/checks.conf"
start_sonded sonded -c "$dir/conf.d" || exit 1
check "one UP" wait_for 5 changed stays "UNKNOWN>UP "
check "one that will go" wait_for 5 changed goes "UNKNOWN>UP "
check "one DOWN" wait_for 5 changed refused "UNKNOWN>DOWN "
since=$(jq -r 'select(.check == "refused") | .since' "$dir/all")

echo "checks = ( $(tcp stays "$target_port" 'labels = { role = "db"; };'), $(tcp refused "$closed"), $(tcp new "$target_port") );" >"$dir/conf.d/checks.conf"
check "a valid one is taken" reload "reloaded: check \"new\" added, check \"stays\" adjusted, check \"goes\" removed; 3 checks, 3 sinks, 1 route"
check "the new check is UP" wait_for 5 changed new "UNKNOWN>UP "
check "the removed one ends" wait_for 5 changed goes "UNKNOWN>UP UP>UNKNOWN "
is "... as removed" "$(jq -r 'select(.check == "goes") | .reason' "$dir/all" | tail -1)" REMOVED
gone() { [ "$(redis EXISTS server-health:goes)" = 0 ]; }
check "... and its key is gone" wait_for 5 gone
is "... which those of the others are not" "$(redis GET server-health:stays) $(redis GET server-health:refused)" "UP DOWN"
sleep 0.8 # four intervals, in which nobody else may say anything
is "the one that stays said nothing" "$(changes stays)" "UNKNOWN>UP "
is "nor did the one that is DOWN" "$(changes refused)" "UNKNOWN>DOWN "

cp "$dir/conf.d/checks.conf" "$dir/right"
echo "checks = ( $(tcp stays "$target_port"), $(tcp new "$target_port" 'interval = 30;'), $(tcp more "$target_port" 'retry_intervall = "1s";') );" >"$dir/conf.d/checks.conf"
check "a wrong one is refused" reload 'the configuration that runs goes on unchanged'
check "... with all its faults" says "$dir/sonded.log" "$dir/conf.d/checks.conf:1: check \"new\": interval is a duration and needs a unit"
check "... and the nearest name" says "$dir/sonded.log" 'check "more": unknown option "retry_intervall"; did you mean "retry_interval"?'
is "no check was removed" "$(grep -c REMOVED "$dir/all")" 1
kill "$target_pid"
check "the running checks go on" wait_for 5 changed new "UNKNOWN>UP UP>DOWN "
check "... all of them" wait_for 5 changed stays "UNKNOWN>UP UP>DOWN "
is "... and the others say nothing" "$(changes refused)" "UNKNOWN>DOWN "

# What waits for a sink whose server is away survives the reload.
cp "$dir/right" "$dir/conf.d/checks.conf"
read -ra before < <(ledger sonded later)
check "events wait for the absent server" test "${before[4]}" -ge 5
check "the right one is taken again" reload "reloaded: nothing changed; 3 checks"
read -ra after < <(ledger sonded later)
is "what waited still waits" "${after[4]}" "${before[4]}"
check "... and its ledger closes" closes "${after[@]}"
start_redis "$nobody" || exit 1
redis SUBSCRIBE later >"$dir/heard" 2>&1 &
pids+=($!)
delivered() { read -ra after < <(ledger sonded later) && [ "${after[4]}" = 0 ]; }
check "... until the server is there" wait_for 10 delivered
is "since when it is DOWN was never forgotten" \
	"$(jq -r 'select(.check == "refused") | .since' "$dir/all" | sort -u)" "$since"
ends_clean sonded
done_testing
