#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The state_dir is a disk of 4 MiB, the sinks' budgets are 16 MiB, and their Redis is cut off: so
# the disk is full before a budget is.  The daemon goes on, a file beside it gets everything, what
# a sink drops is counted event by event, and a source whose sink may block it loses nothing.
# When Redis is back everything drains and the journal goes on without a restart: after a kill -9
# then nothing is missing.  A disk that somebody else filled does no harm either.
. "$(dirname "$0")/lib.sh"
need python3 redis-server redis-cli mount
inside mount

keys=20 each=1500 # 30 s of 1,000 a second
count=110000 rate=1000
own_disk 4m
start_redis "$(free_port)" || { not_ok "Redis starts"; done_testing; }
start_proxy network "$redis_port" || { not_ok "a proxy starts"; done_testing; }

store() { # NAME FULL NUMBER-FIELD
	cat <<-END
		{ name = "$1"; plugin = "redis-store"; server = "127.0.0.1:$proxy_port"; timeout = "1s"; down_set = "";
		  versions = "$1"; key = "$1:{check}:{$3}"; present = false;
		  buffer = { memory = "1MiB"; disk = "16MiB"; sync = "50ms"; full = "$2"; }; }
	END
}
conf() { # LIFE: of the flips, which begin anew in each
	flips $keys $each
	numbers $keys $count $rate
	cat <<-END
		daemon = { observer = "test"; state_dir = "$dir/state"; };
		sinks = (
		    $(store "checks-$1" drop message),
		    $(store numbers block "$number_field"),
		    { name = "lines"; plugin = "file"; path = "$dir/lines-$1"; format = "{check} {message}"; }
		);
		routes = (
		    { name = "checks"; $flips_match; to = ["checks-$1", "lines"]; },
		    { name = "numbers"; $numbers_match; to = ["numbers"]; }
		);
	END
}
is_full() { grep -q 'journal: .*No space left on device' "$dir/first.log"; }
is_well() { tail -n +"$1" "$dir/first.log" | grep -q 'journal: the disk takes everything again'; }
dropping() { sleep 0.2 && [ "$(figure dropped "$(ledger_now first checks-1)")" -gt 0 ]; }
alive() { kill -0 "$sonded_pid"; }

conf 1 >"$dir/first.conf"
start_sonded first -c "$dir/first.conf" --plugin-dir "$misbehaving" || { not_ok "it starts"; done_testing; }
check "events are delivered" wait_for 10 delivered first checks-1 $keys
proxy network drop >/dev/null
check "the disk fills" wait_for 60 is_full
check "the sink drops what it cannot hold" wait_for 60 dropping
for sink in checks-1 numbers lines; do check "full: the ledger of $sink closes" ledger_closes first $sink; done
all_lines() { sleep 0.2 && [ "$(wc -l <"$dir/lines-1")" -ge $((keys * each)) ]; }
check "full: the file beside it gets everything" wait_for 60 all_lines
nothing_missing "... each event once" --keys $keys --each $each --ordered --duplicates 0 "file:$dir/lines-1"
check "full: the daemon is there" alive

# Redis may have what it never answered for: that may be dropped later, and is there all the same.
# What the network kept back would come on top of that: it goes.
stored() { redis --scan --pattern 'checks-1:*' | wc -l; }
unanswered=$(($(stored) - $(figure delivered "$(ledger_now first checks-1)")))
proxy network reset >/dev/null
lines=$(wc -l <"$dir/first.log")
proxy network pass >/dev/null
check "Redis is back: everything drains" wait_for 60 nothing_waits first checks-1
check "... and the journal makes room" wait_for 20 is_well "$lines"
now=$(ledger_now first checks-1)
note "checks-1: $now"
is "all were accepted" "$(figure accepted "$now")" $((keys * each))
dropped=$(figure dropped "$now")
beyond=$(($(stored) - (keys * each - dropped)))
check "Redis has all but the dropped ones ($beyond of $unanswered that it never answered for were dropped as well)" \
	test "$beyond" -ge 0 -a "$beyond" -le "$unanswered"
check "the last change of each check was not among them" eval \
	'[ "$(for n in $(seq $keys); do redis exists "checks-1:key-$n:flip $each"; done | sort -u)" = 1 ]'

# Filled by somebody else, with events on their way.
before=$(figure delivered "$(ledger_now first numbers)")
lines=$(wc -l <"$dir/first.log")
dd if=/dev/zero of="$dir/state/filler" bs=64k status=none 2>/dev/null
check "a disk filled by somebody else: events go on" wait_for 20 delivered first numbers $((before + 3 * rate))
rm "$dir/state/filler"
check "... and the journal as well when it is free again" wait_for 20 is_well "$lines"
check "the daemon is there" alive

# The journal holds again: what waits in it survives.
sleep 2
proxy network drop >/dev/null
sleep 2
kill_hard "$sonded_pid"
no_sanitizer first
proxy network pass >/dev/null
conf 2 >"$dir/second.conf"
start_sonded second -c "$dir/second.conf" --plugin-dir "$misbehaving" || { not_ok "it starts again"; done_testing; }
check "all numbers are settled" wait_for 90 numbers_settled $count
check "... and delivered" wait_for 60 nothing_waits second numbers
nothing_missing "the source that was blocked lost nothing" --count $count "redis:$redis_port:numbers:*"
figures "full disk, events $((keys * each + events)), dropped by policy and counted $dropped, missing beyond that $missing"
for sink in checks-2 numbers lines; do check "$sink: the ledger closes" ledger_closes second $sink; done
ends_clean second
check "the journal is whole" journal_whole "$dir/state"
done_testing
