"""Advice: the list, and one piece of advice as a page."""

from collections.abc import Sequence

from layertui.content.syntax import colored, lexer_of
from layertui.dockerfile.advice import Advice
from layertui.text.format import sentence, size_text
from layertui.text.sanitize import visible, visible_lines
from layertui.ui.cells import clip
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.widgets.lines import Document, Line, Span

_SIZE, _STEPS = 10, 8
_FILES = 10
"""Files of a piece that are listed."""
_NAME = 24
"""Cells of a file's name in the list."""


def heads(is_recorded: bool) -> list[Line]:
    """Return the names of the columns: steps of the history, or lines of a recorded Dockerfile."""
    where = "LINES" if is_recorded else "STEPS"
    return [Line([(f"{'SAVES':>{_SIZE - 1}} {where:<{_STEPS}} CHANGE", "quiet")])]


def advice_list(pieces: Sequence[Advice]) -> Document:
    """Return a line for each piece: its bytes, the steps that it joins, what to do, and for which files."""
    lines = [Line([(visible(each.remedy.text), "")], _gutter(each), aside=_files(each)) for each in pieces]
    return Document(lines, _SIZE + _STEPS + 1, range(len(lines)))


def _gutter(each: Advice) -> list[Span]:
    steps = " + ".join(step.label.rpartition(" ")[2] for step in (each.storing, each.hiding))
    return [(f"{'−' + size_text(each.size):>{_SIZE - 1}} ", "added"), (f"{steps:<{_STEPS}} ", "quiet")]


def _files(each: Advice) -> list[Span]:
    """Return the largest file's name and how many more there are, shown if there is room."""
    more = f" + {len(each.files) - 1:,}" if len(each.files) > 1 else ""
    name = clip(visible(each.files[0].path.rpartition("/")[2]), _NAME)
    return [(f"  {name}{more} ", "quiet"), ("", "")]


def advice_page(each: Advice) -> Page:
    """Return a piece of advice in full: the finding, what to do, the changed instructions and the files."""
    build = PageBuilder(_SIZE)
    # The page begins with an item: the cursor would scroll to the first one.
    build.add((visible(sentence(each.finding)) + ".", ""), value=each.remedy.change)
    build.add((f"{visible(sentence(each.remedy.text))}.", "bold"))
    for clause in each.remedy.guesses:
        build.add((visible(f"guess: {clause}"), "quiet"))
    build.add()
    text = [line for raw in each.remedy.change.split("\n") for line in visible_lines(raw)]
    for pieces in colored(lexer_of("Dockerfile", ""), text):
        build.add(*pieces)
    build.add()
    build.add((f"Saves {size_text(each.size)}:", "quiet"))
    for file in each.files[:_FILES]:
        build.add(
            (visible(file.path), ""),
            gutter=[(f"{size_text(file.size):>{_SIZE - 2}}", "")],
            value=file.path,
            event=file.layer,
        )
    if len(each.files) > _FILES:
        build.add((f"and {len(each.files) - _FILES:,} more", "quiet"), gutter=[("", "")])
    return build.page()
