# SPDX-License-Identifier: Apache-2.0
#
# hog.py PIDFILE - a process that uses what it is told to, line by line on its standard
# input, and says "ok" into PIDFILE.did after each: how much is held from then on.
#
#   rss MIB        memory, of its own
#   threads N      threads besides the first
#   fds N          more descriptors
#   burn 0|1       a thread that never waits
#   children N     processes that sleep, each with as many descriptors as it has then
#   adopt          a process that has a process; its pid in PIDFILE.middle: when that ends, the
#                  other one is ours
#   reap           waits for the end of a child
#   user ID GROUP  effective; the real ones stay
import ctypes
import os
import signal
import sys
import threading
import time

held = {"threads": [], "fds": [], "children": []}
burning = False


def burn():
    while burning:
        pass


def rss(mib):
    # Written to, page by page, so that it is there.
    held["rss"] = None
    held["rss"] = bytearray(b"\x01") * (mib << 20) if mib else None


def threads(count):
    while len(held["threads"]) < count:
        end = threading.Event()
        thread = threading.Thread(target=end.wait, daemon=True)
        thread.start()
        held["threads"].append((end, thread))
    while len(held["threads"]) > count:
        end, thread = held["threads"].pop()
        end.set()
        thread.join()


def fds(count):
    while len(held["fds"]) < count:
        held["fds"].append(os.open("/dev/null", os.O_RDONLY))
    while len(held["fds"]) > count:
        os.close(held["fds"].pop())


def child():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while os.getppid() == int(me):
        time.sleep(0.1)
    os._exit(0)


def children(count):
    while len(held["children"]) < count:
        pid = os.fork()
        if pid == 0:
            child()
        held["children"].append(pid)
    while len(held["children"]) > count:
        pid = held["children"].pop()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def adopt():
    subreaper = 36
    ctypes.CDLL(None).prctl(subreaper, 1, 0, 0, 0)
    middle = os.fork()
    if middle == 0:
        os.fork()
        while os.path.exists("/proc/" + me):
            time.sleep(0.1)
        os._exit(0)
    say(sys.argv[1] + ".middle", str(middle))


def set_burn(on):
    global burning
    if on and not burning:
        burning = True
        threading.Thread(target=burn, daemon=True).start()
    burning = bool(on)


def user(uid, gid):
    os.setegid(gid)
    os.seteuid(uid)


def say(name, text):
    with open(name + ".new", "w") as file:
        file.write(text + "\n")
    os.rename(name + ".new", name)


what = {"rss": rss, "threads": threads, "fds": fds, "burn": set_burn,
        "children": children, "adopt": adopt, "reap": os.wait, "user": user}
me = str(os.getpid())
did = os.open(sys.argv[1] + ".did", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
say(sys.argv[1], me)
for line in sys.stdin:
    word, *numbers = line.split()
    what[word](*(int(number) for number in numbers))
    os.write(did, b"ok\n")
children(0)
