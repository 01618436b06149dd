"""Layer indexes, and what is computed from them, as bytes by key.

A file is a magic number, a checksum and the compressed bytes. The checksum detects damage, not malice: who
reads an entry checks all of it.
"""

from __future__ import annotations

import contextlib
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from layertui import zstd
from layertui.cache.directory import atomic_write, cache_directory, evict, lock, own_file, use
from layertui.model.job import Job
from layertui.model.typed import TypeVar

ENTRY_MAGIC = b"layertui\x04" + sys.byteorder[:1].encode()
"""Ends in the format's version and the byte order of the columns."""

ZLIB_START = b"\x78"
"""The first byte of a zlib stream with the usual window (RFC 1950, 2.2); a zstd frame has another."""

MAX_INDEX_BYTES = 512 << 20
"""Size of all entries together."""
MAX_INFLATED = 2 << 30
"""Decompressed size of one entry: an image of twenty million paths."""
MAX_RATIO = 1000
"""Largest ratio of an entry's decompressed to its stored size; ordinary columns have less than ten."""
MIN_ZSTD = 1 << 12
"""Size from which an entry is stored by zstd: for a smaller one, to import the library takes longer than it saves."""
MIN_INFLATED = 16 << 20
"""Decompressed size up to which the ratio does not count."""

Decoded = TypeVar("Decoded")


class DamagedEntry(Exception):
    """Bytes of the cache that nothing wrote like that."""


class IndexCache:
    """A folder of entries by key. What cannot be stored is not an error: it is computed again."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or cache_directory() / "indexes"

    def has(self, key: str) -> bool:
        """Return whether a key has an entry, perhaps a damaged one."""
        return own_file(self.directory / key) is not None

    def read(self, key: str, decode: Callable[[bytes], Decoded]) -> Decoded | None:
        """Return what ``decode`` makes of an entry; ``None`` without one, or if it raises :class:`DamagedEntry`."""
        return self.decode(key, self.unsealed(key), decode)

    def unsealed(self, key: str) -> bytes | None:
        """Return the bytes of an entry; ``None`` without one, or if it is damaged."""
        path = self.directory / key
        if not use(path):
            return None
        try:
            data = path.read_bytes()
        except OSError:
            return None
        return self.decode(key, data, unseal)

    def decode(self, key: str, data: bytes | None, decode: Callable[[bytes], Decoded]) -> Decoded | None:
        """Return what ``decode`` makes of an entry's bytes; where it raises :class:`DamagedEntry`, delete the entry."""
        try:
            return None if data is None else decode(data)
        except DamagedEntry:
            with contextlib.suppress(OSError):
                (self.directory / key).unlink()  # it is rebuilt
            return None

    def write(self, key: str, data: bytes) -> None:
        """Store an entry, completely or not at all."""
        path = self.directory / key
        with contextlib.suppress(OSError):
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            atomic_write(path, seal(data))
            evict(self.directory, MAX_INDEX_BYTES, path)

    @contextmanager
    def lock(self, key: str, job: Job = Job.NONE) -> Iterator[None]:
        """Hold while an entry is made, so that it is not made twice at once. Raises :class:`Cancelled`."""
        with ExitStack() as held:
            with contextlib.suppress(OSError):
                self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                held.enter_context(lock(self.directory, key, job))
            yield


def seal(data: bytes) -> bytes:
    """Return bytes as they are stored: compressed, with a checksum."""
    has_zstd = len(data) >= MIN_ZSTD and zstd.is_available()
    packed = zstd.compress(data) if has_zstd else zlib.compress(data, level=1)
    return ENTRY_MAGIC + zlib.crc32(packed).to_bytes(4, "little") + packed


def unseal(data: bytes) -> bytes:
    """Return the bytes that :func:`seal` was given. Raises :class:`DamagedEntry` for anything else."""
    start = len(ENTRY_MAGIC) + 4
    if (
        data[: len(ENTRY_MAGIC)] != ENTRY_MAGIC
        or zlib.crc32(data[start:]).to_bytes(4, "little") != data[start - 4 : start]
    ):
        raise DamagedEntry("wrong checksum, or of another version")
    packed = memoryview(data)[start:]
    most = min(max(len(packed) * MAX_RATIO, MIN_INFLATED), MAX_INFLATED)
    try:
        return _inflate(packed, most) if packed[:1] == ZLIB_START else zstd.decompress(packed, most)
    except (zlib.error, zstd.ZstdError, zstd.NoLibrary) as error:
        raise DamagedEntry(str(error)) from error


def _inflate(packed: memoryview, most: int) -> bytes:
    """Decompress a zlib stream, as it is written where there is no zstd."""
    inflater = zlib.decompressobj()
    data = inflater.decompress(packed, most)
    if not inflater.eof:
        raise DamagedEntry("truncated, or of excessive size")
    return data
