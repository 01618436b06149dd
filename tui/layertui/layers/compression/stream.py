"""Decompress a layer with read-ahead, computing the digest of its stored bytes."""

from __future__ import annotations

import hashlib
import io
import threading
from functools import cache
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from layertui import zstd
from layertui.layers.compression.format import Damaged, compression_of
from layertui.model.blob import Blob
from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STORED_CHUNK = 1 << 20
"""Bytes read and decompressed at once."""

HASH_QUEUE = 8
"""Chunks that may wait to be hashed: reading is faster."""

GZIP_CHUNK = 1 << 18
"""Bytes of a gzip layer decompressed at once; two such chunks may wait to be scanned."""

CAREFUL_CHUNK = 512
"""Bytes decompressed at once near damage: at most this many intact bytes before it are lost."""


class StoredBytes(io.RawIOBase):
    """A blob read from start to end, hashed in a thread of its own."""

    def __init__(self, blob: Blob, algorithm: str, job: Job = Job.NONE) -> None:
        from concurrent.futures import ThreadPoolExecutor

        super().__init__()
        self._blob = blob
        self._job = job
        self._hash = hashlib.new(algorithm)
        self._algorithm = algorithm
        self._hasher = ThreadPoolExecutor(1, thread_name_prefix="digest")
        self._ahead = threading.Semaphore(HASH_QUEUE)
        self.position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._job.check()
        view = memoryview(buffer).cast("B")
        data = self._blob.pread(len(view), self.position)
        view[: len(data)] = data
        self.position += len(data)
        self._ahead.acquire()
        self._hasher.submit(self._update, data)
        return len(data)

    def _update(self, data: bytes) -> None:
        self._hash.update(data)
        self._ahead.release()

    def digest(self) -> str:
        """Return the digest of the whole blob; reads the rest of it."""
        buffer = bytearray(STORED_CHUNK)
        while self.readinto(buffer):
            self._job.report(self.position, self._blob.size)
        self._hasher.shutdown()
        return f"{self._algorithm}:{self._hash.hexdigest()}"

    def stop(self) -> None:
        """End the thread. (``close`` is called when one of several readers is dropped.)"""
        self._hasher.shutdown(cancel_futures=True)


class DecompressedStream:
    """The uncompressed bytes of a blob, read front to back in bounded memory."""

    def __init__(self, blob: Blob, algorithm: str = "sha256", job: Job = Job.NONE) -> None:
        self.compression = compression_of(blob.pread(6, 0))
        self.stored = StoredBytes(blob, algorithm, job)
        self._blob = blob
        self._job = job
        self._inner = _decompressor(self.compression, blob, self.stored, job)
        self._position = 0
        self._is_careful = False
        self._is_at_end = False
        self._zstd_end = -1  # not known yet

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill the buffer; less only at the end. Return the number of bytes.

        Raises :class:`Damaged` where the compressed bytes are broken or cut,
        :class:`LayertuiError` where they cannot be read, :class:`Cancelled`.
        """
        view = memoryview(buffer)
        done = 0
        while done < len(view):
            try:
                count = self._inner.readinto(view[done:])
                if not count:
                    self._check_end()
                    self._is_at_end = True
                    break
            except (LayertuiError, Cancelled):
                raise
            except Exception as error:  # each library raises its own
                if not self._is_careful:
                    self._go_carefully()
                    continue
                if done:
                    break  # the next call meets the damage again
                if isinstance(error, Damaged):
                    raise
                raise Damaged(f"its {self.compression} stream is damaged: {error}") from error
            done += count
            self._position += count
        return done

    def digest(self) -> str:
        """Return the digest of all stored bytes; the stream cannot be read any further."""
        self._end_thread()
        return self.stored.digest()

    def close(self) -> None:
        self._end_thread()
        self.stored.stop()

    def _end_thread(self) -> None:
        """End the decompression thread, which reads the stored bytes too."""
        if isinstance(self._inner, io.BufferedReader):
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
        skipped = bytearray(STORED_CHUNK)
        left = self._position
        while left:
            left -= self._inner.readinto(memoryview(skipped)[:left]) or left
        self._inner.step = CAREFUL_CHUNK


class _Readable(Protocol):
    def readinto(self, buffer: memoryview, /) -> int: ...


@cache
def _igzip() -> Any:
    """Return isal's module that decompresses ahead in a thread; ``None`` if it is not installed."""
    try:
        from isal import igzip_threaded
    except ImportError:
        return None
    return igzip_threaded


def _decompressor(compression: str, blob: Blob, stored: StoredBytes, job: Job) -> _Readable:
    if compression == "gzip" and (igzip_threaded := _igzip()):
        ahead: Any = igzip_threaded.open  # it is untyped
        return cast(_Readable, ahead(stored, "rb", threads=1, block_size=GZIP_CHUNK))
    if compression == "zstd" and (zstandard := zstd.zstandard()):
        from layertui.layers.compression.members import ZSTD_WINDOW

        return cast(
            _Readable,
            zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).stream_reader(
                cast(IO[bytes], stored), read_size=STORED_CHUNK, read_across_frames=True
            ),
        )
    if compression:
        from layertui.layers.compression.members import Members

        return Members(blob, compression, STORED_CHUNK, job)
    return stored
