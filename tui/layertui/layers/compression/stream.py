"""Decompress a layer with read-ahead, computing the digest of its stored bytes."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from functools import cache
from queue import SimpleQueue

from layertui import TYPE_CHECKING, zstd
from layertui.layers.compression.format import INFLATED_BLOCK, Damaged, compression_of
from layertui.model.blob import Blob
from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.model.typed import Protocol

if TYPE_CHECKING:
    from typing import Any

    from _typeshed import WriteableBuffer

STORED_CHUNK = 1 << 20
"""Bytes read and decompressed at once."""

HASH_QUEUE = 8
"""Chunks that may wait to be hashed: reading is faster."""

BLOCKS_AHEAD = 4
"""Blocks that are decompressed ahead of the reader."""

CAREFUL_CHUNK = 512
"""Bytes decompressed at once near damage: at most this many intact bytes before it are lost."""

Watcher = Callable[[bytes], None]
"""Is given all stored bytes in their order."""


class StoredBytes(io.RawIOBase):
    """A blob read from start to end, hashed in a thread of its own."""

    def __init__(
        self, blob: Blob, algorithm: str, job: Job = Job.NONE, watcher: Watcher | None = None
    ) -> None:
        """``watcher`` is called in the thread that hashes."""
        super().__init__()
        self._blob = blob
        self._job = job
        self._hash = hashlib.new(algorithm)
        self._algorithm = algorithm
        self._watcher = watcher
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._room = _Room(HASH_QUEUE)
        self._hasher = threading.Thread(target=self._run, name="digest", daemon=True)
        self._hasher.start()
        self.position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size: int = STORED_CHUNK) -> bytes:
        self._job.check()
        data = self._blob.pread(size, self.position)
        self.position += len(data)
        self._room.take()
        self._waiting.put(data)
        return data

    def _run(self) -> None:
        while (data := self._waiting.get()) is not None:
            self._hash.update(data)
            try:
                if self._watcher is not None:
                    self._watcher(data)
            except BaseException:  # a panic of the core too
                self._watcher = None  # what it adds is lost, but nobody may wait for ever
            self._room.give()

    def digest(self) -> str:
        """Return the digest of the whole blob; reads the rest of it."""
        while self.read():
            self._job.report(self.position, self._blob.size)
        self.stop()
        return f"{self._algorithm}:{self._hash.hexdigest()}"

    def stop(self) -> None:
        """End the thread. (``close`` is called when one of several readers is dropped.)"""
        self._waiting.put(None)
        self._hasher.join()


class _Room:
    """Places in a queue, taken by one thread and given back by another; cheaper than a semaphore of Python's."""

    def __init__(self, places: int) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(places):
            self.give()

    def take(self) -> None:
        """Take a place; wait until there is one."""
        self._free.get()

    def give(self) -> None:
        self._free.put(None)


class DecompressedStream:
    """The uncompressed bytes of a blob, read front to back in bounded memory."""

    def __init__(
        self,
        blob: Blob,
        algorithm: str = "sha256",
        job: Job = Job.NONE,
        watcher: Watcher | None = None,
    ) -> None:
        self.compression = compression_of(blob.pread(6, 0))
        self.stored = StoredBytes(blob, algorithm, job, watcher)
        self._blob = blob
        self._job = job
        self._inner = _decompressor(self.compression, blob, self.stored, job)
        self._position = 0
        self._is_careful = False
        self._is_at_end = False
        self._zstd_end = -1  # not known yet

    def read(self, size: int) -> bytes:
        """Return some of the next bytes, at most ``size``; none at the end.

        They are not copied if ``size`` is at least :data:`INFLATED_BLOCK`. Raises :class:`Damaged` where the
        compressed bytes are broken or cut, :class:`LayertuiError` where they cannot be read, :class:`Cancelled`.
        """
        while True:
            try:
                data = self._inner.read(size)
                if not data:
                    self._check_end()
                    self._is_at_end = True
            except (LayertuiError, Cancelled):
                raise
            except Exception as error:  # each library raises its own
                if not self._is_careful:
                    self._go_carefully()
                    continue
                if isinstance(error, Damaged):
                    raise
                raise Damaged(f"its {self.compression} stream is damaged: {error}") from error
            self._position += len(data)
            return data

    def digest(self) -> str:
        """Return the digest of all stored bytes; the stream cannot be read any further."""
        self._end_thread()
        return self.stored.digest()

    def close(self) -> None:
        self._end_thread()
        self.stored.stop()

    def _end_thread(self) -> None:
        """End the decompression thread, which reads the stored bytes too."""
        if isinstance(self._inner, _Ahead):
            self._inner.close()

    def _check_end(self) -> None:
        from layertui.layers.compression.members import zstd_end

        if self.compression != "zstd":
            return
        # The library stops silently where a frame is truncated.
        if self._zstd_end < 0:
            self._zstd_end = zstd_end(self._blob)
        if self._zstd_end > self._blob.size:
            raise Damaged("its zstd stream ends early")

    def trailing(self) -> int:
        """Return the number of stored bytes after the compressed ones, which are ignored; 0 before the end.

        Padding of xz streams does not count (The .xz File Format, 2.2).
        """
        from layertui.layers.compression.members import Members, gzip_end, zstd_end

        if not self._is_at_end:
            return 0
        if self.compression == "zstd":
            end = self._zstd_end if self._zstd_end >= 0 else zstd_end(self._blob)
        elif isinstance(self._inner, Members):
            end = self._inner.position
        elif self.compression == "gzip":
            end = gzip_end(self._blob, self._position, self._job)
        else:
            return 0
        count = max(self._blob.size - end, 0)
        return 0 if self.compression == "xz" and count % 4 == 0 and self._is_zero(end) else count

    def _is_zero(self, position: int) -> bool:
        """Return whether the stored bytes from a position on are all zero."""
        while piece := self._blob.pread(STORED_CHUNK, position):
            if piece.strip(b"\0"):
                return False
            position += len(piece)
        return True

    def _go_carefully(self) -> None:
        """Decompress again up to here and continue in small steps.

        The library drops what it decompressed together with the damage.
        """
        from layertui.layers.compression.members import Members

        self._end_thread()
        self._is_careful = True
        self._inner = Members(self._blob, self.compression, STORED_CHUNK, self._job)
        left = self._position
        while left:
            left -= len(self._inner.read(left)) or left
        self._inner.step = CAREFUL_CHUNK


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Ahead:
    """A decompressor that runs in a thread of its own, a few blocks ahead of the reader."""

    def __init__(self, decompressor: _Readable) -> None:
        self._decompressor = decompressor
        self._ready: SimpleQueue[bytes | Exception] = SimpleQueue()
        self._room = _Room(BLOCKS_AHEAD)
        self._rest: bytes | Exception = b""
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="inflate", daemon=True)
        self._thread.start()

    def read(self, size: int) -> bytes:
        """Return some of the next bytes; none at the end. Raises what the decompressor does, again at each call."""
        block = self._rest or self._ready.get()
        if not block or isinstance(block, Exception):
            self._rest = block
            self._ready.put(block)  # for the next call
        if isinstance(block, Exception):
            raise block
        if len(block) > size:
            block, self._rest = block[:size], block[size:]
        else:
            self._rest = b""
            self._room.give()
        return block

    def close(self) -> None:
        self._is_closed = True
        self._room.give()
        self._thread.join()

    def _run(self) -> None:
        block: bytes | Exception = b"-"
        while block and not isinstance(block, Exception):
            self._room.take()
            if self._is_closed:
                return
            try:
                block = self._decompressor.read(INFLATED_BLOCK)
            except Exception as error:
                block = error
            self._ready.put(block)


@cache
def _igzip() -> Any:
    """Return isal's module of gzip files; ``None`` if it is not installed."""
    try:
        from isal import igzip
    except ImportError:
        return None
    return igzip


def _decompressor(compression: str, blob: Blob, stored: StoredBytes, job: Job) -> _Readable:
    if compression == "gzip" and (igzip := _igzip()):
        return _Ahead(igzip.open(stored, "rb"))
    if compression == "zstd" and (zstandard := zstd.zstandard()):
        from layertui.layers.compression.members import ZSTD_WINDOW

        return _Ahead(
            zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).stream_reader(
                stored, read_size=STORED_CHUNK, read_across_frames=True
            )
        )
    if compression:
        from layertui.layers.compression.members import Members

        return Members(blob, compression, STORED_CHUNK, job)
    return stored
