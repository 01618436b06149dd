"""What a tab shows, and how it is put together."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from layertui.model.errors import LayertuiError
from layertui.text.sanitize import visible
from layertui.ui.failures import failure_text
from layertui.ui.widgets.lines import Document, Line, Span


class Page(NamedTuple):
    """A document under its heading; what its lines stand for."""

    document: Document
    heading: Sequence[Line] = ()
    events: Mapping[int, int] = MappingProxyType({})
    """The version of a path that a line stands for."""
    values: Mapping[int, str] = MappingProxyType({})
    """What is copied from a line, as it is in the image."""
    cursor: int = -1
    """The item that the cursor starts on; -1 for the first."""
    stops: Sequence[int] = ()
    """The lines that one can jump to."""
    top: int = 0
    """The line to begin at, some lines below the upper edge."""


class PageBuilder:
    """Collects lines; those with an event or a value are items of the page."""

    def __init__(self, gutter: int = 0) -> None:
        self.gutter = gutter
        self._lines: list[Line] = []
        self._items: list[int] = []
        self._events: dict[int, int] = {}
        self._values: dict[int, str] = {}

    def add(
        self,
        *body: Span,
        gutter: Sequence[Span] = (),
        style: str = "",
        event: int = -1,
        value: str | None = None,
    ) -> int:
        """Adds a line and returns its number."""
        number = len(self._lines)
        self._lines.append(Line(body, gutter, style))
        if event >= 0:
            self._events[number] = event
        if value is not None:
            self._values[number] = value
        if event >= 0 or value is not None:
            self._items.append(number)
        return number

    def page(
        self,
        *heading: Line,
        cursor: int = -1,
        clip: bool = False,
        scroll: bool = False,
        stops: Sequence[int] = (),
    ) -> Page:
        """The page of the lines so far: folded, or cut to the width there is, or scrolled sideways."""
        wrap = not (clip or scroll)
        document = Document(self._lines, self.gutter, self._items, wrap=wrap, clip=clip)
        if scroll:
            document.width(0)  # remembered: here is no screen that waits
        return Page(document, heading, self._events, self._values, cursor, stops)


def message(sentence: str, style: str = "quiet") -> Page:
    """A page that says why there is nothing else; ``sentence`` may be hostile."""
    return Page(Document([Line([(visible(sentence), style)])], wrap=True))


def failure(error: LayertuiError) -> Page:
    """A page that says what could not be done."""
    return message(failure_text(error), "deleted")
