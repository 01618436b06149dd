"""Loops over long columns that run inside the interpreter's C code, a stretch at a time.

One such loop does not let go of the interpreter's lock; between two of them other threads,
the one that paints the screen above all, get their turn.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import accumulate

STRETCH = 4096
"""Values that one loop handles: a tenth of a millisecond or two."""


def assign(column: bytearray | array[int], places: array[int], values: Iterator[int]) -> None:
    """``column[place] = value`` for each pair, in order."""
    for start in range(0, len(places), STRETCH):
        # The places come first: finding them at an end takes no value that the next stretch needs.
        deque(map(column.__setitem__, places[start : start + STRETCH], values), maxlen=0)


def gather(column: array[int], places: array[int]) -> array[int]:
    """``column[place]`` for each place; -1 finds the last value."""
    if len(places) == len(column) and places == array(places.typecode, range(len(places))):
        return column  # all of it as it stands, which is quicker to see than to collect
    found = array(column.typecode)
    for start in range(0, len(places), STRETCH):
        found.extend(map(column.__getitem__, places[start : start + STRETCH]))
    return found


def offsets(keys: Iterable[bytes]) -> array[int]:
    """Where each key starts when they are joined by slashes; one more for the end."""
    return array("I", accumulate(map((1).__add__, map(len, keys)), initial=0))


def ends(parent: array[int]) -> array[int]:
    """The end of each node's subtree, nodes being numbered depth first; the root's parent is -1."""
    count = len(parent)
    end = array("I", range(1, count + 1))
    last_child = dict(zip(parent, range(count), strict=True))  # of all children the last one stays
    del last_child[-1]
    for directory in sorted(last_child, reverse=True):
        end[directory] = end[last_child[directory]]
    return end
