"""Results as sections, rendered as text or Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from layertui.commands.output import Output

COLOURS = {"+": "green", "~": "yellow", "*": "magenta", "-": "red"}


@dataclass(frozen=True, slots=True)
class Code:
    """Text of an image: to be escaped by the renderer."""

    text: str


Cell = str | Code


@dataclass(frozen=True, slots=True)
class Section:
    """A title, a summary, and a table, which may be empty."""

    title: str
    """Empty for the first section."""
    sentence: str
    headers: Sequence[str] = ()
    rows: Sequence[Sequence[Cell]] = ()
    right: Sequence[int] = ()
    """Right-aligned columns."""
    shrink: Sequence[int] = ()
    """Columns that are truncated to fit a terminal, in that order."""
    rest: str = ""
    """Note about what the table leaves out."""


def print_text(out: Output, sections: Iterable[Section]) -> None:
    """Render as text, for a terminal or a pipe."""
    for number, section in enumerate(sections):
        if number:
            out.line("")
        title = f"{out.colour(section.title, 'bold')}: " if section.title else ""
        out.line(title + (section.sentence if title else out.colour(section.sentence, "bold")))
        if section.rows:
            out.line("")
            rows = [[cell.text if isinstance(cell, Code) else cell for cell in row] for row in section.rows]
            out.table(section.headers, rows, section.right, section.shrink, COLOURS)
        if section.rest:
            out.line(section.rest)
