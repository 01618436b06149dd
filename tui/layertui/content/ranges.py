"""Where two files differ byte by byte, read piece by piece."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

ReadAt = Callable[[int, int], bytes]
"""Gives the bytes from an offset on, as many as are asked for; fewer only at the end of the file."""

COMPARED_CHUNK = 1 << 18
"""Bytes of each that are compared at once."""
_MIN_EQUAL = 16
"""Bytes alike after which another range starts."""
_DIFFERENT = re.compile(b"[^\\0]+(?:\\0{1,%d}[^\\0]+)*" % (_MIN_EQUAL - 1))


class ByteRange(NamedTuple):
    """Bytes from ``start`` to before ``end`` that differ, with fewer than 16 alike in a row between them."""

    start: int
    end: int


def differing_ranges(before: ReadAt, after: ReadAt, size: int) -> Iterator[ByteRange]:
    """The ranges of the first ``size`` bytes in which two files differ at the same offsets.

    Reads on as it is asked for more; what the readers raise passes.
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
