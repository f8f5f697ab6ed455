#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# tcp.py - the far sides that the tests of the tcp probe need.
#
#   tcp.py MODE PORTFILE [ARGUMENTS]
#
# listens on 127.0.0.1, writes its port to PORTFILE and stays until it is ended.
#
#   udp-echo [ADDRESS]   sends each datagram back, with "echo " before it, as far as it fits
#   record [PATH]        prints in hex what each connection says, and the port that it comes
#                        from; on a unix socket where there is a PATH
#   keep [TEXT [PATH]]   accepts, says TEXT and keeps all connections.  SIGUSR1 resets them,
#                        SIGUSR2 closes them; then it goes on listening.  SIGHUP says
#                        "still here".  With PATH on a unix socket
#   flood                accepts and sends 200 kB once, then keeps the connection
import os
import signal
import socket
import struct
import sys
import threading


def ready(path, port):
    with open(path + ".new", "w") as file:
        file.write("%d\n" % port)
    os.rename(path + ".new", path)


def listener(path, unix=None):
    s = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(unix or ("127.0.0.1", 0))
    s.listen(64)
    ready(path, 1 if unix else s.getsockname()[1])
    return s


def udp_echo(path, address="127.0.0.1"):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 0))
    ready(path, s.getsockname()[1])
    while True:
        said, peer = s.recvfrom(65536)
        print(said.decode("latin-1"), flush=True)
        s.sendto((b"echo " + said)[:65507], peer)


def record_one(c, peer):
    said = b""
    try:
        c.settimeout(2)
        while True:
            more = c.recv(65536)
            if not more:
                break
            said += more
    except OSError:
        pass
    print(said.hex(), peer[1] if c.family == socket.AF_INET else 0, flush=True)


def record(path, unix=None):
    s = listener(path, unix)
    while True:
        threading.Thread(target=record_one, args=s.accept(), daemon=True).start()


def keep(path, text="", unix=None):
    kept = []

    def end(number, frame):
        while kept:
            c = kept.pop()
            if number == signal.SIGUSR1:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()

    def say(number, frame):
        for c in kept:
            c.sendall(b"still here")

    signal.signal(signal.SIGHUP, say)
    signal.signal(signal.SIGUSR1, end)
    signal.signal(signal.SIGUSR2, end)
    s = listener(path, unix)
    while True:
        c = s.accept()[0]
        print("accepted", flush=True)
        kept.append(c)
        try:
            c.sendall(text.encode())
        except OSError:  # it is reset already
            pass


def flood(path):
    s = listener(path)
    kept = []
    while True:
        c = s.accept()[0]
        kept.append(c)
        try:
            c.sendall(b"f" * 200000)
        except OSError:
            pass


def main(mode, path, *rest):
    modes = {"udp-echo": udp_echo, "record": record, "keep": keep, "flood": flood}
    if mode not in modes:
        sys.exit("tcp.py: no such mode: " + mode)
    modes[mode](path, *rest)


main(*sys.argv[1:])
