"""Live and dead bytes of images that have been read, for lists of images."""

from __future__ import annotations

import hashlib
import struct

from layertui.cache.indexes import DamagedEntry, IndexCache
from layertui.model.sizes import Bytes

_PREFIX = "bytes-"
"""Begins the keys."""
_FORM = struct.Struct("<QQ")


def remember_bytes(cache: IndexCache, reference: str, image_id: str, size: Bytes) -> None:
    """Store the bytes of an image that a reference opened; only of one whose union is stored too."""
    cache.write(_key(reference, image_id), _FORM.pack(*size))


def has_bytes(cache: IndexCache) -> bool:
    """Return whether any image has been read."""
    return any(cache.directory.glob(f"{_PREFIX}*"))


def recall_bytes(cache: IndexCache, reference: str, image_id: str) -> Bytes | None:
    """Return the bytes of an image; ``None`` if it has not been read, or the reference has another ID now."""
    return cache.read(_key(reference, image_id), _unpack) if image_id else None


def _key(reference: str, image_id: str) -> str:
    """Return the key: of the place too, as by the ID alone one image could forge the bytes of another."""
    both = f"{reference}\0{image_id}".encode("utf-8", "surrogateescape")
    return f"{_PREFIX}{hashlib.sha256(both).hexdigest()}"


def _unpack(data: bytes) -> Bytes:
    if len(data) != _FORM.size:
        raise DamagedEntry("of another length")
    return Bytes(*_FORM.unpack(data))
