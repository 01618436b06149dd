"""The line at the top of the explorer: what image it is, and what it costs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from layertui.reference import ENGINES
from layertui.safe import visible
from layertui.ui.text import count_text, shorten, size_text

if TYPE_CHECKING:
    from layertui.image import Image

_GAP = 2
_NAME = 24
"""Cells that a name is left at least, before anything else is left out."""


@dataclass(slots=True)
class Totals:
    """What is found out about an image as it is read. None: not known yet."""

    paths: int | None = None
    """Of the merged tree of all layers."""
    reclaimable: int | None = None
    """Bytes of files that layers store and the merged tree does not show; -1 if it cannot be known."""
    warnings: int = 0


class ImageHeader(Widget):
    """One line however narrow the terminal: what matters least is left out first."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ImageHeader {
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
        self._reference = ""
        self._image: Image | None = None
        self._totals = Totals()

    def show(self, reference: str, image: "Image | None", totals: Totals) -> None:
        """Tells about ``image``, which ``reference`` names, once it is open."""
        self._reference, self._image, self._totals = reference, image, totals
        self.refresh()

    def render(self) -> Content:
        """The name and as many of the facts as fit."""
        room = self.content_size.width
        name = visible(self._image.name if self._image else self._reference)
        facts = list(self._facts(self._image)) if self._image else []
        while facts:
            taken = sum(fact.cell_length + _GAP for _weight, fact in facts)
            if taken + min(len(name), _NAME) <= room:
                break
            facts.remove(min(facts, key=lambda item: item[0]))
        room -= sum(fact.cell_length + _GAP for _weight, fact in facts)
        parts = [Content.styled(shorten(name, max(room, 1)), "bold $foreground")]
        return Content(" " * _GAP).join([*parts, *(fact for _weight, fact in facts)])

    def _facts(self, image: "Image") -> list[tuple[int, Content]]:
        """What is told, in its order, and how much it matters."""
        totals = self._totals
        layers = count_text(len(image.layers), "layer")
        size = f"{size_text(image.size)} in {layers}" if image.size >= 0 else f"{layers} of unknown size"
        facts = [
            (1, Content(visible(image.transport))),
            *([(0, Content(where))] if (where := came_from(image)) else []),
            (2, Content(visible(str(image.platform)))),
            (5, Content(size)),
            (3, Content("… paths" if totals.paths is None else count_text(totals.paths, "path"))),
            (4, Content(_reclaimable(totals.reclaimable))),
        ]
        if totals.warnings:
            link = Style.from_meta({"@click": "screen.warnings"})
            said = Content.styled(f"⚠ {count_text(totals.warnings, 'warning')}", "$modified").stylize(link)
            facts.append((6, said))
        return facts


def came_from(image: "Image") -> str:
    """How an engine's layers are read; empty for all other images."""
    engine = ENGINES.get(image.transport)
    if engine is None:
        return ""
    return f"from {engine}'s directories" if image.arrival is None else f"sent by {engine}, kept in the cache"


def _reclaimable(size: int | None) -> str:
    if size is None:
        return "… reclaimable"
    return f"{size_text(size)} reclaimable" if size >= 0 else "reclaimable unknown"
