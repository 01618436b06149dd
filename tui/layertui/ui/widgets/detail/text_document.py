"""A file's text, read on as one scrolls."""

import codecs
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from layertui.safe import visible
from layertui.ui.text import size_text
from layertui.ui.widgets.lines import Document, Line, Read, Span

if TYPE_CHECKING:
    from layertui.content.read import Contents

LONGEST = 2000
"""Characters of a line; what a line has beyond goes on in the next row."""
CHUNK = 1 << 16
"""Bytes that are read at once."""
_TAB = 8


class TextDocument(Document):
    """Numbered lines of the part that has been read, and a last line that says so if there is more."""

    def __init__(self, contents: "Contents", event: int, size: int, encoding: str) -> None:
        """The file of ``size`` bytes that ``event`` stored; :meth:`feed` it its start."""
        super().__init__()
        self._contents, self._event, self._size = contents, event, size
        # Bytes that the encoding does not have are shown as what they are.
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        self._read = 0
        self._rest = ""
        self._bodies: list[Sequence[Span]] = []
        self._numbers = array("I")  # 0 where a line goes on
        self._count = 0
        self._width = 0

    def decode(self, data: bytes) -> str:
        """The text that the next bytes complete; up to the last newline unless the file ends there."""
        self._read += len(data)
        text = self._rest + self._decoder.decode(data, self.complete)
        if self.complete:
            self._rest = ""
            return text.removesuffix("\n")
        keep = text.rfind("\n") + 1 or len(text) - len(text) % LONGEST
        text, self._rest = text[:keep], text[keep:]
        return text.removesuffix("\n")

    @property
    def complete(self) -> bool:
        """Whether the file has been read to its end."""
        return self._read >= self._size

    def append(self, lines: Iterator[Sequence[Span]]) -> None:
        """Adds lines of raw text, each in pieces with the names of their styles."""
        for line in lines:
            self._count += 1
            number = self._count
            for body in _rows(line):
                self._bodies.append(body)
                self._numbers.append(number)
                number = 0
                self._width = max(self._width, sum(cell_len(text) for text, _style in body))
        self.gutter = max(len(str(self._count)), 3) + 2

    def __len__(self) -> int:
        return len(self._bodies) + (not self.complete)

    def width(self, start: int) -> int:
        return self._width

    def line(self, number: int) -> Line:
        if number == len(self._bodies):
            part = f"{size_text(self._read)} of {size_text(self._size)} read; scroll on to read more"
            return Line([(part, "accent")], [("…", "accent")])
        shown = self._numbers[number]
        return Line(self._bodies[number], [(f"{shown or '↪':>{self.gutter - 2}}", "quiet")])

    def missing(self, first: int, last: int) -> Read | None:
        if self.complete or last < len(self._bodies):
            return None

        def read(cancelled: threading.Event) -> Callable[[], None]:
            data = self._contents.read(self._event, self._read, CHUNK, cancelled)
            return lambda: self._take(data)

        return read

    def _take(self, data: bytes) -> None:
        if not data:  # the file is shorter than its header says
            self._size = self._read
        text = self.decode(data)
        if text or data:
            self.append(iter([[(line, "")] for line in text.split("\n")]))


def _rows(line: Sequence[Span]) -> Iterator[Sequence[Span]]:
    """The rows of one line, made visible, tabs expanded."""
    row: list[Span] = []
    column = 0
    for raw, style in line:
        text = raw if raw.isprintable() else _shown(raw, column)
        while column + len(text) > LONGEST:
            cut = LONGEST - column
            row.append((text[:cut], style))
            yield row
            row, column, text = [], 0, text[cut:]
        if text:
            row.append((text, style))
            column += len(text)
    yield row


def _shown(raw: str, column: int) -> str:
    """Tabs as blanks up to the next stop, all else visible."""
    text = ""
    for number, piece in enumerate(raw.split("\t")):
        if number:
            text += " " * (_TAB - (column + len(text)) % _TAB)
        text += visible(piece)
    return text
