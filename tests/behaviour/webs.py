#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# webs.py - the far sides that the tests of http requests need, where nginx and tinyproxy
# cannot do it: they print all that they are asked.
#
#   webs.py echo PORTFILE [CERTIFICATE KEY [CA]]   a web server; CA: asks for a client's
#                                             certificate, and does not insist
#   webs.py unix PORTFILE PATH                the same on a unix socket
#   webs.py echo6 PORTFILE                    the same on ::1
#   webs.py slow PORTFILE                     reads a request's body slowly
#   webs.py fickle PORTFILE                   promises to keep a connection, and hangs up
#                                             when it is used again
#   webs.py socks PORTFILE USER PASSWORD NAME=ADDRESS ...   a SOCKS5 proxy ("" "": for all)
#
# /go?STATUS=URL redirects there, each further /again/N to N - 1, anything else is 200.
import os
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
    os.rename(path + ".new", path)


def listener(path, host="127.0.0.1"):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, 0))
    s.listen(64)
    ready(path, s.getsockname()[1])
    return s


# ---- a web server ----

def respond(target, body):
    if target.startswith("/go?"):
        status, to = target[4:].split("=", 1)
        return "HTTP/1.1 %s Over there\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, to)
    if target.startswith("/again/"):
        left = int(target[7:])
        if left:
            return ("HTTP/1.1 302 Found\r\nLocation: %d\r\nContent-Length: 3\r\n\r\nno\n"
                    % (left - 1))
    return "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def read_request(c, pause):
    request = b""
    while b"\r\n\r\n" not in request:
        more = c.recv(4096)
        if not more:
            return None, None
        request += more
    head, body = request.split(b"\r\n\r\n", 1)
    length = 0
    for line in head.decode("latin-1").split("\r\n"):
        if line.lower().startswith("content-length:"):
            length = int(line.split(":")[1])
    while len(body) < length:
        time.sleep(pause)
        body += c.recv(65536)
    return head.decode("latin-1"), body.decode("latin-1")


def serve(c, peer, pause=0.0):
    try:
        head, body = read_request(c, pause)
        if head is None:
            return
        words = ["from " + str(peer)] + ["> " + line for line in head.split("\r\n")]
        print("\n".join(words + ["body " + body[:200], ""]), flush=True)
        c.sendall(respond(head.split(" ")[1], body).encode("latin-1"))
    except OSError:
        pass
    finally:
        c.close()


def accept_tls(context, c, peer):
    try:
        c.settimeout(5)
        c = context.wrap_socket(c, server_side=True)
    except OSError as error:
        print("failed %s" % error, flush=True)
        return
    certificate = c.getpeercert(True)
    print("certificate %s" % ("yes" if certificate else "no"), flush=True)
    serve(c, peer)


def tls_context(certificate, key, ca):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if ca:
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    context.sni_callback = lambda c, name, context: print("name %s" % name, flush=True)
    return context


def echo(path, certificate=None, key=None, ca=None, pause=0.0, host="127.0.0.1"):
    context = tls_context(certificate, key, ca) if certificate else None
    s = listener(path, host)
    if pause:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    while True:
        c, peer = s.accept()
        if context:
            go = (accept_tls, (context, c, peer[0]))
        else:
            go = (serve, (c, peer[0], pause))
        threading.Thread(target=go[0], args=go[1], daemon=True).start()


def fickle_client(c):
    try:
        read_request(c, 0)
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        read_request(c, 0)
        print("hung up", flush=True)
    except OSError:
        pass
    finally:
        c.close()


def fickle(path):
    s = listener(path)
    while True:
        threading.Thread(target=fickle_client, args=(s.accept()[0],), daemon=True).start()


def unix(path, at):
    s = socket.socket(socket.AF_UNIX)
    s.bind(at)
    s.listen(64)
    ready(path, 1)
    while True:
        serve(s.accept()[0], "unix")


# ---- a SOCKS5 proxy ----

def take(c, count):
    bytes = b""
    while len(bytes) < count:
        more = c.recv(count - len(bytes))
        if not more:
            raise OSError("gone")
        bytes += more
    return bytes


def socks_login(c, user, password):
    methods = take(c, take(c, 2)[1])
    if not user:
        c.sendall(b"\5\0")
        return True
    if 2 not in methods:
        c.sendall(b"\5\xff")
        return False
    c.sendall(b"\5\2")
    name = take(c, take(c, 2)[1])
    word = take(c, take(c, 1)[0])
    right = (name.decode(), word.decode()) == (user, password)
    c.sendall(b"\1" + (b"\0" if right else b"\1"))
    return right


def socks_target(c, names):
    kind = take(c, 4)[3]
    if kind == 3:
        host = take(c, take(c, 1)[0]).decode()
        address = names.get(host)
    else:
        host = address = socket.inet_ntoa(take(c, 4))
    port = struct.unpack(">H", take(c, 2))[0]
    print("asked for %s:%d" % (host, port), flush=True)
    return address, port


def pump(a, b):
    while True:
        for s in select.select([a, b], [], [])[0]:
            bytes = s.recv(65536)
            if not bytes:
                return
            (b if s is a else a).sendall(bytes)


def socks_client(c, user, password, names):
    try:
        if not socks_login(c, user, password):
            return
        address, port = socks_target(c, names)
        far = socket.socket()
        failed = 4 if not address else 5 if far.connect_ex((address, port)) else 0
        c.sendall(b"\5" + bytes([failed]) + b"\0\1\0\0\0\0\0\0")
        if not failed:
            pump(c, far)
    except OSError:
        pass
    finally:
        c.close()


def socks(path, user, password, *rest):
    names = dict(item.split("=", 1) for item in rest)
    s = listener(path)
    while True:
        c = s.accept()[0]
        threading.Thread(target=socks_client, args=(c, user, password, names),
                         daemon=True).start()


def main(mode, *rest):
    if mode == "echo":
        echo(*rest)
    elif mode == "unix":
        unix(*rest)
    elif mode == "echo6":
        echo(rest[0], host="::1")
    elif mode == "fickle":
        fickle(rest[0])
    elif mode == "slow":
        echo(rest[0], pause=0.05)
    elif mode == "socks":
        socks(*rest)
    else:
        sys.exit("webs.py: no such mode: " + mode)


main(*sys.argv[1:])
