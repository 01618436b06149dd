"""Attributes by which overlay file systems note what they need to know (Linux, overlayfs.rst; fuse-overlayfs(1))."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

NAMESPACES = ("trusted.overlay.", "user.overlay.", "user.fuseoverlayfs.")
"""Whose attributes are the file system's own: the second on mounts with ``userxattr``, the third of fuse-overlayfs."""

CAP_SYS_ADMIN = 1 << 21
FIRST_USER_NAMESPACE = 0xEFFFFFFD
"""Its number (Linux, include/linux/proc_ns.h, ``PROC_USER_INIT_INO``)."""
NO_XATTRS = (errno.ENODATA, errno.ENOTSUP)
"""There is no such attribute, or the file system has none (listxattr(2))."""

WILD = (b"", b".", b"..")
"""No names of files."""


def may_read_trusted() -> bool:
    """Whether attributes in ``trusted.`` can be seen: others are not even told that there are any.

    It takes CAP_SYS_ADMIN in the first user namespace; whoever is root in another one has it only there
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
    """The attributes of a file that can be read, and why others cannot; ``None`` if those are all."""
    found: dict[str, bytes] = {}
    unread = None
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        return found, None if error.errno in NO_XATTRS else error
    for name in names:
        try:
            found[name] = os.getxattr(path, name, follow_symlinks=False)
        except OSError as error:
            unread = unread if error.errno in NO_XATTRS else error
    return found, unread


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


def is_whiteout(status: os.stat_result, xattrs: Mapping[str, bytes]) -> bool:
    """Whether a file stands for the absence of what the layers below have."""
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        return True
    return stat.S_ISREG(status.st_mode) and not status.st_size and own(xattrs, "whiteout") is not None


class Look(NamedTuple):
    """What one of a stack of directories has of a path, and where it is looked for below."""

    path: bytes
    status: os.stat_result | None
    """``None`` if there is nothing of it."""
    is_metadata: bool
    """Whether the file's content is in a directory below ("Metadata only copy up")."""
    below: Sequence[bytes] | None
    """Its names in the directories below; ``None`` if what they have is hidden, or what they are called is wild."""


def look(directory: Path, parts: Sequence[bytes]) -> Look:
    """Follows a path as the kernel does (fs/overlayfs/namei.c, ``ovl_lookup_layer``).

    A directory, or a file of which only the metadata was copied up, may note that it had
    another name: in the same directory, or from the root. An opaque directory ends the search,
    unless something inside was moved in from elsewhere. So does what may be any of these, as its
    attributes cannot be read.
    """
    path = os.fsencode(directory)
    below: list[bytes] | None = []
    for number, part in enumerate(parts):
        path += b"/" + part
        try:
            status = os.lstat(path)
        except OSError:
            rest = None if below is None else [*below, *parts[number:]]
            return Look(path, None, False, rest)
        xattrs, unread = xattrs_of(path)
        if unread is not None:
            return Look(path, None, False, None)
        is_last, is_directory = number == len(parts) - 1, stat.S_ISDIR(status.st_mode)
        if is_whiteout(status, xattrs) or (not is_directory and not is_last):
            return Look(path, None, False, None)
        is_metadata = not is_directory and own(xattrs, "metacopy") is not None
        if not is_directory and not is_metadata:
            return Look(path, status, False, None)
        redirect = own(xattrs, "redirect")
        if is_directory and own(xattrs, "opaque") == b"y":
            below = None
        elif redirect is None:
            below = None if below is None else [*below, part]
        elif redirect.startswith(b"/"):
            below = redirect[1:].split(b"/")
        else:
            below = None if below is None else [*below, redirect]
        if below and redirect and any(b"/" in each or b"\0" in each or each in WILD for each in below):
            return Look(path, status if is_last else None, is_metadata, None)
    return Look(path, status, is_metadata, below)


def data_of(directories: Sequence[Path], key: bytes) -> tuple[Path, bytes] | None:
    """Which of a stack of directories, the topmost first, has a file's data, and its key there.

    ``None`` if none has.
    """
    parts: Sequence[bytes] | None = key.split(b"\0")
    for directory in directories:
        if parts is None:
            return None
        found = look(directory, parts)
        if found.status is not None and not found.is_metadata:
            return (directory, b"\0".join(parts)) if stat.S_ISREG(found.status.st_mode) else None
        parts = found.below
    return None


def directories_of(directories: Sequence[Path], key: bytes) -> list[bytes]:
    """Those that a mount of a stack of directories, the topmost first, shows together as one."""
    merged: list[bytes] = []
    parts: Sequence[bytes] | None = key.split(b"\0")
    for directory in directories:
        if parts is None:
            break
        found = look(directory, parts)
        if found.status is not None:
            if not stat.S_ISDIR(found.status.st_mode):
                break
            merged.append(found.path)
        parts = found.below
    return merged


def names_in(directories: Sequence[bytes]) -> dict[bytes, bytes]:
    """The names in directories that are shown as one, the topmost first, and where each lies."""
    found: dict[bytes, bytes] = {}
    for directory in directories:
        for name in os.listdir(directory):  # noqa: PTH208 (bytes)
            found.setdefault(name, directory + b"/" + name)
    return found
