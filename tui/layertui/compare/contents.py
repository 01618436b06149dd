"""The bytes of any file of two images that are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layertui.content.read import Contents

if TYPE_CHECKING:
    from layertui.compare.trees import LayerPool
    from layertui.model.image import Image
    from layertui.union.model import LayerUnion


class PooledContents(Contents):
    """Reads what events of a comparison's union stored, from the layers of either image."""

    def __init__(self, images: tuple[Image, Image], pool: LayerPool, union: LayerUnion) -> None:
        layers = {}
        self._names: list[str] = []
        for image, numbers, side in zip(images, pool.numbers, "AB", strict=True):
            for layer, number in zip(image.layers, numbers, strict=False):
                if number not in layers:
                    layers[number] = layer._replace(number=number + 1)
                    self._names.append(f"layer {layer.number} of {side}")
        super().__init__(images[0]._replace(layers=list(layers.values())), pool.layers, union)
        self._pool = pool

    def _entry(self, inode: int) -> tuple[int, int]:
        number, entry = self._pool.find(self._union.ev_entry[inode])
        return number + 1, entry

    def _name(self, layer: int) -> str:
        return self._names[layer - 1]
