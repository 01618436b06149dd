"""A layer's entries as columns: cheap to build, to keep, to send and to save."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

MAX_PATH = 4096
"""Bytes that Linux takes as a path or as the target of a symlink (PATH_MAX)."""


class Kind(IntEnum):
    """What an entry is. The first seven are tar's type flags (POSIX ustar)."""

    FILE = 0
    HARDLINK = 1
    SYMLINK = 2
    CHAR = 3
    BLOCK = 4
    DIRECTORY = 5
    FIFO = 6
    SOCKET = 7
    WHITEOUT = 8
    """Hides the path that its key names, of the layers below (OCI layer, "Whiteouts")."""
    OPAQUE = 9
    """Hides all that the layers below have in the directory that its key names."""
    METADATA = 10
    """AUFS' own ``.wh..wh.*`` files: no engine shows them, and they hide nothing."""


class Extra(NamedTuple):
    """What few entries have."""

    xattrs: Mapping[str, bytes] = {}
    device: tuple[int, int] | None = None
    """Major and minor number of a char or block device."""
    sparse: tuple[tuple[int, int], ...] | None = None
    """Stretches (offset, length) of the file that are stored, one after the other; the rest is zeros."""
    stored: int = -1
    """Bytes that the archive holds of it, where that is not its size."""


class LayerWarning(NamedTuple):
    """Something about a layer on which engines disagree, or that is not valid."""

    code: str
    key: bytes
    text: str


@dataclass(slots=True)
class LayerIndex:
    """The entries of one layer in tar order, one value a column and entry.

    A **key** is an entry's cleaned path below the root, its components joined by NUL; the
    root's is empty. NUL sorts below all else, so sorted keys are a depth-first walk, and a
    directory's subtree is one stretch of it. No key holds a slash, so ``keys`` is all of
    them joined by slashes.
    """

    keys: bytes = b""
    count: int = 0
    kind: bytearray = field(default_factory=bytearray)
    mode: array[int] = field(default_factory=lambda: array("H"))
    uid: array[int] = field(default_factory=lambda: array("I"))
    gid: array[int] = field(default_factory=lambda: array("I"))
    size: array[int] = field(default_factory=lambda: array("Q"))
    """Bytes of a file's content; 0 for all else, hardlinks too."""
    mtime: array[int] = field(default_factory=lambda: array("q"))
    """Seconds since 1970."""
    mtime_ns: array[int] = field(default_factory=lambda: array("I"))
    """The part of a second that goes on top, in nanoseconds."""
    offset: array[int] = field(default_factory=lambda: array("Q"))
    """Where the content starts in the uncompressed tar."""
    link: array[int] = field(default_factory=lambda: array("i"))
    """Which of ``links`` it points to; -1 for none."""
    links: list[bytes] = field(default_factory=list)
    """Symlinks' targets as stored, and hardlinks' targets as keys."""
    extra: dict[int, Extra] = field(default_factory=dict)
    compression: str = ""
    """``""`` (plain tar), ``gzip``, ``zstd``, ``bzip2`` or ``xz``."""
    tar_size: int = 0
    """Bytes of the uncompressed tar, as far as it was read."""
    blob_digest: str = ""
    """Digest of the stored bytes as read; empty if they were not all read."""
    diff_id: str = ""
    """Digest of the uncompressed tar as read; empty if it was not computed."""
    warnings: list[LayerWarning] = field(default_factory=list)
    damage: str = ""
    """Why the entries end early or cannot be trusted; empty if all is well."""
    stamp: array[int] = field(default_factory=lambda: array("Q"))
    """What tells whether a file that lies unpacked is still the one that was listed; 0 where nothing does.

    No column at all, to save its memory, of layers that are tars.
    """
    contents: dict[int, bytes] = field(default_factory=dict)
    """Of the files that were to be kept while the layer was read (:mod:`layertui.layers.tar.capture`), by entry.

    Neither saved nor sent.
    """

    def entry_keys(self) -> list[bytes]:
        """The key of every entry, in tar order."""
        return self.keys.split(b"/") if self.count else []


def path_of(key: bytes) -> str:
    """The absolute path that a key stands for; undecodable bytes as lone surrogates."""
    return "/" + key.replace(b"\0", b"/").decode("utf-8", "surrogateescape")


def key_of(path: str) -> bytes:
    """The key of a path as a user types it: cleaned, ``..`` stopping at the root."""
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, as JSON can spell it: no path has it
        raw = path.encode("utf-8", "surrogatepass")
    parts: list[bytes] = []
    for part in raw.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    return b"\0".join(parts)


def keys_ending(patterns: Iterable[bytes]) -> re.Pattern[bytes]:
    """What finds keys, joined by slashes and with one before the first, that end as one of ``patterns`` says."""
    return re.compile(b"(?:" + b"|".join(patterns) + rb")(?=/|\Z)")


def positions(kinds: bytes | bytearray, kind: int) -> list[int]:
    """Where a kind stands in the column, quickly when it is rare."""
    found = []
    position = kinds.find(kind)
    while position >= 0:
        found.append(position)
        position = kinds.find(kind, position + 1)
    return found
