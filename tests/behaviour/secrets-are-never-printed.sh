#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What comes from ${NAME}, @file: and $CREDENTIALS_DIRECTORY is used and never printed: not by
# --check, not in the log, not in what is told of a wrong value.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli

export SONDE_TEST_WORD=s3cret-of-the-environment SONDE_TEST_WORD_2=s3cret_of_a_step
mkdir -m 700 "$dir/credentials"
echo s3cret-of-the-file >"$dir/file"
echo s3cret-of-systemd >"$dir/credentials/word"
export CREDENTIALS_DIRECTORY=$dir/credentials

start_redis "$(free_port)" --requirepass s3cret-of-the-file || exit 1
REDISCLI_AUTH=s3cret-of-the-file
export REDISCLI_AUTH
cat >"$dir/right.conf" <<END
daemon = { observer = "node-1"; log = "debug"; };
checks = (
  { name = "a"; plugin = "tcp"; address = "127.0.0.1:$redis_port"; interval = "200ms"; },
  { name = "b"; plugin = "tcp"; address = "127.0.0.1:$redis_port"; interval = "200ms"; fall = 1;
    steps = ["send PING\r\n", "expect(50ms) \${SONDE_TEST_WORD}"]; },
  { name = "c"; plugin = "tcp"; address = "127.0.0.1:$redis_port"; interval = "200ms"; fall = 1;
    steps = ["send PING\r\n", "expect-regex(50ms) \${SONDE_TEST_WORD}"]; }
);
sinks = (
  { name = "events"; plugin = "stdout"; format = "json"; },
  { name = "right"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; password = "@file:$dir/file"; },
  { name = "wrong"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; password = "\${SONDE_TEST_WORD}"; },
  { name = "other"; plugin = "redis-notify"; server = "127.0.0.1:$redis_port"; user = "nobody"; password = "@file:word"; }
);
routes = ( { name = "all"; to = ["right", "wrong", "other", "events"]; } );
END
run_sonded -c "$dir/right.conf" --check >"$dir/table" 2>"$dir/told"
is "--check takes all three" "$?" 0

start_sonded sonded -c "$dir/right.conf" || exit 1
check "the right password opens Redis" wait_for 5 test "$(redis GET server-health:a 2>/dev/null)" = UP
check "the wrong one does not, and that is told" wait_for 5 grep -q 'sink "wrong": DOWN' "$dir/sonded.log"
check "nor does the other" wait_for 5 grep -q 'sink "other": DOWN' "$dir/sonded.log"
check "a step that fails is told by its verb" wait_for 5 eval \
	"grep -q 'step 2 (expect): no answer' '$dir/sonded.out' && grep -q 'step 2 (expect-regex): no answer' '$dir/sonded.out'"
ends_clean sonded

# Wrong values, wherever one can be wrong.
cat >"$dir/wrong.conf" <<END
daemon = { log = "\${SONDE_TEST_WORD}"; loops = "@file:$dir/file"; };
checks = (
  { name = "a"; plugin = "tcp"; address = "127.0.0.1:1"; interval = "\${SONDE_TEST_WORD}"; },
  { name = "b"; plugin = "tcp"; address = "@file:$dir/file"; },
  { name = "c"; plugin = "tcp"; address = "\${SONDE_TEST_WORD}"; },
  { name = "d"; plugin = "tcp"; address = "127.0.0.1:1"; handshake = "@file:word"; },
  { name = "e"; plugin = "tcp"; address = "127.0.0.1:1"; fall = "@file:word"; },
  { name = "f"; plugin = "tcp"; address = "127.0.0.1:1"; negate = "\${SONDE_TEST_WORD}"; },
  { name = "g"; plugin = "http"; url = "\${SONDE_TEST_WORD}"; },
  { name = "h"; plugin = "http"; url = "http://127.0.0.1:1/"; status = ["@file:word"]; },
  { name = "i"; plugin = "\${SONDE_TEST_WORD}"; },
  { name = "j"; plugin = "tcp"; address = "127.0.0.1:1"; targets = ["\${SONDE_TEST_WORD}"]; },
  { name = "k"; plugin = "process"; cmdline = "(\${SONDE_TEST_WORD}"; },
  { name = "l"; plugin = "process"; pidfile = "\${SONDE_TEST_WORD}"; },
  { name = "m"; plugin = "http"; url = "http://127.0.0.1:1/"; method = "@file:word"; headers = ["\${SONDE_TEST_WORD}"]; },
  { name = "n"; plugin = "tcp"; address = "127.0.0.1:1"; steps = ["expect(2x) \${SONDE_TEST_WORD} and more, so that the line is a long one"]; },
  { name = "o"; plugin = "tcp"; address = "127.0.0.1:1"; steps = ["send {\${SONDE_TEST_WORD_2}}"]; },
  { name = "p"; plugin = "tcp"; address = "127.0.0.1:1"; steps = ["\${SONDE_TEST_WORD} and more, so that the line is a long one"]; }
);
sinks = (
  { name = "a"; plugin = "redis-store"; server = "\${SONDE_TEST_WORD}"; password = "\${SONDE_TEST_WORD}"; },
  { name = "b"; plugin = "redis-store"; server = "127.0.0.1:1"; key = "{\${SONDE_TEST_WORD}}"; },
  { name = "c"; plugin = "redis-store"; server = "127.0.0.1:1"; format = "{\${SONDE_TEST_WORD}}"; },
  { name = "d"; plugin = "redis-store"; server = "127.0.0.1:1"; format = "@file:$dir/file"; },
  { name = "e"; plugin = "redis-store"; server = "127.0.0.1:1"; otherwise = "@file:$dir/file"; },
  { name = "f"; plugin = "redis-store"; server = "127.0.0.1:1"; buffer = { memory = "\${SONDE_TEST_WORD}"; sync = "@file:word"; }; },
  { name = "g"; plugin = "redis-store"; server = "127.0.0.1:1"; db = "\${SONDE_TEST_WORD}"; password = [1]; },
  { name = "h"; plugin = "redis-store"; server = "127.0.0.1:1"; type = "\${SONDE_TEST_WORD}"; ttl = "@file:word"; }
);
routes = (
  { name = "a"; to = ["\${SONDE_TEST_WORD}"]; },
  { name = "b"; match = { state = "\${SONDE_TEST_WORD}"; kind = "@file:word"; }; to = ["a"]; }
);
END
run_sonded -c "$dir/wrong.conf" --check >"$dir/wrong.out" 2>"$dir/wrong.log"
is "wrong values are told" "$?" 2
check "... each as ***" grep -qF 'check "a": interval must be a duration, as in "30s", not ***' "$dir/wrong.log"
check "... a choice" grep -qF 'check "d": handshake must be one of "full", "half", not ***' "$dir/wrong.log"
check "... a number" grep -qF 'check "e": fall must be a whole number, not ***' "$dir/wrong.log"
check "... a step" grep -qF 'check "n": steps: steps[1] (expect): in the parentheses stand times' "$dir/wrong.log"
check "... what is sent" grep -qF 'check "o": steps: steps[1] (send): no earlier step captures' "$dir/wrong.log"
check "... no step" grep -qF 'check "p": steps: steps[1]: unknown verb' "$dir/wrong.log"
no_sanitizer wrong

# A variable that is not set, a file that is not there: their names are no secrets.
cat >"$dir/absent.conf" <<'END'
sinks = (
  { name = "a"; plugin = "redis-store"; server = "127.0.0.1:1"; password = "${SONDE_NOT_SET}"; },
  { name = "b"; plugin = "redis-store"; server = "127.0.0.1:1"; password = "@file:absent"; }
);
END
run_sonded -c "$dir/absent.conf" --check >"$dir/absent.out" 2>"$dir/absent.log"
check "an unset variable is named" grep -qF 'absent.conf:2: "password": the environment variable SONDE_NOT_SET is not set' "$dir/absent.log"
check "a missing file is named" grep -qF "absent.conf:3: \"password\": $dir/credentials/absent" "$dir/absent.log"

for file in table told sonded.log sonded.out wrong.out wrong.log; do
	if grep -q s3cret "$dir/$file"; then
		not_ok "$file holds no secret" "$(grep s3cret "$dir/$file")"
	else
		ok "$file holds no secret"
	fi
done
done_testing
