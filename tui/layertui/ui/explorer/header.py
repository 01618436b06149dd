"""The header of the explorer: the image and its sums."""

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
"""Cells of the base image's name."""


class Totals(NamedTuple):
    """Sums about an image as it is read. None: not known yet."""

    paths: int | None = None
    """Paths of the merged tree of all layers."""
    reclaimable: int | None = None
    """File bytes stored but not in the merged tree; -1 if unknown."""
    warnings: int = 0
    base: str = ""
    """The base image; empty if unknown."""


class ImageHeader(TopLine):
    """The header line."""

    def show(self, reference: str, image: "Image | None", totals: Totals) -> None:
        """Show ``image``, once it is open."""
        if image is None:
            self.tell(reference, ())
        else:
            self.tell(image.name, _facts(image, totals))


def _facts(image: "Image", totals: Totals) -> list[Weighted]:
    """Return what is reported, in its order, and how much it matters."""
    layers = count_text(len(image.layers), "layer")
    size = f"{size_text(image.size)} in {layers}" if image.size >= 0 else f"{layers}"
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
    """Return how an engine's layers are read; empty for other images."""
    engine = ENGINE_NAMES.get(image.transport)
    if engine is None:
        return ""
    return f"from {engine}'s directories" if image.arrival is None else f"sent by {engine}, cached"


def _reclaimable(size: int | None) -> str:
    if size is None:
        return "… reclaimable"
    return f"{size_text(size)} reclaimable" if size >= 0 else "reclaimable unknown"
