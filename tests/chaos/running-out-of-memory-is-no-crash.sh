#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Memory runs out at each place that asks for some, once and for good: in every unit test,
# while sonded checks a right and a wrong configuration, describes a plugin, and asks each
# probe once.  Our own "out of memory" may end it, a test may fail in order, and a library
# may crash, which is listed; a crash in our code, or a hang, fails.
#
# The short form spends 80 seconds, evenly over the places.  SONDE_SOAK=1: all of them, and
# every call of those programs that make no more than 20,000.
. "$(dirname "$0")/../behaviour/lib.sh"
chaos=$srcdir/tests/chaos
need python3 addr2line
preload=$builddir/tests/.libs/nomem.so
[ -e "$preload" ] || skip_all "a sanitizer has a heap of its own"
seconds=80
[ "${SONDE_SOAK:-0}" = 1 ] && seconds=0

start_target shop || exit 1
mkdir "$dir/right.d" "$dir/scratch"
printf 'target,role,port\n192.0.2.1,db,22\n192.0.2.2,"web ""two""",80\n' >"$dir/right.d/fleet.csv"
echo 's3cret' >"$dir/password"
cat >"$dir/right.d/10.conf" <<END
daemon = { observer = "node-1"; state_dir = "$dir/state"; loops = 2; };
defaults = { interval = "30s"; timeout = "3s"; http = { max_redirects = 3; user_agent = "a \${HOME}"; }; };
targets = ( { name = "fleet"; file = "fleet.csv"; },
            { name = "edge"; hosts = ["web1", "web2"]; labels = { site = "icn"; }; } );
checks = (
  { name = "ssh:{target}"; plugin = "tcp"; address = "{target}:{labels.port}"; targets = ["fleet"];
    where = { role = "db*"; }; labels = { team = "{labels.role}"; }; },
  { name = "edge:{target}"; plugin = "http"; url = "https://{target}/x"; targets = ["edge"];
    cert_sha256 = ["$(printf 'ab%.0s' $(seq 32))"]; tls_min = "1.2"; },
  { name = "mail"; plugin = "tcp"; address = "192.0.2.3:25"; starttls = "smtp"; verify = false;
    steps = ["expect-regex ^250[ -](?<name>[a-z]+)", "send NOOP {name}\\r\\n", "expect 250"]; },
  { name = "api"; plugin = "http"; url = "http://192.0.2.4/"; json = ["a.b[0] == \"ok\"", "n >= 3"];
    headers = ["X-A: b"]; headers_match = ["Server: ^n"]; body_match = "o+k"; status = ["200-299", "!204"];
    user = "me"; password = "@file:$dir/password"; },
  { name = "cron"; plugin = "process"; cmdline = "^/usr/sbin/cron"; user = "root"; rss_warn = "1GiB"; }
);
END
cat >"$dir/right.d/20.conf" <<END
sinks = (
  { name = "alerts"; plugin = "kafka"; brokers = "127.0.0.1:1"; topic = "a-{labels.role}";
    headers = ["x={state}"]; properties = ["socket.keepalive.enable=true"]; otherwise = "dead"; },
  { name = "current"; plugin = "redis-store"; server = "127.0.0.1:1"; type = "hash";
    fields = ["state={state}", "why={message}"]; },
  { name = "live"; plugin = "redis-notify"; server = "unix:$dir/none"; format = "{check} {state}"; },
  { name = "dead"; plugin = "file"; path = "$dir/dead"; },
  { name = "out"; plugin = "stdout"; format = "text"; }
);
routes = (
  { name = "db"; match = { kind = "change"; labels = { role = "db"; }; state = ["DOWN"]; }; to = ["alerts"]; },
  { name = "all"; match = { check = "*:*"; }; to = ["current", "live", "out"]; }
);
END
cat >"$dir/wrong.conf" <<END
checks = ( { name = "a"; plugin = "tcp"; adress = "x:1"; timeout = "9 parsecs"; },
           { name = "b"; plugin = "htpp"; }, { name = "c"; plugin = "http"; url = "ftp://x"; json = ["a ="]; },
           { name = "a"; plugin = "tcp"; address = "x:1"; steps = ["expect-regex ("]; } );
sinks = ( { name = "s"; plugin = "kafka"; brokers = 3; } );
routes = ( { name = "r"; match = { sate = "DOWN"; }; to = ["t"]; } );
END
cat >"$dir/once.conf" <<END
defaults = { timeout = "2s"; };
checks = (
  { name = "tcp"; plugin = "tcp"; address = "127.0.0.1:$target_port"; },
  { name = "refused"; plugin = "tcp"; address = "127.0.0.1:$(free_port)"; },
  { name = "name"; plugin = "tcp"; address = "localhost:$target_port"; },
  { name = "http"; plugin = "http"; url = "http://127.0.0.1:$target_port/"; body_match = "."; },
  { name = "process"; plugin = "process"; pidfile = "$dir/shop.pid"; children = true; rss_warn = "1GiB"; },
  { name = "cmdline"; plugin = "process"; cmdline = "target"; }
);
sinks = ( { name = "out"; plugin = "stdout"; } );
routes = ( { name = "all"; to = ["out"]; } );
END

{
	for unit in $("${MAKE:-make}" -s -C "$builddir" print-unit-tests 2>/dev/null); do
		# Fourteen million calls: no time for even one place.  spool.t goes the same ways.
		[ "$(basename "$unit")" = spool_life.t ] && continue
		printf '%s\t0\t%s\n' "$(basename "$unit")" "$builddir/$unit"
	done
	daemon="$sonded --plugin-dir $plugins"
	printf '%s\t%s\t%s\n' \
		"check, right" 0 "$daemon -c $dir/right.d --check" \
		"check, example" 0 "$daemon -c $srcdir/docs/examples/health-alerts --check" \
		"check, wrong" 2 "$daemon -c $dir/wrong.conf --check" \
		"once" 1 "$daemon -c $dir/once.conf --once" \
		"describe" 0 "$daemon --describe http"
} >"$dir/cases"
python3 "$chaos/nomem.py" "$preload" "$builddir" "$dir/scratch" "$seconds" "$dir/cases" \
	>"$dir/walk" 2>&1
status=$?
grep -v '^BAD\|^  ' "$dir/walk" | sed 's/^/# /'
is "every program was tried" "$(grep -c '^case: .*[1-9][0-9]* calls .* [1-9][0-9]* runs$' "$dir/walk")" \
	"$(wc -l <"$dir/cases")"
if [ "$status" = 0 ]; then
	ok "no crash in our code, and no hang"
else
	not_ok "no crash in our code, and no hang" "$(grep -A 9 '^BAD' "$dir/walk" | head -80)" \
		"$(grep -v '^case: ' "$dir/walk" | tail -5)"
fi
note "figures: $(tail -1 "$dir/walk")"
done_testing
