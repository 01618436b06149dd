"""The header of the explorer: the image and its sums."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.style import Style

from layertui.model.reference import ENGINE_NAMES
from layertui.model.sizes import Bytes, total_of
from layertui.text.format import count_text, rate_text, size_text, wait_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.widgets.bars import parts_spans
from layertui.ui.widgets.top_line import TopLine, Weighted

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.ui.explorer.layer_list import Progress

_BASE = 40
"""Cells of the base image's name."""
_STYLES = {"bold": "bold $foreground"}


class Totals(NamedTuple):
    """Sums about an image as it is read. None: not known yet."""

    paths: int | None = None
    """Paths of the merged tree of all layers."""
    sizes: Sequence[Bytes] = ()
    """Bytes of each layer's files; empty: not known."""
    warnings: int = 0
    base: str = ""
    """The base image; empty if unknown."""
    system: str = ""
    """The distribution; empty if unknown."""
    progress: "Progress | None" = None
    """The progress of reading; None when it has ended, and if it is not known."""


class ImageHeader(TopLine):
    """The header line."""

    def show(self, reference: str, image: "Image | None", totals: Totals, way: str = "") -> None:
        """Show ``image``, once it is open; ``way``: how the selected place was reached."""
        if image is None:
            self.tell(reference, ())
        else:
            facts = _facts(image, totals)
            if way:
                said = shorten(visible(way), max(self.size.width * 2 // 3, 1))
                facts.insert(0, (7, Content.styled(said, "$accent")))
            self.tell(image.name, facts)


def _facts(image: "Image", totals: Totals) -> list[Weighted]:
    """Return what is reported, in its order, and how much it matters."""
    facts = [
        (1, Content(visible(image.transport))),
        *([(0, Content(where))] if (where := came_from(image)) else []),
        (2, Content(visible(str(image.platform)) if image.chain else "unknown platform")),
        *([(3, Content(shorten(visible(totals.system), _BASE)))] if totals.system else []),
        *([(0, Content(f"on {shorten(visible(totals.base), _BASE)}"))] if totals.base else []),
        (5, _size(image, totals.sizes) if totals.progress is None else _read(totals.progress)),
        (4, Content("… paths" if totals.paths is None else count_text(totals.paths, "path"))),
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


def _read(progress: "Progress") -> Content:
    """Return how much has been read, the rate and the time left, in fixed widths."""
    done, total, rate = progress
    said = (
        f"{size_text(done):>7} read" if total < done else f"{size_text(done):>7} of {size_text(total)} read"
    )
    if rate:
        said += f" · {rate_text(rate):>8}"
        if total > done:
            said += f" · {wait_text((total - done) / rate):>6} left"
    return Content(said)


def _size(image: "Image", sizes: Sequence[Bytes]) -> Content:
    """Return live and dead bytes, once all layers have been read; before, the bytes as stored."""
    if not sizes:
        layers = count_text(len(image.layers), "layer")
        return Content(f"{size_text(image.size)} {image.measured}, {layers}" if image.size >= 0 else layers)
    spans = parts_spans(total_of(sizes))
    return Content("").join(Content.styled(text, _STYLES.get(style, f"${style}")) for text, style in spans)
