"""Compare two files byte by byte, without loading them into memory."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

ReadAt = Callable[[int, int], bytes]
"""Called as ``read(offset, length)``; returns fewer bytes only at the end of the file."""

COMPARED_CHUNK = 1 << 18
"""Bytes of each file compared at once."""
_MIN_EQUAL = 16
"""Equal bytes in a row that end a range."""
_DIFFERENT = re.compile(b"[^\\0]+(?:\\0{1,%d}[^\\0]+)*" % (_MIN_EQUAL - 1))


class ByteRange(NamedTuple):
    """Bytes ``start`` to ``end`` - 1, which differ but for fewer than 16 equal ones in a row."""

    start: int
    end: int


def differing_ranges(before: ReadAt, after: ReadAt, size: int) -> Iterator[ByteRange]:
    """Yield the ranges in which the first ``size`` bytes of two files differ at equal offsets.

    Reads lazily; exceptions of the readers propagate.
    """
    last = ByteRange(0, 0)
    for offset in range(0, size, COMPARED_CHUNK):
        length = min(COMPARED_CHUNK, size - offset)
        one, other = before(offset, length), after(offset, length)
        if one == other:
            continue
        mask = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
        for found in _DIFFERENT.finditer(mask.to_bytes(max(len(one), len(other)), "big")):
            start, end = offset + found.start(), offset + found.end()
            if last.end and start - last.end < _MIN_EQUAL:
                last = ByteRange(last.start, end)
                continue
            if last.end:
                yield last
            last = ByteRange(start, end)
    if last.end:
        yield last
