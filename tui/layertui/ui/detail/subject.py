"""The subject of the detail pane."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from layertui.model.numbers import LayerNumber, Node
from layertui.ui.widgets.lines import Span

if TYPE_CHECKING:
    from layertui.content.read import Contents
    from layertui.model.image import Image
    from layertui.union.model import LayerUnion


def chip(layer: LayerNumber) -> list[Span]:
    """Return a layer's number in its color, four cells wide."""
    return [("▌", f"layer:{layer}"), (f"{layer:>3}", f"layer:{layer}")]


def layer_at(image: "Image", step: int) -> LayerNumber:
    """Return the layer of a history entry or, without one, the layer below it; layer 1 if there is none below."""
    found = (entry.layer for entry in image.history[step::-1] if entry.layer is not None)
    return next(found, LayerNumber(min(len(image.layers), 1)))


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One path of an image at one of its layers."""

    image: "Image"
    union: "LayerUnion"
    contents: "Contents"
    merged_layer: LayerNumber
    """The selected layer, 1 at the base."""
    node: Node
    """The path's node in ``union``."""

    @property
    def where(self) -> str:
        """The layer at which the tree is merged."""
        return f"at layer {self.merged_layer}"

    def called(self, *layers: LayerNumber) -> str:
        """Return one layer or two in a sentence: ``layer 3``, ``layers 1 and 3``."""
        return f"layer{'s' if len(layers) > 1 else ''} {' and '.join(map(str, layers))}"

    def chip(self, layer: LayerNumber) -> list[Span]:
        """Return a layer in its color, four cells wide."""
        return chip(layer)
