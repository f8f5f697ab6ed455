#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# sonded --once runs every check once, prints a line for each, sends nothing to sinks, and
# answers 0 where all are UP, 1 where any is not, 2 where the configuration is wrong.
. "$(dirname "$0")/lib.sh"

start_target shop || exit 1
nobody=$(free_port)

# The checks of standard input, run once.
once() { # NAME
	{
		echo "daemon = { observer = \"node-1\"; state_dir = \"$dir/state\"; };"
		echo 'defaults = { interval = "60s"; timeout = "400ms"; };'
		echo "checks = ("
		cat
		echo ");"
		echo "sinks = ( { name = \"all\"; plugin = \"file\"; path = \"$dir/sent\"; } );"
		echo 'routes = ( { name = "all"; match = { kind = ["result", "change"]; }; to = ["all"]; } );'
	} >"$dir/$1.conf"
	run_sonded --plugin-dir "$misbehaving" -c "$dir/$1.conf" --once >"$dir/$1.out" 2>"$dir/$1.log"
	status=$?
}

once up <<END
  { name = "tcp"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
  { name = "http"; plugin = "http"; url = "http://127.0.0.1:$target_port/"; },
  { name = "blocking"; plugin = "older"; }
END
is "all UP: 0" "$status" 0
no_sanitizer up
is "a line for each, and none for the daemon itself" "$(wc -l <"$dir/up.out")" 3
is "... all of them UP" "$(grep -c '  UP  ' "$dir/up.out")" 3
is "... each check once" "$(grep -oE '  (tcp|http|blocking)  ' "$dir/up.out" | sort -u | wc -l)" 3

once down <<END
  { name = "tcp"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
  { name = "gone"; plugin = "tcp"; address = "127.0.0.1:$nobody"; }
END
is "one DOWN: 1, without a wait for fall" "$status" 1
check "... and it says why" grep -qE '  DOWN +gone .*L4CON .*refused' "$dir/down.out"
check "... the other is UP" grep -qE '  UP +tcp ' "$dir/down.out"
no_sanitizer down

once degraded <<END
  { name = "never"; plugin = "refuse-start"; times = 1000; file = "$dir/letters"; }
END
is "one UNKNOWN: 1" "$status" 1
check "... and it says why" grep -qE '  UNKNOWN +never .*OBSERVER .*cannot start: not yet' "$dir/degraded.out"
no_sanitizer degraded

once hangs <<END
  { name = "hangs"; plugin = "hang"; seconds = 1; },
  { name = "tcp"; plugin = "tcp"; address = "127.0.0.1:$target_port"; }
END
is "one that hangs: 1" "$status" 1
check "... TIMEOUT" grep -qE '  DOWN +hangs .*TIMEOUT ' "$dir/hangs.out"
is "... and told once" "$(grep -c hangs "$dir/hangs.out")" 1
no_sanitizer hangs

once none </dev/null
is "no check: 0" "$status" 0
is "... and nothing is said" "$(wc -c <"$dir/none.out")" 0

once wrong <<END
  { name = "tcp"; plugin = "tcp"; address = "127.0.0.1:$target_port"; interval = 30; }
END
is "a wrong configuration: 2" "$status" 2
is "... and nothing ran" "$(wc -c <"$dir/wrong.out")" 0

run_sonded --once -c "$dir/nowhere" >"$dir/absent.out" 2>"$dir/absent.log"
is "no configuration: 2" "$?" 2
run_sonded --onec >"$dir/typo.out" 2>"$dir/typo.log"
is "a wrong command line: 2" "$?" 2
check "nothing was sent" test ! -e "$dir/sent"
done_testing
