"""Extended attributes of overlay file systems, and lookups in a stack of their directories.

Linux, Documentation/filesystems/overlayfs.rst; fuse-overlayfs(1).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

OVERLAY_NAMESPACES = ("trusted.overlay.", "user.overlay.", "user.fuseoverlayfs.")
"""Prefixes of the file system's own attributes: the second with the mount option ``userxattr``, the third of
fuse-overlayfs."""

CAP_SYS_ADMIN = 1 << 21
FIRST_USER_NAMESPACE = 0xEFFFFFFD
"""Inode number of the initial user namespace (Linux, include/linux/proc_ns.h, ``PROC_USER_INIT_INO``)."""
NO_XATTRS = (errno.ENODATA, errno.ENOTSUP)
"""No such attribute, or the file system does not support any (listxattr(2))."""
NOT_NAMES = (b"", b".", b"..")
"""Path components that name no file."""


def may_read_trusted() -> bool:
    """Return whether this process sees attributes in ``trusted.``; for others they are not even listed.

    It takes CAP_SYS_ADMIN in the initial user namespace, which root in any other namespace lacks
    (capabilities(7), xattr(7), user_namespaces(7)).
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        effective = next(line for line in lines if line.startswith("CapEff:"))
        is_first = Path("/proc/self/ns/user").stat().st_ino == FIRST_USER_NAMESPACE
        return is_first and bool(int(effective.split()[1], 16) & CAP_SYS_ADMIN)
    except (OSError, StopIteration, ValueError):
        return False


def xattrs_of(path: bytes) -> tuple[dict[str, bytes], OSError | None]:
    """Return the readable attributes of a file, and the last error of the others; ``None`` if there was none."""
    readable: dict[str, bytes] = {}
    unread = None
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        return readable, None if error.errno in NO_XATTRS else error
    for name in names:
        try:
            readable[name] = os.getxattr(path, name, follow_symlinks=False)
        except OSError as error:
            unread = unread if error.errno in NO_XATTRS else error
    return readable, unread


def overlay_xattr(xattrs: Mapping[str, bytes], name: str) -> bytes | None:
    """Return the overlay file system's own attribute ``name``, in any of its namespaces."""
    for namespace in OVERLAY_NAMESPACES:
        if namespace + name in xattrs:
            return xattrs[namespace + name]
    return None


def visible_xattrs(xattrs: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the attributes as a mount shows them.

    Its own are hidden; those of a nested overlay lose their escape (overlayfs.rst, "Nesting overlayfs mounts").
    """
    for name, value in xattrs.items():
        namespace = next((prefix for prefix in OVERLAY_NAMESPACES if name.startswith(prefix)), None)
        if namespace is None:
            yield name, value
        elif name.startswith(namespace + "overlay."):
            yield namespace + name.removeprefix(namespace + "overlay."), value


def is_whiteout(status: os.stat_result, xattrs: Mapping[str, bytes]) -> bool:
    """Return whether a file is a whiteout: a character device 0:0, or an empty file with the attribute ``whiteout``."""
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        return True
    return (
        stat.S_ISREG(status.st_mode) and not status.st_size and overlay_xattr(xattrs, "whiteout") is not None
    )


def is_opaque(xattrs: Mapping[str, bytes]) -> bool:
    """Return whether a directory hides those below it; the value ``x`` only says that it may contain whiteout files."""
    return overlay_xattr(xattrs, "opaque") == b"y"


def is_metacopy(xattrs: Mapping[str, bytes]) -> bool:
    """Return whether only a file's metadata was copied up, and its content is in a directory below."""
    return overlay_xattr(xattrs, "metacopy") is not None


class Lookup(NamedTuple):
    """A path in one of a stack of directories, and where to look for it below."""

    path: bytes
    status: os.stat_result | None
    """``None`` if it does not exist there."""
    is_metacopy: bool
    below: Sequence[bytes] | None
    """Its components in the directories below; ``None`` if those are hidden, or a redirect is malformed."""


def look_up(directory: Path, parts: Sequence[bytes]) -> Lookup:
    """Look a path up as the kernel does (fs/overlayfs/namei.c, ``ovl_lookup_layer``).

    A directory, or a metacopy file, may be redirected to another name below: in the same directory,
    or from the root. An opaque directory ends the search, unless something inside was moved in from
    elsewhere. So does anything whose attributes cannot be read.
    """
    path = os.fsencode(directory)
    below: list[bytes] | None = []
    for number, part in enumerate(parts):
        path += b"/" + part
        try:
            status = os.lstat(path)
        except OSError:
            return Lookup(path, None, False, None if below is None else [*below, *parts[number:]])
        xattrs, unread = xattrs_of(path)
        is_last, is_directory = number == len(parts) - 1, stat.S_ISDIR(status.st_mode)
        if unread is not None or is_whiteout(status, xattrs) or not (is_directory or is_last):
            return Lookup(path, None, False, None)
        if not is_directory and not is_metacopy(xattrs):
            return Lookup(path, status, False, None)
        if is_directory and is_opaque(xattrs):
            below = None
        else:
            below = _redirected(below, part, overlay_xattr(xattrs, "redirect"))
        if below is not None and not all(map(_is_name, below)):
            return Lookup(path, status if is_last else None, not is_directory, None)
    return Lookup(path, status, not is_directory, below)


def _redirected(above: list[bytes] | None, name: bytes, redirect: bytes | None) -> list[bytes] | None:
    """Return the components below of a name in a directory whose own are ``above``; ``None`` if hidden."""
    if redirect is not None and redirect.startswith(b"/"):
        return redirect[1:].split(b"/")
    return None if above is None else [*above, name if redirect is None else redirect]


def _is_name(part: bytes) -> bool:
    return part not in NOT_NAMES and b"/" not in part and b"\0" not in part


def find_data(directories: Sequence[Path], key: bytes) -> tuple[Path, bytes] | None:
    """Return which of a stack of directories, the topmost first, has a regular file's data, and its key there."""
    parts: Sequence[bytes] | None = key.split(b"\0")
    for directory in directories:
        if parts is None:
            return None
        found = look_up(directory, parts)
        if found.status is not None and not found.is_metacopy:
            return (directory, b"\0".join(parts)) if stat.S_ISREG(found.status.st_mode) else None
        parts = found.below
    return None


def merged_directories(directories: Sequence[Path], key: bytes) -> list[bytes]:
    """Return the directories that a mount of a stack, the topmost first, shows merged at ``key``."""
    merged: list[bytes] = []
    parts: Sequence[bytes] | None = key.split(b"\0")
    for directory in directories:
        if parts is None:
            break
        found = look_up(directory, parts)
        if found.status is not None:
            if not stat.S_ISDIR(found.status.st_mode):
                break
            merged.append(found.path)
        parts = found.below
    return merged


def merged_names(directories: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the names in merged directories, the topmost first, and the path of each."""
    paths: dict[bytes, bytes] = {}
    for directory in directories:
        for name in os.listdir(directory):  # noqa: PTH208 (bytes)
            paths.setdefault(name, directory + b"/" + name)
    return paths
