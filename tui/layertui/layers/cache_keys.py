"""What identifies the bytes of a layer in the cache."""

from __future__ import annotations

import os

from layertui.cache.indexes import IndexCache
from layertui.layers.compression.format import compression_of
from layertui.model.digest import is_known, sha256_hex
from layertui.model.errors import LayertuiError
from layertui.model.image import Layer


def cache_key(layer: Layer) -> str:
    """Return the cache key of a layer's index; empty if it cannot be cached.

    The blob digest where reading the layer verifies it, else the claimed diff ID together with the
    file's identity: by the claim alone one image could forge the layers of another.
    """
    if layer.unpacked is not None:  # it may have changed since
        return ""
    if layer.blob is not None and layer.blob.digest:
        return layer.blob.digest.replace(":", "-").replace("/", "-")
    if is_known(layer.descriptor.digest) and _is_compressed(layer):
        return layer.descriptor.digest.replace(":", "-").replace("/", "-")
    return file_key(layer)


def points_key(digest: str) -> str:
    """Return the cache key of the points in a blob from which it can be decompressed."""
    return digest.replace(":", "-").replace("/", "-") + "-points"


def file_key(layer: Layer) -> str:
    """Return a key of the claims about a layer and of its file as it is; empty without a file."""
    if layer.blob is None or layer.blob.file is None:
        return ""
    file, offset = layer.blob.file
    try:
        path = os.path.realpath(file.path)
    except OSError:
        return ""
    identity = (
        layer.descriptor.digest, layer.diff_id, path, offset, layer.blob.size, *file.state, file.ctime_ns,
    )  # fmt: skip
    return f"file-{sha256_hex(repr(identity).encode('utf-8', 'surrogateescape'))}"


def layer_identity(layer: Layer) -> str:
    """Return what identifies the bytes of a layer, whichever image has it: equal for equal ones only; empty if unknown.

    A digest that reading the layer verifies, else the claims about it with the file as it is.
    """
    if layer.unpacked is not None or layer.blob is None:
        return ""
    return layer.blob.digest or file_key(layer)


def is_claim(layer: Layer, key: str, file: str) -> bool:
    """Return whether a layer's key is a digest that its file need not have, which may have changed since."""
    blob = layer.blob
    return key != file and blob is not None and blob.is_local and not blob.digest


def verified_key(layer: Layer, cache: IndexCache) -> str:
    """Return a layer's key; empty if it is not known, without reading the layer, that its bytes are what that stands for."""
    key, file = cache_key(layer), file_key(layer)
    is_verified = not is_claim(layer, key, file) or (bool(file) and cache.has(file))
    return key if is_verified else ""


def _is_compressed(layer: Layer) -> bool:
    try:
        return layer.blob is not None and compression_of(layer.blob.pread(6, 0)) != ""
    except LayertuiError:
        return False
