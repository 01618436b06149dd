"""Sparse files: what a tar stores of them, and the zeros between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

ZEROS = bytes(1 << 18)
"""Zeros handed out at once."""


class Segment(NamedTuple):
    """Part of a file: stored, or a hole."""

    length: int
    stored: int
    """Where it starts in what the tar stores of the file; -1 for a hole, which reads as zeros."""


def segments(stored: Sequence[tuple[int, int]], offset: int, end: int) -> Iterator[Segment]:
    """The bytes ``offset`` to ``end`` of a file of which the (offset, length) in ``stored`` are kept."""
    places = accumulate((length for _start, length in stored), initial=0)
    for (start, length), place in zip(stored, places, strict=False):
        stop = min(start + length, end)
        if stop <= offset:
            continue
        if start >= end:
            break
        if start > offset:
            yield Segment(start - offset, -1)
            offset = start
        yield Segment(stop - offset, place + offset - start)
        offset = stop
    if offset < end:
        yield Segment(end - offset, -1)


def sparse_map_error(stored: Sequence[tuple[int, int]], kept: int) -> str:
    """What is wrong with the map of a file of which the tar keeps ``kept`` bytes; empty if nothing is."""
    end = total = 0
    for start, length in stored:
        if start < end:
            return "its sparse map is not in order"
        end = start + length
        total += length
    return "its sparse map names more than is stored" if total > kept else ""


def merged_ranges(
    one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The (offset, length) at which either of two files stores anything, in order."""
    start = end = 0
    for at, length in sorted((*one, *other)):
        if at > end:
            if end > start:
                yield start, end - start
            start = at
        end = max(end, at + length)
    if end > start:
        yield start, end - start


def zeros_of(length: int) -> Iterator[bytes]:
    """That many zeros."""
    while length > 0:
        yield ZEROS[:length]
        length -= len(ZEROS)
