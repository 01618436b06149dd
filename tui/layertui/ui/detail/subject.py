"""What the detail pane tells about."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from layertui.model.numbers import LayerNumber, Node
from layertui.ui.widgets.lines import Span

if TYPE_CHECKING:
    from layertui.content.read import Contents
    from layertui.model.image import Image
    from layertui.union.model import LayerUnion


def chip(layer: LayerNumber) -> list[Span]:
    """A layer's number in its colour, four cells wide."""
    return [("▌", f"layer:{layer}"), (f"{layer:>3}", f"layer:{layer}")]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One path of an image, seen from one of its layers."""

    image: "Image"
    union: "LayerUnion"
    contents: "Contents"
    merged_layer: LayerNumber
    """The chosen layer, 1 at the base."""
    node: Node
    """The path, as ``union`` numbers it."""

    @property
    def where(self) -> str:
        """What it is seen from."""
        return f"at layer {self.merged_layer}"

    def called(self, *layers: LayerNumber) -> str:
        """One layer or two in a sentence: ``layer 3``, ``layers 1 and 3``."""
        return f"layer{'s' if len(layers) > 1 else ''} {' and '.join(map(str, layers))}"

    def chip(self, layer: LayerNumber) -> list[Span]:
        """A layer in its colour, four cells wide."""
        return chip(layer)
