"""Read the contents of files of both sides of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layertui.content.read import Contents
from layertui.model.numbers import EntryNumber, Event, LayerNumber

if TYPE_CHECKING:
    from layertui.compare.trees import LayerPool
    from layertui.model.image import Image
    from layertui.union.model import LayerUnion


class PooledContents(Contents):
    """Reads the contents of events of a comparison's union, from the layers of either image."""

    def __init__(self, images: tuple[Image, Image], pool: LayerPool, union: LayerUnion) -> None:
        layers = {}
        self._names: list[str] = []
        for image, numbers, side in zip(images, pool.numbers, "AB", strict=True):
            for layer, number in zip(image.layers, numbers, strict=False):
                if number not in layers:
                    layers[number] = layer._replace(number=LayerNumber(number + 1))
                    self._names.append(f"layer {layer.number} of {side}")
        super().__init__(images[0]._replace(layers=list(layers.values())), pool.layers, union)
        self._pool = pool

    def _entry(self, inode: Event) -> tuple[LayerNumber, EntryNumber]:
        number, entry = self._pool.find(self._union.ev_entry[inode])
        return LayerNumber(number + 1), entry

    def _name(self, layer: LayerNumber) -> str:
        return self._names[layer - 1]
