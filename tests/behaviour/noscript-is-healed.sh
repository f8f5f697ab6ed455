#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The server may forget the script at any time (SCRIPT FLUSH, a failover): the batch that
# finds out brings the script along.  No event is rejected or sent again, and the
# connection stays.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli python3

start_redis || exit 1
port=$(free_port)
start_target shop "$port" || exit 1
mkdir "$dir/conf.d" "$dir/state"
cat >"$dir/conf.d/test.conf" <<END
daemon = { observer = "node-1"; state_dir = "$dir/state"; };
defaults = { interval = "100ms"; timeout = "90ms"; rise = 1; fall = 1; };
targets = ( { name = "many"; hosts = ["1", "2", "3", "4", "5", "6", "7", "8"]; } );
checks = ( { name = "shop-{target}"; plugin = "tcp"; address = "127.0.0.1:$port"; targets = ["many"]; } );
sinks = ( { name = "current"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; } );
routes = ( { name = "status"; match = { kind = "change"; check = "shop-*"; }; to = ["current"]; } );
END

all() { # WANTED
	[ "$(redis MGET server-health:shop-{1,2,3,4,5,6,7,8} | grep -cx "$1")" = 8 ]
}

start_sonded sonded -c "$dir/conf.d" || exit 1
check "all eight keys are set" wait_for 5 all UP
for wanted in DOWN UP DOWN; do
	redis SCRIPT FLUSH >/dev/null
	if [ "$wanted" = DOWN ]; then kill "$target_pid"; else start_target shop "$port"; fi
	check "after SCRIPT FLUSH all become $wanted" wait_for 5 all "$wanted"
done
is "the script is there again" \
	"$(redis INFO memory | sed -n 's/^number_of_cached_scripts:\([0-9]*\).*/\1/p')" 1
check "the daemon ends well" stop_sonded "$sonded_pid"
check "nothing was rejected, dropped or tried again" \
	grep -Eq 'sink "current": .*rejected 0 \+ moved 0 \+ dropped 0 \+ queued 0 ; retries 0,' "$dir/sonded.log"
check "the sink was UP throughout" test "$(grep -c 'sink "current": DOWN' "$dir/sonded.log")" = 0
done_testing
