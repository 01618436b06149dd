"""What commands write: lines and tables for people, JSON for machines, warnings."""

from __future__ import annotations

import codecs
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from layertui.text.sanitize import visible

LINES = 512
"""Written at once."""
COLOURS = {"green": 32, "yellow": 33, "red": 31, "cyan": 36, "dim": 2, "bold": 1}
"""SGR parameters (ECMA-48)."""
Pieces = Iterable[bytes]
"""A file's bytes, piece by piece."""


class Output:
    """Standard output.

    On a terminal names are made visible and may be coloured; in a pipe they are the bytes
    that they are in the image, as with ``ls``.
    """

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()
        self.is_coloured = (
            self.is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )
        self.width = 0
        """Columns to fit into; 0 if there is no limit."""
        self._buffer = sys.stdout.buffer
        if self.is_terminal:
            import shutil

            self.width = shutil.get_terminal_size().columns

    def name(self, text: str) -> str:
        """A name out of an image as it is to be written."""
        return visible(text) if self.is_terminal else text

    def text(self, line: str) -> str:
        """A line of a file as it is to be written: as a name, but for its tabs."""
        return "\t".join(map(self.name, line.split("\t")))

    def colour(self, text: str, name: str) -> str:
        return f"\x1b[{COLOURS[name]}m{text}\x1b[m" if self.is_coloured and name else text

    def line(self, text: str) -> None:
        self._buffer.write(raw(text) + b"\n")

    def lines(self, lines: Iterable[str]) -> None:
        """Many lines of ASCII."""
        rest = iter(lines)
        while some := list(islice(rest, LINES)):
            self._buffer.write("\n".join(some).encode("ascii") + b"\n")

    def bytes(self, data: bytes) -> None:
        self._buffer.write(data)

    def contents(self, pieces: Pieces) -> None:
        """The bytes of a file; on a terminal as text, each line :func:`visible` but for its tabs."""
        if not self.is_terminal:
            for piece in pieces:
                self.bytes(piece)
            return
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        for piece in chain(pieces, [b""]):
            text = decoder.decode(piece, final=not piece)
            self.bytes(raw("\n".join(map(self.text, text.split("\n")))))

    def json(self, value: Any) -> None:
        """One line of JSON in ASCII."""
        self._buffer.write(json.dumps(value).encode() + b"\n")

    def table(
        self,
        headers: Sequence[str],
        rows: Iterable[Sequence[str]],
        right: Sequence[int] = (),
        shrink: Sequence[int] = (),
        colours: Mapping[str, str] = {},
    ) -> None:
        """Aligned columns, the last as long as it is.

        ``right`` are those that end in line, ``shrink`` those that are cut, in that order,
        to fit into a terminal, ``colours`` those of whole first cells.
        """
        table = [list(headers), *(list(row) for row in rows)]
        widths = [max(width_of(row[column]) for row in table) for column in range(len(headers))]
        for column in shrink:
            surplus = sum(widths) + 2 * (len(widths) - 1) - self.width
            if self.width and surplus > 0:
                widths[column] = max(widths[column] - surplus, len(headers[column]), 8)
        for row in table:
            cells = [
                _pad(cut(cell, width), width, column in right)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            cells[0] = self.colour(cells[0], colours.get(row[0], ""))
            self.line("  ".join(cells).rstrip(" "))


def raw(text: str) -> bytes:
    """Text as the bytes it was read from; what came out of no bytes as an escape."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # JSON may hold halves of surrogate pairs
        return text.encode("utf-8", "backslashreplace")


def warn(text: str) -> None:
    """One line on standard error."""
    print(f"layertui: warning: {visible(text)}", file=sys.stderr)


def width_of(text: str) -> int:
    """Columns that text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def cut(text: str, width: int) -> str:
    """Text in as many columns at most; ``…`` stands for what was cut off."""
    if width_of(text) <= width:
        return text
    kept, room = 0, width - 1
    for char in text:  # a name may be a megabyte long
        room -= width_of(char)
        if room < 0:
            break
        kept += 1
    return text[:kept] + "…"


def _pad(text: str, width: int, is_right: bool) -> str:
    space = " " * (width - width_of(text))
    return space + text if is_right else text + space


def one_line(text: str) -> str:
    """Text of a config as one line that holds nothing a terminal would act on."""
    return visible(" ".join(text.split()))


def short_id(identity: str) -> str:
    """Twelve digits of a digest, as Docker shows it."""
    return visible(identity.removeprefix("sha256:")[:12])
