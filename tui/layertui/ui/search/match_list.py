"""The matches of a search, each with layer and path."""

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import BindingType
from textual.strip import Strip

from layertui.text.sanitize import visible
from layertui.ui.cells import shorten_path
from layertui.ui.keys import bind
from layertui.ui.search.excerpt import excerpt_spans
from layertui.ui.widgets.growing_list import GrowingList
from layertui.ui.widgets.lines import Span

if TYPE_CHECKING:
    from layertui.content.query import LineMatch

_PLACE = 48
"""Cells of a path and a line's number, at most."""


class MatchList(GrowingList["LineMatch"]):
    """Matches in one image."""

    HELP_NAME: ClassVar[str] = "Matches"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind(
            "enter",
            "open",
            "open",
            tooltip="Open the file in the explorer, at its layer; show a config field in full",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.highest = 1
        """The number of the image's top layer."""

    # Painting

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        if row >= self.count:
            return Strip.blank(self.content_size.width, self.rich_style)
        return self.strip(self._spans(row, self.scrollable_content_region.width), self._over(row))

    def _spans(self, row: int, width: int) -> list[Span]:
        """Return a row of ``width`` cells."""
        match = self.rows[row]
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
