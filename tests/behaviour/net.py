#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# net.py - the far sides that the tests of the network probes need: name servers,
# full backlogs, listeners that count, web servers that misbehave.
#
#   net.py MODE PORTFILE [ARGUMENTS]
#
# listens on 127.0.0.1, writes its port to PORTFILE and stays until it is ended.
#
#   dns [@ADDRESS:PORT] NAME=ADDRESS,... ...
#                              answers these names (TTL 0), any other with NXDOMAIN;
#                              prints each question
#   silent                     a name server that takes questions and never answers
#   backlog [SECONDS]          a listener that accepts nothing; its backlog is full.
#                              After SECONDS it accepts after all
#   unix-backlog PATH [SECONDS]  likewise, on a unix socket
#   count                      accepts, closes, prints the peer of each connection
#   http                       see answer()
#   https CERTIFICATE KEY      answers 200 by TLS, prints the name asked for (SNI)
#   mute                       accepts, and says nothing
#   reset                      accepts, and resets at once
import select
import socket
import ssl
import struct
import sys
import threading
import time


def ready(path, port):
    with open(path + ".new", "w") as file:
        file.write("%d\n" % port)
    import os
    os.rename(path + ".new", path)


def listener(path, backlog=128):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    s.listen(backlog)
    return s


# ---- names ----

def dns(path, names):
    at = ("127.0.0.1", 0)
    if names[0].startswith("@"):
        host, port = names[0][1:].split(":")
        at = (host, int(port))
        names = names[1:]
    zone = dict(item.split("=", 1) for item in names)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(at)
    ready(path, s.getsockname()[1])
    while True:
        packet, peer = s.recvfrom(4096)
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode())
            at += 1 + packet[at]
        question = packet[12:at + 5]
        kind = struct.unpack(">H", packet[at + 1:at + 3])[0]
        name = ".".join(labels)
        print("%s %s" % (name, {1: "A", 28: "AAAA"}.get(kind, kind)), flush=True)
        answers = []
        for address in zone.get(name, "").split(","):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            if address and kind == (28 if ":" in address else 1):
                data = socket.inet_pton(family, address)
                answers.append(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(data)) + data)
        flags = 0x8180 if name in zone else 0x8183
        head = packet[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0)
        s.sendto(head + question + b"".join(answers), peer)


def silent(path):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    ready(path, s.getsockname()[1])
    while True:
        s.recv(4096)


# ---- connections ----

def fill(s, make, to):
    held = []
    while True:
        c = make()
        c.setblocking(False)
        held.append(c)
        error = c.connect_ex(to)
        if error == 11:  # EAGAIN: a unix backlog is full
            return held
        if not select.select([], [c], [], 0.3)[1]:
            return held


def backlog(path, s, make, to, seconds):
    held = fill(s, make, to)
    ready(path, to[1] if isinstance(to, tuple) else 1)
    if not seconds:
        time.sleep(3600)
    time.sleep(seconds)
    for c in held:
        c.close()
    while True:
        s.accept()[0].close()


def count(path):
    s = listener(path)
    ready(path, s.getsockname()[1])
    while True:
        c, peer = s.accept()
        print("accepted %s" % peer[0], flush=True)
        c.close()


def mute(path):
    s = listener(path)
    ready(path, s.getsockname()[1])
    held = []
    while True:
        held.append(s.accept())


def reset(path):
    s = listener(path)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ready(path, s.getsockname()[1])
    while True:
        s.accept()[0].close()


# ---- the web ----

def answer(c, way):
    ok = b"HTTP/1.1 200 OK\r\n"
    if way == "header-line":            # one header line without end
        c.sendall(ok + b"X: ")
        while True:
            c.sendall(b"x" * 65536)
    if way == "headers":                # headers without end
        c.sendall(ok)
        while True:
            c.sendall(b"X-Header: value\r\n" * 1000)
    if way == "continue":               # interim answers without end
        while True:
            c.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    if way == "body":                   # a body without end
        c.sendall(ok + b"\r\n")
        while True:
            c.sendall(b"y" * 65536)
    if way == "drip":                   # a byte now and then
        c.sendall(ok + b"Content-Length: 1000\r\n\r\n")
        while True:
            c.sendall(b"z")
            time.sleep(0.1)
    if way == "nothing":                # closes without a word
        return
    if way == "garbage":
        c.sendall(b"\x00\xff\x1b[31m no HTTP at all\r\n\r\n")
    if way == "short":                  # less than it promised
        c.sendall(ok + b"Content-Length: 1000\r\n\r\nabc")
    if way == "length":                 # two lengths
        c.sendall(ok + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello")
    if way == "title":                  # terminal controls in the status line
        c.sendall(b"HTTP/1.1 500 \x1b[2J\x07" + b"A" * 5000 + b"\r\nContent-Length: 0\r\n\r\n")
    if way == "redirect":
        c.sendall(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n"
                  b"Content-Length: 0\r\n\r\n")
    if way == "slow-pattern":           # makes [0-9]++[a-z] quadratic
        body = b"1" * 900000 + b"Z"
        c.sendall(ok + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    if way == "wait":                   # never answers
        time.sleep(3600)


def http_client(c):
    try:
        request = b""
        while b"\r\n\r\n" not in request:
            more = c.recv(65536)
            if not more:
                return
            request += more
            if request[0] == 0x16:      # TLS, where there is none
                c.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return
        head, body = request.split(b"\r\n\r\n", 1)
        for line in head.decode("latin-1").split("\r\n"):
            print("> " + line, flush=True)
            if line.lower().startswith("content-length:"):
                while len(body) < int(line.split(":")[1]):
                    body += c.recv(65536)
        if body:
            print("body " + body.decode("latin-1"), flush=True)
        way = head.decode("latin-1").split(" ")[1].lstrip("/")
        if way == "echo":
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer(c, way)
    except OSError:
        pass
    finally:
        c.close()


def http(path):
    s = listener(path)
    ready(path, s.getsockname()[1])
    while True:
        threading.Thread(target=http_client, args=(s.accept()[0],), daemon=True).start()


def https(path, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = lambda c, name, context: print("name %s" % name, flush=True)
    s = listener(path)
    ready(path, s.getsockname()[1])
    while True:
        c = s.accept()[0]
        c.settimeout(5)
        try:
            with context.wrap_socket(c, server_side=True) as tls:
                tls.recv(65536)
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except OSError as error:
            print("failed %s" % error, flush=True)


def main(mode, path, *rest):
    if mode == "dns":
        dns(path, rest)
    elif mode == "silent":
        silent(path)
    elif mode == "backlog":
        s = listener(path, 0)
        backlog(path, s, socket.socket, s.getsockname(), float(rest[0]) if rest else 0)
    elif mode == "unix-backlog":
        s = socket.socket(socket.AF_UNIX)
        s.bind(rest[0])
        s.listen(0)
        backlog(path, s, lambda: socket.socket(socket.AF_UNIX), rest[0],
                float(rest[1]) if rest[1:] else 0)
    elif mode == "count":
        count(path)
    elif mode == "mute":
        mute(path)
    elif mode == "reset":
        reset(path)
    elif mode == "http":
        http(path)
    elif mode == "https":
        https(path, *rest)
    else:
        sys.exit("net.py: no such mode: " + mode)


main(*sys.argv[1:])
