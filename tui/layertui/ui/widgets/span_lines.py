"""A few lines of styled text, in a view of their height."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from layertui.ui.theme.layers import roles_of
from layertui.ui.theme.styles import Palette
from layertui.ui.widgets.lines import Span


class SpanLines(Widget):
    """Lines without a cursor, cut at the right."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    SpanLines {
        height: auto;
        background: $surface;
    }
    """

    def __init__(self, height: int, id: str | None = None) -> None:
        """``height``: lines that there is room for."""
        super().__init__(id=id)
        self.styles.height = height
        self._lines: Sequence[Sequence[Span]] = ()

    def tell(self, *lines: Sequence[Span]) -> None:
        """Show lines, which are sanitized."""
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render_line(self, y: int) -> Strip:
        palette = Palette(self.app, self.rich_style, roles_of(self))
        spans = self._lines[y] if y < len(self._lines) else ()
        segments = [Segment(text, palette[style]) for text, style in spans]
        return Strip(segments).adjust_cell_length(self.content_size.width, palette[""])
