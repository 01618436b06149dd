"""Open the layers of an image, stored as tars or unpacked, to read contents of files."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from layertui.cache.indexes import IndexCache
from layertui.content.extents import FileExtent
from layertui.content.tar_reader import BlockCache, Cursor, PlainCursor, SeekPoint, SeekPoints, TarReader
from layertui.layers.cache_keys import points_key
from layertui.layers.compression.format import Damaged
from layertui.layers.compression.gzip_points import GzipStart, unpack_points
from layertui.model.blob import Blob, BytesBlob
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import LayerNumber

if TYPE_CHECKING:
    from layertui.model.image import Layer

CACHED_BLOCKS = 64
"""Blocks of compressed layers that are cached (128 KiB each)."""
MAX_ACTIVE_LAYERS = 4
"""Layers whose idle decompressors are kept for callers that read on."""


class LayerReaders:
    """The layers of an image, each opened on first use; safe to share between threads."""

    def __init__(self, layers: Sequence[Layer], indexes: Sequence[LayerIndex]) -> None:
        """``indexes`` are the layers' from the base up, perhaps not of all."""
        self.indexes = indexes
        self.unpacked = {layer.number: layer.unpacked for layer in layers if layer.unpacked}
        """Layers that are stored unpacked, by number."""
        self._layers = layers
        self._tars: dict[LayerNumber, TarReader] = {}
        self._active: OrderedDict[LayerNumber, TarReader] = OrderedDict()
        self._blocks = BlockCache(CACHED_BLOCKS)
        self._keys: dict[LayerNumber, list[bytes]] = {}
        self._lock = threading.Lock()

    def captured(self, file: FileExtent) -> bytes | None:
        """Return a file's content if it was captured while the layer was scanned."""
        return self.indexes[file.layer - 1].contents.get(file.entry)

    def source(self, file: FileExtent) -> TarReader | PlainCursor:
        """Return a reader of a file's layer, or of its content alone, which then is at the same offset.

        Raises :class:`Damaged` if the layer is missing, :class:`LayertuiError` if it cannot be opened.
        """
        if (unpacked := self.unpacked.get(file.layer)) is not None:
            stamps = self.indexes[file.layer - 1].stamp
            stamp = stamps[file.entry] if stamps else 0
            return PlainCursor(unpacked.open(self._entry_keys(file.layer)[file.entry], file.size, stamp))
        if (content := self.captured(file)) is not None:
            return PlainCursor(BytesBlob(content, ""), file.offset)
        return self._tar(file.layer)

    def cursor(self, file: FileExtent) -> Cursor | None:
        """Return a cursor over the tar of a file's layer, ``None`` if that is unpacked. Raises as :meth:`source`."""
        return None if file.layer in self.unpacked else self._tar(file.layer).cursor()

    def _tar(self, number: LayerNumber) -> TarReader:
        with self._lock:
            tar = self._tars.get(number)
            if tar is None:
                layer = self._layers[number - 1]
                if layer.blob is None:
                    raise Damaged(layer.missing)
                tar = self._tars[number] = self._open(number, layer.blob)
            self._active[number] = tar
            self._active.move_to_end(number)
            if len(self._active) > MAX_ACTIVE_LAYERS:
                self._active.popitem(last=False)[1].drop_cursors()
            return tar

    def _open(self, number: LayerNumber, blob: Blob) -> TarReader:
        """Return a reader that begins at the points found when a layer was fetched: parts of it are fetched by range."""
        found = None
        if blob.digest:
            found = IndexCache().read(points_key(blob.digest), partial(unpack_points, size=blob.size))
        if not found:
            return TarReader(number, blob, self._blocks)
        part = blob if blob.is_local else blob.ranged()
        known = [SeekPoint(point.offset, 0, GzipStart(part, point)) for point in found]
        whole = None if part is blob else blob
        return TarReader(number, part, self._blocks, SeekPoints(known=known), whole, "gzip")

    def _entry_keys(self, number: LayerNumber) -> list[bytes]:
        with self._lock:
            if number not in self._keys:
                self._keys[number] = self.indexes[number - 1].entry_keys()
            return self._keys[number]
