"""Treemaps in the cells of a terminal, independent of what is drawn, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from layertui.insight.squarify import Rect, squarify

T = TypeVar("T")

CELL_HEIGHT = 2.6
"""Height of a cell in its widths: more than the usual 2, as names need wide boxes."""
LEAST = 3
"""Cells of the smallest box; what would have less is in the box of the rest."""
PARTED = 12, 4
"""Cells of the smallest directory that is parted, wide and high, its heading included."""


class Cells(NamedTuple):
    """A rectangle of cells by its edges."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def has(self, x: int, y: int) -> bool:
        """Return whether a cell is inside."""
        return self.left <= x < self.right and self.top <= y < self.bottom


class Box(NamedTuple, Generic[T]):
    """What is drawn in a rectangle: an item, or the rest of a directory's."""

    items: Sequence[T]
    """One; of the rest all, the largest first."""
    cells: Cells
    inside: Cells | None
    """Where the boxes of a directory are that is parted; ``cells`` is the line above them."""
    parent: T | None
    """The directory whose part it is; ``None`` for the whole."""
    position: int
    """How many larger parts the directory has."""


def boxes(
    items: Sequence[T],
    weigh: Callable[[T], int],
    parts: Callable[[T], Sequence[T]],
    area: Cells,
    parent: T | None = None,
) -> Iterator[Box[T]]:
    """Yield boxes that together cover an area: of items with a weight, and inside of them of their parts."""
    weighed = sorted(((weigh(item), item) for item in items), key=lambda row: -row[0])
    weights = [weight for weight, _ in weighed if weight > 0]
    if not weights or not area.width or not area.height:
        return
    ordered = [item for _, item in weighed[: len(weights)]]
    shown, found = fit(weights, area)
    for number, cells in enumerate(found):
        if number == shown:
            yield Box(ordered[shown:], cells, None, parent, number)
            continue
        item = ordered[number]
        inside = parts(item) if cells.width >= PARTED[0] and cells.height >= PARTED[1] else ()
        if not inside:
            yield Box((item,), cells, None, parent, number)
            continue
        below = cells._replace(top=cells.top + 1)
        yield Box((item,), cells._replace(bottom=below.top), below, parent, number)
        yield from boxes(inside, weigh, parts, below, item)


def fit(weights: Sequence[int], area: Cells) -> tuple[int, list[Cells]]:
    """Return how many weights have a box of their own, and the boxes; another box is of all others.

    The largest weight comes first. The boxes cover the area, and none is empty: if there is a box of all others, it
    has a few cells at least.
    """
    least = LEAST * sum(weights) / (area.width * area.height)
    shown = sum(weight >= least for weight in weights)
    while True:
        rest = max(sum(weights[shown:]), least) if shown < len(weights) else 0
        found = [
            Cells(round(left), round(top / CELL_HEIGHT), round(right), round(bottom / CELL_HEIGHT))
            for left, top, right, bottom in squarify(
                [*weights[:shown], *([rest] if rest else ())],
                Rect(area.left, area.top * CELL_HEIGHT, area.right, area.bottom * CELL_HEIGHT),
            )
        ]
        empty = next(
            (number for number, cells in enumerate(found) if not cells.width or not cells.height), -1
        )
        if empty < 0:
            return shown, found
        if empty == shown:
            least *= 2
        else:
            shown = min(empty, shown - 1 - shown // 16)
