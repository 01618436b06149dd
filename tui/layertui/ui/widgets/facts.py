"""Names and values in two columns, with long values wrapped; under their name where a word is too long for that."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from layertui.text.sanitize import visible
from layertui.ui.cells import first_cells

_SEPARATORS = "=/,;&"
"""Separators after which a word that is too long is broken."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its values, a line each, the values in ``style``. The texts may be hostile."""

    name: str
    values: Sequence[str]
    style: str = ""


class Facts(Widget):
    """As high as its facts need."""

    DEFAULT_CSS = """
    Facts {
        height: auto;
        width: 1fr;
    }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: Sequence[Fact] = ()

    def show(self, facts: Sequence[Fact]) -> bool:
        """Replace the facts; return False if they are equal."""
        if self._facts == facts:
            return False
        self._facts = facts
        # Textual 8.2 keeps the height of facts that were replaced before they were laid out.
        self._box_model_cache.clear()
        self.refresh(layout=True)
        return True

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        shown = [visible(fact.name) for fact in self._facts]
        names = max(map(cell_len, shown), default=0) + 2
        lines: list[Content] = []
        for fact, name in zip(self._facts, shown, strict=True):
            values = [visible(value) for value in fact.values]
            longest = max((cell_len(word) for value in values for word in value.split(" ")), default=0)
            stacked = width - names < min(longest, width - 2)
            indent = 2 if stacked else names
            folded = [row for value in values for row in folded_rows(value, max(width - indent, 1))]
            if stacked:
                lines.append(Content.styled(name, "$quiet"))
            for number, row in enumerate(folded):
                head = name + " " * (names - cell_len(name)) if not (number or stacked) else " " * indent
                lines.append(Content.styled(head, "$quiet") + Content.styled(row, fact.style))
        return lines


def folded_rows(text: str, width: int) -> list[str]:
    """Return the rows of ``text``, broken between words; longer words behind a separator, else anywhere."""
    rows: list[str] = []
    start = 0
    while True:
        head = first_cells(text[start : start + width + 1], width)
        end = start + max(len(head), 1)
        if end >= len(text):
            return [*rows, text[start:]]
        if text[end] != " ":
            blank = head.rfind(" ")
            mark = max(head.rfind(mark) for mark in _SEPARATORS)
            end = start + blank if blank > 0 else start + mark + 1 if mark >= 0 else end
        rows.append(text[start:end])
        start = end + (text[end] == " ")
