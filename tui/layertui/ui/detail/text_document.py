"""A file's text, read as the user scrolls."""

import codecs
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from layertui.content.syntax import Piece, colored
from layertui.content.text import DECODE_ERRORS, Encoding
from layertui.model.job import Job
from layertui.model.numbers import Event
from layertui.text.format import size_text
from layertui.text.sanitize import visible
from layertui.ui.widgets.lines import Document, Line, Read, Span

if TYPE_CHECKING:
    from pygments.lexer import Lexer

    from layertui.content.read import Contents
    from layertui.ui.detail.blame_margin import BlameMargin

LONGEST = 2000
"""Characters per row; a longer line continues in the next row."""
CHUNK = 1 << 16
"""Bytes that are read at once."""
COLOURED = 1 << 20
"""Bytes of a file with syntax colors; the rest is plain. Chunks are lexed separately."""
FARTHEST = 32 << 20
"""Bytes read at once to reach a line; further lines must be scrolled to."""
_TAB = 8


class TextDocument(Document):
    """Numbered lines of what has been read, and a last line if there is more."""

    hex = False

    def __init__(
        self,
        contents: "Contents",
        event: Event,
        size: int,
        head: bytes,
        encoding: Encoding,
        lexer: "Lexer | None" = None,
        margin: "BlameMargin | None" = None,
    ) -> None:
        """The file of ``size`` bytes that ``event`` stored, which starts with ``head``.

        ``margin`` is what is beside the numbers of the lines.
        """
        super().__init__()
        self._contents, self._event, self._size = contents, event, size
        self._decoder = codecs.getincrementaldecoder(encoding.codec)(DECODE_ERRORS)
        self._newline = "\r" if encoding.newline == "CR" else "\n"
        self._crlf = encoding.newline == "CRLF"
        self._lexer = lexer
        self._margin = margin
        self._read = 0
        self._rest = ""
        self._open = False  # the last row's line has not ended
        self._bodies: list[Sequence[Span]] = []
        self._numbers = array("I")  # 0 where a line goes on
        self._count = 0
        self._width = 0
        self.marked = range(0)
        """The rows of the marked line."""
        self._take(head)()

    @property
    def complete(self) -> bool:
        """Whether the file has been read to its end."""
        return self._read >= self._size

    def go_to_line(self, line: int, job: Job) -> None:
        """Read up to a line, counted from 1, and marks it; for a thread, before the document is shown."""
        while not self.complete and self._count <= line and self._read < FARTHEST:
            job.check()
            self._take(self._contents.read(self._event, self._read, CHUNK, job))()
        if 0 < line <= self._count:
            start = self._numbers.index(line)
            stop = next((row for row in range(start + 1, len(self._numbers)) if self._numbers[row]), 0)
            self.marked = range(start, stop or len(self._numbers))

    def __len__(self) -> int:
        return len(self._bodies) + (not self.complete)

    def width(self, start: int) -> int:
        return self._width

    def line(self, number: int) -> Line:
        if number == len(self._bodies):
            part = f"{size_text(self._read)} of {size_text(self._size)} read; scroll on to read more"
            return Line([(part, "accent")], [("…", "accent")])
        shown = self._numbers[number]
        beside = self._margin.spans(shown) if self._margin is not None else []
        digits = self.gutter - 2 - (self._margin.width if self._margin is not None else 0)
        gutter = [*beside, (f"{shown or '↪':>{digits}}", "quiet")]
        return Line(self._bodies[number], gutter, "on-accent" if number in self.marked else "")

    def missing(self, first: int, last: int) -> Read | None:
        if self.complete or last < len(self._bodies):
            return None
        return lambda job: self._take(self._contents.read(self._event, self._read, CHUNK, job))

    def _take(self, data: bytes) -> Callable[[], None]:
        """Turn the next bytes into rows, and return what appends them."""
        lexer = self._lexer if self._read < COLOURED else None
        read = self._read + len(data)
        last = read >= self._size
        text = self._rest + self._decoder.decode(data, last)
        # Up to the last newline, unless the file ends here.
        end = text.rfind(self._newline) + 1 or len(text) - len(text) % LONGEST
        if last:
            end = len(text)
        text, rest = text[:end], text[end:]
        goes_on, open_after = self._open, self._open
        lines: list[str] = []
        if text:
            open_after = not text.endswith(self._newline)
            lines = text.removesuffix(self._newline).split(self._newline)
            if self._crlf:
                lines = [line.removesuffix("\r") for line in lines]
        bodies: list[Sequence[Span]] = []
        numbers = array("I")
        count = self._count
        for line in colored(lexer, lines):
            count += not goes_on
            for nth, body in enumerate(rows(line)):
                bodies.append(body)
                numbers.append(0 if nth or goes_on else count)
            goes_on = False
        width = max((sum(cell_len(text) for text, _style in body) for body in bodies), default=0)

        def append() -> None:
            self._read, self._rest, self._open = read, rest, open_after
            self._bodies += bodies
            self._numbers += numbers
            self._count = count
            self._width = max(self._width, width)
            self.gutter = max(len(str(count)), 3) + 2
            if self._margin is not None:
                self.gutter += self._margin.width

        return append


def rows(line: Sequence[Piece]) -> Iterator[Sequence[Span]]:
    """Yield the rows of one line of raw text, made visible, tabs expanded."""
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
    """Return tabs as blanks up to the next stop, all else visible."""
    text = ""
    for number, piece in enumerate(raw.split("\t")):
        if number:
            text += " " * (_TAB - (column + len(text)) % _TAB)
        text += visible(piece)
    return text
