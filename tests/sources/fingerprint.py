"""Whether a directory is still what it was, byte for byte."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

FACTS = ("mode", "uid", "gid", "nlink", "size", "blocks", "rdev", "ino", "mtime_ns", "ctime_ns")
"""What stat(2) tells and is held fast; the time of a change of metadata tells of any that is undone again.

Access times are left out: the kernel itself notes them for whoever reads, as the mount has it
(mount(8), ``relatime``, ``noatime``). A program that sets one leaves its trace in ``ctime``.
"""


def fingerprint(root: Path) -> dict[str, str]:
    """Every byte and metadata item of a directory and all below it, by its path."""
    return {path: _of(path) for path in _below(str(root))}


def _below(root: str) -> Iterator[str]:
    yield root
    for folder, names, files in os.walk(root):
        yield from (f"{folder}/{name}" for name in (*names, *files))


def _of(path: str) -> str:
    status = os.lstat(path)
    state = hashlib.sha256(repr([getattr(status, f"st_{fact}") for fact in FACTS]).encode())
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        state.update(repr((name, os.getxattr(path, name, follow_symlinks=False))).encode())
    if stat.S_ISLNK(status.st_mode):
        state.update(os.fsencode(os.readlink(path)))  # noqa: PTH115 (as it stands)
    elif stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:  # noqa: PTH123 (names of any bytes)
            hashlib.file_digest(file, lambda: state)
    return state.hexdigest()
