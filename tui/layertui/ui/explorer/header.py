"""The line at the top of the explorer: what image it is, and what it costs."""

from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.style import Style

from layertui.model.reference import ENGINE_NAMES
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.widgets.top_line import TopLine, Weighted

if TYPE_CHECKING:
    from layertui.model.image import Image

_BASE = 40
"""Cells of the name of what an image is built on."""


class Totals(NamedTuple):
    """What is found out about an image as it is read. None: not known yet."""

    paths: int | None = None
    """Of the merged tree of all layers."""
    reclaimable: int | None = None
    """Bytes of files that layers store and the merged tree does not show; -1 if it cannot be known."""
    warnings: int = 0
    base: str = ""
    """What the image is built on; empty if that is not known."""


class ImageHeader(TopLine):
    """The line of the explorer."""

    def show(self, reference: str, image: "Image | None", totals: Totals) -> None:
        """Tells about ``image``, which ``reference`` names, once it is open."""
        if image is None:
            self.tell(reference, ())
        else:
            self.tell(image.name, _facts(image, totals))


def _facts(image: "Image", totals: Totals) -> list[Weighted]:
    """What is told, in its order, and how much it matters."""
    layers = count_text(len(image.layers), "layer")
    size = f"{size_text(image.size)} in {layers}" if image.size >= 0 else f"{layers} of unknown size"
    facts = [
        (1, Content(visible(image.transport))),
        *([(0, Content(where))] if (where := came_from(image)) else []),
        (2, Content(visible(str(image.platform)) if image.chain else "unknown platform")),
        *([(0, Content(f"on {shorten(visible(totals.base), _BASE)}"))] if totals.base else []),
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
    engine = ENGINE_NAMES.get(image.transport)
    if engine is None:
        return ""
    return f"from {engine}'s directories" if image.arrival is None else f"sent by {engine}, kept in the cache"


def _reclaimable(size: int | None) -> str:
    if size is None:
        return "… reclaimable"
    return f"{size_text(size)} reclaimable" if size >= 0 else "reclaimable unknown"
