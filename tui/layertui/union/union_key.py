"""What identifies the union of an image's layers in the cache."""

from __future__ import annotations

import hashlib

from layertui.layers.cache_keys import cache_key
from layertui.model.image import Image

MERGE_VERSION = 2
"""To be changed whenever the same layers are merged differently."""


def union_key(image: Image) -> str:
    """Return the cache key of the union of all layers; empty if it cannot be cached."""
    keys = [cache_key(layer) for layer in image.layers]
    if not keys or not all(keys):
        return ""
    return "union-" + hashlib.sha256(repr((MERGE_VERSION, *keys)).encode()).hexdigest()
