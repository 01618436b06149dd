"""Squarified treemaps (Bruls, Huizing and van Wijk, 2000)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple


class Rect(NamedTuple):
    """A rectangle by its edges."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


def squarify(sizes: Sequence[float], area: Rect) -> list[Rect]:
    """Part a rectangle among positive sizes in proportion, in boxes that are as square as possible.

    The largest size comes first. Adjacent boxes share an edge.
    """
    scale = area.width * area.height / (sum(sizes) or 1)
    found: list[Rect] = []
    start = 0
    while start < len(sizes):
        left, top, right, bottom = area
        is_upright = area.width >= area.height  # the next boxes are in a column at the left
        side, across = (area.height, area.width) if is_upright else (area.width, area.height)
        stop = _row_end(sizes, start, scale, side)
        shares = list(accumulate(sizes[start:stop]))
        thickness = across if stop == len(sizes) else min(shares[-1] * scale / (side or 1), across)
        first, last = (top, bottom) if is_upright else (left, right)
        edges = [first, *(first + side * share / shares[-1] for share in shares[:-1]), last]
        if is_upright:
            right = left + thickness
            found += [Rect(left, one, right, other) for one, other in pairwise(edges)]
            area = Rect(right, top, area.right, bottom)
        else:
            bottom = top + thickness
            found += [Rect(one, top, other, bottom) for one, other in pairwise(edges)]
            area = Rect(left, bottom, right, area.bottom)
        start = stop
    return found


def _row_end(sizes: Sequence[float], start: int, scale: float, side: float) -> int:
    """Return the end of the row that begins with a size: a further one would make its boxes less square."""
    total, worst = 0.0, 0.0
    for stop in range(start, len(sizes)):
        total += sizes[stop] * scale
        ratios = [
            max(side * side * area / (total * total), total * total / (side * side * area))
            for area in (sizes[start] * scale, sizes[stop] * scale)
            if area and side
        ]
        ratio = max(ratios, default=0.0)
        if worst and ratio > worst:
            return stop
        worst = ratio
    return len(sizes)
