#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""checker.py - reads a far side and tells what became of numbered events.

    checker.py --count N FARSIDE             numbers 1..N, whatever their key
    checker.py --keys K --each N FARSIDE     K keys, each with numbers 1..N of its own

    FARSIDE  kafka:PORT:TOPIC    a topic from its beginning, by kcat
             redis:PORT:PATTERN  names of keys, one an event: the server says nothing of
                                 order and of duplicates
             file:PATH           lines

A record is the JSON of an event (its key is `check`, its number data.n, details.n or the
last number of its message), or a text that begins with the key and ends with the number.

It prints one line: `events 1000, missing 0, duplicates 3, out of order 0`, events being
different ones.  An event is out of order when it first appears behind a later one of its key:
what is sent again in order, from where it was, is not.  Status 1: something is missing, or
(--ordered) out of order, or (--duplicates N) there are more duplicates; what exactly is on
standard error.  Status 2: the far side cannot be read, or holds what is no such record; but
halves of records may be there (--halves N), as a process leaves them that is killed.
"""
import argparse, collections, json, re, subprocess, sys

SHOWN = 10
NUMBER = re.compile(r"([0-9]+)\D*$")


def fail(text):
    print(f"checker.py: {text}", file=sys.stderr)
    sys.exit(2)


def number_of_event(event):
    for place in ("data", "details"):
        if isinstance(event.get(place), dict) and "n" in event[place]:
            return int(event[place]["n"])
    return int(NUMBER.search(event["message"]).group(1))


def key_and_number(record):
    try:
        if record.startswith("{"):
            event = json.loads(record)
            return event["check"], number_of_event(event)
        key, rest = record.split(None, 1)
        return key, int(NUMBER.search(rest).group(1))
    except (ValueError, KeyError, AttributeError):
        return None


# ---- far sides ----

def lines_of(*command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace")
    for line in process.stdout:
        yield line.rstrip("\n")
    if process.wait() != 0:
        fail(f"{' '.join(command)}: status {process.returncode}")


def redis_lines(port, *command):
    for line in lines_of("redis-cli", "-p", port, *command):
        if line.startswith(("NOAUTH", "ERR ", "LOADING", "Could not connect", "WRONGTYPE")):
            fail(line)
        yield line


def read_kafka(port, topic):
    yield from lines_of("kcat", "-b", f"127.0.0.1:{port}", "-C", "-t", topic, "-o", "beginning",
                        "-e", "-q", "-f", "%s\n", "-X", "check.crcs=true")


def read_redis(port, pattern):
    names = set(redis_lines(port, "--scan", "--pattern", pattern))
    prefix = pattern[:pattern.index("*")] if "*" in pattern else ""
    for name in names:
        yield name[len(prefix):].replace(":", " ", 1)


def read_file(path):
    try:
        with open(path, errors="replace") as lines:
            for line in lines:
                yield line.rstrip("\n")
    except OSError as error:
        fail(str(error))


READERS = {"kafka": (read_kafka, 2), "redis": (read_redis, 2), "file": (read_file, 1)}


def records(far_side):
    kind, _, rest = far_side.partition(":")
    if kind not in READERS:
        fail(f"no such far side: {far_side}")
    reader, parts = READERS[kind]
    yield from reader(*rest.split(":", parts - 1))


# ---- the count ----

class Tally:
    """What was seen.  `space` tells whose numbers these are: a key's own, or everybody's."""

    def __init__(self, per_key):
        self.per_key = per_key
        self.seen = collections.defaultdict(set)
        self.last = collections.defaultdict(int)
        self.duplicates, self.disordered, self.examples = 0, 0, []

    def add(self, key, number, ordered):
        seen = self.seen[key if self.per_key else ""]
        if number in seen:
            self.duplicates += 1
            return
        seen.add(number)
        if ordered and number < self.last[key]:
            self.disordered += 1
            self.examples.append(f"{key} {number} behind {self.last[key]}")
        self.last[key] = max(self.last[key], number)

    def events(self):
        return sum(len(seen) for seen in self.seen.values())


def ranges(numbers):
    """[1, 2, 3, 7] -> "1-3 7"."""
    runs = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in runs[:SHOWN]]
    return " ".join(shown + ["..."] * (len(runs) > SHOWN))


def missing_of(tally, arguments):
    """How many are missing; says which."""
    spaces = dict(tally.seen)
    wanted = set(range(1, (arguments.each if arguments.keys else arguments.count) + 1))
    missing = 0
    if arguments.keys and len(spaces) < arguments.keys:
        missing += (arguments.keys - len(spaces)) * arguments.each
        print(f"{arguments.keys - len(spaces)} keys are missing wholly", file=sys.stderr)
    elif not arguments.keys:
        spaces.setdefault("", set())
    for shown, key in enumerate(sorted(k for k in spaces if wanted - spaces[k])):
        gone = wanted - spaces[key]
        missing += len(gone)
        if shown < SHOWN:
            print(f"missing {len(gone)}: {key} {ranges(gone)}", file=sys.stderr)
    return missing


def strange_of(tally, arguments):
    """What was never sent means that the test itself is wrong."""
    most = arguments.each if arguments.keys else arguments.count
    if arguments.keys and len(tally.seen) > arguments.keys:
        fail(f"{len(tally.seen)} keys, not {arguments.keys}: {sorted(tally.seen)[:SHOWN]}")
    for key, seen in tally.seen.items():
        if seen and (min(seen) < 1 or max(seen) > most):
            fail(f"{key}: {min(seen)}..{max(seen)} is not within 1..{most}")


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--count", type=int)
    parser.add_argument("--keys", type=int)
    parser.add_argument("--each", type=int)
    parser.add_argument("--ordered", action="store_true")
    parser.add_argument("--duplicates", type=int)
    parser.add_argument("--halves", type=int, default=0)
    parser.add_argument("far_side")
    arguments = parser.parse_args()
    if bool(arguments.count) == bool(arguments.keys and arguments.each):
        fail("--count, or --keys and --each")
    tally = Tally(bool(arguments.keys))
    ordered = not arguments.far_side.startswith("redis:")
    halves = 0
    for record in records(arguments.far_side):
        found = key_and_number(record)
        if found:
            tally.add(*found, ordered)
        elif halves < arguments.halves:
            halves += 1
        else:
            fail(f"not the record of a numbered event: {record[:200]!r}")
    strange_of(tally, arguments)
    missing = missing_of(tally, arguments)
    for example in tally.examples[:SHOWN]:
        print(f"out of order: {example}", file=sys.stderr)
    print(f"events {tally.events()}, missing {missing}, duplicates {tally.duplicates}, "
          f"out of order {tally.disordered}")
    bad = missing > 0 or (arguments.ordered and tally.disordered > 0)
    if arguments.duplicates is not None and tally.duplicates > arguments.duplicates:
        print(f"more than {arguments.duplicates} duplicates", file=sys.stderr)
        bad = True
    sys.exit(bad)


main()
