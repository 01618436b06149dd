"""The lines that a search has found, each with its layer and path."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from layertui.text.sanitize import visible
from layertui.ui.cells import clip, clip_start, shorten
from layertui.ui.theme.styles import Palette
from layertui.ui.widgets.lines import Span
from layertui.ui.widgets.list_view import CursorView

if TYPE_CHECKING:
    from layertui.content.query import LineMatch

_PLACE = 48
"""Cells of a path and a line's number, at most."""


class MatchList(CursorView):
    """Grows while a search goes on; the cursor stays where it is."""

    HELP_NAME: ClassVar[str] = "Matches"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "show the file", tooltip="Show the line in the explorer, at its layer"),
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

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.layer_count = 1
        """Layers of the image, for their colours."""
        self._matches: list[LineMatch] = []
        self._palette: Palette | None = None

    @property
    def count(self) -> int:
        return len(self._matches)

    @property
    def cursor(self) -> int:
        """The number of the match at hand."""
        return self._cursor

    def show(self, matches: "list[LineMatch]", cursor: int = 0) -> None:
        """Shows ``matches``, which may grow (:meth:`grown`)."""
        self._matches = matches
        self.virtual_size = Size(self.size.width, len(matches))
        self.go_to_row(cursor)
        self.refresh()

    def grown(self) -> None:
        """Shows what has been found since."""
        self.virtual_size = Size(self.size.width, len(self._matches))
        self.refresh()

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._matches))
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or offset.y + self.scroll_offset.y >= self.count:
            return
        self.go_to_row(offset.y + self.scroll_offset.y)
        if event.chain == 2:
            self.action_open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "open" or bool(self._matches)

    def action_open(self) -> None:
        if self._matches:
            self.post_message(self.Opened(self._matches[self._cursor]))

    # Painting

    def render_lines(self, crop: Region) -> list[Strip]:
        palette = Palette(self.app, self.rich_style, self.layer_count)
        if self._palette is None or self._palette.key != palette.key:
            self._palette = palette
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width, palette = self.content_size.width, self._palette
        row = y + self.scroll_offset.y
        if palette is None or row >= self.count:
            return Strip.blank(width, self.rich_style)
        over = self._over(row)
        spans = self._spans(row, self.scrollable_content_region.width)
        segments = [Segment(text, palette[f"{over} {style}"]) for text, style in spans]
        return Strip(segments).adjust_cell_length(width, palette[over])

    def _spans(self, row: int, width: int) -> list[Span]:
        """A row of ``width`` cells."""
        match = self._matches[row]
        numbers = len(str(self.layer_count))
        line = f":{match.line}"
        place = min(_PLACE, width * 2 // 5)
        path = shorten(visible(match.path), max(place - len(line), 1))
        mark = ("▶" if row == self._cursor else " ", "accent" if self.has_focus else "quiet")
        room = width - 1 - numbers - 2 - place - 1
        return [
            mark,
            ("▌", f"layer:{match.layer}"),
            (f"{match.layer:>{numbers}} ", f"layer:{match.layer}"),
            (path, "" if match.visible else "strike quiet"),
            (line, "quiet"),
            (" " * (place - cell_len(path) - len(line) + 1), ""),
            *_text(match, room),
        ]


def _text(match: "LineMatch", room: int) -> list[Span]:
    """As much of the line as fits into ``room`` cells, what matches in sight."""
    before, found, after = (
        visible(part.replace("\t", " "))
        for part in (
            match.text[: match.start].lstrip(),
            match.text[match.start : match.end],
            match.text[match.end :].rstrip(),
        )
    )
    # Where not all fits, what matches and a bit of what follows it comes first.
    if cell_len(before) + cell_len(found) + cell_len(after) > room:
        before = clip_start(before, max(room // 4, room - cell_len(found) - cell_len(after)))
    found = clip(found, room - cell_len(before))
    after = clip(after, room - cell_len(before) - cell_len(found))
    return [(before, "quiet"), (found, "accent bold underline"), (after, "quiet")]
