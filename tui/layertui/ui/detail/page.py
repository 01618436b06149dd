"""A page of a tab, and its builder."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from layertui.model.errors import LayertuiError
from layertui.text.sanitize import visible
from layertui.ui.failures import failure_text
from layertui.ui.widgets.lines import Document, Line, Span


class Page(NamedTuple):
    """A document with a heading; what its lines refer to."""

    document: Document
    heading: Sequence[Line] = ()
    events: Mapping[int, int] = MappingProxyType({})
    """The event (or other number) that a line refers to."""
    values: Mapping[int, str] = MappingProxyType({})
    """The value that is copied from a line, unsanitized."""
    cursor: int = -1
    """The item with the cursor at first; -1 for the first."""
    stops: Sequence[int] = ()
    """The lines to jump to."""
    top: int = 0
    """The line to scroll to, some lines below the top."""


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
        is_path: bool = False,
    ) -> int:
        """Add a line and return its number."""
        number = len(self._lines)
        self._lines.append(Line(body, gutter, style, is_path=is_path))
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
        """Return the page: folded, clipped to the width, or scrolled sideways."""
        wrap = not (clip or scroll)
        document = Document(self._lines, self.gutter, self._items, wrap=wrap, clip=clip)
        if scroll:
            document.width(0)  # remembered: here is no screen that waits
        return Page(document, heading, self._events, self._values, cursor, stops)


def message(sentence: str, style: str = "quiet") -> Page:
    """Return a page with a sentence, which may be hostile."""
    return Page(Document([Line([(visible(sentence), style)])], wrap=True))


def failure(error: LayertuiError) -> Page:
    """Return a page with an error."""
    return message(failure_text(error), "deleted")
