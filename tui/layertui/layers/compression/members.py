"""Decompress the members of a layer, each from its start, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from layertui import zstd
from layertui.layers.compression.format import (
    SKIPPABLE,
    Damaged,
    Unsupported,
    compression_of,
    is_skippable_frame,
)
from layertui.model.blob import Blob
from layertui.model.job import Job

INPUT_CHUNK = 1 << 16
"""Stored bytes read at once."""
FIRST_INPUT_CHUNK = 1 << 12
"""The same at the start of a member: eStargz layers have one for every file."""
GZIP_WINDOW = 31
"""zlib's ``wbits`` for a gzip header and the largest window (zlib.h, inflateInit2)."""
XZ_MEMORY = 1 << 29
"""Bytes of memory for a decoder: eight times what ``xz -9`` needs."""
EMPTY_MEMBER_ENDS = (b"\x03\0" + bytes(8), b"\xff\xff" + bytes(8))
"""The last bytes of an empty gzip member, as BGZF and eStargz end with: they look like padding."""
ZSTD_BLOCK = 1 << 17
"""Maximum size of a block's content (RFC 8878, 3.1.1.2.4)."""
ZSTD_WINDOW = 1 << 29
"""Largest window of a frame, in bytes: that of the decoder of Docker, containerd and Podman (klauspost/compress)."""


class Member(Protocol):
    """A gzip member, a zstd frame, a bzip2 or xz stream: a blob may consist of several."""

    end: int
    """Its end in the blob; known once :meth:`read` has returned the last byte."""

    def read(self, length: int) -> bytes:
        """Return the next bytes, at least one and at most ``length``; empty at the end.

        Raises :class:`Damaged`.
        """
        ...

    def copy(self) -> Member | None:
        """Return a copy that continues from the same position; ``None`` if the library cannot copy its state."""
        ...


def member_at(blob: Blob, position: int, compression: str) -> Member | None:
    """Return the first member at or after ``position``; ``None`` if there are no more.

    Zeros between members are skipped, other bytes after the last one ignored
    (as gzip(1), "trailing garbage ignored").
    """
    if compression == "zstd":
        position = _Headers(blob).after_skippable(position)
    while head := blob.pread(FIRST_INPUT_CHUNK, position):
        rest = head if compression == "zstd" else head.lstrip(b"\0")
        position += len(head) - len(rest)
        if not rest:
            continue
        magic = blob.pread(8, position)
        if compression_of(magic) != compression:
            return None
        return _MEMBERS[compression](blob, position)
    return None


class Members:
    """All members of a blob in sequence."""

    def __init__(self, blob: Blob, compression: str, step: int, job: Job = Job.NONE) -> None:
        """``step`` is the maximum of bytes decompressed at once; it may be changed."""
        self.step = step
        self._blob = blob
        self._compression = compression
        self._job = job
        self.position = 0
        """The end of the last member that was read."""
        self._member: Member | None = None

    def read(self, size: int) -> bytes:
        """Return some of the next bytes; none at the end. Raises :class:`Damaged`, :class:`Cancelled`."""
        while True:
            self._job.check()
            if self._member is None:
                self._member = member_at(self._blob, self.position, self._compression)
                if self._member is None:
                    return b""
            data = self._member.read(min(size, self.step))
            if data:
                return data
            self.position, self._member = self._member.end, None


@cache
def _zlib() -> Any:
    """Return zlib-ng, or the module of the standard library that it is like."""
    try:
        from zlib_ng import zlib_ng
    except ImportError:
        import zlib

        return zlib
    return zlib_ng


def inflater_of(window_bits: int, before: bytes) -> Any:
    """Return a decompressor (zlib.h, inflateInit2) of a stream that refers to bytes ``before`` it."""
    return _zlib().decompressobj(window_bits, before)


class GzipMember:
    """A gzip member (RFC 1952)."""

    def __init__(self, blob: Blob, position: int, inflater: Any = None, trailer: int = 0) -> None:
        """``inflater`` continues from the state of another, and leaves so many bytes at the end of the member."""
        library = _zlib()
        self.end = -1
        self._blob = blob
        self._position = position
        self._input = FIRST_INPUT_CHUNK
        self._pending = b""
        self._inflater = inflater or library.decompressobj(GZIP_WINDOW)
        self._trailer = trailer
        self._error: type[Exception] = library.error

    def read(self, length: int) -> bytes:
        inflater = self._inflater
        while not inflater.eof:
            fresh = self._pending
            if not fresh:
                fresh = self._blob.pread(self._input, self._position)
                self._position += len(fresh)
                self._input = min(2 * self._input, INPUT_CHUNK)
            try:
                data = inflater.decompress(fresh, length)
            except self._error as error:
                raise Damaged(f"its gzip stream is damaged: {error}") from error
            self._pending = inflater.unconsumed_tail
            if inflater.eof:
                self.end = self._position - len(inflater.unused_data) + self._trailer
            elif not fresh and not data:
                raise Damaged("its gzip stream ends early")
            if data:
                return bytes(data)
        return b""

    def copy(self) -> GzipMember:
        twin = GzipMember(self._blob, self._position, self._inflater.copy(), self._trailer)
        twin._pending, twin._input = self._pending, self._input
        return twin


class ZstdFrame:
    """A zstd frame (RFC 8878, 3.1.1); fed block by block, so that no input yields more output than a block."""

    def __init__(self, blob: Blob, position: int) -> None:
        self.end = -1
        self._blob = blob
        try:
            self._decoder = zstd.FrameDecoder(ZSTD_WINDOW)
        except zstd.NoLibrary as error:
            raise Unsupported(str(error)) from error
        self._stored = b""
        self._at = 0
        self._position = position
        self._input = FIRST_INPUT_CHUNK
        self._ready = b""
        header = self._next(_frame_header_size(self._peek(5)[4]))
        self._has_checksum = bool(header[4] & 4)
        if (window := _window_size(header)) > ZSTD_WINDOW:
            raise Unsupported(
                f"its zstd stream needs a window of {window >> 20:,} MiB: more than {ZSTD_WINDOW >> 20} MiB are not "
                "supported here and in engines, zstd -d --long=31 decompresses it"
            )
        self._decode(header)

    def read(self, length: int) -> bytes:
        while not self._ready and self.end < 0:
            header = int.from_bytes(self._peek(3), "little")
            is_last, kind, size = header & 1, header >> 1 & 3, header >> 3
            if size > ZSTD_BLOCK:
                raise Damaged("its zstd stream is damaged: a block is too large")
            size = 3 + (1 if kind == 1 else size) + (4 if is_last and self._has_checksum else 0)
            self._ready = self._decode(self._next(size))
            if is_last:
                self.end = self._position - len(self._stored) + self._at
        data, self._ready = self._ready[:length], self._ready[length:]
        return data

    def copy(self) -> None:
        return None

    def _decode(self, data: bytes) -> bytes:
        try:
            return self._decoder.decompress(data)
        except zstd.ZstdError as error:
            raise Damaged(f"its zstd stream is damaged: {error}") from error

    def _peek(self, size: int) -> bytes:
        """Return the next stored bytes without consuming them."""
        if self._at + size > len(self._stored):
            fresh = self._blob.pread(size + self._input, self._position)
            self._position += len(fresh)
            self._input = min(2 * self._input, INPUT_CHUNK)
            self._stored, self._at = self._stored[self._at :] + fresh, 0
            if len(self._stored) < size:
                raise Damaged("its zstd stream ends early")
        return self._stored[self._at : self._at + size]

    def _next(self, size: int) -> bytes:
        data = self._peek(size)
        self._at += size
        return data


def _frame_header_size(descriptor: int) -> int:
    """Return the size of a frame's header with its magic number (RFC 8878, 3.1.1.1)."""
    is_single_segment = descriptor >> 5 & 1
    content_size = (is_single_segment, 2, 4, 8)[descriptor >> 6]
    return 4 + 1 + (1 - is_single_segment) + (0, 1, 2, 4)[descriptor & 3] + content_size


def _window_size(header: bytes) -> int:
    """Return the memory that a frame needs, in bytes (RFC 8878, 3.1.1.1.2 and 3.1.1.1.4)."""
    if header[4] >> 5 & 1:  # a single segment: that of its content
        content = header[5 + (0, 1, 2, 4)[header[4] & 3] :]
        return int.from_bytes(content, "little") + 256 * (len(content) == 2)
    base = 1 << 10 + (header[5] >> 3)
    return base + base // 8 * (header[5] & 7)


class _Headers:
    """The headers of a zstd stream. Frames and blocks may be a few bytes long, so that several are read at once."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._data = b""
        self._start = 0

    def read(self, length: int, position: int) -> bytes:
        """Return up to ``length`` bytes; fewer only at the end."""
        at = position - self._start
        if at < 0 or at + length > len(self._data):
            self._data, self._start, at = self._blob.pread(FIRST_INPUT_CHUNK, position), position, 0
        return self._data[at : at + length]

    def after_skippable(self, position: int) -> int:
        """Return the end of the skippable frames at a position; it may be past that of the blob."""
        while is_skippable_frame(self.read(8, position)):
            data, at = self._data, position - self._start
            while data[at + 1 : at + 4] == SKIPPABLE and data[at] & 0xF0 == 0x50 and at + 8 <= len(data):
                at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
            if self._start + at == position:
                return position + 8  # its own size is cut off
            position = self._start + at
        return position


def zstd_end(blob: Blob) -> int:
    """Return the end of the last frame, past that of the blob if the frame is incomplete.

    Walks from block to block without decompressing any.
    """
    headers = _Headers(blob)
    position = headers.after_skippable(0)
    while len(head := headers.read(18, position)) > 4 and compression_of(head) == "zstd":
        position += _frame_header_size(head[4])
        is_last = 0
        while not is_last:
            block = headers.read(3, position)
            if len(block) < 3:
                return blob.size + 1
            header = int.from_bytes(block, "little")
            is_last, kind, size = header & 1, header >> 1 & 3, header >> 3
            position += 3 + (1 if kind == 1 else size)
        position = headers.after_skippable(position + (4 if head[4] & 4 else 0))
    return blob.size + 1 if len(head) == 4 and compression_of(head) == "zstd" else position


def gzip_end(blob: Blob, size: int, job: Job = Job.NONE) -> int:
    """Return the end of the last member, knowing that only zeros follow it, and the ``size`` of all contents.

    Decompresses the blob again if its end does not show it.
    """
    tail = blob.pread(10, max(blob.size - 10, 0))
    ends_in_size = (
        int.from_bytes(tail[-4:], "little") == size & 0xFFFFFFFF
    )  # RFC 1952, ISIZE; not of several members
    if tail[-1:] != b"\0" or ends_in_size or tail in EMPTY_MEMBER_ENDS:
        return blob.size
    members = Members(blob, "gzip", INPUT_CHUNK, job)
    while members.read(INPUT_CHUNK):
        pass
    return members.position


class LibraryStream:
    """A bzip2 or xz stream, decompressed by the standard library."""

    def __init__(self, blob: Blob, position: int, name: str, decoder: Any) -> None:
        self.end = -1
        self._blob = blob
        self._position = position
        self._name = name
        self._decoder = decoder

    def read(self, length: int) -> bytes:
        decoder = self._decoder
        while not decoder.eof:
            fresh = b""
            if decoder.needs_input:
                fresh = self._blob.pread(INPUT_CHUNK, self._position)
                self._position += len(fresh)
                if not fresh:
                    raise Damaged(f"its {self._name} stream ends early")
            try:
                data: bytes = decoder.decompress(fresh, length)
            except (
                Exception
            ) as error:  # OSError, ValueError, LZMAError or MemoryError, depending on the library
                raise Damaged(f"its {self._name} stream is damaged: {error}") from error
            if decoder.eof:
                self.end = self._position - len(decoder.unused_data)
            if data:
                return data
        return b""

    def copy(self) -> None:
        return None


def _bzip2(blob: Blob, position: int) -> Member:
    import bz2

    return LibraryStream(blob, position, "bzip2", bz2.BZ2Decompressor())


def _xz(blob: Blob, position: int) -> Member:
    import lzma

    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY)
    return LibraryStream(blob, position, "xz", decoder)


_MEMBERS: dict[str, Callable[[Blob, int], Member]] = {
    "gzip": GzipMember,
    "zstd": ZstdFrame,
    "bzip2": _bzip2,
    "xz": _xz,
}
