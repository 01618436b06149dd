"""Indexes of layers that were read before, and what was made of them, kept in the user's cache directory.

A file is a magic number, a checksum and compressed msgpack: columns of numbers and
strings, nothing that could run. What is read back is checked in full before it is used,
since the checksum catches damage, not malice.
"""

from __future__ import annotations

import contextlib
import os
import sys
import zlib
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from layertui.layers.column_bounds import all_below
from layertui.model.layer_index import Extra, Kind, LayerIndex, LayerWarning, positions

MAGIC = b"layertui\x01" + sys.byteorder[:1].encode()
"""Ends in the format's version and the byte order of the columns."""

MAX_BYTES = 512 << 20
"""What all that is in the cache may take together."""
MAX_INFLATED = 2 << 30
"""What one of them may inflate to: an image of twenty million paths."""


Kept = TypeVar("Kept")


class DamagedIndex(Exception):
    """Bytes that :func:`encode` did not make, or not whole."""


def cache_directory() -> Path:
    """Where caches go, ``$XDG_CACHE_HOME/layertui`` on Linux; it need not exist."""
    from platformdirs import user_cache_path

    return user_cache_path("layertui", appauthor=False)


class IndexCache:
    """A folder of indexes by key; the longest unused are removed when it grows too large.

    What is made of indexes is kept beside them, by :meth:`write` and :meth:`read`.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or cache_directory() / "indexes"

    def load(self, key: str) -> LayerIndex | None:
        """The index kept under a key; ``None`` if there is none, or a damaged one."""
        return self.read(key, decode)

    def save(self, key: str, index: LayerIndex) -> None:
        """Keep an index. A full disk or a read-only folder only means that nothing is kept."""
        self.write(key, encode(index))

    def has(self, key: str) -> bool:
        """Whether there is something to read under a key, be it damaged."""
        return os.access(self.directory / key, os.R_OK)

    def read(self, key: str, decode: Callable[[bytes], Kept]) -> Kept | None:
        """What is kept under a key; ``None`` if there is nothing, or ``decode`` raises :class:`DamagedIndex`."""
        path = self.directory / key
        try:
            data = path.read_bytes()
            os.utime(path)  # was used now
        except OSError:
            return None
        try:
            return decode(data)
        except DamagedIndex:
            with contextlib.suppress(OSError):
                path.unlink()  # it is made anew
            return None

    def write(self, key: str, data: bytes) -> None:
        """Keep bytes, all of them or nothing; see :meth:`save`."""
        import tempfile

        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=self.directory, prefix=".", delete=False) as file:
                try:
                    file.write(data)
                    file.close()
                    Path(file.name).replace(self.directory / key)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
            self._shrink()
        except OSError:
            return

    def _shrink(self) -> None:
        with os.scandir(self.directory) as entries:
            files = [(entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in entries]
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= MAX_BYTES:
                break
            with contextlib.suppress(OSError):
                Path(path).unlink()
            total -= size


COLUMNS = (
    ("mode", "H"),
    ("uid", "I"),
    ("gid", "I"),
    ("size", "Q"),
    ("mtime", "q"),
    ("mtime_ns", "I"),
    ("offset", "Q"),
    ("link", "i"),
)
_KINDS = bytes(Kind)
_FACTS = ("compression", "tar_size", "blob_digest", "diff_id", "damage")


def pack(index: LayerIndex) -> bytes:
    """An index as bytes, for a process that trusts this one; see :func:`unpack`."""
    import msgspec

    body = {
        "keys": index.keys,
        "count": index.count,
        "kind": index.kind,
        "columns": [getattr(index, name).tobytes() for name, _ in COLUMNS],
        "links": index.links,
        "extra": [
            (number, [(_bytes(name), value) for name, value in extra.xattrs.items()], *extra[1:])
            for number, extra in index.extra.items()
        ],
        "warnings": [(code, key, _bytes(text)) for code, key, text in index.warnings],
        "facts": [_bytes(value) if isinstance(value, str) else value for value in _facts(index)],
        "stamp": index.stamp.tobytes(),
    }
    return msgspec.msgpack.encode(body)


def unpack(data: bytes | memoryview) -> LayerIndex:
    """The index that :func:`pack` made bytes of; anything else raises whatever it happens to raise."""
    import msgspec

    return _index(msgspec.msgpack.decode(data, type=_body_type()))


def column_of(code: str, data: bytes | memoryview) -> array[int]:
    """The column, an array of type ``code``, that these are the bytes of."""
    column = array(code)
    column.frombytes(data)
    return column


def encode(index: LayerIndex) -> bytes:
    """An index as bytes, for the disk."""
    return seal(pack(index))


def decode(data: bytes) -> LayerIndex:
    """The index that :func:`encode` made bytes of.

    Raises :class:`DamagedIndex` for anything else, however it came about.
    """
    import msgspec

    try:
        index = unpack(unseal(data))
        _check(index)
        return index
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError) as error:
        raise DamagedIndex(str(error)) from error


def seal(body: bytes) -> bytes:
    """Bytes as they are kept: compressed, with a checksum."""
    import zstandard

    packed = zstandard.ZstdCompressor(level=1).compress(body)
    return MAGIC + zlib.crc32(packed).to_bytes(4, "little") + packed


def unseal(data: bytes) -> bytes:
    """The bytes that :func:`seal` was given. Raises :class:`DamagedIndex` for anything else."""
    import zstandard

    start = len(MAGIC) + 4
    if (
        data[: len(MAGIC)] != MAGIC
        or zlib.crc32(data[start:]).to_bytes(4, "little") != data[start - 4 : start]
    ):
        raise DamagedIndex("wrong checksum, or of another version")
    packed = memoryview(data)[start:]
    try:
        if not 0 < zstandard.frame_content_size(packed) <= MAX_INFLATED:
            raise DamagedIndex("of unknown or excessive size")
        return zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError as error:
        raise DamagedIndex(str(error)) from error


def _index(body: Any) -> LayerIndex:
    columns: dict[str, Any] = {
        name: column_of(code, column) for (name, code), column in zip(COLUMNS, body.columns, strict=True)
    }
    facts: dict[str, Any] = {
        name: _text(value) if isinstance(value, bytes) else value
        for name, value in zip(_FACTS, body.facts, strict=True)
    }
    return LayerIndex(
        keys=bytes(body.keys),
        count=body.count,
        kind=bytearray(body.kind),
        stamp=column_of("Q", body.stamp),
        links=body.links,
        extra={
            number: Extra({_text(name): value for name, value in xattrs}, device, sparse, stored)
            for number, xattrs, device, sparse, stored in body.extra
        },
        warnings=[LayerWarning(code, key, _text(text)) for code, key, text in body.warnings],
        **columns,
        **facts,
    )


def _check(index: LayerIndex) -> None:
    """Raises :class:`DamagedIndex` unless every column fits the others."""
    count = index.count
    columns = [index.kind, *(getattr(index, name) for name, _ in COLUMNS)]
    wrong = (
        count < 0
        or any(len(column) != count for column in columns)
        or len(index.stamp) not in (0, count)
        or (index.keys.count(b"/") + 1 != count if count else bool(index.keys))
        or index.kind.translate(None, delete=_KINDS)
        or not all_below(index.link, len(index.links), lowest=-1)
        or any(not 0 <= number < count for number in index.extra)
        or not all_below(index.offset, 1 << 63)
        or not all_below(index.size, 1 << 63)
        or (count and _link_missing(index))
    )
    if wrong:
        raise DamagedIndex("its columns do not fit together")


def _link_missing(index: LayerIndex) -> bool:
    """Whether a link has no target."""
    return any(
        index.link[number] < 0
        for kind in (Kind.HARDLINK, Kind.SYMLINK)
        for number in positions(index.kind, kind)
    )


def _facts(index: LayerIndex) -> list[str | int]:
    return [getattr(index, name) for name in _FACTS]


def _body_type() -> type:
    import msgspec

    return msgspec.defstruct(
        "Body",
        [
            ("keys", memoryview),  # views are not copied where the columns are made of them
            ("count", int),
            ("kind", memoryview),
            ("columns", list[memoryview]),
            ("links", list[bytes]),
            (
                "extra",
                list[
                    tuple[
                        int,
                        list[tuple[bytes, bytes]],
                        tuple[int, int] | None,
                        tuple[tuple[int, int], ...] | None,
                        int,
                    ]
                ],
            ),
            ("warnings", list[tuple[str, bytes, bytes]]),
            ("facts", tuple[bytes, int, bytes, bytes, bytes]),
            ("stamp", memoryview, memoryview(b"")),  # files of before it was there are still good
        ],
    )


def _bytes(text: str) -> bytes:
    # msgpack's strings cannot hold the lone surrogates of undecodable bytes.
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
