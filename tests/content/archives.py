"""Layers of files with known contents, compressed in every way that layers are."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
from collections.abc import Callable, Mapping

import zstandard

from layertui.content.read import Contents
from layertui.layers.load import index_layer
from layertui.model.blob import BytesBlob
from layertui.model.image import Descriptor, Image, Layer, Platform
from layertui.model.numbers import Event, LayerNumber
from layertui.union.builder import UnionBuilder
from layertui.union.model import LayerUnion
from tests.layouts import LAYER

SKIPPABLE = struct.pack("<II", 0x184D2A50, 5) + b"junk!"


def files(seed: int, count: int, largest: int) -> dict[str, bytes]:
    """Files of random sizes whose bytes compress about as well as programs do."""
    random_ = random.Random(seed)
    words = [random_.randbytes(random_.randrange(2, 12)) for _ in range(500)]
    found = {}
    for number in range(count):
        size = random_.choice((0, 1, 511, 512, random_.randrange(largest)))
        found[f"d{number % 7}/f{number}"] = b"".join(random_.choices(words, k=size // 2))[:size]
    return found


def tar_of(contents: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def sparse_tar(*stretches: tuple[int, int], size: int, data: bytes) -> bytes:
    """A file as GNU tar stores it in pax format 0.1."""
    member = tarfile.TarInfo("sparse")
    member.size = len(data)
    member.pax_headers = {
        "GNU.sparse.size": str(size),
        "GNU.sparse.numblocks": str(len(stretches)),
        "GNU.sparse.map": ",".join(f"{start},{length}" for start, length in stretches),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def parts(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


# At their fastest, a tenth to a third of the time of the defaults.


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 1)


def _xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda tar: tar,
    "gzip": _gzip,
    "gzip-members": lambda tar: b"".join(map(_gzip, parts(tar, 70_001))),
    "gzip-garbage": lambda tar: _gzip(tar) + b"garbage",
    "gzip-padded": lambda tar: _gzip(tar[:999]) + bytes(9000) + _gzip(tar[999:]) + bytes(100),
    "zstd": lambda tar: zstandard.ZstdCompressor(write_checksum=True).compress(tar),
    "zstd-streamed": lambda tar: zstandard.ZstdCompressor(write_content_size=False).compress(tar),
    "zstd-frames": lambda tar: SKIPPABLE.join(map(zstandard.ZstdCompressor().compress, parts(tar, 70_001))),
    "zstd-skippable": lambda tar: SKIPPABLE + zstandard.ZstdCompressor().compress(tar) + SKIPPABLE,
    "bzip2": bz2.compress,
    "bzip2-streams": lambda tar: b"".join(map(bz2.compress, parts(tar, 70_001))),
    "xz": _xz,
    "xz-streams": lambda tar: bytes(8).join(map(_xz, parts(tar, 70_001))),
}


def contents_of(*blobs: bytes) -> tuple[Contents, LayerUnion]:
    """The contents of an image that has these layers, base first; they may be damaged."""
    layers = [
        Layer(
            LayerNumber(number), Descriptor(LAYER, "", len(blob)), "", "", BytesBlob(blob, f"layer {number}")
        )
        for number, blob in enumerate(blobs, 1)
    ]
    return contents_of_layers(layers)


def contents_of_layers(layers: list[Layer]) -> tuple[Contents, LayerUnion]:
    builder = UnionBuilder()
    for layer in layers:
        builder.add(index_layer(layer, None))
    union = builder.freeze()
    image = Image(
        reference="", transport="", name="", tags=(), repo_digests=(), id="", config={}, config_bytes=b"",
        manifest={}, manifest_bytes=b"", manifest_digest="", platform=Platform("linux", "amd64"),
        history=(), layers=layers,
    )  # fmt: skip
    return Contents(image, union.indexes, union), union


def contents_stored_as(blob: bytes, tar: bytes) -> tuple[Contents, LayerUnion]:
    """The contents of one layer whose index is that of ``tar``, whatever can be scanned of ``blob``."""
    _, union = contents_of(tar)
    stored, _ = contents_of(blob)
    stored.grow(union.indexes, union)
    return stored, union


def event_of(union: LayerUnion, path: str, layer: int = -1) -> Event:
    """What shows at a path, at the top unless a layer is named."""
    event = union.at(union.find(path), LayerNumber(union.layers if layer < 0 else layer))
    assert event >= 0, path
    return event
