"""What identifies the union of an image's layers in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

MERGE_VERSION = 2
"""To be changed whenever the same layers are merged differently."""


def union_key(keys: Sequence[str]) -> str:
    """Return the cache key of the union of layers with these keys, base first; empty if it cannot be cached."""
    if not keys or not all(keys):
        return ""
    return "union-" + hashlib.sha256(repr((MERGE_VERSION, *keys)).encode()).hexdigest()
