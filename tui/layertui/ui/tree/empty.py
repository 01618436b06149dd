"""What a pane says where there is nothing to list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from layertui.text.sanitize import visible
from layertui.ui.widgets.lines import folds

if TYPE_CHECKING:
    from layertui.ui.theme.styles import Palette
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


def why_empty(rows: TreeRows) -> str:
    """Why there is nothing but the root, and the next key; empty if there is more."""
    from layertui.compare.rows import ComparedRows

    layer = rows.merged.layer
    if len(rows.nodes) > 1:
        return ""
    if rows.query:
        return f"No path here matches “{rows.query}”. Press escape to see all, or v for another view."
    if isinstance(rows, ComparedRows):
        return "No path differs. Press v for all of them." if rows.view == "changes" else "Both are empty."
    if rows.view == "changes":
        return f"Layer {layer} changes no path. Press v for everything, vv for the merged tree."
    return f"The merged tree at layer {layer} is empty."


def no_change(rows: TreeRows) -> str:
    """That there is no change to go to."""
    from layertui.compare.rows import ComparedRows

    if isinstance(rows, ComparedRows):
        return "Nothing differs in what is shown here."
    return f"Layer {rows.merged.layer} changes nothing that is shown here."
