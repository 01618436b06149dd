"""A blob of a registry: read as it arrives, kept once it is whole and right."""

from __future__ import annotations

import contextlib
import hashlib
import math
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from layertui.cache.blobs import BlobCache, BlobWriter
from layertui.model.blob import Blob, FileBlob, LocalFile
from layertui.model.digest import WrongDigest, algorithm_of, digest_of
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.sources.registry.client import Client
from layertui.sources.registry.connection import TRANSPORT_ERRORS, Patience, is_final, number, reason

if TYPE_CHECKING:
    from requests import Response

DOWNLOAD_CHUNK = 1 << 18
"""Bytes taken from the connection at once."""
NEAR = 4 << 20
"""Bytes ahead that are waited for; what is further off is requested by range."""
FIRST_AHEAD = 1 << 16
"""Bytes between two ranges that count as in a row, and that are read ahead then; doubled for each further one, up to
:data:`NEAR`."""
RECENT_BYTES = 8 << 20
"""Bytes behind the download that stay in memory where no file keeps them."""


class RegistryBlob(Blob):
    """Bytes that are downloaded front to back while they are read that way.

    What has arrived is in the cache's folder, and becomes an entry of the cache once all of
    it is there with the right digest. Where that folder cannot be written, nothing is kept.
    Reads far ahead are ranges, which no digest checks. A connection that is cut goes on where
    it ended.
    """

    def __init__(self, client: Client, digest: str, size: int, cache: BlobCache) -> None:
        """``size`` in bytes, as the manifest has it; -1 if it does not."""
        self.digest = digest
        self._client = client
        self._size = size
        self._cache = cache
        self._whole: FileBlob | None = None
        self._download: _Download | None = None
        self._wrong: LayertuiError | None = None
        self._not_kept = ""
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        return f"{self._client.place}@{self.digest}"

    @property
    def size(self) -> int:
        with self._lock:
            if self._size < 0:
                self._size = self._client.size(f"blobs/{self.digest}")
            return self._size

    @property
    def is_local(self) -> bool:
        with self._lock:
            return self._find() is not None

    @property
    def not_kept(self) -> str:
        return self._not_kept

    def ranged(self) -> Blob:
        return RangedBlob(self)

    @contextmanager
    def fetching(self, job: Job = Job.NONE) -> Iterator[None]:
        with ExitStack() as held:
            if not self.is_local:
                with contextlib.suppress(LayertuiError):  # nothing can be cached: each fetches it for itself
                    held.enter_context(self._cache.lock(self.digest, job))
            yield

    def pread(self, length: int, offset: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        with self._lock:
            if self._wrong is not None:
                raise self._wrong
            if (whole := self._find()) is not None:
                return whole.pread(length, offset)
            if self._download is None:
                self._download = _Download(self._client, self.digest, self._size, self._cache)
            download = self._download
            if offset - download.position <= NEAR or not self._client.gives_ranges:
                download.advance(offset + length)
                data = download.arrived(length, offset)
                self._not_kept = download.not_kept
                if download.position == self._size and not download.is_finished:
                    self._finish(download)
                if data is not None:
                    return data
        return b"".join(download_range(self._client, self.digest, self._size, offset, offset + length))

    def pread_range(self, length: int, offset: int) -> bytes:
        """Return the bytes by a request of their own, which no digest checks; as :meth:`pread` where that is not needed or possible."""
        if not self._client.gives_ranges or self.is_local:
            return self.pread(length, offset)
        return b"".join(download_range(self._client, self.digest, self.size, offset, offset + length))

    def _find(self) -> FileBlob | None:
        """Return the whole blob, if this or another process has brought it."""
        if self._whole is None and (self._download is None or self._download.is_finished):
            kept = self._cache.get(self.digest)
            self._whole = kept if kept is not None and kept.size == self._size else None
        return self._whole

    def _finish(self, download: _Download) -> None:
        found = download.finish(self.digest)
        if found != self.digest:
            self._wrong = WrongDigest(
                f"a blob of {self._client.place}", self.digest, found, "open the image again"
            )


class RangedBlob(Blob):
    """A registry blob of which a few parts are needed, wherever they are: nothing else of it is downloaded.

    Where one part follows another, increasingly more is read ahead.
    """

    def __init__(self, blob: RegistryBlob) -> None:
        self._blob = blob
        self._start = 0
        self._data = b""
        """Bytes from there on, of the last request."""
        self._ahead = 0
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        return self._blob.location

    @property
    def size(self) -> int:
        return self._blob.size

    @property
    def is_local(self) -> bool:
        return self._blob.is_local

    def pread(self, length: int, offset: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        with self._lock:
            reached = self._start + len(self._data)
            if not self._start <= offset <= offset + length <= reached:
                follows = self._data != b"" and self._start <= offset <= reached + FIRST_AHEAD
                self._ahead = min(max(2 * self._ahead, FIRST_AHEAD), NEAR) if follows else 0
                wanted = min(length + self._ahead, self.size - offset)
                self._data, self._start = self._blob.pread_range(wanted, offset), offset
            return self._data[offset - self._start :][:length]


class _Download:
    """One blob on its way; of use to one thread at a time."""

    def __init__(self, client: Client, digest: str, size: int, cache: BlobCache) -> None:
        self.position = 0
        """Bytes that have arrived."""
        self.is_finished = False
        self.not_kept = ""
        """Why no file takes what arrives."""
        self._client = client
        self._digest = digest
        self._size = size
        self._recent = bytearray()
        self._ahead = b""
        self._pieces: Iterator[bytes] | None = None
        digest_of(b"", digest)  # raises if it cannot be checked
        self._algorithm = algorithm_of(digest)
        self._file = ExitStack()
        self._writer: BlobWriter | None = None
        self._reader: FileBlob | None = None
        try:
            self._writer = self._file.enter_context(cache.writer(self._algorithm))
            self._hash = self._writer.hash
            self._reader = FileBlob(LocalFile(self._writer.path, is_cached=True), size=size)
        except LayertuiError as error:
            self._hash = hashlib.new(self._algorithm)
            self.not_kept = str(error)

    def advance(self, end: int) -> None:
        """Have all bytes up to ``end`` arrive, and none beyond: who reads the last has read all."""
        while self.position < end:
            if not self._ahead:
                self._ahead = self._next()
            data, self._ahead = self._ahead[: end - self.position], self._ahead[end - self.position :]
            self._take(data)

    def arrived(self, length: int, offset: int) -> bytes | None:
        """Return bytes that have arrived; ``None`` if they were not kept."""
        if self._writer is not None and self._reader is not None:
            return self._reader.pread(length, offset)
        start = offset - (self.position - len(self._recent))
        return bytes(self._recent[start : start + length]) if start >= 0 else None

    def finish(self, digest: str) -> str:
        """Return the digest of all bytes; the file stays if it is the right one."""
        self.is_finished = True
        self._pieces = None
        found = f"{self._algorithm}:{self._hash.hexdigest()}"
        if self._writer is not None and found == digest:
            self._writer.keep()
        self._close()
        return found

    def _next(self) -> bytes:
        if self._pieces is None:
            self._pieces = download_range(self._client, self._digest, self._size, self.position, self._size)
        try:
            return next(self._pieces)
        except BaseException:
            self._pieces = None  # a later read goes on from here
            raise

    def _take(self, data: bytes) -> None:
        if self._writer is not None:
            try:
                self._writer.write(data)
                self._writer.flush()
            except OSError as error:
                self.not_kept = f"not kept in the cache: {error.strerror or error}"
                start = max(self.position - RECENT_BYTES, 0)
                self._recent += self.arrived(self.position - start, start) or b""
                self._close()
        else:
            self._hash.update(data)
        if self._writer is None:
            self._recent += data
            del self._recent[:-RECENT_BYTES]
        self.position += len(data)

    def _close(self) -> None:
        self._writer = self._reader = None
        with contextlib.suppress(LayertuiError):  # a full disk, which has been said
            self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._close()


def download_range(client: Client, digest: str, size: int, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a blob from ``start`` to ``end``, out of ``size``; cuts are mended by further ranges.

    Raises :class:`LayertuiError`.
    """
    place = f"{client.place}@{digest}"
    position = mark = start
    patience = Patience(math.inf)
    while position < end:
        headers = {} if (position, end) == (0, size) else {"Range": f"bytes={position}-{end - 1}"}
        try:
            with client.open(f"blobs/{digest}", headers, patience=patience) as response:
                _check_size(response, size, position, place)
                if headers and response.status_code != 206:
                    client.gives_ranges = False
                    _skip(response, position)
                while position < end:
                    data = response.raw.read(min(DOWNLOAD_CHUNK, end - position), decode_content=False)
                    if not data:
                        raise ConnectionError("it ends early")
                    position += len(data)
                    yield data
        except TRANSPORT_ERRORS as error:
            # A connection that brings something before each cut is worth going on with.
            if position - mark >= DOWNLOAD_CHUNK:
                patience = Patience(math.inf)
            mark = position
            if is_final(error) or not patience.retry():
                raise LayertuiError(
                    f"{place} does not arrive",
                    f"{reason(error)}, after {position:,} of {size:,} bytes",
                    "open the image again",
                ) from error


def _check_size(response: Response, size: int, position: int, place: str) -> None:
    """Raise :class:`LayertuiError` if an answer is about other bytes than were asked for."""
    length = response.headers.get("Content-Length", "")
    if response.status_code == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match is None or number(match[1]) != position:
            raise LayertuiError(f"{place} does not arrive", "the registry gives another range than asked for")
        length = match[2]
    stated = number(length)
    if stated is not None and stated != size:
        raise LayertuiError(
            f"{place} has a wrong size", f"the manifest says {size:,} bytes, the registry {stated:,}"
        )


def _skip(response: Response, count: int) -> None:
    while count:
        data = response.raw.read(min(DOWNLOAD_CHUNK, count), decode_content=False)
        if not data:
            raise ConnectionError("it ends early")
        count -= len(data)
