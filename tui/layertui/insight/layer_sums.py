"""What is known of each layer of an image once all have been merged, cached apart from their entries."""

from __future__ import annotations

import json
from collections.abc import Sequence

from layertui import TYPE_CHECKING
from layertui.cache.indexes import DamagedEntry, IndexCache
from layertui.layers.cache_keys import cache_key, verified_key
from layertui.model.image import Image
from layertui.model.numbers import LayerNumber
from layertui.model.sizes import Bytes
from layertui.model.typed import NamedTuple
from layertui.union.union_key import union_key
from layertui.union.union_warning import UnionWarning

if TYPE_CHECKING:
    from layertui.union.model import LayerUnion

_SUMS_PREFIX = "sums-1-"
"""Begins the keys; its number is incremented when other sums are stored."""


class LayerSums(NamedTuple):
    """The bytes and the warnings of all layers."""

    sizes: list[Bytes]
    """Of the files of each layer, base first."""
    warnings: list[UnionWarning]


def recall_sums(image: Image, cache: IndexCache) -> LayerSums | None:
    """Return the sums of an image; ``None`` if they have not been stored, or its layers may have changed since."""
    key = union_key([verified_key(layer, cache) for layer in image.layers])
    if not key:
        return None
    sums = cache.read(_SUMS_PREFIX + key, _unpack)
    return sums if sums is not None and len(sums.sizes) == len(image.layers) else None


def remember_sums(image: Image, union: LayerUnion, sizes: Sequence[Bytes | None], cache: IndexCache) -> None:
    """Store the sums of the union of all layers, unless reading these again could give other ones."""
    from layertui.layers.load import is_lasting

    is_whole = union.layers == len(image.layers) and all(map(is_lasting, union.indexes))
    key = union_key([cache_key(layer) for layer in image.layers])
    if key and is_whole and not cache.has(_SUMS_PREFIX + key):
        cache.write(_SUMS_PREFIX + key, json.dumps([sizes, union.warnings]).encode())


def _unpack(data: bytes) -> LayerSums:
    try:
        sizes, warnings = json.loads(data)
        sums = LayerSums(
            [Bytes(live, dead) for live, dead in sizes],
            [UnionWarning(LayerNumber(layer), code, path, text) for layer, code, path, text in warnings],
        )
    except (ValueError, TypeError) as error:
        raise DamagedEntry(str(error)) from error
    are_sizes = all(isinstance(number, int) and number >= 0 for size in sums.sizes for number in size)
    are_warnings = all(
        isinstance(layer, int)
        and 0 < layer <= len(sums.sizes)
        and all(isinstance(text, str) for text in texts)
        for layer, *texts in sums.warnings
    )
    if not (are_sizes and are_warnings):
        raise DamagedEntry("not the sums of layers")
    return sums
