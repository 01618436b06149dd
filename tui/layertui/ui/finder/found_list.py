"""The list of what was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.message import Message
from textual.strip import Strip

from layertui.text.matching import marked
from layertui.text.sanitize import visible
from layertui.ui.cells import clip, clip_start
from layertui.ui.finder.items import Findable
from layertui.ui.widgets.lines import Span
from layertui.ui.widgets.list_view import ListView

_KIND = 10
"""Cells of the kind."""
_MOST_ROWS = 16
"""Rows of the list, at most."""
_NOTE = 28
"""Cells of a note, at most."""


class FoundList(ListView, can_focus=False):
    """A list of items with a cursor; transports are below a rule."""

    HELP_NAME: ClassVar[str] = "Found"
    DEFAULT_CSS = """
    FoundList {
        height: auto;
        margin-top: 1;
        background: $surface;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    class Highlighted(Message):
        """The cursor was put on an item, perhaps of other items."""

    @dataclass
    class Clicked(Message):
        """A click on an item."""

        item: Findable

    def __init__(self) -> None:
        super().__init__()
        self.items: Sequence[Findable | None] = ()
        """None is the rule."""
        self._query = ""

    @property
    def count(self) -> int:
        return len(self.items)

    @property
    def item(self) -> Findable | None:
        """The item at the cursor."""
        return self.items[self.cursor] if self.items else None

    def show(self, items: Sequence[Findable], query: str) -> None:
        """Show items, the cursor on the first."""
        ruled: list[Findable | None] = list(items)
        below = next((at for at, item in enumerate(items) if item.kind == "transport"), 0)
        if below:
            ruled.insert(below, None)
        self.items, self._query = ruled, query
        self.fit_height()
        self._fit()
        self.go_to_row(0)
        self.scroll_to(y=0, animate=False, immediate=True)
        self.refresh()

    def fit_height(self) -> None:
        """Be as high as the items, but leave room for what is around the list."""
        self.styles.height = max(min(self.count, _MOST_ROWS, self.app.size.height * 2 // 5), 1)

    def put_cursor(self, line: int) -> None:
        super().put_cursor(line)
        self.post_message(self.Highlighted())

    def action_move(self, by: int) -> None:
        """Go to the next item, wrapping around at both ends."""
        at = self.cursor
        for _ in range(2):
            at = (at + by) % max(self.count, 1)
            if self.items and self.items[at] is not None:
                break
        self.go_to_row(at)

    def on_resize(self) -> None:
        self._fit()
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        row = self.row_at(event)
        if 0 <= row < self.count and (item := self.items[row]) is not None:
            self.go_to_row(row)
            self.post_message(self.Clicked(item))

    def _over(self, line: int) -> str:
        return "on-cursor" if line == self.cursor else ""

    def render_line(self, y: int) -> Strip:
        row, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if row >= self.count:
            return Strip.blank(width, self.rich_style)
        item = self.items[row]
        if item is None:
            return self.strip([("─" * width, "line")])
        return self.strip(self._spans(item, width, row == self.cursor), self._over(row))

    def _spans(self, item: Findable, width: int, is_selected: bool) -> list[Span]:
        note = clip(visible(item.note), min(_NOTE, width // 3))
        room = max(width - _KIND - 2 - (cell_len(note) + 1 if note else 0), 0)
        shown = visible(item.text)
        text = clip_start(shown, room) if item.kind in ("path", "file") else clip(shown, room)
        style = "quiet strike" if item.is_deleted else ""
        matched = marked(self._query, text) if item.kind != "reference" else set()
        spans: list[Span] = [("▌" if is_selected else " ", "accent"), (f"{item.kind:<{_KIND}} ", "quiet")]
        spans += [(char, f"{style} underline" if at in matched else style) for at, char in enumerate(text)]
        return [*spans, (" " * (room - cell_len(text)), ""), *([(f" {note}", "quiet")] if note else [])]
