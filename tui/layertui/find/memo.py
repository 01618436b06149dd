"""The layers of many images, each read once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from layertui.cache.indexes import IndexCache
from layertui.layers.cache_keys import cache_key, layer_identity
from layertui.layers.capture import CAPTURE_ROOM, Keep
from layertui.layers.load import index_layer, index_layers
from layertui.layers.visit import Visitor
from layertui.model.image import Image, Layer
from layertui.model.job import Job
from layertui.model.layer_index import Kind, LayerIndex
from layertui.model.numbers import LayerNumber
from layertui.union.load import ImageReader
from layertui.union.model import LayerUnion

ENTRY_BYTES = 120
"""Memory of an entry, about."""
MOST_BYTES = 1 << 28
"""Memory of all indexes; the least recently used are dropped, and read from the cache again."""


@dataclass(frozen=True, slots=True)
class MemoLayer:
    """A layer of an image that has been read."""

    layer: Layer
    identity: str
    """Identifies its bytes, whichever image has them; empty if nothing does (:func:`layer_identity`)."""
    index: LayerIndex


class LayerMemo:
    """Reads layers that images share once."""

    def __init__(self, cache: IndexCache | None, keep: Sequence[bytes] = ()) -> None:
        """``keep`` are patterns of files (:class:`Keep`) whose contents are read with their layer."""
        self._cache = cache
        self._keep = keep
        self._indexes: OrderedDict[str, LayerIndex] = OrderedDict()
        self._bytes = 0

    def layers(self, image: Image, job: Job = Job.NONE, visitors: Sequence[Visitor] = ()) -> list[MemoLayer]:
        """Return the layers of an image, base first; what is wrong with one is in its index.

        ``visitors`` are given the contents of those that must be decompressed. Raises :class:`Cancelled`,
        :class:`ImageChanged`.
        """
        # What arrives in a stream is of this image alone.
        names = ["" if image.arrival is not None else layer_identity(layer) for layer in image.layers]
        known = {name: self._indexes[name] for name in names if name in self._indexes}
        new = [layer for layer, name in zip(image.layers, names, strict=True) if name not in known]
        read = dict(self._read(image, new, job, visitors))
        rows = [
            MemoLayer(layer, name, known[name] if name in known else read[layer.number])
            for layer, name in zip(image.layers, names, strict=True)
        ]
        for row in rows:
            if row.identity:
                if self._keep and row.identity not in known:
                    self._capture(image, row, job)
                self._put(row)
        return rows

    def union(self, image: Image, layers: Sequence[MemoLayer]) -> LayerUnion:
        """Return the union of all layers of an image, from the cache if it is there."""
        reader = ImageReader(image, self._cache)
        reader.indexes += (row.index for row in layers)
        return reader.union()

    def _read(
        self, image: Image, layers: Sequence[Layer], job: Job, visitors: Sequence[Visitor]
    ) -> Iterator[tuple[LayerNumber, LayerIndex]]:
        """Yield number and index of layers that are not in memory."""
        visitors = [*visitors, Keep(self._keep)] if self._keep else visitors
        uncached = []
        for layer in layers:
            job.check()
            # Most take less time than to start the threads of index_layers.
            if self._cache is not None and (key := cache_key(layer)) and self._cache.has(key):
                yield layer.number, index_layer(layer, self._cache, job.layer(layer.number), visitors)
            else:
                uncached.append(layer)
        if uncached:
            yield from index_layers(image._replace(layers=uncached), self._cache, job, visitors)
            job.check()  # it ends early

    def _capture(self, image: Image, row: MemoLayer, job: Job) -> None:
        """Read the files to keep of a layer whose index is from the cache."""
        from layertui.find.alone import LayerAlone

        index = row.index
        if index.contents or next(Keep(self._keep).among(index.entry_keys()), None) is None:
            return
        _, union, contents = LayerAlone.of(image, row.layer, index)
        events, room = [], CAPTURE_ROOM
        for node, _ in union.matching(*self._keep):
            event = union.last[node]
            if event >= 0 and union.ev_kind[event] == Kind.FILE and union.size(event) <= room:
                events.append(event)
                room -= union.size(event)
        for event, content in contents.read_all(events, job).items():
            index.contents[union.ev_entry[union.ev_inode[event]]] = content

    def _put(self, row: MemoLayer) -> None:
        if row.identity not in self._indexes:
            self._bytes += _bytes_of(row.index)
        self._indexes[row.identity] = row.index
        self._indexes.move_to_end(row.identity)
        while self._bytes > MOST_BYTES and len(self._indexes) > 1:
            self._bytes -= _bytes_of(self._indexes.popitem(last=False)[1])


def damage_of(image: Image, layers: Sequence[MemoLayer]) -> list[str]:
    """Return why an answer about an image may be incomplete."""
    damaged = [
        f"layer {row.layer.number} could not be read completely: {row.index.damage}"
        for row in layers
        if row.index.damage
    ]
    return damaged or [image.damage] * bool(image.damage)


def _bytes_of(index: LayerIndex) -> int:
    return index.count * ENTRY_BYTES + sum(map(len, index.contents.values()))
