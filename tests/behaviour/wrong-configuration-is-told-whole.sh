#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A directory with a fault of every sort, over several files: all of them are told in one
# run, each with file and line, what is wrong and the nearest right name; the exit status
# is 2 and nothing was started.
. "$(dirname "$0")/lib.sh"

conf=$dir/conf.d
mkdir "$conf"
cat >"$conf/10-syntax.conf" <<'END'
checks = (
  { name = "a"; plugin = "tcp"; address = "127.0.0.1:1"; }
  { name = "b"; plugin = "http"; url = "http://127.0.0.1/"; status = ["200" "204"]; },
  { name = "c"; plugin = "tcp; address = "127.0.0.1:1"; },
  { name = "d"; plugin = "tcp"; address = "127.0.0.1:1"; negate = yes; },
  { name = "e"; plugin = tcp; address = "127.0.0.1:1"; },
);
END
cat >"$conf/11-bracket.conf" <<'END'
# Not closed:
sinks = (
  { name = "open"; plugin = "file"; path = "/dev/null"; }
END
cat >"$conf/12-bracket.conf" <<'END'
sinks = ( { name = "closed"; plugin = "file"; path = "/dev/null"; ] );
END
cat >"$conf/13-include.conf" <<'END'
@include "elsewhere.conf"
END
cat >"$conf/14-number.conf" <<'END'
daemon = { loops = 4294967297; };
END
cat >"$conf/15-key.conf" <<'END'
daemon = { log = "info"; loops = 1; log = "debug"; };
END
cat >"$conf/20-checks.conf" <<END
daemon = { observer = "node-1"; loops = 65; state_dir = "$dir/state"; };
defaults = { interval = "1s"; buffer = { memroy = "1MiB"; }; file = { buffer = { evnts = 1; }; pth = "x"; }; };
checks = (
  { name = "one"; plugin = "tcp"; address = "127.0.0.1:1"; interval = 30; },
  { name = "two"; plugin = "tcp"; adress = "127.0.0.1:1"; },
  { name = "three"; plugin = "tpc"; address = "127.0.0.1:1"; },
  { name = "four"; plugin = "tcp"; address = "127.0.0.1:1"; handshake = "hafl"; },
  { name = "five"; plugin = "tcp"; address = "127.0.0.1:1"; timeout = "2s"; },
  { name = "same"; plugin = "tcp"; address = "127.0.0.1:1"; },
  { name = "six"; plugin = "tcp"; address = "127.0.0.1:1"; fall = "9999999999999999999"; },
  { name = "seven"; plugin = "tcp"; },
  { plugin = "tcp"; address = "127.0.0.1:1"; },
  { name = "eight"; plugin = "tcp"; address = "127.0.0.1"; },
  { name = "nine"; plugin = "tcp"; address = "127.0.0.1:1"; targets = ["fleat"]; },
  { name = "ten"; plugin = "tcp"; address = "127.0.0.1:1"; latency_warn = "3s"; },
  { name = "eleven"; plugin = "tcp"; address = "127.0.0.1:1"; latency_warn = "500ms"; latency_fail = "200ms"; }
);
targets = ( { name = "fleet"; hosts = ["h1"]; } );
sinks = (
  { name = "alerts"; plugin = "file"; path = "$dir/alerts"; },
  { name = "twice"; plugin = "file"; path = "$dir/twice"; },
  { name = "form"; plugin = "file"; path = "$dir/form"; format = "{stat}"; },
  { name = "kept"; plugin = "file"; path = "$dir/kept"; buffer = { memroy = "1MiB"; }; },
  { name = "lost"; plugin = "flie"; path = "$dir/lost"; }
);
END
cat >"$conf/30-more.conf" <<END
daemon = { observer = "node-2"; };
chekcs = ( );
checks = ( { name = "same"; plugin = "tcp"; address = "127.0.0.1:1"; } );
sinks = ( { name = "twice"; plugin = "file"; path = "$dir/twice"; otherwise = "alarts"; },
  { name = "a"; plugin = "file"; path = "$dir/a"; otherwise = "b"; },
  { name = "b"; plugin = "file"; path = "$dir/b"; otherwise = "c"; },
  { name = "c"; plugin = "file"; path = "$dir/c"; otherwise = "a"; },
  { name = "d"; plugin = "file"; path = "$dir/d"; otherwise = "c"; },
  { name = "e"; plugin = "file"; path = "$dir/e"; otherwise = "e"; failover_after = "1m"; },
  { name = "f"; plugin = "file"; path = "$dir/f"; failover_after = "1m"; }
);
routes = (
  { name = "all"; to = ["alrets"]; },
  { name = "odd"; match = { sate = "DOWN"; }; to = ["alerts"]; },
  { name = "state"; match = { state = "DONW"; }; to = ["alerts"]; },
  { name = "all"; to = ["alerts"]; }
);
END

told=$dir/told
timeout 20 bash -c '"$@"' _ "$sonded" --plugin-dir "$plugins" -c "$conf" >"$dir/out" 2>"$told"
is "the exit status is 2" "$?" 2

# Once, at the line, in these words.
tells() { # WHAT FILE:LINE WORDS
	local count
	count=$(grep -cF -- "$conf/$2: $3" "$told")
	if [ "$count" = 1 ]; then ok "$1"; else not_ok "$1" "told $count times: $2: $3" "$(grep -F "/${2%:*}:" "$told")"; fi
}

tells "a missing comma between groups" 10-syntax.conf:3 'a comma is missing before {'
tells "a missing comma between texts" 10-syntax.conf:3 'a comma is missing between "200" and "204"'
tells "a missing quote" 10-syntax.conf:4 'a quote is missing, or one too many, in "tcp; address = '
tells "yes" 10-syntax.conf:5 'yes is no value; write true'
tells "a word without quotes" 10-syntax.conf:6 'tcp needs quotes: write "tcp"'
tells "a trailing comma" 10-syntax.conf:7 'a comma stands before the closing ")": take it away'
tells "a bracket that is not closed" 11-bracket.conf:2 'the "(" that stands here is never closed'
tells "a bracket of another kind" 12-bracket.conf:1 'the "{" of line 1 needs "}", not "]"'
tells "@include" 13-include.conf:1 '@include is not supported: put the file into the configuration directory'
tells "an integer past 31 bits" 14-number.conf:1 '4294967297 is too large a number'
tells "a key twice in a file" 15-key.conf:1 '"log" is already set in line 1'
tells "a value out of its range" 20-checks.conf:1 'daemon: loops must be from 1 to 64, not 65'
tells "an unknown key of the buffer of all" 20-checks.conf:2 'defaults: unknown option "memroy"; did you mean "memory"?'
tells "... of the buffer of a plugin" 20-checks.conf:2 'defaults.file: unknown option "evnts"; did you mean "events"?'
tells "an unknown key of a plugin's defaults" 20-checks.conf:2 'defaults.file: unknown option "pth"; did you mean "path"?'
tells "a duration without a unit" 20-checks.conf:4 \
	'check "one": interval is a duration and needs a unit, in quotes, as in "30s"'
tells "an unknown option" 20-checks.conf:5 \
	'check "two": unknown option "adress"; did you mean "address"?'
tells "an unknown plugin" 20-checks.conf:6 'check "three": no probe "tpc" in '
check "... with the nearest name" grep -q 'no probe "tpc" in .*; did you mean "tcp"?$' "$told"
tells "a wrong choice" 20-checks.conf:7 \
	'check "four": handshake must be one of "full", "half", not "hafl"; did you mean "half"?'
tells "a timeout over the interval" 20-checks.conf:8 \
	'check "five": timeout is longer than interval; a run must be over before the next one is due'
tells "a latency that no run can reach" 20-checks.conf:15 \
	'check "ten": latency_warn is not below the timeout (1s), so no run can cross it'
tells "a warning behind the failure" 20-checks.conf:16 \
	'check "eleven": latency_warn must be below latency_fail'
tells "a number past 63 bits in a text" 20-checks.conf:10 'check "six": fall must be a whole number'
tells "a missing option" 20-checks.conf:11 'check "seven": address is missing'
tells "a check without a name" 20-checks.conf:12 'a check without a name'
tells "what the plugin itself finds" 20-checks.conf:13 'check "eight": address'
tells "an unknown target list" 20-checks.conf:14 \
	'check "nine": no target list is named "fleat"; did you mean "fleet"?'
tells "a field that no event has" 20-checks.conf:22 'sink "form": format: '
tells "an unknown key of a buffer" 20-checks.conf:23 \
	'sink "kept": unknown option "memroy"; did you mean "memory"?'
tells "an unknown sink plugin" 20-checks.conf:24 'sink "lost": no sink "flie" in '
tells "the same key of daemon in two files" 30-more.conf:1 \
	"daemon: \"observer\" is already set at $conf/20-checks.conf:1"
tells "an unknown section" 30-more.conf:2 'unknown section "chekcs"; did you mean "checks"?'
tells "two checks of one name" 30-more.conf:3 \
	"check \"same\": the name is taken at $conf/20-checks.conf:9"
tells "two sinks of one name" 30-more.conf:4 \
	"sink \"twice\": the name is taken at $conf/20-checks.conf:21"
tells "an unknown sink behind otherwise" 30-more.conf:4 \
	'sink "twice": otherwise: no other sink is named "alarts"; did you mean "alerts"?'
tells "sinks that send to each other in a circle, once" 30-more.conf:5 \
	'sink "a": otherwise goes in a circle: "a" -> "b" -> "c" -> "a"'
tells "one that sends to itself" 30-more.conf:9 'sink "e": otherwise: no other sink is named "e"'
tells "failover without anywhere to go" 30-more.conf:10 \
	'sink "f": failover_after needs otherwise, the sink that then takes what waits'
tells "an unknown sink in a route" 30-more.conf:13 \
	'route "all": unknown sink "alrets"; did you mean "alerts"?'
tells "an unknown key of match" 30-more.conf:14 'route "odd": unknown key "sate"; did you mean "state"?'
tells "an unknown state" 30-more.conf:15 'route "state": unknown state "DONW"; did you mean "DOWN"?'
tells "two routes of one name" 30-more.conf:16 "route \"all\": "

count=$(grep "^$conf/" "$told" | grep -cv ': warning: ')
is "the last line counts them" "$(tail -1 "$told")" "$count errors: nothing was started"
is "nothing else is said" "$(grep -cv "^$conf/" "$told")" 1
is "nothing is printed" "$(wc -c <"$dir/out")" 0
check "no state_dir was made" test ! -e "$dir/state"
check "no sink was opened for writing" test ! -e "$dir/alerts"

timeout 20 bash -c '"$@"' _ "$sonded" --plugin-dir "$plugins" -c "$conf" --check >"$dir/out" 2>"$dir/checked"
is "--check ends with 2 as well" "$?" 2
check "... and says the same" cmp "$told" "$dir/checked"
done_testing
