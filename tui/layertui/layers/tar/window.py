"""Read a tar from front to back: seek over the contents of a plain one, decompress another."""

from __future__ import annotations

from layertui.layers.compression.format import INFLATED_BLOCK
from layertui.model.blob import Blob
from layertui.model.job import Job
from layertui.model.typed import Protocol

HEADER_CHUNK = 1 << 17
"""Bytes read at once where only headers are needed: reading some contents is faster than many small reads."""


class Window(Protocol):
    """The bytes of a tar, read at ascending offsets."""

    @property
    def end(self) -> int:
        """Size of the tar; known at the latest once :meth:`at` returned less than requested."""

    def at(self, offset: int, length: int) -> tuple[bytes, int]:
        """Return bytes, and where among them those at ``offset`` start: at least ``length``, less only at the end."""


class PlainWindow:
    """An uncompressed tar that can be read at any offset: contents are skipped."""

    def __init__(self, blob: Blob, job: Job = Job.NONE) -> None:
        self._blob = blob
        self._check = job.check
        self.end = blob.size

    def at(self, offset: int, length: int) -> tuple[bytes, int]:
        self._check()
        return self._blob.pread(max(length, HEADER_CHUNK), offset), 0


class Readable(Protocol):
    """A stream that is read front to back: a decompressor's output, or an engine's answer."""

    def read(self, size: int, /) -> bytes:
        """Return some of the next bytes, at most ``size``; none at the end."""


class StreamWindow:
    """A tar that arrives front to back: contents are dropped."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._data = b""
        self._base = 0
        self.end = -1

    def at(self, offset: int, length: int) -> tuple[bytes, int]:
        while offset > self._base + len(self._data):
            self._base += len(self._data)
            self._data = self._stream.read(INFLATED_BLOCK)
            if not self._data:
                self.end = self._base
                return b"", 0
        start = offset - self._base
        if len(self._data) - start >= length:
            return self._data, start  # not copied: blocks are large, and most are read once
        self._data = self._data[start:]
        self._base = offset
        while len(self._data) < length:
            fresh = self._stream.read(INFLATED_BLOCK)
            if not fresh:
                self.end = offset + len(self._data)
                break
            self._data = self._data + fresh if self._data else fresh
        return self._data, 0
