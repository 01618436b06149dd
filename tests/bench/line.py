"""A line of 4 MB/s and 50 ms between this machine and a registry on it, which counts what goes through."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

BYTES_PER_SECOND = 4_000_000
"""Of all connections together, towards the client."""
ONE_WAY = 0.025
"""Seconds that everything takes in each direction: a round trip of 50 ms."""
LATE = 0.01
"""Seconds by which this machine may be late with a piece without the line being slower for it; far less than a round trip."""
PIECE = 1 << 14
"""Bytes of one connection that go through before those of another."""
IN_FLIGHT = 32
"""Pieces of a connection that are on their way: more than the line has room for."""
TLS = b"\x16"
"""The first byte of a TLS connection (RFC 8446, 5.1)."""


@dataclass
class Fetched:
    """A request and its answer."""

    path: str
    received: int = 0
    """Bytes of the answer that went through, with its head."""


class Line:
    """Passes connections on, late and slowly."""

    def __init__(self, upstream: str) -> None:
        """``upstream`` is the registry's host and port."""
        self.fetched: list[Fetched] = []
        self.host = ""
        self._upstream = upstream.split(":")
        self._is_free_at = 0.0

    def blobs(self) -> dict[str, list[Fetched]]:
        """Return what was fetched of each blob, by its digest."""
        found: dict[str, list[Fetched]] = {}
        for each in self.fetched:
            _before, separator, digest = each.path.partition("/blobs/")
            if separator:
                found.setdefault(digest, []).append(each)
        return found

    async def run(self, is_ready: threading.Event, has_ended: threading.Event) -> None:
        """Listen until it has ended."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        is_ready.set()
        await asyncio.to_thread(has_ended.wait)
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * ONE_WAY)  # TCP's handshake
        with suppress(OSError, asyncio.IncompleteReadError):
            if (first := await reader.readexactly(1)) != TLS:
                source, sink = await asyncio.open_connection(*self._upstream)
                arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
                asked: list[Fetched] = []
                tasks = [
                    asyncio.create_task(self._send(source, arriving, asked)),
                    asyncio.create_task(_arrive(arriving, writer)),
                ]
                try:
                    await self._ask(first, reader, sink, asked)
                finally:
                    for task in tasks:
                        task.cancel()
                    sink.close()
        writer.close()

    async def _ask(
        self, first: bytes, reader: asyncio.StreamReader, sink: asyncio.StreamWriter, asked: list[Fetched]
    ) -> None:
        """Pass on the requests of a connection, none of which has a body, one after the other."""
        while True:
            head = first + await reader.readuntil(b"\r\n\r\n")
            first = b""
            asked.append(Fetched(head.split()[1].decode()))
            self.fetched.append(asked[-1])
            await asyncio.sleep(ONE_WAY)
            sink.write(head)

    async def _send(
        self, source: asyncio.StreamReader, arriving: asyncio.Queue[tuple[float, bytes]], asked: list[Fetched]
    ) -> None:
        """Have the pieces of the answers wait until the line is free for them."""
        now = asyncio.get_running_loop().time
        while piece := await source.read(PIECE):
            self._is_free_at = max(self._is_free_at, now() - LATE) + len(piece) / BYTES_PER_SECOND
            await asyncio.sleep(self._is_free_at - now())
            asked[-1].received += len(piece)
            await arriving.put((now() + ONE_WAY, piece))


async def _arrive(arriving: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while True:
            due, piece = await arriving.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            writer.write(piece)
            await writer.drain()


@contextmanager
def line_to(upstream: str) -> Iterator[Line]:
    """Have a line to a registry in the background."""
    line, is_ready, has_ended = Line(upstream), threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(line.run(is_ready, has_ended)), daemon=True)
    thread.start()
    is_ready.wait()
    try:
        yield line
    finally:
        has_ended.set()
        thread.join()
