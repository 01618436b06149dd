"""Sparse files: the ranges that a tar stores, and the holes between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from layertui.model.typed import NamedTuple

HOLE_CHUNK = bytes(1 << 18)
"""The zeros that are yielded at once."""


class Segment(NamedTuple):
    """A stored part of a file, or a hole."""

    length: int
    stored: int
    """Offset in the stored bytes of the file; -1 for a hole, which reads as zeros."""


def segments(stored: Sequence[tuple[int, int]], offset: int, end: int) -> Iterator[Segment]:
    """Yield the segments of bytes ``offset`` to ``end`` of a file whose (offset, length) ranges in ``stored`` are stored."""
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
    """Return why the sparse map of a file with ``kept`` stored bytes is invalid; empty if it is valid."""
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
    """Yield the union of two files' stored ranges, as (offset, length) in order."""
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
    """Yield ``length`` zeros in pieces."""
    while length > 0:
        yield HOLE_CHUNK[:length]
        length -= len(HOLE_CHUNK)
