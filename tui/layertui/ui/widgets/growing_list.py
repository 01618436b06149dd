"""A list of rows that come while it is shown."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from textual import events
from textual.message import Message

from layertui.ui.widgets.list_view import ListView

ListedRow = TypeVar("ListedRow")


class GrowingList(ListView, Generic[ListedRow]):
    """A list that grows during a search; the cursor stays. Subclasses bind the key of ``open``, and draw."""

    DEFAULT_CSS = """
    GrowingList {
        height: 1fr;
        background: $surface;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    @dataclass
    class Opened(Message):
        """Enter or a second click on ``row``, of the list's type."""

        row: Any

    @dataclass
    class Highlighted(Message):
        """The cursor is on ``row`` now."""

        row: Any

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ListedRow] = []

    @property
    def count(self) -> int:
        return len(self.rows)

    def show(self, rows: list[ListedRow], cursor: int = 0) -> None:
        """Show ``rows``, which may grow (:meth:`grown`)."""
        self.rows = rows
        self._fit()
        self.go_to_row(cursor)
        self.refresh()

    def grown(self) -> None:
        """Show the new rows, and what has changed in the others."""
        is_first = not self.virtual_size.height
        self._fit()
        if is_first:
            self.go_to_row(self.cursor)
        self.refresh()

    def put_cursor(self, line: int) -> None:
        super().put_cursor(line)
        if 0 <= line < self.count:
            self.post_message(self.Highlighted(self.rows[line]))

    def on_resize(self) -> None:
        self._fit()
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        if self.go_to_click(event) and event.chain == 2:
            self.action_open()

    def action_open(self) -> None:
        if self.cursor < self.count:
            self.post_message(self.Opened(self.rows[self.cursor]))
