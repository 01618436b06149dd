"""Names and values in two columns, with long values wrapped."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from layertui.text.sanitize import visible


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
        stacked = width - names < 16  # too narrow for two columns
        lines: list[Content] = []
        for fact, name in zip(self._facts, shown, strict=True):
            values = [
                line
                for value in fact.values
                for line in Content.styled(visible(value), fact.style).wrap(
                    max(width - (2 if stacked else names), 1)
                )
            ]
            if stacked:
                lines.append(Content.styled(name, "$quiet"))
                lines += [Content("  ") + value for value in values]
                continue
            for number, value in enumerate(values):
                head = name + " " * (names - cell_len(name)) if number == 0 else " " * names
                lines.append(Content.styled(head, "$quiet") + value)
        return lines
