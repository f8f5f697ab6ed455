#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets memory run out once at each place of some programs, and judges how they end.

   nomem.py PRELOAD TREE SCRATCH SECONDS CASES

Each line of the file CASES is a name, the exit status with all the memory, and a command,
with tabs between.  A first run of each says how often it allocates, and which of those
calls come from a place of their own (nomem.c).  The calls to fail are these, in an order
that is even over the run wherever it is broken off, then others, as even; the case that
has had the least time is next.  SECONDS is for all; 0 means every place, and every call
where there are no more than ALL of them.  Each call is failed by itself (`once`), and with
all that follow (`on`).

What a run may be: in order (any exit status), or our own `out of memory`.  A crash is
judged by the innermost frame that is neither libc nor the loader, or by who called assert:
in a file of TREE it is ours and fails, elsewhere it is the library's and is only listed,
as is a crash within libc's own lookup of users and hosts (nss), and one in the lines of a
unit test itself.  A run that takes 30
seconds more than ten times as long as the first is a hang, and fails.

The last line is the figures; the exit status is 1 if anything failed."""

import heapq
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
import time

ALL = 20000
WORKERS = 6  # most of the long ones sleep
OURS_OUT = 70


def even(count):
    """0 .. count - 1 in an order of which each beginning is spread over the whole."""
    bits = max(1, (count - 1).bit_length())
    for i in range(1 << bits):
        place = int(format(i, "0%db" % bits)[::-1], 2)
        if place < count:
            yield place


class Case:
    def __init__(self, name, status, command):
        self.name, self.status, self.command = name, int(status), command.split()
        self.tried, self.spent = 0, 0.0

    def plan(self, calls, places, everything):
        self.calls, self.places = calls, len(places)
        least = calls if everything and calls <= ALL else 0
        self.todo = self.order(places, min(calls, max(least, ALL)))

    def order(self, places, most):
        done = set()
        for i in even(len(places)):
            done.add(places[i])
            yield places[i], False
            yield places[i], True
        for i in even(most):
            call = 1 + i * self.calls // most
            if call not in done:
                yield call, False
                yield call, True


class Walk:
    def __init__(self, preload, tree, scratch):
        self.preload, self.tree, self.scratch = preload, os.path.realpath(tree), scratch
        self.lock = threading.Lock()
        self.bad, self.theirs, self.lines = [], {}, {}
        self.runs = self.out = self.crashes = 0

    def run(self, case, settings, limit):
        """(status or None for a hang, what it said, seconds, the place of its files)"""
        where = os.path.join(self.scratch, "%s.%d" % (threading.current_thread().name, case.tried))
        os.mkdir(where)
        env = dict(os.environ, LD_PRELOAD=self.preload, TMPDIR=where, NOMEM_CALLS=where + "/calls",
                   NOMEM_STACK=where + "/stack", **settings)
        began = time.monotonic()
        with open(where + "/said", "w+b") as said:
            child = subprocess.Popen(case.command, env=env, stdin=subprocess.DEVNULL,
                                     stdout=said, stderr=said, start_new_session=True)
            try:
                status = child.wait(limit)
            except subprocess.TimeoutExpired:
                status = None
                child.send_signal(signal.SIGABRT)  # it leaves its stack
                time.sleep(0.5)
            try:
                os.killpg(child.pid, signal.SIGKILL)  # and what it had begun
            except ProcessLookupError:
                pass
            child.wait()
            said.seek(0)
            return status, said.read(), time.monotonic() - began, where

    def remove(self, where):
        subprocess.run(["rm", "-rf", where], check=False)

    # ---- whose crash it is ----

    def frames(self, where):
        try:
            with open(where + "/stack", encoding="utf-8") as stack:
                return [line.split() for line in stack]
        except FileNotFoundError:
            return []

    def line(self, file, place, name):
        if (file, place) not in self.lines:
            done = subprocess.run(["addr2line", "-f", "-e", file, place], check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            function, source = (done.stdout.decode().split() + ["?", "?"])[:2]
            function = name if function.startswith("?") else function
            source = os.path.realpath(source) if source[0] == "/" else source
            self.lines[file, place] = "%s %s" % (function, source.replace(self.tree + "/", ""))
        return self.lines[file, place]

    def innermost(self, where):
        """(whether it is ours, where it is)"""
        preload, libcs = os.path.basename(self.preload), False
        for file, place, function in self.frames(where):
            name = os.path.basename(file)
            libc = name.startswith(("libc.so", "libc-", "ld-", "libpthread"))
            line = self.line(file, place, function)
            if libc and "nss_" in line:
                return False, "%s %s" % (name, line)  # it does not look either
            if "__assert_fail" in line:
                libcs = True  # whoever called it, libc itself too
            elif name not in (preload, "?") and (libcs or not libc):
                ours = (not libc and os.path.realpath(file).startswith(self.tree + "/")
                        and "/tests/unit/" not in line)
                return ours, "%s %s" % (name, line)
        return True, "no stack"  # nobody else's, as far as one can tell

    def stack(self, where):
        return ["%s %s" % (os.path.basename(file), self.line(file, place, function))
                for file, place, function in self.frames(where)][:12]

    # ---- one run ----

    def fail(self, case, call, on, what, where):
        self.bad.append((case.name, call, "on" if on else "once", what, self.stack(where)))

    def judge(self, case, call, on, result):
        status, said, _, where = result
        with self.lock:
            self.runs += 1
            if status is None:
                self.fail(case, call, on, "hangs", where)
            elif status < 0 or os.path.exists(where + "/stack"):
                ours, place = self.innermost(where)
                self.crashes += 1
                if ours:
                    self.fail(case, call, on, "signal %d in %s" % (-status, place), where)
                else:
                    self.theirs[place] = self.theirs.get(place, 0) + 1
            elif status == OURS_OUT and b"out of memory" in said:
                self.out += 1

    def first(self, case, everything):
        places = self.scratch + "/places." + threading.current_thread().name
        status, said, seconds, where = self.run(case, {"NOMEM_PLACES": places}, 300)
        if status != case.status:
            self.bad.append((case.name, 0, "with all the memory", "status %s" % status,
                             said.decode(errors="replace").splitlines()[-12:]))
            case.calls, case.places, case.todo = 0, 0, iter(())
        else:
            with open(where + "/calls", "rb") as calls, open(places, encoding="utf-8") as numbers:
                case.plan(struct.unpack("q", calls.read(8))[0],
                          sorted(int(line) for line in numbers), everything)
        self.remove(where)
        case.limit = 10 * seconds + 30

    def work(self, queue, everything):
        while True:
            with self.lock:
                if not queue:
                    return
                _, _, case = heapq.heappop(queue)
            began = time.monotonic()
            if not hasattr(case, "todo"):
                self.first(case, everything)
            elif everything or began < self.end:
                step = next(case.todo, None)
                if step is None:
                    continue
                settings = {"NOMEM_AT": str(step[0])}
                if step[1]:
                    settings["NOMEM_ON"] = "1"
                result = self.run(case, settings, case.limit)
                case.tried += 1
                self.judge(case, *step, result)
                self.remove(result[3])
                case.spent += time.monotonic() - began
            else:
                continue
            with self.lock:
                heapq.heappush(queue, (case.spent, case.name, case))

    def walk(self, cases, seconds):
        self.end = time.monotonic() + seconds
        queue = [(-1.0, case.name, case) for case in cases]
        heapq.heapify(queue)
        threads = [threading.Thread(target=self.work, args=(queue, seconds == 0), name=str(i))
                   for i in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def main():
    preload, tree, scratch, seconds, listed = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open(listed, encoding="utf-8") as lines:
        cases = [Case(*line.rstrip("\n").split("\t")) for line in lines]
    walk = Walk(preload, tree, scratch)
    walk.walk(cases, float(seconds))
    told = set()
    for name, call, how, what, stack in walk.bad:
        if (name, what) not in told:
            print("BAD %s: call %d, %s: %s" % (name, call, how, what))
            for frame in stack:
                print("      " + frame)
        told.add((name, what))
    for place, count in sorted(walk.theirs.items(), key=lambda item: -item[1]):
        print("not ours: %s, %d times" % (place, count))
    for case in cases:
        print("case: %s: %d calls from %d places, %d runs" % (case.name, case.calls, case.places,
                                                            case.tried))
    print("programs %d, calls %d from %d places, runs %d, our out of memory %d, crashes of "
          "others %d, of ours and hangs %d" %
          (len(cases), sum(case.calls for case in cases), sum(case.places for case in cases),
           walk.runs, walk.out, sum(walk.theirs.values()), len(walk.bad)))
    sys.exit(1 if walk.bad else 0)


main()
