"""A row of a table, and the layout of its columns."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from layertui.text.format import age_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten

if TYPE_CHECKING:
    from layertui.model.image import ContainerSummary, ImageSummary


@dataclass(frozen=True, slots=True)
class TableRow:
    """One image or container: sanitized cells, and their sort keys."""

    summary: "ImageSummary | ContainerSummary"
    cells: dict[str, str]
    keys: dict[str, Any]
    order: tuple[int, int]
    """Number of its place, and its position there."""
    styles: dict[str, str] = field(default_factory=dict)
    """Styles of cells that differ from their column."""

    @property
    def reference(self) -> str:
        """The reference that opens it (not sanitized)."""
        return self.summary.reference


def aged(row: TableRow) -> TableRow:
    """Return a row that says how long ago its image or container was created by now."""
    return replace(row, cells={**row.cells, "created": visible(age_text(row.summary.created))})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``width`` 0: shares what the others leave."""

    key: str
    title: str
    width: int
    leaves: int
    """Dropped in a narrow table, the greatest number first; 0: never dropped."""
    right: bool = False
    minimum: int = 0
    """The least width of a column without its own."""
    descends: bool = False
    """Sorted in descending order at first: numbers and times."""
    share: int = 1
    """Parts that a column without its own width gets of what is left."""
    shorten: Callable[[str, int], str] = shorten
    """Cuts a cell to a width."""


GAP = 2
"""Cells between two columns."""


def fit_columns(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """Return the columns that fit in ``width`` cells, with their widths."""
    left = list(columns)
    while True:
        spare = width - sum(column.width or column.minimum for column in left) - GAP * (len(left) - 1)
        last = max(left, key=lambda column: column.leaves)
        if spare >= 0 or not last.leaves:
            break
        left.remove(last)
    flexible = [column for column in left if not column.width]
    parts = [column.key for column in flexible for _ in range(column.share)]
    share, rest = divmod(spare, max(len(parts), 1))
    extra = {key: share * count + parts[:rest].count(key) for key, count in Counter(parts).items()}
    return [(column, max(1, (column.width or column.minimum) + extra.get(column.key, 0))) for column in left]
