"""The results of a search in many images: each image, below it what was found in it."""

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from layertui.find.found import FoundDigest, FoundItem, FoundLine, FoundPackage, FoundPath
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import clip, shorten, shorten_path
from layertui.ui.detail.subject import chip
from layertui.ui.find.results import ResultRow
from layertui.ui.keys import bind
from layertui.ui.search.excerpt import excerpt_spans
from layertui.ui.widgets.growing_list import GrowingList
from layertui.ui.widgets.lines import Span

_SIZE_CELLS = 8
"""Cells of a size."""
_WHAT = 18
"""Cells of what a digest is of."""
_MOST_PLACE = 48
"""Cells of a path and a line's number, at most."""


class ResultList(GrowingList[ResultRow]):
    """Images, each above what was found in it."""

    HELP_NAME: ClassVar[str] = "Results"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "open", "open", tooltip="Open the image in the explorer, at the layer and path"),
        bind("right_square_bracket", "image(1)", "next image", tooltip="Go to the next image"),
        bind(
            "left_square_bracket",
            "image(-1)",
            "previous image",
            show=False,
            tooltip="Go to the image, then to the previous one",
        ),
        bind("y", "copy", "copy", show=False, tooltip="Copy the path, package, digest or reference"),
    ]

    @dataclass
    class Copied(Message):
        """``y`` on ``row``."""

        row: ResultRow

    def action_copy(self) -> None:
        if self.cursor < self.count:
            self.post_message(self.Copied(self.rows[self.cursor]))

    def action_image(self, by: int) -> None:
        """Go to the heading of another image."""
        at = self.cursor + by
        while 0 <= at < self.count and not self.rows[at].is_heading:
            at += by
        if 0 <= at < self.count:
            self.go_to_row(at)

    # Painting

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        if number >= self.count:
            return Strip.blank(self.content_size.width, self.rich_style)
        row = self.rows[number]
        mark = ("▶" if number == self.cursor else " ", "accent" if self.has_focus else "quiet")
        room = self.scrollable_content_region.width - 1
        if row.item is not None:
            layer = chip(row.item.layer) if row.item.layer else [("   –", "quiet")]
            spans = [(" ", ""), *layer, (" ", ""), *_item(row.item, max(room - 6, 1))]
        elif row.problem:
            spans = [("      ", ""), (clip(visible(row.problem), room - 6), "deleted")]
        else:
            spans = _heading(row, room)
        return self.strip([mark, *spans], self._over(number))


def _heading(row: ResultRow, room: int) -> list[Span]:
    image = row.image
    mark, style = ("✗ ", "deleted") if image.identity is None else ("! ", "modified")
    if not image.problems:
        mark, style = "", ""
    count = f" {count_text(image.matches, 'match', 'matches')}"
    if not image.matches:
        count = " not read" if image.identity is None else " no matches"
    name = shorten(visible(image.reference), max(room - len(mark) - len(count), 1))
    blanks = " " * (room - len(mark) - cell_len(name) - len(count))
    return [(mark, style), (name, "bold"), (blanks, ""), (count, "quiet")]


def _item(item: FoundItem, room: int) -> list[Span]:
    """Return a match in ``room`` cells."""
    match item:
        case FoundLine():
            place = min(_MOST_PLACE, room * 2 // 5)
            line = f":{item.line}"
            path = shorten_path(visible(item.path), max(place - len(line), 1))
            blanks = " " * (place - cell_len(path) - len(line) + 1)
            text = excerpt_spans(item, room - place - 1)
            return [*_path(path, item.visible), (line, "quiet"), (blanks, ""), *text]
        case FoundPath():
            is_file = item.type == "file"
            size = size_text(item.size) if is_file else item.type
            path = shorten_path(visible(item.path), max(room - _SIZE_CELLS - 1, 1))
            blanks = " " * (room - cell_len(path) - max(len(size), _SIZE_CELLS))
            return [*_path(path, item.visible), (blanks, ""), (f"{size:>{_SIZE_CELLS}}", "quiet")]
        case FoundPackage():
            style = "" if item.visible else "strike quiet"
            name = clip(visible(item.name), room - len(item.kind) - 1)
            facts = visible(f"{item.version} {item.architecture}".rstrip())
            rest = room - len(item.kind) - 2 - cell_len(name)
            return [
                (f"{item.kind} ", "quiet"),
                (name, style),
                (" ", ""),
                (clip(facts, rest), style or "quiet"),
            ]
        case FoundDigest():
            what = f"{item.what:<{_WHAT}} "
            return [(what, "quiet"), (shorten(visible(item.digest), max(room - len(what), 1)), "")]
    raise TypeError(type(item))


def _path(path: str, is_visible: bool) -> list[Span]:
    """Return a path whose name stands out."""
    if not is_visible:
        return [(path, "strike quiet")]
    above, slash, name = path.rpartition("/")
    return [(above + slash, "quiet"), (name, "")]
