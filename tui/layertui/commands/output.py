"""Output of commands: lines, tables, JSON, warnings."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice

from layertui import TYPE_CHECKING
from layertui.commands.pager import is_paging, prepare_pager, start_pager
from layertui.model.errors import LayertuiError
from layertui.text.sanitize import visible

if TYPE_CHECKING:
    from typing import Any, ClassVar, TextIO


BROKEN_PIPE = 141
"""Exit status if the reader closes the pipe first: what a shell reports of SIGPIPE."""
LINES = 512
"""Lines per write."""
COLOURS = {"green": 32, "yellow": 33, "red": 31, "magenta": 35, "cyan": 36, "dim": 2, "bold": 1}
"""SGR parameters (ECMA-48)."""
Pieces = Iterable[bytes]
"""A file's bytes, in pieces."""


class OutputClosed(Exception):
    """The reader of standard output closed the pipe."""

    def __init__(self, status: int) -> None:
        self.status = status
        """The exit status of the command."""


class Output:
    """Standard output, always UTF-8.

    Names of an image are escaped in a pipe too, as git does (``core.quotePath``): a newline in a name
    must not forge a line of a CI log. JSON and contents of files have the exact bytes.
    """

    color: ClassVar[str] = "auto"
    """``auto``, ``always`` or ``never``."""
    is_paged: ClassVar[bool] = False
    """Whether a pager is started for what is written to a terminal."""
    is_own_process: ClassVar[bool] = False
    """Whether the process ends with the command, and may be confined."""

    def __init__(self, status: int = BROKEN_PIPE) -> None:
        """``status`` is the command's exit status, if it is known before anything is printed.

        A reader that closes the pipe ends the command early (:class:`OutputClosed`), but does not change its verdict.
        """
        self._status = status
        self.is_terminal = is_paging() or sys.stdout.isatty()
        self.is_coloured = _is_coloured(self.color, self.is_terminal)
        self.width = 0
        """Width of the output in columns; 0: unlimited."""
        self._buffer = sys.stdout.buffer
        if self.is_terminal:
            import shutil

            self.width = shutil.get_terminal_size().columns

    @classmethod
    def prepare_pager(cls) -> None:
        """Prepare the pager that may be needed, before the process can start no more programs."""
        if cls.is_paged and sys.stdout.isatty():
            prepare_pager()

    def colour(self, text: str, name: str) -> str:
        return f"\x1b[{COLOURS[name]}m{text}\x1b[m" if self.is_coloured and name else text

    def excerpt(self, text: str, start: int, end: int) -> str:
        """Return a line of a file as it is printed, with a match in bold."""
        before, found, after = map(visible_but_tabs, (text[:start], text[start:end], text[end:]))
        return f"{before}{self.colour(found, 'bold')}{after}"

    def line(self, text: str) -> None:
        self.write(raw(text) + b"\n")

    def lines(self, lines: Iterable[str]) -> None:
        """Print many lines of ASCII."""
        rest = iter(lines)
        while some := list(islice(rest, LINES)):
            self.write("\n".join(some).encode("ascii") + b"\n")

    def write(self, data: bytes) -> int:
        """Write bytes. Raises :class:`OutputClosed`, and :class:`LayertuiError` if they cannot be written."""
        if self.is_paged and self.is_terminal and not is_paging():
            start_pager()
        try:
            return self._buffer.write(data)
        except OSError as error:
            raise _write_error(error, self._status) from error

    def flush(self) -> None:
        """Send what has been written. Raises as :meth:`write`."""
        try:
            sys.stdout.flush()
        except OSError as error:
            raise _write_error(error, self._status) from error

    def contents(self, pieces: Pieces) -> None:
        """Print the bytes of a file; on a terminal as text, escaped line by line but for tabs."""
        if not self.is_terminal:
            for piece in pieces:
                self.write(piece)
            return
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        for piece in chain(pieces, [b""]):
            text = decoder.decode(piece, final=not piece)
            self.write(raw("\n".join(map(visible_but_tabs, text.split("\n")))))

    def json(self, value: Any) -> None:
        """Print one line of JSON in ASCII."""
        import json

        self.write(json.dumps(value).encode() + b"\n")

    def table(
        self,
        headers: Sequence[str],
        rows: Iterable[Sequence[str]],
        right: Sequence[int] = (),
        shrink: Sequence[int] = (),
        colours: Mapping[str, str] = {},
    ) -> None:
        """Print aligned columns of cells, which are escaped; the last one is not padded.

        ``right`` are right-aligned, ``shrink`` are truncated, in that order, to fit a terminal,
        ``colours`` color whole first cells.
        """
        table = [tuple(headers), *map(_visible_row, rows)]
        columns = list(zip(*table, strict=True))
        widths = [_widest(column) for column in columns]
        is_wider = False
        for column in shrink:
            surplus = sum(widths) + 2 * (len(widths) - 1) - self.width
            if self.width and surplus > 0:
                widths[column] = max(widths[column] - surplus, len(headers[column]), 8)
                is_wider = True
        is_right = [column in right for column in range(len(headers))]
        padded = columns if is_right[-1] else columns[:-1]
        if not (is_wider or colours) and all(all(map(str.isascii, column)) for column in padded):
            # Nearly all tables: an image may have a million rows.
            form = "  ".join(
                f"%{width if to_right else -width}s" for width, to_right in zip(widths, is_right, strict=True)
            )
            rest = iter(table)
            while some := list(islice(rest, LINES)):
                self.line("\n".join([(form % row).rstrip(" ") for row in some]))
            return
        for row in table:
            cells = list(map(_fit, row, widths, is_right))
            cells[0] = self.colour(cells[0], colours.get(row[0], ""))
            self.line("  ".join(cells).rstrip(" "))


def _visible_row(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(row) if "".join(row).isprintable() else tuple(map(visible, row))


def _widest(cells: Sequence[str]) -> int:
    """Return the width of a column."""
    return max(map(len if all(map(str.isascii, cells)) else width_of, cells))


def _is_coloured(color: str, is_terminal: bool) -> bool:
    """Return whether output has colors (no-color.org, force-color.org, bixense.com/clicolors)."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"


def raw(text: str) -> bytes:
    """Return text as the bytes it was decoded from; other lone surrogates as an escape."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # JSON may contain halves of surrogate pairs
        return text.encode("utf-8", "backslashreplace")


def open_standard_streams() -> None:
    """Make standard output and error UTF-8 whatever the locale is; closed ones fail on writing, not earlier.

    Without a file at its descriptor, the next opened one would get the number, and the output.
    """
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")  # EBADF, as of a closed one
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def drop(stream: TextIO) -> None:
    """Redirect a stream to /dev/null: what it has buffered cannot fail at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def note(text: str) -> None:
    """Print one line on stderr; if that is closed, the exit status has to do."""
    try:
        print(visible(text), file=sys.stderr)
    except OSError:
        drop(sys.stderr)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    note(f"layertui: warning: {text}")


def _write_error(error: OSError, status: int) -> OutputClosed | LayertuiError:
    drop(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return OutputClosed(status)
    return LayertuiError("cannot write the output", error.strerror or str(error))


def visible_but_tabs(line: str) -> str:
    """Return a line of a file as it is printed."""
    return "\t".join(map(visible, line.split("\t")))


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


def _fit(text: str, width: int, is_right: bool) -> str:
    """Return text truncated or padded to a number of columns."""
    if len(text) <= width and text.isascii():  # nearly all
        return text.rjust(width) if is_right else text.ljust(width)
    text = cut(text, width)
    space = " " * (width - width_of(text))
    return space + text if is_right else text + space


def one_line(text: str) -> str:
    """Return text of a config as one line without control characters."""
    return visible(" ".join(text.split()))


def created_cell(created: str | None) -> str:
    """Return how long ago an image, step or container was created; as Docker does, ``N/A`` if unknown."""
    from layertui.text.format import UNKNOWN_AGE, age_text

    age = age_text(created)
    return "N/A" if age == UNKNOWN_AGE else age


def short_id(identity: str) -> str:
    """Return the first twelve digits of a digest, as Docker does."""
    return visible(identity.removeprefix("sha256:")[:12])
