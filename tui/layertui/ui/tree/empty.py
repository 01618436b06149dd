"""Sentences for empty panes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from layertui.text.sanitize import visible
from layertui.ui.widgets.lines import folds

if TYPE_CHECKING:
    from layertui.ui.theme.styles import Palette
    from layertui.ui.tree.presenter import RowPresenter
    from layertui.union.tree_rows import TreeRows


def comment(sentence: str, y: int, rows: int, size: tuple[int, int], style: str, palette: Palette) -> Strip:
    """Line ``y`` of a sentence in the middle of ``size`` (width, height), below the ``rows`` that there are."""
    width, height = size
    sentence = visible(sentence)
    room = max(width - 2, 1)
    starts = folds(sentence, room)
    line = y - max((height - len(starts)) // 2, rows + 1 if rows else 0)
    if not sentence or not 0 <= line < len(starts):
        return Strip.blank(width, palette[""])
    stop = [*starts, len(sentence)][line + 1]
    text = sentence[starts[line] : stop].strip().center(room)
    return Strip([Segment(f" {text}", palette[style])]).adjust_cell_length(width, palette[""])


def why_empty(rows: TreeRows, presenter: RowPresenter) -> str:
    """Return why there is only the root, with the next key; empty if there is more."""
    if len(rows.nodes) > 1:
        return ""
    if rows.query:
        return f"No path matches “{rows.query}”. esc clears the filter, v changes the view."
    return presenter.why_empty(rows)
