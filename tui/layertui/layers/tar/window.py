"""Read a tar from front to back: seek over the contents of a plain one, decompress another."""

from __future__ import annotations

from typing import Protocol

from layertui.model.blob import Blob
from layertui.model.job import Job

HEADER_CHUNK = 1 << 15
"""Bytes read at once where only headers are needed."""
INFLATE_CHUNK = 1 << 18
"""Bytes decompressed at once: few enough to be scanned while they are in the processor's cache."""


class Window(Protocol):
    """The bytes of a tar, read at ascending offsets."""

    @property
    def end(self) -> int:
        """Size of the tar; known at the latest once :meth:`at` returned less than requested."""
        ...

    def at(self, offset: int, length: int) -> bytes:
        """Return at least ``length`` bytes at ``offset``, less only at the end."""
        ...


class PlainWindow:
    """An uncompressed tar that can be read at any offset: contents are skipped."""

    def __init__(self, blob: Blob, job: Job = Job.NONE) -> None:
        self._blob = blob
        self._check = job.check
        self.end = blob.size

    def at(self, offset: int, length: int) -> bytes:
        self._check()
        return self._blob.pread(max(length, HEADER_CHUNK), offset)


class Readable(Protocol):
    """A stream that is read front to back: a decompressor's output, or an engine's answer."""

    def readinto(self, buffer: memoryview) -> int:
        """Read into a buffer; return the bytes read, 0 at the end."""
        ...


class StreamWindow:
    """A tar that arrives front to back: contents are dropped."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._buffer = bytearray(INFLATE_CHUNK)
        self._data = b""
        self._base = 0
        self.end = -1
        self._filled = 0

    def at(self, offset: int, length: int) -> bytes:
        reached = self._base + len(self._data)
        if offset < reached:
            self._data = self._data[offset - self._base :]
        else:
            self._data = b""
            while reached < offset and self._fill(min(offset - reached, INFLATE_CHUNK)):
                reached += self._filled
            if reached < offset:
                self._base = self.end = reached
                return b""
        self._base = offset
        while len(self._data) < length and self._fill(INFLATE_CHUNK):
            with memoryview(self._buffer)[: self._filled] as fresh:  # copied once
                self._data = self._data + fresh if self._data else bytes(fresh)
        if len(self._data) < length:
            self.end = offset + len(self._data)
        return self._data

    def _fill(self, length: int) -> bool:
        self._filled = self._stream.readinto(memoryview(self._buffer)[:length])
        return self._filled > 0
