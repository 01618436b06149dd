"""What identifies the union of an image's layers in the cache."""

from __future__ import annotations

from collections.abc import Sequence

from layertui.model.digest import sha256_hex

MERGE_VERSION = 2
"""To be changed whenever the same layers are merged differently."""


def union_key(keys: Sequence[str]) -> str:
    """Return the cache key of the union of layers with these keys, base first; empty if it cannot be cached."""
    if not keys or not all(keys):
        return ""
    return f"union-{sha256_hex(repr((MERGE_VERSION, *keys)).encode())}"
