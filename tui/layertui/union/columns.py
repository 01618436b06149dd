"""Loops over long columns that run inside the interpreter's C code, a stretch at a time.

One such loop does not let go of the interpreter's lock; between two of them other threads,
the one that paints the screen above all, get their turn.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator

STRETCH = 4096
"""Values that one loop handles: a tenth of a millisecond or two."""


def assign(column: bytearray | array[int], places: array[int], values: Iterator[int]) -> None:
    """``column[place] = value`` for each pair, in order."""
    for start in range(0, len(places), STRETCH):
        # The places come first: finding them at an end takes no value that the next stretch needs.
        deque(map(column.__setitem__, places[start : start + STRETCH], values), maxlen=0)
