#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A server and a process put escapes, control characters, a right-to-left mark and bytes that
# are no UTF-8 into what they say: the log, the text on a terminal, the JSON and Redis get
# clean text of one line.
. "$(dirname "$0")/lib.sh"
need jq python3 redis-server redis-cli

start_redis || exit 1
cat >"$dir/evil.py" <<'END'
import ctypes, os, socket, sys
NASTY = b"a\x1b[31mb\x1b]0;title\x07c\x9bd\xe2\x80\xaee\xe2\x80\xa8f\xff\xfegh\x7fi\xc0\xafj\tk\"l\\m"
ctypes.CDLL(None).prctl(15, b"\x1b[2J\xe2\x80\xae\xff\n\"x", 0, 0, 0)
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(64)
with open(sys.argv[1] + ".tmp", "w") as out:
    out.write(str(server.getsockname()[1]))
os.rename(sys.argv[1] + ".tmp", sys.argv[1])
while True:
    client, _ = server.accept()
    asked = client.recv(65536)
    if b"/garbage" in asked:
        client.sendall(b"\x00" + NASTY + b"\r\n" + NASTY)
    elif b"/body" in asked:
        client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<title>\x00" + NASTY + b"</title>")
    elif b"/redirect" in asked:
        client.sendall(b"HTTP/1.1 302 " + NASTY + b"\r\nLocation: http://" + NASTY + b"/\r\nContent-Length: 0\r\n\r\n")
    else:
        client.sendall(b"HTTP/1.1 500 " + NASTY + b"\r\nX-" + NASTY + b": " + NASTY + b"\r\nContent-Length: 0\r\n\r\n")
    client.close()
END
python3 "$dir/evil.py" "$dir/port" 2>"$dir/evil.log" &
evil=$!
pids+=("$evil")
wait_for 10 test -s "$dir/port" || exit 1
port=$(cat "$dir/port")
echo "$evil" >"$dir/evil.pid"
cat >"$dir/sonded.conf" <<END
daemon = { observer = "node-1"; log = "debug"; };
defaults = { interval = "200ms"; fall = 1; };
checks = (
  { name = "status"; plugin = "http"; url = "http://127.0.0.1:$port/status"; },
  { name = "garbage"; plugin = "http"; url = "http://127.0.0.1:$port/garbage"; },
  { name = "body"; plugin = "http"; url = "http://127.0.0.1:$port/body"; body = "never there"; },
  { name = "redirect"; plugin = "http"; url = "http://127.0.0.1:$port/redirect"; },
  { name = "process"; plugin = "process"; pidfile = "$dir/evil.pid"; }
);
sinks = (
  { name = "terminal"; plugin = "stdout"; },
  { name = "json"; plugin = "file"; path = "$dir/json"; },
  { name = "line"; plugin = "file"; path = "$dir/line"; format = "{check}: {message} {details.line}"; },
  { name = "redis"; plugin = "redis-store"; server = "127.0.0.1:$redis_port"; value = "{message}"; }
);
routes = ( { name = "all"; match = { kind = ["result", "change"]; not = { check = "observer:*"; }; }; to = ["terminal", "json", "line", "redis"]; } );
END
start_sonded sonded -c "$dir/sonded.conf" || exit 1
told() { grep -q "\"kind\":\"change\".*\"check\":\"$1\"" "$dir/json"; }
for name in status garbage body redirect process; do
	check "$name has its say" wait_for 10 told $name
done
for name in status garbage body redirect process; do
	stored() { [ -n "$(redis GET "server-health:$1")" ]; }
	wait_for 5 stored $name
	redis --raw GET "server-health:$name"
done >"$dir/redis"
kill "$evil"
killed() { grep -q '"check":"process".*"state":"DOWN"' "$dir/json"; }
check "the process's end is told" wait_for 5 killed
ends_clean sonded

# UTF-8 without control characters (C0, DEL, C1), marks of direction, line separators.
cat >"$dir/clean.py" <<'END'
import sys, unicodedata
text = open(sys.argv[1], "rb").read().decode("utf-8")
for number, line in enumerate(text.split("\n"), 1):
    for char in line:
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
            sys.exit(f"line {number} holds {char!r}: {line!r}")
END
for file in sonded.log sonded.out json line redis; do
	check "$file is clean" python3 "$dir/clean.py" "$dir/$file"
done
check "each line of the JSON is valid" jq -e . "$dir/json"
is "... and one event" "$(jq -r .id "$dir/json" | wc -l)" "$(wc -l <"$dir/json")"
jq -r '.. | strings' "$dir/json" >"$dir/strings"
check "... and what it decodes to is clean" python3 "$dir/clean.py" "$dir/strings"
is "Redis has a line a check" "$(wc -l <"$dir/redis")" 5
is "a line of text an event" "$(wc -l <"$dir/sonded.out")" "$(wc -l <"$dir/json")"
check "what is harmless is kept: the status" grep -q '500' "$dir/redis"
check "... and the letters around the escapes" grep -q 'a.*\[31mb.*k"l' "$dir/strings"
note "status:  $(jq -r 'select(.check == "status") | .message' "$dir/json" | head -1)"
note "garbage: $(jq -r 'select(.check == "garbage") | .message' "$dir/json" | head -1)"
note "process: $(jq -r 'select(.check == "process") | .message' "$dir/json" | head -1)"
done_testing
