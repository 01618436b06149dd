"""Lines of styled text, and documents that may be read further."""

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len

from layertui.model.job import Job
from layertui.ui.cells import first_cells

Span = tuple[str, str]
"""Sanitized text (:mod:`layertui.text.sanitize`) and the name of its style."""

Read = Callable[[Job], Callable[[], None]]
"""Work for a thread; the returned function is then called on the event loop."""


class Line(NamedTuple):
    """One line: body, gutter, the style behind all, and what is at the right edge.

    A line without a gutter starts at the left edge itself.
    """

    body: Sequence[Span] = ()
    gutter: Sequence[Span] = ()
    style: str = ""
    aside: Sequence[Span] = ()
    """Right-aligned in the first row. Those at the left are left out where the body leaves them no room."""
    is_path: bool = False
    """Whether the body is a path, which loses directories where it is clipped, not its name."""

    @property
    def text(self) -> str:
        """The plain text of the body."""
        return "".join(text for text, _style in self.body)


class Document:
    """Lines by number, all in memory.

    ``gutter`` is the width before the bodies, in cells; it does not move
    when the bodies are scrolled sideways. The cursor may stand on the lines ``items``;
    a document without any is scrolled instead. ``aside`` is the width behind the bodies, which is kept free
    for what the lines have there.
    """

    hex: ClassVar[bool | None] = None
    """Whether it shows a file in hex; None if it is not a file."""

    def __init__(
        self,
        lines: Sequence[Line] = (),
        gutter: int = 0,
        items: Sequence[int] = (),
        wrap: bool = False,
        clip: bool = False,
        aside: int = 0,
    ) -> None:
        """``wrap``: lines are always folded to the width there is; ``clip``: they end there."""
        self.lines = lines
        self.gutter = gutter
        self.items = items
        self.wrap = wrap
        self.clip = clip
        self.aside = aside
        self._width = -1

    def __len__(self) -> int:
        return len(self.lines)

    def line(self, number: int) -> Line:
        """Return the line ``number``, 0 for the first."""
        return self.lines[number]

    def width(self, start: int) -> int:
        """Return cells of the longest body from line ``start`` on, as far as it can be scrolled to."""
        if self.clip:
            return 0
        if self._width < 0:
            self._width = max((cell_len(line.text) for line in self.lines), default=0)
        return self._width

    def missing(self, first: int, last: int) -> Read | None:
        """Return the work needed before the lines ``first`` to ``last`` can be shown.

        Not called again before that work is done.
        """
        return None


class LongDocument(Document):
    """All lines in memory, shown in portions as the user scrolls.

    Laying out all of them at once would block the event loop.
    """

    STEP: ClassVar[int] = 2000
    """Lines per portion."""

    def __init__(self, lines: Sequence[Line], wrap: bool = False) -> None:
        super().__init__(lines, wrap=wrap)
        self._shown = min(self.STEP, len(lines))

    def __len__(self) -> int:
        return self._shown

    def missing(self, first: int, last: int) -> Read | None:
        if self._shown == len(self.lines) or last < self._shown - 1:
            return None
        return lambda _job: self._show_more

    def _show_more(self) -> None:
        self._shown = min(self._shown + self.STEP, len(self.lines))


def folds(text: str, width: int) -> list[int]:
    """Return the start of each row of ``text`` wrapped to ``width`` cells, between words if possible."""
    if width <= 0 or (len(text) <= width and (len(text) * 2 <= width or cell_len(text) <= width)):
        return [0]
    starts = [0]
    start = 0
    while True:
        rest = text[start : start + width + 1]
        if rest.isascii():
            fits = width
        else:
            fits = max(len(first_cells(rest, width)), 1)
        if start + fits >= len(text):
            return starts
        blank = text.rfind(" ", start + fits // 2, start + fits + 1)
        start = blank + 1 if blank > start else start + fits
        if start >= len(text):
            return starts
        starts.append(start)


def part(spans: Sequence[Span], start: int, stop: int) -> list[Span]:
    """Return the characters ``start`` to ``stop`` of ``spans``."""
    found = []
    at = 0
    for text, style in spans:
        end = at + len(text)
        if end > start and at < stop:
            found.append((text[max(start - at, 0) : stop - at], style))
        if end >= stop:
            break
        at = end
    return found


def skip_cells(text: str, cells: int) -> tuple[int, int]:
    """Return the number of characters that fill ``cells`` cells, and the excess in cells."""
    if cells <= 0:
        return 0, 0
    if text[:cells].isascii():
        return min(cells, len(text)), 0
    filled = 0
    for number, char in enumerate(text):
        if filled >= cells and cell_len(char):
            return number, filled - cells
        filled += cell_len(char)
    return len(text), max(filled - cells, 0)
