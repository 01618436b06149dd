"""How rows of the file tree are painted, each kept as long as it looks the same."""

from __future__ import annotations

from rich.segment import Segment
from textual.cache import LRUCache
from textual.strip import Strip

from layertui.safe import visible
from layertui.ui.palette import Palette
from layertui.ui.tree_row import Layout, layout, spans
from layertui.ui.widgets.lines import folds
from layertui.union.compared_rows import ComparedRows
from layertui.union.rows import Rows

_KEPT = 1024
"""Painted rows that are kept."""
_LINED = ("strike", "underline")
"""Styles that show on a blank too."""


class TreePainter:
    """Paints rows in the columns and colours of the moment; who changes the rows says so."""

    def __init__(self) -> None:
        self.place: Layout = layout(0, None)
        """Which columns there are."""
        self.palette: Palette | None = None
        self._painted: LRUCache[tuple[int, str], Strip] = LRUCache(_KEPT)

    def forget(self) -> None:
        """Everything looks different now."""
        self._painted.clear()

    def use(self, palette: Palette) -> None:
        """Paints in these colours from now on."""
        if self.palette is None or self.palette.key != palette.key:
            self.palette = palette
            self.forget()

    def row(self, rows: Rows, node: int, over: str, width: int) -> Strip:
        """A node's row on the ground ``over``."""
        assert self.palette is not None
        painted = self._painted.get((node, over))
        if painted is None:
            painted = self._painted[node, over] = self._paint(rows, node, over, width, self.palette)
        return painted

    def _paint(self, rows: Rows, node: int, over: str, width: int, palette: Palette) -> Strip:
        # Few segments make a quick frame: blanks go with what is before them where that shows no line.
        merged: list[tuple[str, str]] = []
        for text, style in spans(rows, node, self.place):
            if merged and (
                merged[-1][1] == style or (not text.strip() and not merged[-1][1].endswith(_LINED))
            ):
                merged[-1] = (merged[-1][0] + text, merged[-1][1])
            elif text:
                merged.append((text, style))
        segments = [Segment(text, palette[f"{over} {style}"]) for text, style in merged]
        return Strip(segments).adjust_cell_length(width, palette[over])


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


def why_empty(rows: Rows) -> str:
    """Why there is nothing but the root, and the next key."""
    layer = rows.merged.layer
    if rows.query:
        return f"No path here matches “{rows.query}”. Press escape to see all, or v for another view."
    if isinstance(rows, ComparedRows):
        return "No path differs. Press v for all of them." if rows.view == "changes" else "Both are empty."
    if rows.view == "changes":
        return f"Layer {layer} changes no path. Press v for everything, vv for the merged tree."
    return f"The merged tree at layer {layer} is empty."


def no_change(rows: Rows) -> str:
    """That there is no change to go to."""
    if isinstance(rows, ComparedRows):
        return "Nothing differs in what is shown here."
    return f"Layer {rows.merged.layer} changes nothing that is shown here."
