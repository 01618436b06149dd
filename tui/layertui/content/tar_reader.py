"""A layer's uncompressed tar, read at any offset without unpacking it to disk."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from layertui.layers.compression.format import Damaged, compression_of
from layertui.layers.compression.members import Member, member_at
from layertui.model.blob import Blob
from layertui.model.job import Job

READ_CHUNK = 1 << 20
"""Bytes handed out or inflated at once, at most."""
SEEK_SPACING = 8 << 20
"""Bytes of tar between two seek points. One takes about 40 kB, and 8 MiB about 20 ms to inflate."""
MAX_SEEK_POINTS = 512
"""Seek points of a layer; beyond, every second one goes and the spacing doubles."""
DAMAGE_STEP = 512
"""Bytes inflated at once near damage, so that all but the last of what is whole is read."""
CACHED_BLOCK = 1 << 17
"""Bytes of tar that are remembered as one."""
MAX_IDLE_CURSORS = 2
"""Cursors of a layer that are kept for whoever reads on."""


class Cursor(Protocol):
    """Reads a tar; of use to one thread at a time."""

    position: int
    """Where reading on costs least."""

    def pieces(self, offset: int, length: int, job: Job = Job.NONE) -> Iterator[bytes]:
        """The bytes from ``offset``, ``length`` of them unless the tar ends before.

        Raises :class:`Damaged` after what could be read, :class:`Cancelled`, and
        :class:`LayertuiError` where the stored bytes cannot be read.
        """
        ...


class PlainCursor:
    """Reads a tar that is stored as it is, or a part of it."""

    def __init__(self, blob: Blob, start: int = 0) -> None:
        """``start`` is where in the tar the blob begins."""
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
        """As :meth:`pieces`, in one."""
        return b"".join(self.pieces(offset, length, job))


class SeekPoint(NamedTuple):
    """A place from which inflating can start."""

    offset: int
    """In the tar."""
    stored: int
    """In the blob; where a member starts unless there is one here that goes on."""
    member: Member | None


class SeekPoints:
    """A layer's seek points, shared by all who read it."""

    def __init__(self) -> None:
        self._points = [SeekPoint(0, 0, None)]
        self._offsets = [0]
        self._spacing = SEEK_SPACING
        self._lock = threading.Lock()

    def before(self, offset: int) -> SeekPoint:
        """The last one that is not beyond an offset."""
        with self._lock:
            return self._points[bisect_right(self._offsets, offset) - 1]

    def is_due(self, offset: int) -> bool:
        return offset - self.before(offset).offset >= self._spacing

    def add(self, point: SeekPoint) -> None:
        with self._lock:
            at = bisect_right(self._offsets, point.offset)
            self._points.insert(at, point)
            self._offsets.insert(at, point.offset)
            if len(self._points) > MAX_SEEK_POINTS:
                del self._points[1::2], self._offsets[1::2]
                self._spacing *= 2


class InflatingCursor:
    """Reads a compressed tar: forward, from where it is or from the nearest seek point."""

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
        self._member = point.member and point.member.copy()
        self._step_size = READ_CHUNK

    def _step(self, length: int) -> bytes:
        """The next bytes, at most ``length``; empty at the end."""
        try:
            return self._inflate(min(length, self._step_size))
        except Damaged:
            if self._step_size == DAMAGE_STEP:
                raise
        # What was inflated along with the damage is lost: once more, in small steps.
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
    """The blocks of all layers that were read last."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._blocks: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int]) -> bytes | None:
        with self._lock:
            if key in self._blocks:
                self._blocks.move_to_end(key)
            return self._blocks.get(key)

    def put(self, key: tuple[int, int], block: bytes) -> None:
        with self._lock:
            self._blocks[key] = block
            if len(self._blocks) > self._capacity:
                self._blocks.popitem(last=False)


class TarReader:
    """One layer's tar; safe to share between threads."""

    def __init__(self, number: int, blob: Blob, recent: BlockCache) -> None:
        """``number`` tells its blocks from those of others in ``recent``."""
        self.compression = compression_of(blob.pread(6, 0))
        self._number = number
        self._blob = blob
        self._points = SeekPoints()
        self._recent = recent
        self._idle: list[Cursor] = []
        self._lock = threading.Lock()

    def cursor(self) -> Cursor:
        """A cursor of one's own."""
        if self.compression:
            return InflatingCursor(self._blob, self.compression, self._points)
        return PlainCursor(self._blob)

    def read(self, offset: int, length: int, job: Job = Job.NONE) -> bytes:
        """As :meth:`pieces`, in one; what is small and was read before costs nothing again."""
        if not self.compression or length > CACHED_BLOCK:
            return b"".join(self.pieces(offset, length, job))
        first, last = offset // CACHED_BLOCK, (offset + length - 1) // CACHED_BLOCK
        try:
            data = b"".join(self._block(number, job) for number in range(first, last + 1))
        except Damaged:  # perhaps only beyond what is wanted
            return b"".join(self.pieces(offset, length, job))
        return data[offset - first * CACHED_BLOCK :][:length]

    def pieces(self, offset: int, length: int, job: Job = Job.NONE) -> Iterator[bytes]:
        """As a cursor's, by whichever is nearest."""
        cursor = self._take(offset)
        # A cursor that met damage or an error is not used again.
        yield from cursor.pieces(offset, length, job)
        with self._lock:
            self._idle = [cursor, *self._idle][:MAX_IDLE_CURSORS]

    def rest(self) -> None:
        """Forget the cursors, which may hold a decompressor's window each."""
        with self._lock:
            self._idle = []

    def _take(self, offset: int) -> Cursor:
        with self._lock:
            near = [cursor for cursor in self._idle if cursor.position <= offset]
            if not near:
                return self.cursor()
            best = max(near, key=lambda cursor: cursor.position)
            self._idle.remove(best)
            return best

    def _block(self, number: int, job: Job) -> bytes:
        key = (self._number, number)
        block = self._recent.get(key)
        if block is None:
            block = b"".join(self.pieces(number * CACHED_BLOCK, CACHED_BLOCK, job))
            self._recent.put(key, block)
        return block
