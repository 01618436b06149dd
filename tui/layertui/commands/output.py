"""Output of commands: lines, tables, JSON, warnings."""

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
"""Bytes per write."""
COLOURS = {"green": 32, "yellow": 33, "red": 31, "cyan": 36, "dim": 2, "bold": 1}
"""SGR parameters (ECMA-48)."""
Pieces = Iterable[bytes]
"""A file's bytes, in pieces."""


class Output:
    """Standard output.

    On a terminal names are escaped and may be colored; in a pipe they are the bytes of the
    image, as with ``ls``.
    """

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()
        self.is_coloured = (
            self.is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )
        self.width = 0
        """Width of the output in columns; 0: unlimited."""
        self._buffer = sys.stdout.buffer
        if self.is_terminal:
            import shutil

            self.width = shutil.get_terminal_size().columns

    def name(self, text: str) -> str:
        """Return a name of an image as it is printed."""
        return visible(text) if self.is_terminal else text

    def text(self, line: str) -> str:
        """Return a line of a file as it is printed: as a name, but with tabs."""
        return "\t".join(map(self.name, line.split("\t")))

    def colour(self, text: str, name: str) -> str:
        return f"\x1b[{COLOURS[name]}m{text}\x1b[m" if self.is_coloured and name else text

    def line(self, text: str) -> None:
        self._buffer.write(raw(text) + b"\n")

    def lines(self, lines: Iterable[str]) -> None:
        """Print many lines of ASCII."""
        rest = iter(lines)
        while some := list(islice(rest, LINES)):
            self._buffer.write("\n".join(some).encode("ascii") + b"\n")

    def bytes(self, data: bytes) -> None:
        self._buffer.write(data)

    def contents(self, pieces: Pieces) -> None:
        """Print the bytes of a file; on a terminal as text, escaped line by line but for tabs."""
        if not self.is_terminal:
            for piece in pieces:
                self.bytes(piece)
            return
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        for piece in chain(pieces, [b""]):
            text = decoder.decode(piece, final=not piece)
            self.bytes(raw("\n".join(map(self.text, text.split("\n")))))

    def json(self, value: Any) -> None:
        """Print one line of JSON in ASCII."""
        self._buffer.write(json.dumps(value).encode() + b"\n")

    def table(
        self,
        headers: Sequence[str],
        rows: Iterable[Sequence[str]],
        right: Sequence[int] = (),
        shrink: Sequence[int] = (),
        colours: Mapping[str, str] = {},
    ) -> None:
        """Print aligned columns; the last one is not padded.

        ``right`` are right-aligned, ``shrink`` are truncated, in that order, to fit a terminal,
        ``colours`` color whole first cells.
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
    """Return text as the bytes it was decoded from; other lone surrogates as an escape."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # JSON may contain halves of surrogate pairs
        return text.encode("utf-8", "backslashreplace")


def warn(text: str) -> None:
    """Print one line on stderr."""
    print(f"layertui: warning: {visible(text)}", file=sys.stderr)


def width_of(text: str) -> int:
    """Return the width of text on a terminal, in columns."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def cut(text: str, width: int) -> str:
    """Return text truncated to a number of columns; ``…`` marks the cut."""
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
    """Return text of a config as one line without control characters."""
    return visible(" ".join(text.split()))


def short_id(identity: str) -> str:
    """Return the first twelve digits of a digest, as Docker does."""
    return visible(identity.removeprefix("sha256:")[:12])
