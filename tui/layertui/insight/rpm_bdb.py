"""Read ``Packages``, the Berkeley DB hash of rpm up to RHEL 8 (db 4 and 5, ``src/dbinc/db_page.h``).

The values are package headers, most of them in chains of overflow pages; numbers are in the byte order of the
machine that wrote them. Written by hand since no library reads it without the file, and rpm has dropped its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_MAGIC, _MAGIC_OFFSET = 0x061561, 12
_META_PAGE, _UNSORTED_PAGE, _OVERFLOW_PAGE, _SORTED_PAGE = 8, 2, 7, 13
_VALUE, _OFF_PAGE = 1, 3
_VERSIONS = (8, 9, 10)
"""Of the hash format: db 4.1 to 5.3, and 18."""
_CHECKSUMS = 1
"""Flag of databases whose pages begin with a checksum (``DBMETA_CHKSUM``)."""
_PAGE_HEADER = 26
_COUNTER = 4
"""Bytes of the value that is not a header: the number of the last package."""


def is_bdb(data: bytes) -> bool:
    """Return whether bytes begin as a hash of Berkeley DB."""
    return bool(_byte_order(data))


def bdb_headers(data: bytes) -> Iterator[bytes]:
    """Yield the package headers of a database. Raises ``ValueError`` or :class:`struct.error` if it is damaged."""
    order = _byte_order(data)
    version, size, encryption, kind, flags = struct.unpack_from(f"{order}IIBBB", data, 16)
    if version not in _VERSIONS or kind != _META_PAGE or encryption or flags & _CHECKSUMS:
        raise ValueError(f"its version {version} is not supported, or it is encrypted or checksummed")
    if not 512 <= size <= 65536 or size & (size - 1):
        raise ValueError(f"its pages have {size:,} bytes")
    # Of every page rather than bucket by bucket: pages out of use have another type.
    for start in range(0, len(data) - size + 1, size):
        if data[start + 25] in (_UNSORTED_PAGE, _SORTED_PAGE):
            for item in _values(data, start, size, order):
                value = _overflowed(data, item, size, order) if item[0] == _OFF_PAGE else item[1:]
                if len(value) > _COUNTER:
                    yield value


def _byte_order(data: bytes) -> str:
    """Return the byte order as :mod:`struct` writes it; empty if the bytes are no database."""
    magic = data[_MAGIC_OFFSET : _MAGIC_OFFSET + 4]
    return next((order for order in "<>" if magic == struct.pack(f"{order}I", _MAGIC)), "")


def _values(data: bytes, start: int, size: int, order: str) -> Iterator[bytes]:
    """Yield the values of a page of keys and values, each with its type; they are stored from its end."""
    (count,) = struct.unpack_from(f"{order}H", data, start + 20)
    if count % 2 or _PAGE_HEADER + 2 * count > size:
        raise ValueError(f"a page of {count:,} items at byte {start:,}")
    offsets = struct.unpack_from(f"{order}{count}H", data, start + _PAGE_HEADER)
    for number in range(1, count, 2):
        offset, end = offsets[number], offsets[number - 1]
        if not _PAGE_HEADER <= offset < end <= size:
            raise ValueError(f"item {number:,} of the page at byte {start:,} is not in it")
        item = data[start + offset : start + end]
        if item[0] not in (_VALUE, _OFF_PAGE):
            raise ValueError(f"an item of type {item[0]} in the page at byte {start:,}")
        yield item


def _overflowed(data: bytes, item: bytes, size: int, order: str) -> bytes:
    """Return the value that an item refers to, in a chain of pages."""
    page, length = struct.unpack_from(f"{order}II", item, 4)
    if length > len(data):
        raise ValueError(f"a value of {length:,} bytes")
    value = bytearray()
    while page and len(value) < length:
        start = page * size
        following, _, stored = struct.unpack_from(f"{order}IHH", data, start + 16)
        if data[start + 25] != _OVERFLOW_PAGE or not 0 < stored <= size - _PAGE_HEADER:
            raise ValueError(f"there is no overflow page at byte {start:,}")
        value += data[start + _PAGE_HEADER : start + _PAGE_HEADER + stored]
        page = following
    if len(value) != length:
        raise ValueError(f"a value of {length:,} bytes ends early")
    return bytes(value)
