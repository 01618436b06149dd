"""A layer's entries as columns: cheap to build, store, send and save."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from layertui.model.typed import NamedTuple

MAX_PATH = 4096
"""Longest path or symlink target on Linux, in bytes (PATH_MAX)."""


class Kind(IntEnum):
    """Type of an entry. The first seven are tar's type flags (POSIX ustar)."""

    FILE = 0
    HARDLINK = 1
    SYMLINK = 2
    CHAR = 3
    BLOCK = 4
    DIRECTORY = 5
    FIFO = 6
    SOCKET = 7
    WHITEOUT = 8
    """Hides the path of its key in the layers below (OCI layer, "Whiteouts")."""
    OPAQUE = 9
    """Hides everything that the layers below have in the directory of its key."""
    METADATA = 10
    """AUFS's own ``.wh..wh.*`` files, which no engine shows and which hide nothing."""


class Extra(NamedTuple):
    """Rare attributes of an entry."""

    xattrs: Mapping[str, bytes] = {}
    device: tuple[int, int] | None = None
    """Major and minor number of a char or block device."""
    sparse: tuple[tuple[int, int], ...] | None = None
    """Ranges (offset, length) of the file that are stored, in order; the rest is zeros."""
    stored: int = -1
    """Bytes of it in the archive, if different from its size; else -1."""


NO_EXTRA = Extra()


MAX_LISTED_WARNINGS = 1000
"""Warnings of a layer that are listed; those beyond are counted."""


class LayerWarning(NamedTuple):
    """Something in a layer that is invalid, or that engines handle differently."""

    code: str
    key: bytes
    text: str


def more_warnings(count: int) -> LayerWarning:
    """Return the last warning of a layer with more than :data:`MAX_LISTED_WARNINGS`."""
    return LayerWarning("more-warnings", b"", f"{count:,} more warnings are not listed")


@dataclass(slots=True)
class LayerIndex:
    """The entries of one layer in tar order, one value per column and entry.

    A **key** is an entry's cleaned path below the root, its components joined by NUL; the
    root's is empty. NUL sorts below any other byte, so sorted keys are a depth-first walk, and
    a directory's subtree is one range of it. No key contains a slash, so ``keys`` is all of
    them joined by slashes.
    """

    keys: bytes = b""
    count: int = 0
    kind: bytearray = field(default_factory=bytearray)
    mode: array[int] = field(default_factory=lambda: array("H"))
    uid: array[int] = field(default_factory=lambda: array("I"))
    gid: array[int] = field(default_factory=lambda: array("I"))
    size: array[int] = field(default_factory=lambda: array("Q"))
    """Bytes of a file's content; 0 for anything else, including hardlinks."""
    mtime: array[int] = field(default_factory=lambda: array("q"))
    """Seconds since 1970."""
    mtime_ns: array[int] = field(default_factory=lambda: array("I"))
    """Nanoseconds to add to ``mtime``."""
    offset: array[int] = field(default_factory=lambda: array("Q"))
    """Offset of the content in the uncompressed tar, in bytes."""
    link: array[int] = field(default_factory=lambda: array("i"))
    """Index into ``links``; -1 for none."""
    links: list[bytes] = field(default_factory=list)
    """Targets of symlinks as stored, and of hardlinks as keys."""
    extra: dict[int, Extra] = field(default_factory=dict)
    compression: str = ""
    """``""`` (plain tar), ``gzip``, ``zstd``, ``bzip2`` or ``xz``."""
    tar_size: int = 0
    """Bytes read of the uncompressed tar."""
    blob_digest: str = ""
    """Digest of the stored bytes as read; empty if not all were read."""
    diff_id: str = ""
    """Digest of the uncompressed tar as read; empty if it was not computed."""
    warnings: list[LayerWarning] = field(default_factory=list)
    damage: str = ""
    """Why the entries are incomplete or cannot be trusted; empty if they are fine."""
    stamp: array[int] = field(default_factory=lambda: array("Q"))
    """Value that changes when an unpacked file changes after it was listed; 0 where nothing detects that.

    Empty for tar layers, to save memory.
    """
    contents: dict[int, bytes] = field(default_factory=dict)
    """Contents captured while the layer was read (:mod:`layertui.layers.capture`), by entry; neither saved nor sent."""
    digests: dict[int, bytes] = field(default_factory=dict)
    """SHA-256 of contents, by entry, as far as they were read; neither saved nor sent."""
    visits: list[object] = field(default_factory=list)
    """What questions found in the contents while the layer was read (:mod:`layertui.layers.visit`); neither saved nor sent."""

    def entry_keys(self) -> list[bytes]:
        """Return the key of every entry, in tar order."""
        return self.keys.split(b"/") if self.count else []


def path_of(key: bytes) -> str:
    """Return the absolute path of a key; undecodable bytes become lone surrogates."""
    return "/" + key.replace(b"\0", b"/").decode("utf-8", "surrogateescape")


def key_of(path: str) -> bytes:
    """Return the key of a path that a user typed: cleaned, with ``..`` stopping at the root."""
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate outside surrogateescape, possible in JSON: no path has it
        raw = path.encode("utf-8", "surrogatepass")
    parts: list[bytes] = []
    for part in raw.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    return b"\0".join(parts)


def keys_ending(patterns: Iterable[bytes]) -> re.Pattern[bytes]:
    """Return a regex for keys, joined by slashes and with a leading one, that end with one of ``patterns``."""
    return re.compile(b"(?:" + b"|".join(patterns) + rb")(?=/|\Z)")


def positions(kinds: bytes | bytearray, kind: int) -> list[int]:
    """Return the positions of a kind in the column; fast if it is rare."""
    found = []
    position = kinds.find(kind)
    while position >= 0:
        found.append(position)
        position = kinds.find(kind, position + 1)
    return found
