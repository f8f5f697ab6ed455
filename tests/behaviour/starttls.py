#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# starttls.py - servers that begin in plain text and do there what real ones do not.
#
#   starttls.py PORTFILE CERT KEY TURN...
#
# listens on 127.0.0.1, writes its port to PORTFILE and stays until it is ended.  To each
# connection it says the TURNs in order, the first at once and each other when it has heard
# something; escapes as in C.  A TURN may also be
#
#   slow:TEXT    one byte at a time     tls      the handshake: the rest is encrypted
#   flood:TEXT   again and again        close    the end of the connection
#
# After the last one it keeps the connection and says nothing.
import os
import socket
import ssl
import sys
import threading
import time


def say(c, turn):
    how, _, text = turn.partition(":")
    if how not in ("slow", "flood"):
        how, text = "", turn
    text = text.encode().decode("unicode_escape").encode("latin-1")
    if how == "slow":
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in text:
            c.sendall(bytes([byte]))
            time.sleep(0.002)
    elif how == "flood":
        while True:
            c.sendall(text * 100)
    else:
        c.sendall(text)


def serve(c, context, turns):
    try:
        for number, turn in enumerate(turns):
            if turn == "tls":
                c = context.wrap_socket(c, server_side=True)
                continue
            if number and turns[number - 1] != "tls" and not c.recv(65536):
                return
            if turn == "close":
                c.close()
                return
            say(c, turn)
        while c.recv(65536):
            pass
    except OSError:
        pass


def main(path, certificate, key, *turns):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(64)
    with open(path + ".new", "w") as file:
        file.write("%d\n" % s.getsockname()[1])
    os.rename(path + ".new", path)
    while True:
        c = s.accept()[0]
        threading.Thread(target=serve, args=(c, context, turns), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
