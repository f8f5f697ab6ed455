#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A sink whose own thread tells its health until close has joined it takes nothing down: not
# at a reload, not at the end.
. "$(dirname "$0")/lib.sh"

start_target shop || exit 1
cat >"$dir/sonded.conf" <<END
checks = ( { name = "shop"; plugin = "tcp"; address = "127.0.0.1:$target_port"; interval = "200ms"; } );
sinks = ( { name = "bye"; plugin = "bye"; }, { name = "all"; plugin = "file"; path = "$dir/all"; } );
routes = ( { name = "all"; to = ["bye", "all"]; } );
END
start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/sonded.conf" || exit 1
check "the check is UP" wait_for 10 grep -q '"check":"shop","plugin":"tcp","state":"UP"' "$dir/all"
kill -HUP "$sonded_pid"
check "it reloads" wait_for 10 grep -q reloaded "$dir/sonded.log"
stop_sonded "$sonded_pid"
is "it ends with status 0" "$?" 0
no_sanitizer sonded
done_testing
