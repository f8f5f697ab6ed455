#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""proxy.py - stands between a client and a server of TCP, and does on command what a bad
network does.

    proxy.py LISTENPORT SERVERPORT CONTROL          CONTROL: a unix socket that it makes
    proxy.py --tell CONTROL COMMAND                 says what became of it

    pass          forwards (so it begins)
    delay MS      what comes is passed on MS later, in both directions
    drop          passes nothing on; connections stay, new ones are taken: a silent peer
    reset         ends every connection with RST, and each new one likewise
    stat          connections taken, open now, bytes to the server, bytes back

`pass` and `delay` pass on what a `drop` kept back.  All of it on 127.0.0.1.
"""
import asyncio, socket, struct, sys

CHUNK = 65536


class Proxy:
    def __init__(self, server_port):
        self.server_port = server_port
        self.mode, self.delay = "pass", 0.0
        self.changed = asyncio.Event()
        self.open = set()
        self.taken, self.there, self.back = 0, 0, 0

    async def command(self, text):
        words = text.split()
        if words == ["stat"]:
            return f"{self.taken} {len(self.open) // 2} {self.there} {self.back}"
        if len(words) == 2 and words[0] == "delay" and words[1].isdigit():
            self.mode, self.delay = "pass", int(words[1]) / 1000
        elif words in (["pass"], ["drop"], ["reset"]):
            self.mode, self.delay = words[0], 0.0
        else:
            return f"not a command: {text}"
        self.changed.set()
        self.changed = asyncio.Event()
        if self.mode == "reset":
            for writer in list(self.open):
                reset(writer)
        return "done"

    async def flow(self, reader, writer, count):
        """One direction.  A chunk leaves `delay` after it came, and the next may come
        meanwhile: what is delayed is not made slow."""
        chunks = asyncio.Queue(64)

        async def leave():
            while True:
                at, data = await chunks.get()
                await asyncio.sleep(max(0, at - asyncio.get_running_loop().time()))
                while self.mode == "drop":
                    await self.changed.wait()
                if not data:
                    return
                writer.write(data)
                await writer.drain()
                count(len(data))

        leaving = asyncio.ensure_future(leave())
        try:
            while True:
                data = await reader.read(CHUNK)
                await chunks.put((asyncio.get_running_loop().time() + self.delay, data))
                if not data:
                    break
            await leaving
            writer.write_eof()
        except OSError:
            reset(writer)
        finally:
            leaving.cancel()

    def went(self, length):
        self.there += length

    def came(self, length):
        self.back += length

    async def connection(self, reader, writer):
        self.taken += 1
        if self.mode == "reset":
            reset(writer)
            return
        try:
            far = await asyncio.open_connection("127.0.0.1", self.server_port)
        except OSError:
            reset(writer)
            return
        both = {writer, far[1]}
        self.open |= both
        try:
            await asyncio.gather(self.flow(reader, far[1], self.went),
                                 self.flow(far[0], writer, self.came))
        finally:
            self.open -= both
            for each in both:
                each.close()


def reset(writer):
    """RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    writer.transport.abort()


async def serve(listen_port, server_port, control):
    proxy = Proxy(server_port)

    async def told(reader, writer):
        answer = await proxy.command((await reader.readline()).decode().strip())
        writer.write(answer.encode() + b"\n")
        await writer.drain()
        writer.close()

    await asyncio.start_server(proxy.connection, "127.0.0.1", listen_port)
    await (await asyncio.start_unix_server(told, control)).serve_forever()


def tell(control, text):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(control)
        s.sendall(text.encode() + b"\n")
        answer = s.makefile().readline().strip()
    print(answer)
    sys.exit(answer.startswith("not a command") or not answer)


if sys.argv[1] == "--tell":
    tell(sys.argv[2], " ".join(sys.argv[3:]))
asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
