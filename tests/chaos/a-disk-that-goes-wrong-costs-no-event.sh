#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# While 2,000 events a second come, the disk of the journal answers EIO to syncs, to writes and to
# reads, writes half of what it is given, and says that it is full, each for a while.  The daemon
# goes on, nothing is missing behind the sink (in the long form: but what could not be read, which is counted event by
# event), and when the disk is well again the journal holds: a kill -9 then costs nothing.  With a sink that is cut off, so that what waits has to be read
# back, as with one that is there.
. "$(dirname "$0")/lib.sh"
need python3 redis-server redis-cli
shim=$builddir/tests/chaos/.libs/badfs.so
[ -e "$shim" ] || skip_all "the bad disk is not built beside a sanitizer"

keys=20 rate=2000
each=$(form 1500 20000) # milliseconds of each fault
faults=(read-eio sync-eio write-eio write-short write-full)
count=$((rate * (${#faults[@]} * 2 * (each + 3500) / 1000 + 10))) # they last to the end
mkdir "$dir/state" "$dir/faults"
start_redis "$(free_port)" || { not_ok "Redis starts"; done_testing; }
start_proxy network "$redis_port" || { not_ok "a proxy starts"; done_testing; }
{
	numbers $keys $count $rate
	cat <<-END
		daemon = { observer = "test"; state_dir = "$dir/state"; };
		sinks = ( { name = "far"; plugin = "redis-store"; server = "127.0.0.1:$proxy_port"; timeout = "1s";
		            down_set = ""; versions = "far"; key = "event:{check}:{$number_field}"; present = false;
		            buffer = { memory = "256KiB"; disk = "256MiB"; sync = "50ms"; }; } );
		routes = ( { name = "all"; $numbers_match; to = ["far"]; } );
	END
} >"$dir/sonded.conf"
launch() { # NAME
	printf '#!/bin/sh\nexec env LD_PRELOAD="%s" BADFS_BELOW="%s" BADFS_FAULTS="%s" "%s" "$@"\n' \
		"$shim" "$dir/state/journal" "$dir/faults" "$builddir/sonded" >"$dir/launch"
	chmod +x "$dir/launch"
	sonded=$dir/launch
	start_sonded "$1" -c "$dir/sonded.conf" --plugin-dir "$misbehaving"
}
goes_on() { # NAME
	local now
	now=$(figure delivered "$(ledger_now "$1" far)")
	wait_for 20 delivered "$1" far $((now + rate / 2))
}
hit() { # FAULT: how often it did so
	awk -v fault="$1" '$1 == fault { hits = $2 } END { print hits + 0 }' "$dir/faults/count"
}
dropped=0
for fault in "${faults[@]}"; do
	launch "$fault" || { not_ok "$fault: it starts"; done_testing; }
	rm -f "$dir/faults/count"
	for network in pass drop; do
		check "$fault, network $network: events go on" goes_on "$fault"
		proxy network $network >/dev/null
		[ $network = pass ] || sleep 1 # until more waits than the memory holds
		echo 0 >"$dir/faults/$fault"
		sleep "$(awk -v ms="$each" 'BEGIN { print ms / 2000 }')"
		proxy network pass >/dev/null
		sleep "$(awk -v ms="$each" 'BEGIN { print ms / 2000 }')"
		rm "$dir/faults/$fault"
		check "... when it is over as well" goes_on "$fault"
		check "... and the ledger closes" ledger_closes "$fault" far
	done
	check "$fault: the disk went wrong ($(hit "$fault") times)" test "$(hit "$fault")" -gt 0
	lost=$(figure dropped "$(ledger_now "$fault" far)")
	dropped=$((dropped + lost))
	# The long form lasts longer than reading is tried again.
	[ "$fault" = read-eio ] && [ "$each" -ge 5000 ] || is "$fault: nothing was dropped" "$lost" 0
	# The disk is well: the journal holds again.
	sleep 1
	proxy network drop >/dev/null
	sleep 0.5
	kill_hard "$sonded_pid"
	proxy network pass >/dev/null
done
launch last || { not_ok "it starts at last"; done_testing; }
check "all is settled" wait_for 120 numbers_settled $count
check "... and delivered" wait_for 60 nothing_waits last far
count_seen --count $count "redis:$redis_port:event:*"
is "nothing is missing but what was counted as unreadable: $seen" "$missing" "$dropped"
figures "a disk that goes wrong, events $events, faults of ${#faults[@]} kinds, kills ${#faults[@]}, missing $missing, of these unreadable and counted $dropped"
ends_clean last
check "the journal is whole" journal_whole "$dir/state"
done_testing
