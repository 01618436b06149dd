"""Sections as Markdown (GitHub's, with its tables), safe against what images name things."""

from __future__ import annotations

import re
from collections.abc import Iterable

from layertui.commands.output import Output, cut
from layertui.commands.sections import Cell, Code, Section
from layertui.safe import visible

LONGEST = 200
"""Columns of a cell; steps may be a page long."""
MOST = 100
"""Rows of a table: a merge request takes only so much."""


def print_markdown(out: Output, title: str, sections: Iterable[Section], is_whole: bool) -> None:
    """The first section in view, the tables of the others folded away."""
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
    return code(cell.text) if isinstance(cell, Code) else escaped(cell)


def code(text: str) -> str:
    """A code span in a cell; nothing in it is markup, not even a pipe or a backtick."""
    text = cut(visible(text), LONGEST)
    if not text.strip():
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    edge = " " if text[0] in "` " or text[-1] in "` " else ""
    # Tables are cut at their pipes before all else (GFM spec, example 200).
    return f"{fence}{edge}{text}{edge}{fence}".replace("|", "\\|")


def escaped(text: str) -> str:
    """Text in which nothing is markup."""
    text = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#~!@])", r"\\\1", text)
