"""Whether a layer's bytes are those that its image names, by reading all of them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator

from layertui.blob import Blob
from layertui.image import Layer
from layertui.layers.decompress import CHUNK, Cancelled, Damaged, Stream
from layertui.layers.index import LayerIndex

_ALGORITHMS = ("sha256", "sha384", "sha512")


def expected_digest(layer: Layer) -> str:
    """The digest that a layer's bytes can be held against; empty if the image names none.

    That of the bytes as stored where it is known, else that of the uncompressed tar.
    """
    expected = layer.descriptor.digest or layer.diff_id
    return expected if expected.partition(":")[0] in _ALGORITHMS else ""


def was_checked(layer: Layer, index: LayerIndex) -> bool:
    """Whether reading the index found that the stored bytes have the digest they should have."""
    return bool(layer.descriptor.digest) and index.blob_digest == layer.descriptor.digest


def verify(layer: Layer, cancelled: threading.Event) -> str:
    """What is wrong with a layer that has a blob and an expected digest; empty if it has that digest.

    Reads all of it, in bounded memory. Raises :class:`LayertuiError` where it cannot be read,
    and :class:`Cancelled` once the event is set.
    """
    assert layer.blob is not None
    expected = expected_digest(layer)
    hashed = hashlib.new(expected.partition(":")[0])
    try:
        for piece in _stored(layer.blob) if layer.descriptor.digest else _uncompressed(layer.blob, cancelled):
            if cancelled.is_set():
                raise Cancelled
            hashed.update(piece)
    except Damaged as damage:
        return str(damage)
    found = f"{hashed.name}:{hashed.hexdigest()}"
    return "" if found == expected else f"wrong digest: the image says {expected}, its bytes have {found}"


def _stored(blob: Blob) -> Iterator[bytes]:
    offset = 0
    while piece := blob.pread(CHUNK, offset):
        offset += len(piece)
        yield piece


def _uncompressed(blob: Blob, cancelled: threading.Event) -> Iterator[memoryview]:
    stream = Stream(blob, cancelled=cancelled)
    buffer = bytearray(CHUNK)
    try:
        while count := stream.readinto(buffer):
            yield memoryview(buffer)[:count]
    finally:
        stream.close()
