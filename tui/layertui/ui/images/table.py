"""A table of images or containers, on the line API: columns come and go with the width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from layertui.text.matching import text_positions
from layertui.ui.cells import shorten
from layertui.ui.images.table_model import GAP, Column, TableRow, fit_columns
from layertui.ui.keys import bind
from layertui.ui.widgets.lines import Span
from layertui.ui.widgets.list_view import ListView, cursor_keys

_GUTTER = 2
"""Cells before the first column, for the cursor and the mark."""


class Table(ListView):
    """Rows under a fixed header; reports selection, opening, and clicks on columns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "open", "explore", tooltip="Explore"),
        *cursor_keys("first row", "last row"),
    ]
    ALLOW_SELECT = True
    REVEAL_EARLY = False
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
        """Reference of the row that was selected."""
        self.sorted_by: tuple[str, bool] | None = None
        """Key of the column and whether it descends; None in the order of the sources."""

    @property
    def highlighted(self) -> TableRow | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def show(self, rows: Sequence[TableRow], query: str, sorted_by: tuple[str, bool] | None) -> None:
        """Replace the rows.

        The cursor stays on the row that it was put on, or waits for it on the first.
        """
        before = self.highlighted
        self.rows, self.query_text, self.sorted_by = rows, query, sorted_by
        self._fit()
        same = (number for number, row in enumerate(rows) if row.reference == self._wanted)
        self.cursor = next(same, 0)
        if self.highlighted is not before:
            self.post_message(self.Highlighted(self.highlighted))
        self.refresh()

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def heading_height(self) -> int:
        return 1

    def go_to_row(self, row: int) -> None:
        super().go_to_row(row)
        if self.highlighted:
            self._wanted = self.highlighted.reference

    def put_cursor(self, line: int) -> None:
        before = self.cursor
        super().put_cursor(line)
        if before != line:
            self.post_message(self.Highlighted(self.highlighted))

    def on_resize(self) -> None:
        self._fit()
        self._reveal()

    # Painting

    def render_line(self, y: int) -> Strip:
        """Line 0 is the header wherever the table is scrolled to."""
        number = y + self.scroll_offset.y - 1
        if y == 0:
            return self.strip(self._header())
        if number >= len(self.rows):
            return Strip.blank(self.size.width, self.rich_style)
        return self.strip(self._spans(number), self._over(number)).apply_offsets(0, number)

    def _header(self) -> list[Span]:
        spans = [(" " * _GUTTER, "quiet")]
        for column, width in fit_columns(self.columns, self._room):
            title, style = column.title, "quiet"
            if self.sorted_by and self.sorted_by[0] == column.key:
                title += " ↓" if self.sorted_by[1] else " ↑"
                style = "quiet bold"
            spans += [(_aligned(shorten(title, width), column, width), style), (" " * GAP, "quiet")]
        return spans

    def _spans(self, number: int) -> list[Span]:
        row, at_hand = self.rows[number], number == self.cursor
        quiet = "" if at_hand else "quiet"
        cursor, hue = "▌" if at_hand else " ", "accent" if self.has_focus else quiet
        spans = [(f"{cursor} ", hue)]
        if row.reference == self.marked:
            spans = [(cursor, hue), ("◆", "accent")]
        for column, width in fit_columns(self.columns, self._room):
            cell = _aligned(column.shorten(row.cells[column.key], width), column, width)
            if column.key == "name":
                spans += _matched(cell, self.query_text, "bold" if at_hand else "")
            else:
                spans.append((cell, "" if column.key == "size" else row.styles.get(column.key, quiet)))
            spans.append((" " * GAP, ""))
        return spans

    # Keys and mouse

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            x = _GUTTER
            for column, width in fit_columns(self.columns, self._room):
                if x <= event.x < x + width + GAP:
                    self.post_message(self.HeaderClicked(column.key))
                x += width + GAP
            return
        if self.go_to_click(event) and event.chain == 2:
            self.action_open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable only what has a row to act on."""
        return action != "open" or self.highlighted is not None

    def action_open(self) -> None:
        if self.highlighted is not None:
            self.post_message(self.Opened(self.highlighted))

    @property
    def _room(self) -> int:
        """Cells that the columns share."""
        return self.scrollable_content_region.width - _GUTTER - 1


def _aligned(text: str, column: Column, width: int) -> str:
    """``text`` filled up with blanks to ``width`` cells, on the side that the column wants."""
    from rich.cells import cell_len

    blanks = " " * (width - cell_len(text))
    return blanks + text if column.right else text + blanks


def _matched(text: str, query: str, style: str) -> list[Span]:
    """Return ``text`` with the matches of ``query`` in the accent color."""
    positions = {at for word in query.split() for at in text_positions(word, text) or ()}
    if not positions:
        return [(text, style)]
    return [
        (letter, "accent underline" if number in positions else style) for number, letter in enumerate(text)
    ]
