"""What the bytes of files are read from: the layers of an image, packed or unpacked."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from layertui.content.extents import FileExtent
from layertui.content.tar_reader import BlockCache, Cursor, PlainCursor, TarReader
from layertui.layers.compression.format import Damaged
from layertui.model.blob import BytesBlob
from layertui.model.layer_index import LayerIndex

if TYPE_CHECKING:
    from layertui.model.image import Layer

CACHED_BLOCKS = 64
"""Blocks of compressed layers that are remembered (128 KiB each)."""
MAX_ACTIVE_LAYERS = 4
"""Layers whose decompressors are kept for whoever reads on."""


class LayerReaders:
    """The layers of an image, each of which is opened when a file of it is read; safe to share between threads."""

    def __init__(self, layers: Sequence[Layer], indexes: Sequence[LayerIndex]) -> None:
        """``indexes`` may lack those of layers on top."""
        self.indexes = indexes
        self.unpacked = {layer.number: layer.unpacked for layer in layers if layer.unpacked}
        """Those that are no tars but lie unpacked somewhere, by number."""
        self._layers = layers
        self._tars: dict[int, TarReader] = {}
        self._active: OrderedDict[int, TarReader] = OrderedDict()
        self._recent = BlockCache(CACHED_BLOCKS)
        self._keys: dict[int, list[bytes]] = {}
        self._lock = threading.Lock()

    def kept(self, file: FileExtent) -> bytes | None:
        """The content of a file where it was kept while its layer was read."""
        return self.indexes[file.layer - 1].contents.get(file.entry)

    def source(self, file: FileExtent) -> TarReader | PlainCursor:
        """What has a file at its offset: its layer's tar, or its content alone where that is at hand.

        Raises :class:`Damaged` where the layer is not here, :class:`LayertuiError` where it cannot be opened.
        """
        if (unpacked := self.unpacked.get(file.layer)) is not None:
            stamps = self.indexes[file.layer - 1].stamp
            stamp = stamps[file.entry] if stamps else 0
            return PlainCursor(unpacked.open(self._entry_keys(file.layer)[file.entry], file.size, stamp))
        if (content := self.kept(file)) is not None:
            return PlainCursor(BytesBlob(content, ""), file.offset)
        return self._tar(file.layer)

    def cursor(self, file: FileExtent) -> Cursor | None:
        """What reads the tar of a file's layer from front to back; ``None`` where it lies unpacked. Raises as :meth:`source`."""
        return None if file.layer in self.unpacked else self._tar(file.layer).cursor()

    def _tar(self, number: int) -> TarReader:
        with self._lock:
            tar = self._tars.get(number)
            if tar is None:
                layer = self._layers[number - 1]
                if layer.blob is None:
                    raise Damaged(layer.missing)
                tar = self._tars[number] = TarReader(number, layer.blob, self._recent)
            self._active[number] = tar
            self._active.move_to_end(number)
            if len(self._active) > MAX_ACTIVE_LAYERS:
                self._active.popitem(last=False)[1].rest()
            return tar

    def _entry_keys(self, number: int) -> list[bytes]:
        with self._lock:
            if number not in self._keys:
                self._keys[number] = self.indexes[number - 1].entry_keys()
            return self._keys[number]
