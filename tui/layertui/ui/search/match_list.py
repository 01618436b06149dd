"""The matches of a search, each with layer and path."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from layertui.text.sanitize import visible
from layertui.ui.cells import shorten_path
from layertui.ui.keys import bind
from layertui.ui.search.excerpt import excerpt_spans
from layertui.ui.widgets.lines import Span
from layertui.ui.widgets.list_view import ListView

if TYPE_CHECKING:
    from layertui.content.query import LineMatch

_PLACE = 48
"""Cells of a path and a line's number, at most."""


class MatchList(ListView):
    """A list that grows during a search; the cursor stays."""

    HELP_NAME: ClassVar[str] = "Matches"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind(
            "enter",
            "open",
            "open",
            tooltip="Open the file in the explorer, at its layer; show a config field in full",
        ),
    ]
    DEFAULT_CSS = """
    MatchList {
        height: 1fr;
        background: $surface;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    @dataclass
    class Opened(Message):
        """Enter or a second click on ``match``."""

        match: "LineMatch"

    @dataclass
    class Highlighted(Message):
        """The cursor is on ``match`` now."""

        match: "LineMatch"

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._matches: list[LineMatch] = []
        self.highest = 1
        """The number of the image's top layer."""

    @property
    def count(self) -> int:
        return len(self._matches)

    def show(self, matches: "list[LineMatch]", cursor: int = 0) -> None:
        """Show ``matches``, which may grow (:meth:`grown`)."""
        self._matches = matches
        self._fit()
        self.go_to_row(cursor)
        self.refresh()

    def grown(self) -> None:
        """Show the new matches."""
        is_first = not self.virtual_size.height
        self._fit()
        if is_first:
            self.go_to_row(self.cursor)
        self.refresh()

    def put_cursor(self, line: int) -> None:
        super().put_cursor(line)
        if 0 <= line < self.count:
            self.post_message(self.Highlighted(self._matches[line]))

    def on_resize(self) -> None:
        self._fit()
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        if self.go_to_click(event) and event.chain == 2:
            self.action_open()

    def action_open(self) -> None:
        if self.cursor < self.count:
            self.post_message(self.Opened(self._matches[self.cursor]))

    # Painting

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        if row >= self.count:
            return Strip.blank(self.content_size.width, self.rich_style)
        return self.strip(self._spans(row, self.scrollable_content_region.width), self._over(row))

    def _spans(self, row: int, width: int) -> list[Span]:
        """Return a row of ``width`` cells."""
        match = self._matches[row]
        numbers = len(str(self.highest))
        line = f":{match.line}" if match.where == "file" else ""
        place = min(_PLACE, width * 2 // 5)
        path = shorten_path(place_of(match), max(place - len(line), 1))
        layer = f"layer:{match.layer}" if match.layer else "quiet"
        mark = ("▶" if row == self.cursor else " ", "accent" if self.has_focus else "quiet")
        room = width - 1 - numbers - 2 - place - 1
        return [
            mark,
            ("▌" if match.layer else " ", layer),
            (f"{match.layer or '–':>{numbers}} ", layer),
            (path, "" if match.visible else "strike quiet"),
            (line, "quiet"),
            (" " * (place - cell_len(path) - len(line) + 1), ""),
            *excerpt_spans(match, room),
        ]


def place_of(match: "LineMatch") -> str:
    """Return the path of a file, the field of the config, or the build step, safe to display."""
    return f"build step {match.line}" if match.where == "history" else visible(match.path)
