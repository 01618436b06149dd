"""Where two files differ byte by byte, read piece by piece."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

Reader = Callable[[int, int], bytes]
"""Gives the bytes from an offset on, as many as are asked for; fewer only at the end of the file."""

PIECE = 1 << 18
"""Bytes of each that are compared at once."""
_GAP = 16
"""Bytes alike after which another range starts."""
_DIFFERENT = re.compile(b"[^\\0]+(?:\\0{1,%d}[^\\0]+)*" % (_GAP - 1))


class Range(NamedTuple):
    """Bytes from ``start`` to before ``end`` that differ, with fewer than 16 alike in a row between them."""

    start: int
    end: int


def ranges(before: Reader, after: Reader, size: int) -> Iterator[Range]:
    """The ranges of the first ``size`` bytes in which two files differ at the same offsets.

    Reads on as it is asked for more; what the readers raise passes.
    """
    last = Range(0, 0)
    for offset in range(0, size, PIECE):
        length = min(PIECE, size - offset)
        one, other = before(offset, length), after(offset, length)
        if one == other:
            continue
        mask = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
        for found in _DIFFERENT.finditer(mask.to_bytes(max(len(one), len(other)), "big")):
            start, end = offset + found.start(), offset + found.end()
            if last.end and start - last.end < _GAP:
                last = Range(last.start, end)
                continue
            if last.end:
                yield last
            last = Range(start, end)
    if last.end:
        yield last
