"""Contents of layers in memory, as the engine reads them."""

from __future__ import annotations

from collections.abc import Sequence

from layertui import demo
from layertui.content.read import Contents
from layertui.union.model import LayerUnion
from tests.images import layers_of, union_of


def opened(tars: Sequence[bytes]) -> tuple[LayerUnion, Contents]:
    """The union and the contents of layers, base first."""
    image = demo.image()._replace(layers=layers_of(tars))
    union = union_of(image.layers)
    return union, Contents(image, union.indexes, union)
