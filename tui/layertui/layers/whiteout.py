"""Whiteouts by file name (OCI image spec, layer.md, "Whiteouts"; aufs(5); fuse-overlayfs(1))."""

from __future__ import annotations

from layertui.model.layer_index import Kind

WHITEOUT_PREFIX = b".wh."
"""``.wh.NAME`` hides NAME of the layers below."""
AUFS_PREFIX = b".wh..wh."
"""AUFS' own files, such as ``.wh..wh.plnk``."""
OPAQUE_WHITEOUT = b".wh..wh..opq"
"""Hides everything that the layers below have in its directory."""


def parse_whiteout(key: bytes) -> tuple[Kind, bytes] | None:
    """Return what a key's last name makes of an entry, and the key that it concerns; ``None`` for other names.

    ``WHITEOUT`` with the key of the hidden path, ``OPAQUE`` with that of the directory, or ``METADATA`` with
    ``key``: AUFS' own files, and whiteouts of nothing (see :func:`hides_nothing`).
    """
    above, separator, name = key.rpartition(b"\0")
    if not name.startswith(WHITEOUT_PREFIX):
        return None
    if name == OPAQUE_WHITEOUT:
        return Kind.OPAQUE, above
    if name.startswith(AUFS_PREFIX) or hides_nothing(name):
        return Kind.METADATA, key
    return Kind.WHITEOUT, above + separator + name.removeprefix(WHITEOUT_PREFIX)


def hides_nothing(name: bytes) -> bool:
    """Return whether a whiteout's name is malformed: what it would hide cannot be the name of a file."""
    return name in (b".wh.", b".wh..", b".wh...")


def whiteout_name(name: bytes) -> bytes:
    """Return the file name that hides ``name``."""
    return WHITEOUT_PREFIX + name
