#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A server that answers the first of many messages and hangs up: what it answered is not sent
# again, the rest is, in order for each check, and the sink was DOWN meanwhile.  Then answers
# that come a byte at a time, refusals longer than them in between: no answer is waited for
# that has come already, and the ledger says which events were refused.
. "$(dirname "$0")/lib.sh"
need python3

cat >"$dir/server.py" <<'END'
import os, re, socket, sys, time

def messages(client, least):
    """So many PUBLISHes at least; a PING in between is answered.  None: hung up."""
    data, found = b"", []
    while len(found) < least:
        more = client.recv(65536)
        if not more:
            return None
        data += more
        if b"PING" in data:
            client.sendall(b"+PONG\r\n")
            data = data.replace(b"*1\r\n$4\r\nPING\r\n", b"")
        if data.endswith(b"\r\n"):
            found = re.findall(rb"it \S+ \d+", data)
    return [message.decode() for message in found]

def tell(*words):
    print(*words, file=log, flush=True)

log = open(sys.argv[1], "w")
listener = socket.create_server(("127.0.0.1", 0))
tell("port", listener.getsockname()[1])
client, _ = listener.accept()
first = messages(client, 1)
time.sleep(1)  # meanwhile events gather
for message in first:
    tell("kept", message)
client.sendall(b":0\r\n" * len(first))
many = messages(client, 6)
for message in many[:3]:
    tell("kept", message)
for message in many[3:]:
    tell("lost", message)
client.sendall(b":0\r\n" * 3)
client.close()
dripped = answered = 0
while True:
    client, _ = listener.accept()
    while (more := messages(client, 1)) is not None:
        if answered and time.monotonic() - answered > 2:
            tell("late", time.monotonic() - answered)
        answers = b""
        for i, message in enumerate(more):
            refused = len(more) > 3 and i % 4 == 1
            tell("refused" if refused else "kept", message)
            answers += b"-ERR not this one, it is much too long\r\n" if refused else b":0\r\n"
        if len(more) > 3 and dripped < 3:
            dripped += 1
            for i in range(len(answers)):
                client.sendall(answers[i:i + 1])
                time.sleep(0.001)
        else:
            client.sendall(answers)
        answered = time.monotonic()
        tell("dripped", dripped)
END
python3 "$dir/server.py" "$dir/seen" 2>"$dir/server.log" &
pids+=($!)
wait_for 10 grep -q '^port' "$dir/seen" || exit 1
port=$(sed -n 's/^port //p' "$dir/seen")
{ echo target && seq 12; } >"$dir/many.csv"
cat >"$dir/it.conf" <<END
daemon = { observer = "node-1"; };
targets = ( { name = "many"; file = "$dir/many.csv"; } );
checks = ( { name = "{target}"; plugin = "ready"; interval = "250ms"; timeout = "200ms"; targets = ["many"]; } );
sinks = ( { name = "live"; plugin = "redis-notify"; server = "127.0.0.1:$port"; timeout = "3s";
  format = "it {check} {seq}"; } );
routes = ( { name = "all"; match = { kind = "result"; }; to = ["live"]; } );
END

start_sonded sonded --plugin-dir "$misbehaving" -c "$dir/it.conf" || exit 1
check "the server hung up amid a batch" wait_for 20 grep -q '^lost' "$dir/seen"
check "the sink was DOWN" wait_for 5 grep -q 'sink "live": DOWN: .*the server closed' "$dir/sonded.log"
check "and is found again" wait_for 5 grep -q 'sink "live": UP again' "$dir/sonded.log"
check "some are refused" wait_for 20 grep -q '^refused' "$dir/seen"
check "answers come by the byte" wait_for 30 grep -q '^dripped 3' "$dir/seen"
sleep 1
read -r accepted delivered rejected dropped queued _ < <(ledger sonded live)
check "the ledger closes" closes "$accepted" "$delivered" "$rejected" "$dropped" "$queued"
is "nothing was dropped" "$dropped" 0
is "no answer was waited for in vain" "$(grep '^late' "$dir/seen")" ""
ends_clean sonded
is "no event that was answered came again" "$(grep '^kept\|^refused' "$dir/seen" | cut -d' ' -f2- | sort | uniq -d)" ""
is "what had no answer came again" \
	"$(grep '^lost' "$dir/seen" | cut -d' ' -f2- | sort | comm -23 - <(grep '^kept\|^refused' "$dir/seen" | cut -d' ' -f2- | sort))" ""
is "in the order of each check" "$(awk '/^(kept|refused)/ { if ($4 + 0 <= last[$3]) print; last[$3] = $4 + 0 }' "$dir/seen")" ""
done_testing
