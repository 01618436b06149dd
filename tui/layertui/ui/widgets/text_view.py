"""A viewer of documents of any length; only visible lines are laid out."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from layertui.ui.cells import clip, shorten_path
from layertui.ui.keys import bind
from layertui.ui.theme.styles import Palette
from layertui.ui.widgets.lines import Document, Line, Read, Span, folds, part, skip_cells
from layertui.ui.widgets.list_view import cursor_keys
from layertui.ui.widgets.searched_view import SearchedView
from layertui.ui.widgets.text_search import TextMatch

_SIDE_STEP = 8
"""Cells that one key press scrolls sideways."""
_KEPT = 512
"""Painted rows that are kept."""


_KEYS = cursor_keys("top", "end")
T = TypeVar("T")


class TextView(SearchedView):
    """Show a document under fixed heading lines; wrap or scroll long lines.

    Requests unread parts of the document on scrolling (:class:`Wanted`).
    """

    ALLOW_SELECT = True
    REVEAL_EARLY = False  # a document that has just been opened shows its start
    BINDINGS: ClassVar[list[BindingType]] = [
        *_KEYS[:2],
        bind("left,h", "side(-1)", "scroll left", show=False),
        bind("right,l", "side(1)", "scroll right", show=False),
        *_KEYS[2:],
        bind("w", "wrap", "wrap", tooltip="Toggle line wrap"),
    ]
    DEFAULT_CSS = """
    TextView {
        height: 1fr;
        background: $surface;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
    }
    """

    @dataclass
    class Wanted(Message):
        """``read`` must run in a thread, and its result on the event loop."""

        document: Document
        read: Read

    @dataclass
    class CursorMoved(Message):
        """The cursor is on line ``line`` now."""

        line: int

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.document = Document()
        self.heading: Sequence[Line] = ()
        self.folding = False
        self._follows = (
            False  # whether the view scrolls to the cursor: a document shows its start until a key
        )
        self.cursor = -1  # on no line
        self._rows = array("I", [0])  # the first row of each line when folded, and the end
        self._laid = 0
        self._laid_for = 0  # the width of the view; 0: it was not shown
        self._width = 0
        self._asked = False
        self._painted: LRUCache[tuple[int, int, int, int, str], Strip] = LRUCache(_KEPT)
        self._heading_rows: list[Sequence[Span]] = []
        self._search_rows = 0

    # What is shown

    def open(self, document: Document, heading: Sequence[Line] = (), cursor: int = -1) -> None:
        """Show ``document`` from its start, or from its item ``cursor``."""
        self.document, self.heading = document, heading
        self._asked = False
        self._follows = cursor in document.items
        self.cursor = cursor if self._follows else next(iter(document.items), -1)
        self._lay_out()
        self.scroll_to(0, 0, animate=False, immediate=True)
        self._reveal()
        self.refresh()
        self.search_new()

    def replace(self, document: Document, heading: Sequence[Line]) -> None:
        """Show ``document`` in place of one with the same bodies; cursor and scrolling stay."""
        self.document, self.heading = document, heading
        self._lay_out()
        self.refresh()
        self.search_new()

    def grown(self) -> None:
        """Show what the document has read meanwhile."""
        self._asked = False
        self._lay_out(self._laid)
        self.refresh()
        self.search_on()

    # Search

    @property
    def top_line(self) -> int:
        return self._line_at(self.scroll_offset.y)[0]

    def reveal_match(self, match: TextMatch) -> None:
        if item := bisect_right(self.document.items, match.line):  # the one that the line is, or belongs to
            self.go_to(self.document.items[item - 1])
        line, row, column = self.document.line(match.line), match.line, 0
        if self.is_folded:
            nth = bisect_right(self._folds(line), match.start) - 1
            row = self._rows[match.line] + nth
        else:
            column = cell_len(line.text[: match.stop])
        room = self.content_size.width - self._indent(line) - self.document.aside
        left, top = self.scroll_offset.x, self.scroll_offset.y
        height = max(self.content_size.height - self.heading_height, 1)
        if not top <= row < top + height:
            top = max(row - height // 3, 0)
        if not left + cell_len(line.text[match.start : match.stop]) <= column <= left + room:
            left = max(column - room, 0)
        self.scroll_to(x=left, y=top, animate=False, immediate=True)

    def read_on(self) -> None:
        self._want(len(self.document), len(self.document))

    def search_changed(self) -> None:
        shown = len(self.search_lines)
        if shown != self._search_rows:
            self._search_rows = shown
            self._lay_out()
        elif shown:
            self._heading_rows = list(self._fold_heading())
        self._painted.clear()
        self.refresh()

    @property
    def is_folded(self) -> bool:
        return self.folding or self.document.wrap

    def _lay_out(self, start: int = 0) -> None:
        """Compute rows and width of the lines from ``start`` on."""
        document = self.document
        self._painted.clear()
        self._laid_for = self.content_size.width
        if not start:
            self._rows, self._width = array("I", [0]), 0
            self._heading_rows = list(self._fold_heading())
        if self.is_folded:
            row = self._rows[-1]
            for number in range(start, len(document)):
                row += len(self._folds(document.line(number)))
                self._rows.append(row)
        else:
            self._width = max(self._width, document.width(start))
        self._laid = len(document)
        height = self.heading_height + (self._rows[-1] if self.is_folded else self._laid)
        width = document.gutter + self._width + document.aside
        self.virtual_size = Size(0 if self.is_folded else width, height)

    def _indent(self, line: Line) -> int:
        return self.document.gutter if line.gutter else 0

    def _folds(self, line: Line) -> list[int]:
        """Return where the rows of a folded line start."""
        # Reserve room for the scrollbar, so that it can appear without a new layout.
        room = self.content_size.width - self._indent(line) - self.document.aside - 1
        return folds(line.text, max(room, 1))

    def _fold_heading(self) -> Iterator[Sequence[Span]]:
        width = max(self.content_size.width - 1, 1)
        for line in self.search_lines:  # one row always, so that nothing moves while a text is typed
            yield part(line.body, 0, width)
        for line in self.heading:
            starts = folds(line.text, width)
            for start, stop in zip(starts, [*starts[1:], len(line.text)], strict=True):
                yield part(line.body, start, stop)

    @property
    def count(self) -> int:
        """How many lines of the document have been laid out."""
        return self._laid

    @property
    def heading_height(self) -> int:
        return len(self._heading_rows)

    def on_resize(self) -> None:
        line = self._line_at(self.scroll_offset.y)[0]
        self._lay_out()
        if self.is_folded and line < self._laid:
            self.scroll_to(y=self._rows[line], animate=False, immediate=True)
        self._reveal()
        self.refresh()  # it may have been painted in the new size, but laid out for the old one

    # Keys and mouse

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable wrapping for documents that are always wrapped or clipped."""
        if action == "wrap" and (self.document.wrap or self.document.clip):
            return False
        return super().check_action(action, parameters)

    def action_move(self, by: int) -> None:
        items = self.document.items
        if not items:
            self.scroll_to(y=self.scroll_offset.y + by, animate=False)
            return
        if not self._follows and not self._is_in_view(self.cursor):
            self.go_to(self.cursor)
            return
        at = bisect_left(items, self.cursor) + by
        if at < 0:
            self.scroll_to(y=0, animate=False)  # above the first item
        elif at >= len(items):
            self.scroll_end(animate=False)
        else:
            self.go_to(items[at])

    def action_page(self, pages: int) -> None:
        rows = pages * max(self.content_size.height - self.heading_height - 1, 1)
        items = self.document.items
        if not items:
            self.scroll_to(y=self.scroll_offset.y + rows, animate=False)
            return
        at = bisect_left(items, self.cursor + rows)
        self.go_to(items[max(min(at, len(items) - 1), 0)])

    def action_first(self) -> None:
        if self.document.items:
            self.go_to(self.document.items[0])
        self.scroll_to(y=0, animate=False)

    def action_last(self) -> None:
        if self.document.items:
            self.go_to(self.document.items[-1])
        else:
            self.scroll_end(animate=False)

    def action_side(self, by: int) -> None:
        self.scroll_to(x=self.scroll_offset.x + by * _SIDE_STEP, animate=False)

    def action_wrap(self) -> None:
        """Toggle wrapping."""
        line = self._line_at(self.scroll_offset.y)[0]
        self.folding = not self.folding
        self._lay_out()
        top = self._rows[line] if self.is_folded and line < self._laid else line
        self.scroll_to(x=0, y=top, animate=False, immediate=True)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        row = self.row_at(event)
        if row >= 0 and (line := self._line_at(row)[0]) in self.document.items:
            self.go_to(line)

    def put_cursor(self, line: int) -> None:
        self._follows = True
        super().put_cursor(line)

    def _is_in_view(self, line: int) -> bool:
        row, end = self.rows_of(line)
        top = self.scroll_offset.y
        return top <= row and end <= top + max(self.content_size.height - self.heading_height, 1)

    def _reveal(self) -> None:
        if self._follows:
            super()._reveal()

    def go_to(self, line: int) -> None:
        """Put the cursor on ``line``."""
        before = self.cursor
        self.put_cursor(line)
        if before != line:
            self.post_message(self.CursorMoved(line))

    def rows_of(self, line: int) -> tuple[int, int]:
        """Return the range of rows of a line."""
        return (self._rows[line], self._rows[line + 1]) if self.is_folded else (line, line + 1)

    def _line_at(self, row: int) -> tuple[int, int]:
        """Return the line of a row, and the row's index in it."""
        if not self.is_folded:
            return row, 0
        line = bisect_right(self._rows, row) - 1
        return line, row - self._rows[line]

    # Painting

    def render_lines(self, crop: Region) -> list[Strip]:
        if not self._laid_for:  # the message of its size comes after the first frame
            self._lay_out()
        self._ask()
        return super().render_lines(crop)

    def _use(self, palette: Palette) -> None:
        self._painted.clear()

    def _ask(self) -> None:
        """Read what is visible and one screen beyond."""
        height = self.content_size.height
        self._want(self.top_line, self._line_at(self.scroll_offset.y + 2 * height)[0])

    def _want(self, first: int, last: int) -> None:
        """Request more lines, unless a request is pending."""
        read = self.document.missing(first, last) if not self._asked else None
        if read is not None:
            self._asked = True
            # Painting runs in the screen, but the message comes from the view.
            self.post_message(self.Wanted(self.document, read).set_sender(self))

    def render_line(self, y: int) -> Strip:
        """Return row ``y`` of the view: heading, then document."""
        palette = self._palette
        width = self.content_size.width
        if palette is None:
            return Strip.blank(width)
        if y < self.heading_height:
            return self.strip(self._heading_rows[y])
        number, nth = self._line_at(self.scroll_offset.y + y - self.heading_height)
        if number >= self._laid:
            return Strip.blank(width, palette[""])
        over = self._over(number)
        if self.text_selection:
            return self._paint(number, nth, width, over, palette)
        key = (number, nth, self.scroll_offset.x, width, over)
        painted = self._painted.get(key)
        if painted is None:
            painted = self._painted[key] = self._paint(number, nth, width, over, palette)
        return painted

    def _paint(self, number: int, nth: int, width: int, over: str, palette: Palette) -> Strip:
        """Return row ``nth`` of a line, on the style ``over`` and the line's own."""
        line = self.document.line(number)
        behind = f"{line.style} {over}"
        gutter = self._indent(line)
        room = max(width - gutter - self.document.aside, 0)
        text, padding = line.text, 0
        if self.is_folded:
            starts = [*self._folds(line), len(text)]
            # A document may change a line after reading it.
            start, stop = starts[min(nth, len(starts) - 2)], starts[min(nth, len(starts) - 2) + 1]
        else:
            start, padding = skip_cells(text, self.scroll_offset.x)
            stop = start + room
        body = line.body if not start and stop >= len(text) else part(line.body, start, stop)
        seen = max(self.scrollable_content_region.width - gutter, 0)  # beside the scroll bar
        if self.document.clip and not self.is_folded and cell_len(text) > seen:
            if line.is_path:
                body = [(shorten_path(text, seen), line.body[0][1])]
            else:
                body = [*part(line.body, 0, max(len(clip(text, seen)) - 1, 0)), ("…", "quiet")]
        body = self.search.highlighted(body, number, start)
        segments = [Segment(" " * padding, palette[behind])] if padding else []
        segments += self._segments(body, number, start, behind, palette)
        strip = Strip(segments).apply_offsets(start, number)
        aside = self._aside(line, nth, width - gutter - strip.cell_length)
        after = Strip([Segment(text, palette[f"{behind} {style}"]) for text, style in aside])
        strip = strip.adjust_cell_length(max(width - gutter - after.cell_length, 0), palette[behind])
        before = [Segment(text, palette[f"{behind} {style}"]) for text, style in line.gutter if not nth]
        return Strip.join([Strip(before).adjust_cell_length(gutter, palette[behind]), strip, after])

    def _aside(self, line: Line, nth: int, free: int) -> Sequence[Span]:
        """Return what is at the right edge of a row with ``free`` cells behind its body."""
        if nth or not line.aside:
            return [(" " * self.document.aside, "")]
        for start in range(len(line.aside)):
            cells = sum(cell_len(text) for text, _style in line.aside[start:])
            if cells <= max(self.document.aside, free):
                return line.aside[start:]
        return ()

    def _segments(
        self, body: Sequence[Span], number: int, start: int, behind: str, palette: Palette
    ) -> list[Segment]:
        """Return the segments of a row, with the mouse selection highlighted."""
        selected = self.text_selection.get_span(number) if self.text_selection else None
        if selected is None:
            return [Segment(text, palette[f"{behind} {style}"]) for text, style in body]
        first, last = selected[0] - start, selected[1] - start
        length = sum(len(text) for text, _style in body)
        if selected[1] < 0:
            last = length
        first = max(first, 0)
        over = self.screen.get_component_rich_style("screen--selection", partial=True)
        return [
            *(Segment(text, palette[f"{behind} {style}"]) for text, style in part(body, 0, first)),
            *(Segment(text, palette[f"{behind} {style}"] + over) for text, style in part(body, first, last)),
            *(Segment(text, palette[f"{behind} {style}"]) for text, style in part(body, last, length)),
        ]

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text selected with the mouse, without the gutter."""
        first = selection.start.y if selection.start else 0
        last = min(selection.end.y if selection.end else self._laid - 1, self._laid - 1)
        lines = []
        for number in range(first, last + 1):
            text = self.document.line(number).text
            start, stop = selection.get_span(number) or (0, 0)
            lines.append(text[start : stop if stop >= 0 else len(text)])
        return "\n".join(lines), "\n"


def next_result(view: TextView, by: int, result: Callable[[], T | None]) -> T | None:
    """Move the cursor of a view to the next or previous line with a result; None if there is none."""
    while True:
        before = view.cursor
        view.action_move(by)
        if view.cursor == before or (found := result()) is not None:
            return found if view.cursor != before else None
