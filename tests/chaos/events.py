#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges the events in a file of a sink, one JSON object a line.

   events.py FILE [--most-ms MS] [--from-seq N]

In the order of the file, which is that of each check: seq rises, no seq comes twice, no
duration is negative, missing where there must be one, or above MS.  Prints the figures, and
what is wrong on standard error; the exit status is 1 if anything is."""

import argparse
import json
import sys

parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("--most-ms", type=int, default=60000)
parser.add_argument("--from-seq", type=int, default=0)
options = parser.parse_args()
last, seen, wrong = {}, set(), []
events = changes = longest = lasted = 0
with open(options.file, encoding="utf-8") as lines:
    for line in lines:
        event = json.loads(line)
        name, seq = event["check"], int(event["seq"])
        events += 1
        if seq in seen or seq <= max(last.get(name, 0), options.from_seq):
            wrong.append("%s: seq %d after %d" % (name, seq, last.get(name, 0)))
        seen.add(seq)
        last[name] = seq
        took = event.get("duration_us")
        if event["kind"] == "result" and took is None:
            wrong.append("%s: seq %d has no duration_us" % (name, seq))
        if took is not None:
            longest = max(longest, took // 1000)
            if not 0 <= took <= options.most_ms * 1000:
                wrong.append("%s: seq %d took %d us" % (name, seq, took))
        if event["kind"] != "change":
            continue
        changes += 1
        if "was" in event and event["was"].get("since"):
            ms = event["was"].get("duration_ms")
            lasted = max(lasted, ms or 0)
            if ms is None or not 0 <= ms <= options.most_ms:
                wrong.append("%s: seq %d was %s for %s ms" % (name, seq, event["was"]["state"], ms))
print("%d events, %d changes, longest run %d ms, longest state %d ms" %
      (events, changes, longest, lasted))
for line in wrong[:20]:
    print(line, file=sys.stderr)
sys.exit(1 if wrong or not events else 0)
