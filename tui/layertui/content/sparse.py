"""Sparse files: what a tar stores of them, and the zeros between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

HOLE = bytes(1 << 18)
"""Zeros handed out at once."""


class Stretch(NamedTuple):
    """Part of a file: stored, or a hole."""

    length: int
    stored: int
    """Where it starts in what the tar stores of the file; -1 for a hole, which reads as zeros."""


def stretches(stored: Sequence[tuple[int, int]], offset: int, end: int) -> Iterator[Stretch]:
    """The bytes ``offset`` to ``end`` of a file of which the (offset, length) in ``stored`` are kept."""
    places = accumulate((length for _start, length in stored), initial=0)
    for (start, length), place in zip(stored, places, strict=False):
        stop = min(start + length, end)
        if stop <= offset:
            continue
        if start >= end:
            break
        if start > offset:
            yield Stretch(start - offset, -1)
            offset = start
        yield Stretch(stop - offset, place + offset - start)
        offset = stop
    if offset < end:
        yield Stretch(end - offset, -1)


def flaw(stored: Sequence[tuple[int, int]], kept: int) -> str:
    """What is wrong with the map of a file of which the tar keeps ``kept`` bytes; empty if nothing is."""
    end = total = 0
    for start, length in stored:
        if start < end:
            return "its sparse map is not in order"
        end = start + length
        total += length
    return "its sparse map names more than is stored" if total > kept else ""


def union_of(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
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


def hole(length: int) -> Iterator[bytes]:
    """That many zeros."""
    while length > 0:
        yield HOLE[:length]
        length -= len(HOLE)
