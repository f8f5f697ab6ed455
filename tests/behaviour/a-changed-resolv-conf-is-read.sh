#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The name servers of /etc/resolv.conf answer; when the file changes, so do they, also when
# the old one is silent and lookups are still out.  In a network and mount namespace of its
# own, with a resolv.conf of its own.
if [ -z "${SONDE_INSIDE-}" ]; then
	unshare -nm true 2>/dev/null || {
		. "$(dirname "$0")/lib.sh"
		skip_all "unshare is not allowed here"
	}
	SONDE_INSIDE=1 exec unshare -nm "$BASH" "$0"
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
need ip mount
ip link set lo up

start_net open count || exit 1
start_net first dns @127.0.0.53:53 "shop.test=127.0.0.1" || exit 1
start_net second dns @127.0.0.54:53 "shop.test=127.0.0.1" "new.test=127.0.0.1" || exit 1
python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.55", 53))
print("ready", flush=True); time.sleep(3600)' >"$dir/silent" &
pids+=($!)
wait_for 10 test -s "$dir/silent"
echo "nameserver 127.0.0.53" >"$dir/resolv.conf"
mount --bind "$dir/resolv.conf" /etc/resolv.conf || exit 1

mkdir "$dir/state"
cat >"$dir/conf" <<END
daemon = { observer = "test"; state_dir = "$dir/state"; };
defaults = { interval = "200ms"; timeout = "200ms"; retry_interval = "200ms"; fall = 1; rise = 1; };
checks = (
  { name = "shop"; plugin = "tcp"; address = "shop.test:$open_port"; },
  { name = "new"; plugin = "tcp"; address = "new.test:$open_port"; }
);
sinks = ({ name = "out"; plugin = "file"; path = "$dir/events"; });
routes = ({ name = "all"; match = { kind = "result"; }; to = ["out"]; });
END
start_sonded conf -c "$dir/conf" || exit 1
last() { grep "\"check\":\"$1\"" "$dir/events" | tail -1; }
last_is() { last "$1" | grep -q "\"reason\":\"$2\""; }
check "the first name server answers" wait_for 5 last_is shop OK
check "it does not know the other name" wait_for 5 last_is new DNSERR

echo "nameserver 127.0.0.55" >"$dir/resolv.conf"
check "the next name server is silent" wait_for 8 last_is shop DNSTOUT
echo "nameserver 127.0.0.54" >"$dir/resolv.conf"
check "the third one answers" wait_for 5 last_is shop OK
check "it knows the other name" wait_for 5 last_is new OK
stop_sonded "$sonded_pid"
is "the daemon ends as it should" "$?" 0
done_testing
