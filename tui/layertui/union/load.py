"""Load the union of an image's layers, from the cache or by reading and merging them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from layertui.cache.indexes import IndexCache
from layertui.layers.cache_keys import cache_key
from layertui.layers.load import index_layers, is_lasting
from layertui.layers.visit import Visitor
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import LayerNumber
from layertui.union.builder import UnionBuilder
from layertui.union.codec import pack_union, unpack_union_checked
from layertui.union.model import LayerUnion
from layertui.union.union_key import union_key


def read_union(
    image: Image, cache: IndexCache | None, visitors: Sequence[Visitor] = (), job: Job = Job.NONE
) -> LayerUnion:
    """Read all layers of an image and return their union, as far as they can be read; see :class:`ImageReader`."""
    reader = ImageReader(image, cache, visitors)
    for _ in reader.layers(job):
        pass
    return reader.union()


class ImageReader:
    """Reads the layers of an image, and merges them as they arrive unless their union is cached."""

    def __init__(self, image: Image, cache: IndexCache | None, visitors: Sequence[Visitor] = ()) -> None:
        """``visitors`` are given the contents of layers that must be decompressed anyway."""
        self.indexes: list[LayerIndex] = []
        """Indexes of the base layer and those above it, up to the first that is still being read."""
        self._image = image
        self._cache = cache
        self._visitors = visitors
        self._builder = UnionBuilder()
        self._added = 0
        self._whole: LayerUnion | None = None  # of all layers, once they are merged
        self._key = "" if cache is None else union_key([cache_key(layer) for layer in image.layers])
        self.is_kept = cache is not None and bool(self._key) and cache.has(self._key)
        """Whether the union of all layers is expected to be in the cache."""
        self._ahead: _Ahead | None = None

    def layers(self, job: Job = Job.NONE) -> Iterator[tuple[LayerNumber, LayerIndex]]:
        """Yield number and index of every layer as each is done; see :func:`index_layers`."""
        waiting: dict[int, LayerIndex] = {}
        if self.is_kept and self._cache is not None:
            self._ahead = _Ahead(self._cache, self._key)
        for number, index in index_layers(self._image, self._cache, job, self._visitors):
            waiting[number] = index
            while len(self.indexes) + 1 in waiting:
                self.indexes.append(waiting.pop(len(self.indexes) + 1))
            yield number, index
            if not self.is_kept:
                self._merge()

    @property
    def is_lasting(self) -> bool:
        """Whether all layers have been read, and reading them again would give the same union."""
        is_whole = len(self.indexes) == len(self._image.layers)
        return bool(self._key) and is_whole and all(map(is_lasting, self.indexes))

    def union(self) -> LayerUnion:
        """Return the union of the layers in ``indexes``; more may follow afterwards."""
        if self._whole is not None:
            return self._whole
        if self._cache is None or not self.is_lasting:
            return self._merged()
        ahead, self._ahead = self._ahead or _Ahead(self._cache, self._key), None
        data = ahead.data()
        union = self._cache.decode(self._key, data, lambda data: unpack_union_checked(data, self.indexes))
        if union is None:
            union = self._merged()
            self._cache.write(self._key, pack_union(union))
        return union

    def _merged(self) -> LayerUnion:
        """Merge what has been read; after the last layer, drop all that merging another would need."""
        self._merge()
        union = self._builder.freeze()
        if len(self.indexes) == len(self._image.layers):
            self._whole, self._builder = union, UnionBuilder()
        return union

    def _merge(self) -> None:
        for index in self.indexes[self._added :]:
            self._builder.add(index)
        self._added = len(self.indexes)


class _Ahead:
    """An entry of the cache that is read and decompressed while the caller does something else."""

    def __init__(self, cache: IndexCache, key: str) -> None:
        self._data: bytes | None = None
        self._thread = threading.Thread(target=self._run, args=(cache, key), name="union")
        self._thread.start()

    def data(self) -> bytes | None:
        """Return its bytes; ``None`` without it."""
        self._thread.join()
        return self._data

    def _run(self, cache: IndexCache, key: str) -> None:
        self._data = cache.unsealed(key)
