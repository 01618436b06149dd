"""The header line: a name, and as many facts as fit."""

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from layertui.text.sanitize import visible
from layertui.ui.cells import shorten

Weighted = tuple[int, Content]
"""A fact with its priority."""

_GAP = 2
_NAME = 24
"""Least cells of the name, before facts are left out."""


class TopLine(Widget):
    """Always one line: facts of the lowest priority are left out first."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TopLine {
        dock: top;
        height: 1;
        padding: 0 1;
        background: $background;
        color: $quiet;
        text-wrap: nowrap;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._subject = ""
        self._facts: Sequence[Weighted] = ()

    def tell(self, name: str, facts: Sequence[Weighted]) -> None:
        """Show ``name``, which may be hostile, and the facts in their order."""
        self._subject, self._facts = name, facts
        self.refresh()

    def render(self) -> Content:
        """Return the name and as many of the facts as fit."""
        room = self.content_size.width
        name, facts = visible(self._subject), list(self._facts)
        while facts:
            taken = sum(fact.cell_length + _GAP for _weight, fact in facts)
            if taken + min(len(name), _NAME) <= room:
                break
            facts.remove(min(facts, key=lambda item: item[0]))
        room -= sum(fact.cell_length + _GAP for _weight, fact in facts)
        parts = [Content.styled(shorten(name, max(room, 1)), "bold $foreground")]
        return Content(" " * _GAP).join([*parts, *(fact for _weight, fact in facts)])
