"""Two ways to look at a tar from front to back: hopping over a plain one, inflating another."""

from __future__ import annotations

import threading

from layertui.blob import Blob
from layertui.layers.decompress import Cancelled, Stream

HOP = 1 << 15
"""Bytes read at once where only headers are wanted."""
CHUNK = 1 << 18
"""Bytes inflated at once: few enough to be scanned while they are in the processor's cache."""


class PlainWindow:
    """An uncompressed tar that can be read at any offset: contents are never read."""

    def __init__(self, blob: Blob, cancelled: threading.Event | None = None) -> None:
        self._blob = blob
        self._cancelled = cancelled

    def at(self, offset: int, length: int) -> bytes:
        if self._cancelled is not None and self._cancelled.is_set():
            raise Cancelled
        return self._blob.pread(max(length, HOP), offset)


class StreamWindow:
    """A tar that comes out of a decompressor: contents pass by and are dropped."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = bytearray(CHUNK)
        self._data = b""
        self._base = 0

    def at(self, offset: int, length: int) -> bytes:
        end = self._base + len(self._data)
        if offset < end:
            self._data = self._data[offset - self._base :]
        else:
            self._data = b""
            while end < offset:
                view = memoryview(self._buffer)[: min(offset - end, CHUNK)]
                count = self._stream.readinto(view)
                if not count:
                    break
                end += count
        self._base = offset
        while len(self._data) < length and end >= offset:
            count = self._stream.readinto(self._buffer)
            if not count:
                break
            with memoryview(self._buffer)[:count] as fresh:  # copied once
                self._data = self._data + fresh if self._data else bytes(fresh)
        return self._data
