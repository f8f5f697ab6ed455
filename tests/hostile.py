#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# hostile.py - targets that want to hurt whoever asks them: one port of 127.0.0.1 for each.
#
#   hostile.py DIRECTORY [CASE...]
#
# makes the certificates that it needs in DIRECTORY (by openssl; ca.pem is whom to trust),
# listens for the cases given, or for all, prints a line "CASE PORT" for each, then "ready",
# and stays until it is ended.
#
# A case is a function that gets a connection (or, with udp, a socket): its name with dashes
# is the name of the case.  Each case is a process, each connection a thread of it; what is
# over at once (quick) is done by the thread that accepts.  A case that waits does so by reading, so that
# it ends with the peer's hanging up.  One of a unix socket listens at DIRECTORY/CASE.sock, and
# its port is 0.
import functools
import os
import random
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import zlib

DRIP = 0.3  # seconds between two bytes
OK = b"HTTP/1.1 200 OK\r\n"

# Terminal escapes, C0, C1, DEL, NUL, bytes that are no UTF-8, marks of direction, separators
# of lines, quotes.
NASTY = (b"a\x1b[31mb\x1b]0;title\x07c\x9bd\xe2\x80\xaee\xe2\x80\xa8f\xff\xfeg\x00h\x7fi"
         b"\xc0\xafj\tk\"l\\m\xe2\x80\x8fn")

cases = {}
directory = ""


def case(function=None, udp=False, quick=False, deaf=False, unix=False):
    def add(function):
        function.udp, function.quick, function.deaf, function.unix = udp, quick, deaf, unix
        cases[function.__name__.replace("_", "-")] = function
        return function
    return add(function) if function else add


# ---- what they have in common ----

def hold(c):
    """Until the peer hangs up."""
    while c.recv(65536):
        pass


def flood(c, block):
    while True:
        c.sendall(block)


def drip(c, text):
    for i in range(len(text)):
        c.sendall(text[i:i + 1])
        time.sleep(DRIP)
    hold(c)


def request(c):
    """Reads a request's head, and answers its path."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 65536:
        more = c.recv(65536)
        if not more:
            raise OSError("no request")
        head += more
    return head.split(b" ")[1].decode("latin-1") if b" " in head else ""


def reset(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()


def answer(c, head, body=b"", status=OK):
    request(c)
    c.sendall(status + head + b"\r\n" + body)


def redirect(c, where):
    answer(c, b"Location: " + where + b"\r\nContent-Length: 0\r\n",
           status=b"HTTP/1.1 302 Found\r\n")


# ---- a connection, and no more ----

@case(deaf=True)
def refused(c):
    """A port that is taken, and where nobody listens."""


@case
def mute(c):
    hold(c)


@case(quick=True)
def reset_at_request(c):
    c.settimeout(2)
    c.recv(65536)
    reset(c)


@case(quick=True)
def close_at_once(c):
    pass


@case
def reset_after_banner(c):
    c.sendall(b"220 ready\r\n")
    time.sleep(0.05)
    reset(c)


@case
def banner_100mb(c):
    for _ in range(100):
        c.sendall(b"b" * (1 << 20))
    hold(c)


@case
def banner_endless(c):
    flood(c, b"220-welcome\r\n" * 4096)


@case
def banner_drip(c):
    drip(c, b"220 " + b"w" * 100000)


@case
def banner_nasty(c):
    c.sendall(b"220 " + NASTY + b"\r\n")
    hold(c)


@case
def banner_late(c):
    time.sleep(0.01)
    c.sendall(b"220 ready\r\n")
    hold(c)


@case(quick=True, unix=True)
def unix_hangs_up(c):
    pass


@case(quick=True)
def banner_wrong(c):
    c.sendall(b"500 go away\r\n")


# ---- before TLS begins ----

@case
def smtp_endless_greeting(c):
    flood(c, b"220-still greeting\r\n" * 4096)


@case
def smtp_no_starttls(c):
    c.sendall(b"220 ready\r\n")
    c.recv(4096)
    c.sendall(b"250 no extensions\r\n")
    c.recv(4096)
    c.sendall(b"502 " + NASTY + b"\r\n")
    hold(c)


@case
def smtp_injects(c):
    """Plain text behind the word that TLS may begin."""
    c.sendall(b"220 ready\r\n")
    c.recv(4096)
    c.sendall(b"250-here\r\n250 STARTTLS\r\n")
    c.recv(4096)
    c.sendall(b"220 go ahead\r\n250 injected\r\n")
    hold(c)


@case
def postgres_error(c):
    c.recv(4096)
    c.sendall(b"E" + struct.pack(">I", 0x7fffffff) + b"SFATAL\0M" + NASTY * 100)
    hold(c)


@case
def mysql_length(c):
    """A greeting of 16 MiB, most of which never comes."""
    c.sendall(b"\xff\xff\xff\x00\x0a8.0\0" + b"x" * 64)
    hold(c)


@case
def ldap_length(c):
    c.recv(4096)
    c.sendall(b"\x30\x84\xff\xff\xff\xff\x02\x01\x01\x78\x84\xff\xff\xff\xff")
    hold(c)


# ---- TLS ----

def openssl(*arguments):
    subprocess.run(("openssl",) + arguments, cwd=directory, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_certificates():
    """ca.pem, server.pem (for 127.0.0.1), self.pem (of an unknown), nasty.pem (names with
    escapes), chain.pem (a server's with 1 MB of others): each with its key."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "99")
    with open(directory + "/san", "w") as file:
        file.write("subjectAltName = IP:127.0.0.1, DNS:localhost\n")
    openssl("req", "-x509", *key, "-subj", "/CN=hostile CA", "-keyout", "ca.key", "-out", "ca.pem")
    nasty = "/CN=x\x1b[31m\u202ey\u2028z\x07"
    for name, subject in (("server", "/CN=server"), ("nasty", nasty)):
        openssl("req", *key, "-utf8", "-subj", subject, "-keyout", name + ".key",
                "-out", name + ".csr")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "99", "-extfile", "san", "-out", name + ".crt")
    openssl("req", "-x509", *key, "-subj", "/CN=unknown", "-addext",
            "subjectAltName = IP:127.0.0.1", "-keyout", "self.key", "-out", "self.crt")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "-1", "-extfile", "san", "-out", "expired.crt")
    read = {}
    for name in ("ca.pem", "server.crt", "server.key", "nasty.crt", "nasty.key", "self.crt",
                 "self.key", "expired.crt"):
        with open(directory + "/" + name) as file:
            read[name] = file.read()
    der = len(ssl.PEM_cert_to_DER_cert(read["ca.pem"]))
    chain = read["ca.pem"] * (1000000 // (der + 5) + 1)
    for name, text in (("server", read["server.key"] + read["server.crt"]),
                       ("nasty", read["nasty.key"] + read["nasty.crt"]),
                       ("self", read["self.key"] + read["self.crt"]),
                       ("expired", read["server.key"] + read["expired.crt"]),
                       ("chain", read["server.key"] + read["server.crt"] + chain)):
        with open(directory + "/" + name + ".pem", "w") as file:
            file.write(text)


contexts = {}
contexts_lock = threading.Lock()


def context(name, most=None):
    with contexts_lock:
        if (name, most) not in contexts:
            made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            made.load_cert_chain("%s/%s.pem" % (directory, name))
            made.num_tickets = 0
            if most:
                made.maximum_version = most
            contexts[name, most] = made
        return contexts[name, most]


class Tls:
    """A server's side of TLS whose bytes pass through our hands."""

    def __init__(self, c, name="server", most=None):
        self.c, self.coming, self.going = c, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl = context(name, most).wrap_bio(self.coming, self.going, server_side=True)

    def hear(self):
        more = self.c.recv(65536)
        if not more:
            raise OSError("hung up")
        self.coming.write(more)

    def flight(self):
        """What follows the ClientHello."""
        while not self.going.pending:
            self.hear()
            try:
                self.ssl.do_handshake()
            except ssl.SSLWantReadError:
                pass
        return self.going.read()

    def shake(self):
        while True:
            try:
                self.ssl.do_handshake()
                self.flush()
                return
            except ssl.SSLWantReadError:
                self.flush()
                self.hear()

    def flush(self):
        if self.going.pending:
            self.c.sendall(self.going.read())

    def say(self, text):
        self.ssl.write(text)
        self.flush()

    def read(self):
        while True:
            try:
                return self.ssl.read(65536)
            except ssl.SSLWantReadError:
                self.hear()

    def alert(self):
        """Makes OpenSSL itself send a fatal alert: by a record that no peer has sent."""
        self.coming.write(b"\x17\x03\x03\x00\x30" + b"\xaa" * 48)
        try:
            while True:
                self.ssl.read(65536)
        except ssl.SSLError:
            pass
        self.flush()


def tls(c, name="server"):
    session = Tls(c, name)
    session.shake()
    return session


@case
def tls_no_server_hello(c):
    hold(c)


@case
def tls_stalls_after_server_hello(c):
    flight = Tls(c).flight()
    c.sendall(flight[:5 + struct.unpack(">H", flight[3:5])[0]])
    hold(c)


@case
def tls_drip(c):
    drip(c, Tls(c).flight())


@case
def tls_chain_1mb(c):
    tls(c, "chain")
    hold(c)


@case
def tls_alert_at_hello(c):
    c.recv(65536)
    c.sendall(b"\x15\x03\x01\x00\x02\x02\x28")
    hold(c)


@case
def tls_warnings(c):
    """Warning alerts without end: each is to be overlooked."""
    c.recv(65536)
    flood(c, b"\x15\x03\x01\x00\x02\x01\x5a" * 1000)


@case
def tls_reset_in_handshake(c):
    flight = Tls(c).flight()
    c.sendall(flight[:len(flight) // 2])
    time.sleep(0.05)
    reset(c)


@case(quick=True)
def tls_garbage(c):
    c.settimeout(2)
    c.recv(65536)
    c.sendall(b"\x00\xff\x1b[31m this is no TLS\r\n")


@case
def tls_alert_in_banner(c):
    session = tls(c)
    session.say(b"220-half a")
    session.alert()
    hold(c)


@case
def tls_alert_in_body(c):
    session = tls(c)
    session.read()
    session.say(OK + b"Content-Length: 1000\r\n\r\nhalf a")
    session.alert()
    hold(c)


@case
def tls_mute(c):
    tls(c)
    hold(c)


@case
def tls_nasty_names(c):
    session = tls(c, "nasty")
    session.say(b"220 " + NASTY + b"\r\n")
    hold(c)


@case
def tls_self_signed(c):
    tls(c, "self")
    hold(c)


@case
def tls_expired(c):
    tls(c, "expired")
    hold(c)


@case
def tls_wants_certificate(c):
    """One that ca.pem has signed."""
    if context("server").verify_mode != ssl.CERT_REQUIRED:
        context("server").load_verify_locations(directory + "/ca.pem")
        context("server").verify_mode = ssl.CERT_REQUIRED
    session = Tls(c)
    try:
        session.shake()
    except ssl.SSLError:
        session.flush()
    hold(c)


@case
def tls_endless_banner(c):
    session = tls(c)
    while True:
        session.say(b"b" * 65536)


@case
def tls_no_goodbye(c):
    """The end of the connection without the end of TLS."""
    session = tls(c)
    session.read()
    session.say(OK + b"Connection: close\r\n\r\nall or half")


@case
def tls_no_goodbye_short(c):
    session = tls(c)
    session.read()
    session.say(OK + b"Content-Length: 1000\r\n\r\nhalf a")


@case
def tls_redirect_to_plain(c):
    session = tls(c)
    session.read()
    session.say(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                b"Content-Length: 0\r\n\r\n")
    hold(c)


# ---- HTTP: heads ----

@case
def header_line_endless(c):
    answer(c, b"X: " + b"x" * 65536)
    flood(c, b"x" * 65536)


@case
def headers_endless(c):
    answer(c, b"X: x")
    flood(c, b"X-Header: value\r\n" * 4096)


@case
def continue_endless(c):
    request(c)
    flood(c, b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


@case
def head_drip(c):
    request(c)
    drip(c, OK + b"X: " + b"x" * 100000)


@case
def http_0_9(c):
    request(c)
    c.sendall(b"<html>no status line, no headers</html>\n")


@case
def http_garbage(c):
    request(c)
    c.sendall(b"\x00\xff\x1b[31m no HTTP at all\r\n\r\n")


@case
def http_mute(c):
    request(c)
    hold(c)


@case
def http_late(c):
    request(c)
    time.sleep(0.01)
    c.sendall(OK + b"Content-Length: 0\r\n\r\n")


@case
def http_hangs_up(c):
    request(c)


@case(quick=True)
def http_error(c):
    c.settimeout(2)
    answer(c, b"Content-Length: 0\r\n", status=b"HTTP/1.1 500 Broken\r\n")


@case
def http_nasty(c):
    """A reason phrase, headers and a body that want to be shown on a terminal."""
    nasty = NASTY.replace(b"\x00", b"")
    answer(c, b"X-" + nasty + b": " + nasty + b"\r\nServer: " + nasty + b"\r\n"
           b"Content-Length: 8000\r\n", (b"<title>" + NASTY * 300)[:8000],
           b"HTTP/1.1 500 " + nasty + b"A" * 5000 + b"\r\n")


# ---- HTTP: bodies ----

@case
def body_endless(c):
    answer(c, b"")
    flood(c, b"y" * 65536)


@case
def body_drip(c):
    answer(c, b"Content-Length: 100000\r\n")
    drip(c, b"z" * 100000)


@case
def chunk_endless(c):
    answer(c, b"Transfer-Encoding: chunked\r\n", b"1;")
    flood(c, b"e" * 65536)


@case
def chunk_huge(c):
    answer(c, b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffffff\r\n")
    flood(c, b"c" * 65536)


@case
def trailers_endless(c):
    answer(c, b"Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n0\r\n")
    flood(c, b"X-Trailer: value\r\n" * 4096)


@case
def length_too_long(c):
    answer(c, b"Content-Length: 1000\r\n", b"abc")


@case
def length_too_short(c):
    answer(c, b"Content-Length: 5\r\nConnection: close\r\n", b"hello, and more than that")


@case
def length_twice(c):
    answer(c, b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello")


@case
def length_absurd(c):
    answer(c, b"Content-Length: 99999999999999999999999\r\n", b"hello")


def encoded(c, encodings, body):
    answer(c, b"Content-Encoding: " + encodings + b"\r\nContent-Length: %d\r\n" % len(body),
           body)
    hold(c)


@functools.lru_cache
def zeros():
    """1 GiB of them, by gzip."""
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = press.compress(bytes(1 << 20)) + press.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + block * 1024 \
        + press.flush() + struct.pack("<II", 0x5b64c2b0, 1 << 30)


@case
def bomb_gzip(c):
    encoded(c, b"gzip", zeros())


@case
def bomb_brotli(c):
    """1 GiB of zeros in 809 bytes, as the tool brotli presses them."""
    block = bytes.fromhex(
        "effff9ffff0f8004401c1680eefd3fffffff01900088c302d0bdffe7ffff3f001200715800baf7fffcff"
        "ff074002200e0b40f7fe9fffffff004800c46101e8defff3ffff1f000980382c00ddfb7ffeffff032001"
        "108705a07bffcfffff7f002400e2b00074")
    encoded(c, b"br", (bytes.fromhex("cfffff7f002400e2b14072") + block * 8)[:808] + b"\x3f")


@case
def encodings_200(c):
    body = b"hello"
    for _ in range(200):
        press = zlib.compressobj(1, zlib.DEFLATED, 31)
        body = press.compress(body) + press.flush()
    encoded(c, b", ".join([b"gzip"] * 200), body)


@case
def slow_pattern(c):
    """Makes [0-9]++[a-z] quadratic."""
    body = b"1" * 900000 + b"Z"
    answer(c, b"Content-Length: %d\r\n" % len(body), body)


@case(quick=True)
def json_wrong(c):
    c.settimeout(2)
    answer(c, b"Content-Type: application/json\r\nContent-Length: 17\r\n", b"{\"status\": \"bad\"}")


@case
def json_deep(c):
    body = b"[" * 500000
    answer(c, b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body), body)


@case
def json_wide(c):
    """As many values as are looked at, almost."""
    body = b"{" + b",".join(b'"%d":0' % i for i in range(29990)) + b"}"
    answer(c, b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body), body)


@case
def json_nasty(c):
    body = b"{\"status\": \"" + NASTY.replace(b"\"", b"").replace(b"\x00", b"\\u0000") + b"\"}"
    answer(c, b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body), body)


@case
def answers_twice(c):
    """The answer to a question that nobody has asked yet follows the first one."""
    while True:
        answer(c, b"Content-Length: 5\r\n", b"hello" + OK + b"Content-Length: 4\r\n\r\nevil")


# ---- HTTP/2, spoken without asking ----

def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) \
        + struct.pack(">I", stream) + payload


def h2_flood(c, frames):
    c.recv(65536)
    c.sendall(frame(4, 0, 0) + frame(4, 1, 0))
    flood(c, frames)


@case
def h2_continuation(c):
    """A head of which more always follows."""
    c.recv(65536)
    c.sendall(frame(4, 0, 0) + frame(4, 1, 0) + frame(1, 0, 1, b"\x88"))
    flood(c, frame(9, 0, 1, b"\x00\x01x" + b"\x7f\x81\x7f" + b"v" * 16384)[:9 + 16384] * 4)


@case
def h2_pings(c):
    h2_flood(c, frame(6, 0, 0, b"pingpong") * 4096)


@case
def h2_settings(c):
    h2_flood(c, frame(4, 0, 0, struct.pack(">HI", 3, 100) * 100) * 64)


@case
def h2_garbage(c):
    h2_flood(c, b"\xff" * 65536)


# ---- HTTP: elsewhere ----

@case
def redirect_file(c):
    redirect(c, b"file:///etc/passwd")


@case
def redirect_circle(c):
    redirect(c, b"/again")


@case
def redirect_nasty(c):
    redirect(c, b"http://" + NASTY.replace(b"\x00", b"") + b"/")


# ---- datagrams: questions and names ----

def answers(s):
    while True:
        packet, peer = s.recvfrom(65536)
        yield packet, peer


@case(udp=True)
def udp_refused(s):
    """A port that is taken, for one peer only: the kernel refuses all others."""
    s.connect(("127.0.0.1", 9))
    threading.Event().wait()


@case(udp=True)
def udp_mute(s):
    for _ in answers(s):
        pass


@case(udp=True)
def udp_flood(s):
    for _, peer in answers(s):
        for _ in range(2000):
            s.sendto(b"f" * 1400, peer)


@case(udp=True)
def udp_largest(s):
    for _, peer in answers(s):
        s.sendto(b"l" * 65507, peer)


@case(udp=True)
def udp_nasty(s):
    for _, peer in answers(s):
        s.sendto(NASTY, peer)


def unknown_name(s, packet, peer):
    s.sendto(packet[:2] + b"\x81\x83" + packet[4:6] + bytes(6) + packet[12:], peer)


@case(udp=True)
def dns_unknown(s):
    for packet, peer in answers(s):
        unknown_name(s, packet, peer)


@case(udp=True)
def dns_garbage(s):
    """The right question, and then compressed names in circles."""
    for packet, peer in answers(s):
        s.sendto(packet[:2] + b"\x81\x80\x00\x01\xff\xff\xff\xff\xff\xff" + packet[12:]
                 + b"\xc0\x0c\xc0\xff" * 200, peer)


@case(udp=True)
def dns_flood(s):
    """Answers to other questions."""
    for packet, peer in answers(s):
        for _ in range(1000):
            s.sendto(random.randbytes(2) + b"\x81\x80" + packet[4:], peer)


# ---- what works until DIRECTORY/closed is there ----

def closed():
    return os.path.exists(directory + "/closed")


def held(c, end):
    c.sendall(b"500 closed\r\n" if closed() else b"220 ready\r\n")
    time.sleep(0.02)
    end(c)


@case
def held_fin(c):
    held(c, lambda c: c.shutdown(socket.SHUT_WR))
    hold(c)


@case
def held_reset(c):
    held(c, reset)


@case
def kept_fin(c):
    """A connection that is to be kept, and is closed."""
    answer(c, b"Content-Length: 0\r\n",
           status=b"HTTP/1.1 500 Closed\r\n" if closed() else OK)
    time.sleep(0.02)


@case(udp=True)
def dns_mute(s):
    for packet, peer in answers(s):
        if closed():
            unknown_name(s, packet, peer)


# ---- the ports ----

def serve(function, c):
    try:
        c.settimeout(None)
        function(c)
    except (OSError, ValueError):
        pass
    finally:
        c.close()


def accept(function, s):
    if function.udp:
        while True:
            try:
                function(s)
            except OSError:
                pass
    while True:
        c = s.accept()[0]
        if function.quick:
            serve(function, c)
        else:
            threading.Thread(target=serve, args=(function, c), daemon=True).start()


def listen(name, function):
    s = socket.socket(socket.AF_UNIX if function.unix else socket.AF_INET,
                      socket.SOCK_DGRAM if function.udp else socket.SOCK_STREAM)
    s.bind("%s/%s.sock" % (directory, name) if function.unix else ("127.0.0.1", 0))
    if not function.udp and not function.deaf:
        s.listen(512)
    print("%s %d" % (name, 0 if function.unix else s.getsockname()[1]))
    return s


def stay(function, s, alive):
    """Serves as long as the parent lives."""
    if not function.deaf:
        threading.Thread(target=accept, args=(function, s), daemon=True).start()
    os.read(alive, 1)
    os._exit(0)


def main(where, *wanted):
    global directory
    directory = os.path.abspath(where)
    threading.stack_size(256 * 1024)
    if any(name.startswith("tls-") for name in wanted or cases):
        make_certificates()
        for name in ("server", "chain", "nasty", "self", "expired"):
            context(name)
    ports = [(cases[name], listen(name, cases[name])) for name in wanted or cases]
    alive, ours = os.pipe()
    sys.stdout.flush()
    for function, s in ports:
        if os.fork() == 0:
            os.close(ours)
            stay(function, s, alive)
    print("ready", flush=True)
    threading.Event().wait()


main(*sys.argv[1:])
