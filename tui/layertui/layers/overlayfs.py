"""Attributes by which overlay file systems note what they need to know (Linux, overlayfs.rst; fuse-overlayfs(1))."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

NAMESPACES = ("trusted.overlay.", "user.overlay.", "user.fuseoverlayfs.")
"""Whose attributes are the file system's own: the second on mounts with ``userxattr``, the third of fuse-overlayfs."""


def xattrs_of(path: bytes) -> dict[str, bytes]:
    """The attributes of a file, those that may be read."""
    found = {}
    try:
        for name in os.listxattr(path, follow_symlinks=False):
            found[name] = os.getxattr(path, name, follow_symlinks=False)
    except OSError:
        return found  # the file system has none, or they went
    return found


def own(xattrs: Mapping[str, bytes], name: str) -> bytes | None:
    """The overlay file system's own attribute of a name."""
    for namespace in NAMESPACES:
        if namespace + name in xattrs:
            return xattrs[namespace + name]
    return None


def shown(xattrs: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """What a mount shows: its own attributes are hidden, those of a nested one lose their escape."""
    for name, value in xattrs.items():
        namespace = next((each for each in NAMESPACES if name.startswith(each)), None)
        if namespace is None:
            yield name, value
        elif name.startswith(namespace + "overlay."):
            yield namespace + name.removeprefix(namespace + "overlay."), value


def data_of(directories: Sequence[Path], key: bytes) -> tuple[Path, bytes] | None:
    """Which of a stack of directories, the topmost first, has a file's data, and its key there.

    An upper directory may hold the metadata alone ("Metadata only copy up") and say that the
    file, or a directory above it, had another name below. ``None`` if the data is in none.
    """
    parts = key.split(b"\0")
    for directory in directories:
        path = os.fsencode(directory)
        below: list[bytes] = []
        xattrs: dict[str, bytes] = {}
        for part in parts:
            path += b"/" + part
            xattrs = xattrs_of(path)
            redirect = own(xattrs, "redirect") or part
            if redirect.startswith(b"/"):
                below = [each for each in redirect.split(b"/") if each]
            else:
                below.append(redirect)
        try:
            is_file = stat.S_ISREG(os.lstat(path).st_mode)
        except OSError:
            is_file = None
        if is_file is False:
            return None
        if is_file and own(xattrs, "metacopy") is None:
            return directory, b"\0".join(parts)
        if not below or any(b"/" in each or b"\0" in each or each in (b".", b"..") for each in below):
            return None
        parts = below
    return None
