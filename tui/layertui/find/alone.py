"""One layer as if it were an image."""

from __future__ import annotations

from typing import NamedTuple

from layertui.content.read import Contents
from layertui.model.image import Image, Layer
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import LayerNumber
from layertui.union.builder import UnionBuilder
from layertui.union.model import LayerUnion


class LayerAlone(NamedTuple):
    """One layer as if it were an image."""

    image: Image
    union: LayerUnion
    contents: Contents

    @classmethod
    def of(cls, image: Image, layer: Layer, index: LayerIndex) -> LayerAlone:
        """Return the union and the contents of one layer, whose number is 1."""
        builder = UnionBuilder()
        builder.add(index)
        union = builder.freeze()
        alone = image._replace(layers=[layer._replace(number=LayerNumber(1))])
        return cls(alone, union, Contents(alone, [index], union))
