#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# hostile_judge.py - what the tests with hostile targets make of the events that a file sink
# wrote, one JSON object a line.
#
#   hostile_judge.py witness FILE PIDFILE  writes "FROM TO MS" to FILE whenever the loop of the
#                                          daemon could not run for MS: others had its
#                                          processor (the scheduler tells), or the machine
#                                          stood still (we woke late ourselves).  Until
#                                          ended; run it on the daemon's processor, before it.
#   hostile_judge.py asked EVENTS N NAME...    whether each was asked N times
#   hostile_judge.py answers EVENTS STALLS CASES TIMEOUT   a line NAME|ANSWERS|MS|MESSAGE for each
#                                          check: all its answers, but for those that are
#                                          wrong by CASES when the loop could not run for
#                                          more than 50 ms, and its longest run, which
#                                          loses nothing up to TIMEOUT (ms)
#   hostile_judge.py gaps EVENTS STALLS NAME FIRST ROUND   between two results of it: p99,
#                                          longest, longest of all rounds of ROUND seconds but
#                                          for the worst round (ms), and how many; in the
#                                          first FIRST seconds, and after; but for those
#                                          where much was lost shortly before
#   hostile_judge.py changes EVENTS PLUGIN     how many checks of the plugin changed through
#                                          which states: a line COUNT STATE STATE ... each
#   hostile_judge.py lag EVENTS STALLS INTERVAL RETRY   how late runs began: p50, p99, longest
#                                          (ms) and how many; from when they were due by
#                                          their phase (DESIGN: the hash of the name), or
#                                          RETRY after an answer that is not hard yet
#   hostile_judge.py clean FILE            whether it is UTF-8 without control characters,
#                                          marks of direction and separators of lines, and
#                                          so is what its JSON decodes to
#
# Times are without those in which the loop could not run.
import bisect
import collections
import datetime
import glob
import json
import os
import re
import sys
import time
import unicodedata

NAP = 0.001     # seconds
LATE = 0.0003   # later than that the machine stood still, where we go before all others;
LATE_BEHIND = 0.008  # and where we may have waited for the daemon itself
CAUGHT_UP = 0.5  # seconds after which what waited meanwhile is done
DISTURBED = 50  # ms lost within a run: a wrong answer means nothing
STEADY = 0.3    # of all time may be lost, and times without it still tell something
MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
LONGEST = 16384  # bytes of an event's JSON


def loop_of(pidfile):
    """Waits for the daemon's loop, and answers where the scheduler tells of it."""
    while True:
        try:
            with open(pidfile) as file:
                tasks = glob.glob("/proc/%d/task/*" % int(file.read()))
            for task in tasks:
                with open(task + "/comm") as file:
                    if file.read().startswith("loop-0"):
                        return task + "/schedstat"
        except (OSError, ValueError):
            pass
        time.sleep(NAP)


def go_first():
    """Before all others on this processor, where we may; how late is late then."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        return LATE
    except OSError:
        return LATE_BEHIND


def witness(path, pidfile):
    most = go_first()
    with open(path, "w", buffering=1) as file, open(loop_of(pidfile)) as told:
        last, waited = time.time(), None
        while True:
            time.sleep(NAP)
            now = time.time()
            told.seek(0)
            delay = int(told.read().split()[1]) / 1e9
            late = now - last - NAP
            lost = max(late if late > most else 0, delay - waited if waited is not None else 0)
            if lost > 0.0005: # the scheduler tells of a wait when it is over
                file.write("%.6f %.6f %.3f\n" % (min(last, now - lost), now, 1000 * lost))
            last, waited = now, delay


class Stalls:
    def __init__(self, path):
        with open(path) as file:
            self.all = [tuple(map(float, line.split())) for line in file]
        self.ends = [b for _, b, _ in self.all]
        self.longest = max([b - a for a, b, _ in self.all], default=0)

    def within(self, start, end):
        """How many ms from start to end the loop could not run."""
        lost = 0
        for a, b, ms in self.all[bisect.bisect(self.ends, start):]:
            if b - self.longest >= end:
                break
            if a < end:
                lost += ms * (min(end, b) - max(start, a)) / (b - a)
        return min(lost, (end - start) * 1000)

    def disturbed(self, start, end):
        """More than a host takes all the time: what waited meanwhile comes at once."""
        return self.within(start, end) > DISTURBED + STEADY * (end - start) * 1000


def results(path):
    with open(path) as file:
        for line in file:
            event = json.loads(line)
            if event["kind"] == "result":
                text = event["time"].replace("Z", "+00:00")
                event["end"] = datetime.datetime.fromisoformat(text).timestamp()
                yield event


def asked(path, times, *names):
    count = collections.Counter(event["check"] for event in results(path))
    sys.exit(any(count[name] < int(times) for name in names))


def answers(path, stalled, cases, timeout):
    stalls, given, took, said = Stalls(stalled), collections.defaultdict(dict), {}, {}
    with open(cases) as file:
        rows = [[field.strip() for field in line.split("|")] for line in file]
    wanted = {row[0]: row[2] for row in rows if len(row) > 2}
    for event in results(path):
        name, ms, answer = event["check"], event["duration_us"] / 1000, \
            event["state"] + " " + event["reason"]
        lost = stalls.within(event["end"] - ms / 1000, event["end"])
        most = min(ms, int(timeout))
        if not stalls.disturbed(event["end"] - ms / 1000, event["end"]):
            most = max(most, ms - lost)
        took[name] = max(took.get(name, 0), most)
        if lost <= DISTURBED or answer == wanted.get(name):
            given[name][answer] = True
            said[name] = re.sub(r"(127\.0\.0\.1):\d+", r"\1", event["message"])
    for name in took:
        print("%s|%s|%.0f|%s" % (name, ", ".join(given[name]), took[name],
                                 said.get(name, "").replace("|", "/")))


def gaps(path, stalled, name, first, length):
    stalls, waits = Stalls(stalled), {False: [], True: []}
    times = [event["end"] for event in results(path) if event["check"] == name]
    for a, b in zip(times, times[1:]):
        if not stalls.disturbed(a - CAUGHT_UP, b):
            since = a - times[0] - float(first)
            waits[since > 0].append(((b - a) * 1000 - stalls.within(a, b),
                                     since // float(length)))
    for some in waits.values():
        longest = {}
        for wait, at in sorted(some):
            longest[at] = wait
        worst = [0, 0] + sorted(longest.values())
        p99 = sorted([0] + [wait for wait, _ in some])[len(some) * 99 // 100]
        print("%.0f %.0f %.0f %d" % (p99, worst[-1], worst[-2], len(some)))


def changes(path, plugin):
    through = collections.defaultdict(list)
    with open(path) as file:
        for line in file:
            event = json.loads(line)
            if event["kind"] == "change" and event["plugin"] == plugin:
                through[event["check"]].append(event["state"])
    for states, count in collections.Counter(map(tuple, through.values())).items():
        print(count, *states)


def phase(name, interval):
    hashed = 0xcbf29ce484222325
    for byte in name.encode():
        hashed = (hashed ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return hashed % (interval * 10**9) / 1e9


def lag(path, stalled, interval, retry):
    stalls, interval, retry = Stalls(stalled), int(interval), int(retry)
    ahead = time.time() - time.monotonic()
    last, late = {}, []
    for event in results(path):
        name = event["check"]
        began = event["end"] - event["duration_us"] / 1e6
        ours = event["reason"] == "OBSERVER"  # it neither counts nor breaks a streak
        before, last[name] = last.get(name), None if ours else (began, event["hard"])
        if before is None or name.startswith("observer:"):
            continue  # the first runs are spread, not in phase
        due = before[0] + retry if not before[1] else \
            began - (began - ahead - phase(name, interval)) % interval
        late.append((began - due) * 1000 - stalls.within(due, began))
    late.sort()
    print("%.1f %.1f %.1f %d" % (late[len(late) // 2], late[len(late) * 99 // 100], late[-1],
                                 len(late)))


def misleads(char):
    """Controls, marks of direction (the formats that are marks of numbers or join letters
    are no harm), halves of characters, separators."""
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in MARKS


def look(text, where):
    for char in text:
        if misleads(char):
            sys.exit("%s holds %r: %r" % (where, char, text[:300]))


def walk(value, where):
    if isinstance(value, str):
        look(value, where)
    elif isinstance(value, dict):
        for key in value:
            look(key, where)
            walk(value[key], where + "." + key)


def clean(path):
    with open(path, "rb") as file:
        text = file.read().decode("utf-8")
    for number, line in enumerate(text.split("\n"), 1):
        look(line, "line %d" % number)
        if line.startswith("{"):
            event = json.loads(line)
            walk(event, event["check"])
        if len(line) > LONGEST:
            sys.exit("line %d has %d bytes" % (number, len(line)))


{f.__name__: f for f in (witness, asked, answers, gaps, changes, lag, clean)}[sys.argv[1]](*sys.argv[2:])
