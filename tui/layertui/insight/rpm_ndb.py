"""Read ``Packages.db``, the ndb format of rpm on SUSE (rpm 4.14 and later, ``lib/backend/ndb/rpmpkg.c``).

Pages of slots, of which each used one says where the blob of a package is; numbers are little-endian. Written
by hand since no library reads it but rpm's own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from zlib import adler32

_DATABASE_MAGIC, _SLOT_MAGIC, _START_MAGIC, _END_MAGIC = b"RpmP", b"Slot", b"BlbS", b"BlbE"
_PAGE_SIZE, _SLOT_SIZE, _BLOCK_SIZE = 4096, 16, 16
_HEADER = struct.Struct("<4sIII")
"""Magic, version, generation, number of pages of slots."""
_FIRST_SLOT = 2
"""Slots before it are the database's header."""
_SLOT = struct.Struct("<4sIII")
"""Magic, package (0 for an unused slot), first block, number of blocks."""
_BLOB = struct.Struct("<4sIII")
"""Magic, package, generation, bytes."""
_TAIL = struct.Struct("<II4s")
"""Adler-32 of everything before it, bytes, magic. At the end of the last block."""


def is_ndb(data: bytes) -> bool:
    """Return whether bytes begin as a database of the format."""
    return data.startswith(_DATABASE_MAGIC)


def ndb_headers(data: bytes) -> Iterator[bytes]:
    """Yield the package headers of a database. Raises ``ValueError`` or :class:`struct.error` if it is damaged."""
    _, version, _, pages = _HEADER.unpack_from(data)
    if version != 0:
        raise ValueError(f"its version is {version}")
    if pages * _PAGE_SIZE > len(data):
        raise ValueError("it ends early")
    seen = set[int]()
    for at in range(_FIRST_SLOT * _SLOT_SIZE, pages * _PAGE_SIZE, _SLOT_SIZE):
        magic, package, block, blocks = _SLOT.unpack_from(data, at)
        if magic != _SLOT_MAGIC:
            raise ValueError(f"there is no slot at byte {at:,}")
        if package and block not in seen:
            seen.add(block)
            yield _blob(data, package, block * _BLOCK_SIZE, (block + blocks) * _BLOCK_SIZE)


def _blob(data: bytes, package: int, start: int, end: int) -> bytes:
    magic, found, _, length = _BLOB.unpack_from(data, start)
    first = start + _BLOB.size
    tail = end - _TAIL.size
    if (magic, found) != (_START_MAGIC, package) or not first <= first + length <= tail or end > len(data):
        raise ValueError(f"there is no package {package} at byte {start:,}")
    checksum, again, magic = _TAIL.unpack_from(data, tail)
    if (again, magic) != (length, _END_MAGIC) or checksum != adler32(memoryview(data)[start:tail]):
        raise ValueError(f"package {package} is damaged")
    return data[first : first + length]
