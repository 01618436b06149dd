"""Paint rows of the file tree, cached while they look the same."""

from __future__ import annotations

from rich.segment import Segment
from textual.cache import LRUCache
from textual.strip import Strip

from layertui.model.numbers import Node
from layertui.ui.theme.styles import Palette
from layertui.ui.tree.presenter import RowPresenter
from layertui.ui.tree.row import Layout, arrow_at, layout, spans
from layertui.union.tree_rows import TreeRows

_KEPT = 1024
"""Painted rows that are kept."""
_LINED = ("strike", "underline")
"""Styles that show on a blank too."""


class TreePainter:
    """Paint rows in the current columns and colors; the owner reports changes of the rows."""

    def __init__(self, presenter: RowPresenter) -> None:
        self._presenter = presenter
        self._place: Layout = layout(0, presenter)  # which columns there are
        self._palette: Palette | None = None
        self._painted: LRUCache[tuple[int, str], Strip] = LRUCache(_KEPT)

    def lay_out(self, width: int, rows: TreeRows) -> None:
        """Reset: other rows, or another width."""
        self._place = layout(width, self._presenter, rows.sort, rows.view)
        self._painted.clear()

    def use(self, palette: Palette) -> None:
        """Set the colors."""
        if self._palette is None or self._palette.key != palette.key:
            self._palette = palette
            self._painted.clear()

    def row(self, rows: TreeRows, node: Node, over: str, width: int) -> Strip:
        """Return a node's row on the ground ``over``."""
        assert self._palette is not None
        painted = self._painted.get((node, over))
        if painted is None:
            painted = self._painted[node, over] = self._paint(rows, node, over, width, self._palette)
        return painted

    def is_arrow(self, rows: TreeRows, node: Node, x: int) -> bool:
        """Return whether column ``x`` of a row is its directory's arrow."""
        return x - arrow_at(rows, node, self._place.names) in (0, 1)

    def _paint(self, rows: TreeRows, node: Node, over: str, width: int, palette: Palette) -> Strip:
        # Fewer segments make faster frames: join blanks to the previous segment unless it is underlined.
        merged: list[tuple[str, str]] = []
        for text, style in spans(rows, node, self._place):
            if merged and (
                merged[-1][1] == style or (not text.strip() and not merged[-1][1].endswith(_LINED))
            ):
                merged[-1] = (merged[-1][0] + text, merged[-1][1])
            elif text:
                merged.append((text, style))
        segments = [Segment(text, palette[f"{over} {style}"]) for text, style in merged]
        return Strip(segments).adjust_cell_length(width, palette[over])
