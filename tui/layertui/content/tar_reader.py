"""Random access to a layer's uncompressed tar, without writing it to disk.

Offsets are bytes in the uncompressed tar unless they are called stored.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from layertui.layers.compression.format import Damaged, compression_of
from layertui.layers.compression.members import Member, member_at
from layertui.model.blob import Blob
from layertui.model.job import Job

READ_CHUNK = 1 << 20
"""Bytes read or decompressed at once, at most."""
SEEK_SPACING = 8 << 20
"""Bytes of tar between two seek points. A point takes about 40 kB; 8 MiB take about 20 ms to decompress."""
MAX_SEEK_POINTS = 512
"""Seek points of a layer; beyond that, every second one is dropped and the spacing doubles."""
DAMAGE_STEP = 512
"""Bytes decompressed at once near damage, so that at most so many intact ones are lost."""
CACHED_BLOCK = 1 << 17
"""Bytes of tar in one block of the cache."""
MAX_IDLE_CURSORS = 2
"""Cursors of a layer kept for callers that read on."""


class Cursor(Protocol):
    """Reads a tar; not safe to share between threads."""

    position: int
    """The offset at which reading on is cheapest."""

    def pieces(self, offset: int, length: int, job: Job = Job.NONE) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``offset``, less if the tar ends before.

        Raises :class:`Damaged` after what could be read, :class:`Cancelled`, and
        :class:`LayertuiError` if the stored bytes cannot be read.
        """
        ...


class PlainCursor:
    """Reads a tar that is stored uncompressed, or a part of it."""

    def __init__(self, blob: Blob, start: int = 0) -> None:
        """``start`` is the offset of the blob in the tar."""
        self.position = start
        self._blob = blob
        self._start = start

    def pieces(self, offset: int, length: int, job: Job = Job.NONE) -> Iterator[bytes]:
        end = offset + length
        while offset < end:
            job.check()
            data = self._blob.pread(min(end - offset, READ_CHUNK), offset - self._start)
            if not data:
                return
            offset += len(data)
            yield data

    def read(self, offset: int, length: int, job: Job = Job.NONE) -> bytes:
        """Return the bytes of :meth:`pieces` as one."""
        return b"".join(self.pieces(offset, length, job))


class Resumable(Protocol):
    """A decompressor of which only copies are used."""

    def copy(self) -> Member | None:
        """See :meth:`Member.copy`."""
        ...


class SeekPoint(NamedTuple):
    """A position from which decompression can start."""

    offset: int
    """Offset in the uncompressed tar."""
    stored: int
    """Offset in the blob, in stored bytes: where the compressed member (gzip member, zstd frame) starts."""
    member: Resumable | None
    """The member's decompressor at ``offset``, to be copied; ``None`` where the member starts."""


class SeekPoints:
    """The seek points of a layer, sorted by offset; safe to share between threads.

    However large the layer, its points take bounded memory: when there are more than
    ``limit``, every second one is dropped, and from then on points are added half as often.
    """

    def __init__(
        self, spacing: int = SEEK_SPACING, limit: int = MAX_SEEK_POINTS, known: Iterable[SeekPoint] = ()
    ) -> None:
        """``known`` are points, sorted, that need not be found."""
        self._points = [SeekPoint(0, 0, None), *known]
        self._offsets = [point.offset for point in self._points]
        self._spacing = spacing
        self._limit = limit
        self._lock = threading.Lock()

    def before(self, offset: int) -> SeekPoint:
        """Return the last point at or before an offset in the tar."""
        with self._lock:
            return self._points[bisect_right(self._offsets, offset) - 1]

    def is_due(self, offset: int) -> bool:
        """Return whether an offset in the tar is far enough from the point before it for another one."""
        return offset - self.before(offset).offset >= self._spacing

    def add(self, point: SeekPoint) -> None:
        """Insert a point; drop every second one, but not the first, if there are too many."""
        with self._lock:
            at = bisect_right(self._offsets, point.offset)
            self._points.insert(at, point)
            self._offsets.insert(at, point.offset)
            if len(self._points) > self._limit:
                del self._points[1::2], self._offsets[1::2]
                self._spacing *= 2


class InflatingCursor:
    """Reads a compressed tar forward, from its position or from the nearest seek point."""

    def __init__(self, blob: Blob, compression: str, points: SeekPoints) -> None:
        self.position = 0
        self._blob = blob
        self._compression = compression
        self._points = points
        self._member: Member | None = None
        self._stored = 0
        self._step_size = READ_CHUNK

    def pieces(self, offset: int, length: int, job: Job = Job.NONE) -> Iterator[bytes]:
        self._go_near(offset)
        end = offset + length
        while self.position < end:
            job.check()
            is_wanted = self.position >= offset
            data = self._step((end if is_wanted else offset) - self.position)
            if not data:
                return
            if is_wanted:
                yield data

    def _go_near(self, offset: int) -> None:
        point = self._points.before(offset)
        if not point.offset <= self.position <= offset:
            self._start(point)

    def _start(self, point: SeekPoint) -> None:
        self.position, self._stored = point.offset, point.stored
        self._member = point.member.copy() if point.member is not None else None
        self._step_size = READ_CHUNK

    def _step(self, length: int) -> bytes:
        """Return the next bytes, at most ``length``; empty at the end."""
        try:
            return self._inflate(min(length, self._step_size))
        except Damaged:
            if self._step_size == DAMAGE_STEP:
                raise
        # What was decompressed together with the damage is lost: read it again in small steps.
        position = self.position
        self._start(self._points.before(position))
        while self.position < position and self._inflate(min(position - self.position, READ_CHUNK)):
            pass
        self._step_size = DAMAGE_STEP
        return self._inflate(min(length, DAMAGE_STEP))

    def _inflate(self, length: int) -> bytes:
        while True:
            if self._member is None:
                if self._points.is_due(self.position):
                    self._points.add(SeekPoint(self.position, self._stored, None))
                self._member = member_at(self._blob, self._stored, self._compression)
                if self._member is None:
                    return b""
            data = self._member.read(length)
            if data:
                self.position += len(data)
                if self._points.is_due(self.position) and (twin := self._member.copy()) is not None:
                    self._points.add(SeekPoint(self.position, self._stored, twin))
                return data
            self._stored, self._member = self._member.end, None


class BlockCache:
    """The most recently used blocks of all layers; safe to share between threads.

    A key is a layer's number and the number of the block in its tar, from 0.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._blocks: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int]) -> bytes | None:
        """Return :data:`CACHED_BLOCK` bytes of a tar, less at its end; ``None`` if they are not cached."""
        with self._lock:
            if key in self._blocks:
                self._blocks.move_to_end(key)
            return self._blocks.get(key)

    def put(self, key: tuple[int, int], block: bytes) -> None:
        """Store a block; the least recently used one is dropped if there are too many."""
        with self._lock:
            self._blocks[key] = block
            if len(self._blocks) > self._capacity:
                self._blocks.popitem(last=False)


class TarReader:
    """Reads a layer's tar; safe to share between threads."""

    def __init__(
        self,
        number: int,
        blob: Blob,
        blocks: BlockCache,
        points: SeekPoints | None = None,
        whole: Blob | None = None,
        compression: str | None = None,
    ) -> None:
        """``number`` is the layer's in the keys of ``blocks``; ``whole`` the blob to read much of, if another.

        ``compression`` is read from the blob if it is not known.
        """
        self.compression = compression_of(blob.pread(6, 0)) if compression is None else compression
        self._number = number
        self._blob = blob
        self._whole = whole
        self._points = points or SeekPoints()
        self._blocks = blocks
        self._idle: list[Cursor] = []
        self._lock = threading.Lock()

    def cursor(self) -> Cursor:
        """Return a new, independent cursor, to read much of the tar."""
        if self._whole is not None and self.compression:
            return InflatingCursor(self._whole, self.compression, SeekPoints())
        return self._cursor()

    def _cursor(self) -> Cursor:
        if self.compression:
            return InflatingCursor(self._blob, self.compression, self._points)
        return PlainCursor(self._blob)

    def read(self, offset: int, length: int, job: Job = Job.NONE) -> bytes:
        """Return the bytes of :meth:`pieces` as one; small reads go through the cache of blocks."""
        if not self.compression or length > CACHED_BLOCK:
            return b"".join(self.pieces(offset, length, job))
        first, last = offset // CACHED_BLOCK, (offset + length - 1) // CACHED_BLOCK
        try:
            data = b"".join(self._block(number, job) for number in range(first, last + 1))
        except Damaged:  # perhaps only in the rest of the last block
            return b"".join(self.pieces(offset, length, job))
        return data[offset - first * CACHED_BLOCK :][:length]

    def pieces(self, offset: int, length: int, job: Job = Job.NONE) -> Iterator[bytes]:
        """Yield what :meth:`Cursor.pieces` does, from the nearest idle cursor."""
        cursor = self._take(offset)
        # A cursor that met damage or an error is not used again.
        yield from cursor.pieces(offset, length, job)
        with self._lock:
            self._idle = [cursor, *self._idle][:MAX_IDLE_CURSORS]

    def drop_cursors(self) -> None:
        """Free the idle cursors, each of which may have a decompressor's window."""
        with self._lock:
            self._idle = []

    def _take(self, offset: int) -> Cursor:
        with self._lock:
            near = [cursor for cursor in self._idle if cursor.position <= offset]
            if not near:
                return self._cursor()
            best = max(near, key=lambda cursor: cursor.position)
            self._idle.remove(best)
            return best

    def _block(self, number: int, job: Job) -> bytes:
        key = (self._number, number)
        block = self._blocks.get(key)
        if block is None:
            block = b"".join(self.pieces(number * CACHED_BLOCK, CACHED_BLOCK, job))
            self._blocks.put(key, block)
        return block
