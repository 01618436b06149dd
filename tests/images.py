"""Images in memory, opened the way the program opens them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence

import zstandard

from layertui.layers.load import index_layer
from layertui.model.blob import BytesBlob
from layertui.model.image import Descriptor, Layer
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import Event, LayerNumber
from layertui.union.builder import UnionBuilder
from layertui.union.model import LayerUnion
from tests.layouts import LAYER, digest
from tests.union.trees import Facts, merged


def layers_of(tars: Sequence[bytes]) -> list[Layer]:
    """Layers that are plain tars in memory."""
    return [
        Layer(
            LayerNumber(number),
            Descriptor(LAYER, digest(tar), len(tar)),
            digest(tar),
            "",
            BytesBlob(tar, f"layer {number}"),
        )
        for number, tar in enumerate(tars, 1)
    ]


def union_of(layers: Sequence[Layer]) -> LayerUnion:
    """The union of layers, each scanned without a cache; they must not be damaged."""
    builder = UnionBuilder()
    for layer in layers:
        index = index_layer(layer, None)
        assert not index.damage
        builder.add(index)
    return builder.freeze()


def trees_of(layers: Sequence[Layer]) -> list[dict[str, Facts]]:
    """The merged tree at each of some layers, which must not give cause to any warning."""
    union = union_of(layers)
    assert not union.warnings, union.warnings
    read = reader(union, layers)
    return [merged(union, number, read) for number in range(1, len(layers) + 1)]


def tars_of(layers: Sequence[Layer]) -> list[bytes]:
    """Their uncompressed tars."""
    return [_tar(layer) for layer in layers]


def _tar(layer: Layer) -> bytes:
    assert layer.blob is not None
    data = layer.blob.pread(layer.blob.size, 0)
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    return data


def reader(union: LayerUnion, layers: Sequence[Layer]) -> Callable[[Event], bytes]:
    """Return a file's bytes from where the index says that they are in the tar."""
    tars = tars_of(layers)

    def read(event: Event) -> bytes:
        inode = union.ev_inode[event]
        number, entry = union.ev_layer[inode] - 1, union.ev_entry[inode]
        index: LayerIndex = union.indexes[number]
        start = index.offset[entry]
        return tars[number][start : start + index.size[entry]]

    return read
