#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The probe process fails in each way ten thousand times, fifty checks of each kind side by side in
# one daemon: it ends with the descriptors, the threads and the heap that it had before.
. "$(dirname "$0")/lib.sh"

# See growth.sh for what the columns are.
kinds() {
	cat <<'END'
process-none | falls | DOWN PROCNONE | | process | comm = "nobody-{target}";
process-no-pidfile | falls | DOWN PROCNONE | | process | pidfile = "DIR/{target}.pid";
process-dead | falls | DOWN PROCNONE | | process | pidfile = "DIR/dead.pid";
process-many | falls | DOWN PROCMANY | | process | comm = "hostile-many"; min = 0; max = 0;
process-limit | falls | DOWN LIMIT | | process | comm = "hostile-many"; rss_fail = "1KiB"; pss_warn = "1KiB"; fds_warn = 1; cpu_warn = 1; uptime_warn = "1d"; children = true;
process-dies-pidfile | lives | DOWN PROCEXIT | | process | pidfile = "DIR/dies.pid";
process-dies-comm | lives | DOWN PROCEXIT | | process | comm = "hostile-dies";
process-dies-cmdline | lives | DOWN PROCEXIT | | process | cmdline = "^[^ ]*hostile-dies 3600"; children = true; rss_fail = "1GiB";
process-restarts | lives | DEGRADED LIMIT | | process | comm = "hostile-dies"; terminate_delay = "10s"; restarts_warn = 1;
END
}
. "$(dirname "$0")/growth.sh"
grows_not
