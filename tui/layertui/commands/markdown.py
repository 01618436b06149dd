"""Sections as GitHub-flavored Markdown; names from an image are escaped."""

from __future__ import annotations

from collections.abc import Iterable

from layertui.commands.output import Output, cut
from layertui.commands.sections import Cell, Code, Section
from layertui.text.markdown import code, escaped
from layertui.text.sanitize import visible

LONGEST = 200
"""Widest cell, in columns; a build step may be a page long."""
MOST = 100
"""Rows of a table: pull request comments are limited in size."""


def print_markdown(out: Output, title: str, sections: Iterable[Section], is_whole: bool) -> None:
    """Render the first section open, the tables of the others folded."""
    out.line(f"### {title}")
    for number, section in enumerate(sections):
        out.line("")
        if not number:
            out.line(f"**{escaped(section.sentence)}**")
            out.line("")
            _table(out, section, is_whole)
        elif not section.rows:
            out.line(f"**{section.title}**: {escaped(section.sentence)}")
        else:
            out.line(f"<details><summary><b>{section.title}</b>: {escaped(section.sentence)}</summary>")
            out.line("")
            _table(out, section, is_whole)
            out.line("")
            out.line("</details>")


def _table(out: Output, section: Section, is_whole: bool) -> None:
    rows = section.rows if is_whole else section.rows[:MOST]
    out.line(_row([escaped(header.capitalize()) for header in section.headers]))
    out.line(_row(["--:" if column in section.right else "---" for column in range(len(section.headers))]))
    for row in rows:
        out.line(_row([_cell(cell) for cell in row]))
    rest = (
        [f"… and {len(section.rows) - len(rows):,} more rows, see --all"]
        if len(rows) < len(section.rows)
        else []
    )
    if section.rest:
        rest.append(section.rest)
    if rest:
        out.line("")
        out.line(escaped("; ".join(rest)))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    return _code(cell.text) if isinstance(cell, Code) else escaped(cell)


def _code(text: str) -> str:
    """Return text as code, truncated to the width of a cell; pipes are escaped first (GFM example 200)."""
    return code(cut(visible(text), LONGEST)).replace("|", "\\|")
