"""Base of the views that paint their own lines and keep one of them under a cursor."""

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from layertui.ui.keys import bind
from layertui.ui.theme.layers import roles_of
from layertui.ui.theme.styles import Palette
from layertui.ui.widgets.lines import Span


def cursor_keys(first: str, last: str) -> list[BindingType]:
    """Return the keys that move a cursor; ``first`` and ``last`` describe those to both ends."""
    return [
        bind("up,k", "move(-1)", "up", show=False),
        bind("down,j", "move(1)", "down", show=False),
        bind("pageup,ctrl+b", "page(-1)", "page up", show=False),
        bind("pagedown,ctrl+f", "page(1)", "page down", show=False),
        bind("home,g", "first", first, show=False),
        bind("end,G", "last", last, show=False),
    ]


class ListView(ScrollView, can_focus=True):
    """A scroll view with a cursor on one of :attr:`count` lines.

    A line takes one row, unless :meth:`rows_of` says otherwise. Subclasses paint rows with :meth:`strip`.
    """

    ALLOW_SELECT = False
    REVEAL_EARLY: ClassVar[bool] = True
    """Scroll to the cursor also before the scroll bar has been laid out."""
    BINDINGS: ClassVar[list[BindingType]] = cursor_keys("first", "last")

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.cursor = 0
        """The line that the cursor is on."""
        self._palette: Palette | None = None

    @property
    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    @property
    def heading_height(self) -> int:
        """Rows at the top that stay when the lines are scrolled."""
        return 0

    @property
    def covered(self) -> int:
        """How many rows at the top are painted over once the lines are scrolled."""
        return 0

    def rows_of(self, line: int) -> tuple[int, int]:
        """Return the first row of a line, counted from the first line's, and the row behind its last."""
        return line, line + 1

    # The cursor

    def go_to_row(self, row: int) -> None:
        """Put the cursor on a line, or the nearest there is."""
        self.put_cursor(max(min(row, self.count - 1), 0))

    def put_cursor(self, line: int) -> None:
        """Put the cursor on a line and bring that into view."""
        before, self.cursor = self.cursor, line
        for each in {before, line}:
            self._refresh_line(each)
        self._reveal()

    def _refresh_line(self, line: int) -> None:
        if not 0 <= line < self.count:
            return
        row, end = self.rows_of(line)
        y = row - self.scroll_offset.y + self.heading_height
        self.refresh(Region(0, y, self.size.width, end - row))

    def _fit(self) -> None:
        """Make room for as many lines as there are, as wide as the view."""
        self.virtual_size = Size(self.size.width, self.heading_height + self.count)

    def _reveal(self) -> None:
        """Scroll so that the cursor's line shows."""
        if not (self.content_size.height and 0 <= self.cursor < self.count):
            return  # the first size is a resize
        row, end = self.rows_of(self.cursor)
        top, height = self.scroll_offset.y, max(self.content_size.height - self.heading_height, 1)
        if top and row < top + self.covered:
            self.scroll_to(
                y=max(row - self.covered, 0), animate=False, immediate=True, force=self.REVEAL_EARLY
            )
        elif end > top + height:
            self.scroll_to(y=end - height, animate=False, immediate=True, force=self.REVEAL_EARLY)

    def row_at(self, event: events.MouseEvent) -> int:
        """Return the row under the mouse, counted as by :meth:`rows_of`; negative in the heading and outside."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self.heading_height:
            return -1
        return offset.y - self.heading_height + self.scroll_offset.y

    def go_to_click(self, event: events.Click) -> bool:
        """Put the cursor on the clicked line; return False if there is none. For lists with a row per line."""
        row = self.row_at(event)
        if not 0 <= row < self.count:
            return False
        self.go_to_row(row)
        return True

    def action_move(self, by: int) -> None:
        self.go_to_row(self.cursor + by)

    def action_page(self, pages: int) -> None:
        self.go_to_row(self.cursor + pages * max(self.content_size.height - self.heading_height - 1, 1))

    def action_first(self) -> None:
        self.go_to_row(0)

    def action_last(self) -> None:
        self.go_to_row(self.count - 1)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    # Painting

    def render_lines(self, crop: Region) -> list[Strip]:
        palette = Palette(self.app, self.rich_style, roles_of(self))
        if self._palette is None or self._palette.key != palette.key:
            self._palette = palette
            self._use(palette)
        return super().render_lines(crop)

    def _use(self, palette: Palette) -> None:
        """Drop what was painted in other colors."""

    def _over(self, line: int) -> str:
        """Return the style of a line's background."""
        if line != self.cursor:
            return ""
        return "on-cursor" if self.has_focus else "on-cursor_blurred"

    def strip(self, spans: Iterable[Span], over: str = "") -> Strip:
        """Paint a row as wide as the view on the background ``over``."""
        assert self._palette is not None
        palette = self._palette
        segments = [Segment(text, palette[f"{over} {style}"]) for text, style in spans]
        return Strip(segments).adjust_cell_length(self.content_size.width, palette[over])
