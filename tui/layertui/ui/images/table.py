"""A table of images or containers, on the line API: columns come and go with the width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from layertui.text.matching import match_positions
from layertui.ui.cells import shorten
from layertui.ui.images.table_row import GAP, Column, TableRow, layout
from layertui.ui.theme.colors import shades_of

_GUTTER = 2
"""Cells before the first column, for the cursor and the mark."""


class Table(ScrollView, can_focus=True):
    """Rows under a header that stays; says what is highlighted, opened, or asked to be sorted by."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "explore", tooltip="Explore what is highlighted"),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("home,g", "first", "first row", show=False),
        Binding("end,G", "last", "last row", show=False),
    ]
    HELP_NAME: ClassVar[str] = "Table"
    DEFAULT_CSS = """
    Table {
        height: 1fr;
        background: $surface;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)
    """The highlighted row's number, also while there are no rows."""

    @dataclass
    class Highlighted(Message):
        """The cursor is on ``row`` now; None when there are no rows."""

        row: TableRow | None

    @dataclass
    class Opened(Message):
        """Enter or a second click on ``row``."""

        row: TableRow

    @dataclass
    class HeaderClicked(Message):
        """The header of the column ``key`` was clicked."""

        key: str

    def __init__(self, columns: Sequence[Column], id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.rows: Sequence[TableRow] = ()
        self.query_text = ""
        self.marked = ""
        """Reference of the row that has a mark; empty for none."""
        self._wanted = ""
        """Reference of the row that the cursor was put on."""
        self.sorted_by: tuple[str, bool] | None = None
        """Key of the column and whether it descends; None in the order of the sources."""

    @property
    def highlighted(self) -> TableRow | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def show(self, rows: Sequence[TableRow], query: str, sorted_by: tuple[str, bool] | None) -> None:
        """Puts ``rows`` in place of those before.

        The cursor stays on the row that it was put on, or waits for it on the first.
        """
        before = self.highlighted
        self.rows, self.query_text, self.sorted_by = rows, query, sorted_by
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        same = (number for number, row in enumerate(rows) if row.reference == self._wanted)
        cursor = next(same, 0)
        if cursor == self.cursor:
            if self.highlighted is not before:
                self.post_message(self.Highlighted(self.highlighted))
        else:
            self.cursor = cursor
        self.refresh()

    def watch_cursor(self, before: int, cursor: int) -> None:
        top = self.scroll_offset.y
        for row in (before, cursor):
            self.refresh(Region(0, row + 1 - top, self.size.width, 1))
        self._reveal(cursor)
        self.post_message(self.Highlighted(self.highlighted))

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)
        self._reveal(self.cursor)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Line 0 is the header wherever the table is scrolled to."""
        tone = shades_of(self.app)
        base = self.rich_style
        quiet = base + Style(color=Color.parse(tone.quiet).rich_color)
        number = y + self.scroll_offset.y - 1
        if y == 0:
            return self._header(quiet)
        if number >= len(self.rows):
            return Strip.blank(self.size.width, base)
        at_hand = number == self.cursor
        if at_hand:
            back = Style(
                bgcolor=Color.parse(tone.cursor if self.has_focus else tone.cursor_blurred).rich_color
            )
            base = quiet = base + back
        accent = base + Style(color=Color.parse(tone.accent).rich_color)
        row = self.rows[number]
        cursor, hue = "▌" if at_hand else " ", accent if self.has_focus else quiet
        if row.reference == self.marked:
            segments = [Segment(cursor, hue), Segment("◆", accent)]
        else:
            segments = [Segment(f"{cursor} ", hue)]
        for column, width in layout(self.columns, self._room):
            text = shorten(row.cells[column.key], width)
            cell = _aligned(text, column, width)
            if column.key == "name":
                segments += _marked(cell, self.query_text, base + Style(bold=at_hand), accent)
            else:
                shade = row.styles.get(column.key)
                style = base + Style(color=Color.parse(getattr(tone, shade)).rich_color) if shade else quiet
                segments.append(Segment(cell, base if column.key == "size" else style))
            segments.append(Segment(" " * GAP, base))
        return Strip(segments).adjust_cell_length(self.size.width, base).apply_offsets(0, number)

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            x = _GUTTER
            for column, width in layout(self.columns, self._room):
                if x <= event.x < x + width + GAP:
                    self.post_message(self.HeaderClicked(column.key))
                x += width + GAP
            return
        number = event.y + self.scroll_offset.y - 1
        if number < len(self.rows):
            self._go(number)
            if event.chain > 1:
                self.action_open()

    def action_open(self) -> None:
        if self.highlighted is not None:
            self.post_message(self.Opened(self.highlighted))

    def action_move(self, rows: int) -> None:
        self._go(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        self._go(self.cursor + pages * max(self.size.height - 2, 1))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self.rows) - 1)

    def _go(self, row: int) -> None:
        """Puts the cursor on ``row``, or the nearest there is."""
        self.cursor = max(min(row, len(self.rows) - 1), 0)
        if self.highlighted:
            self._wanted = self.highlighted.reference

    @property
    def _room(self) -> int:
        """Cells that the columns share."""
        return self.scrollable_content_region.width - _GUTTER - 1

    def _header(self, style: Style) -> Strip:
        segments = [Segment(" " * _GUTTER, style)]
        for column, width in layout(self.columns, self._room):
            title, chosen = column.title, style
            if self.sorted_by and self.sorted_by[0] == column.key:
                title += " ↓" if self.sorted_by[1] else " ↑"
                chosen = style + Style(bold=True)
            segments += [
                Segment(_aligned(shorten(title, width), column, width), chosen),
                Segment(" " * GAP, style),
            ]
        return Strip(segments).adjust_cell_length(self.size.width, style)

    def _reveal(self, row: int) -> None:
        """Scrolls so that the row shows; the header covers the first line of the view."""
        top, height = self.scroll_offset.y, max(self.size.height - 1, 1)
        if row < top:
            self.scroll_to(y=row, animate=False, immediate=True)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False, immediate=True)


def _aligned(text: str, column: Column, width: int) -> str:
    """``text`` filled up with blanks to ``width`` cells, on the side that the column wants."""
    from rich.cells import cell_len

    blanks = " " * (width - cell_len(text))
    return blanks + text if column.right else text + blanks


def _marked(text: str, query: str, style: Style, found: Style) -> list[Segment]:
    """``text`` with the letters that ``query`` found in the accent."""
    positions = {at for word in query.split() for at in match_positions(word, text) or ()}
    if not positions:
        return [Segment(text, style)]
    return [
        Segment(letter, found + Style(underline=True) if number in positions else style)
        for number, letter in enumerate(text)
    ]
