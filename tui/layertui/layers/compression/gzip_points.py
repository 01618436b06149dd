"""Points in a gzip layer from which it can be decompressed, kept to read a part of it without what is before.

A deflate stream consists of blocks, which begin at any bit and refer to the 32 KiB before them (RFC 1951). The native
core finds the blocks while a layer arrives; they are used by zlib.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

from layertui.cache.indexes import DamagedEntry
from layertui.layers import native
from layertui.layers.compression.members import GzipMember, inflater_of
from layertui.model.blob import Blob

POINT_SPACING = 3 << 20
"""Stored bytes between two points, at least: what has to be fetched for a part of a layer, at most. A point takes 32 KiB,
about half once it is compressed."""
MAX_POINTS = 512
"""Points of a layer; those of larger layers are further apart."""
DEFLATE_WINDOW = 1 << 15
"""Bytes that a block may refer to (RFC 1951, 2)."""
RAW_DEFLATE = -15
"""zlib's ``wbits`` for a deflate stream without a header, of the largest window."""
GZIP_TRAILER = 8
"""Bytes after the deflate stream of a member: checksum and size (RFC 1952, 2.3.1)."""
CODE_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
"""Of the lengths of code lengths in a block's header (RFC 1951, 3.2.7)."""


class GzipPoint(NamedTuple):
    """A block of the first member of a gzip layer."""

    offset: int
    """Bytes of tar before it."""
    stored: int
    """Offset in the layer of the first byte that belongs to it as a whole."""
    bits: int
    """How many bits of the byte before belong to it."""
    value: int
    """These bits, the first one lowest."""
    window: bytes
    """What was decompressed before it, as far as it may refer to that."""


class GzipStart:
    """A point of a layer, to decompress that from there as often as wanted."""

    def __init__(self, blob: Blob, point: GzipPoint) -> None:
        self._blob = blob
        self._point = point

    def copy(self) -> GzipMember:
        """Return the rest of the member."""
        point = self._point
        inflater = inflater_of(RAW_DEFLATE, point.window)
        empty, length = _empty_blocks(-point.bits % 8)
        start = empty | point.value << length
        inflater.decompress(start.to_bytes((length + point.bits) // 8, "little"))
        return GzipMember(self._blob, point.stored, inflater, GZIP_TRAILER)


class PointFinder:
    """Finds the points of a gzip layer whose bytes it is given from the first on."""

    def __init__(self, finder: native.BlockFinder) -> None:
        self._finder = finder
        self._start = -1  # of the deflate stream; 0 if it is not looked into

    def feed(self, data: bytes) -> None:
        """Take the next stored bytes; nothing is found if the first ones lack a part of the member's header."""
        if self._start < 0:
            self._start = _header_size(data)
            data = data[self._start :]
        if self._start:
            self._finder.feed(data)

    def pack(self) -> bytes:
        """Return the points as bytes for the cache; empty if there are none."""
        import msgspec

        found = [
            GzipPoint(offset, self._start + stored, bits, value, window)
            for offset, stored, bits, value, window in self._finder.points()
        ]
        return msgspec.msgpack.encode(found) if found else b""


def point_finder(size: int) -> PointFinder | None:
    """Return a finder for a layer of so many stored bytes; ``None`` without the native core."""
    core = native.core()
    return PointFinder(core.BlockFinder(max(POINT_SPACING, size // MAX_POINTS))) if core is not None else None


def unpack_points(data: bytes, size: int) -> list[GzipPoint]:
    """Return the points of a layer of so many stored bytes. Raises :class:`DamagedEntry` for any other bytes."""
    import msgspec

    try:
        points = msgspec.msgpack.decode(data, type=list[GzipPoint])
    except msgspec.MsgspecError as error:
        raise DamagedEntry(str(error)) from error
    fits = (
        each.offset > 0 and 0 < each.stored <= size and 0 <= each.bits < 8
        and 0 <= each.value < 1 << each.bits and 0 < len(each.window) <= DEFLATE_WINDOW
        for each in points
    )  # fmt: skip
    if not all(fits) or any(a.offset > b.offset or a.stored >= b.stored for a, b in pairwise(points)):
        raise DamagedEntry("its points do not fit")
    return points


def _header_size(data: bytes) -> int:
    """Return the size of a member's header (RFC 1952, 2.3); 0 if it is not all there."""
    flags, size = int.from_bytes(data[3:4]), 10
    if flags & 4:
        size += 2 + int.from_bytes(data[size : size + 2], "little")
    for flag in (8, 16):
        if flags & flag:
            end = data.find(b"\0", size)
            size = end + 1 if end >= 0 else len(data) + 1
    size += 2 * (flags >> 1 & 1)
    return size if size <= len(data) else 0


@cache
def _empty_blocks(remainder: int) -> tuple[int, int]:
    """Return the bits of blocks without content, the first one lowest, and their number: it leaves a remainder modulo 8.

    zlib begins with a whole byte: these bits, before those of a block, make one.
    """
    fixed = [(0, 1), (1, 2), (0, 7)]  # not the last block; fixed codes; that of its end
    lengths = [
        (int(code in (1, 18)), 3) for code in CODE_ORDER
    ]  # 0 now means a length of 1, and 1 many zeros
    dynamic = [
        (0, 1), (2, 2), (0, 5), (0, 5), (len(CODE_ORDER) - 4, 4), *lengths,
        (1, 1), (138 - 11, 7), (1, 1), (118 - 11, 7),  # no code for the 256 literals
        (0, 1), (0, 1), (0, 1),  # one for the end, one for distances; the end
    ]  # fmt: skip
    is_odd = remainder % 2
    fields = dynamic * is_odd + fixed * ((remainder - 5 * is_odd) % 8 // 2)  # 93 and 10 bits
    value = length = 0
    for field, width in fields:
        value |= field << length
        length += width
    return value, length
