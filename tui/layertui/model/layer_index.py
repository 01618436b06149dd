"""A layer's entries as columns: cheap to build, store, send and save."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping
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


class LayerIndex:
    """The entries of one layer in tar order, one value per column and entry.

    A **key** is an entry's cleaned path below the root, its components joined by NUL; the
    root's is empty. NUL sorts below any other byte, so sorted keys are a depth-first walk, and
    a directory's subtree is one range of it. No key contains a slash, so ``keys`` is all of
    them joined by slashes.
    """

    # No dataclass: importing that module takes a tenth of the time in which a small image is opened.

    def __init__(
        self,
        keys: bytes = b"",
        links: list[bytes] | None = None,
        warnings: list[LayerWarning] | None = None,
        damage: str = "",
    ) -> None:
        self.keys = keys
        self.count = 0
        self.kind = bytearray()
        self.mode = array("H")
        self.uid = array("I")
        self.gid = array("I")
        self.size = array("Q")
        """Bytes of a file's content; 0 for anything else, including hardlinks."""
        self.mtime = array("q")
        """Seconds since 1970."""
        self.mtime_ns = array("I")
        """Nanoseconds to add to ``mtime``."""
        self.offset = array("Q")
        """Offset of the content in the uncompressed tar, in bytes."""
        self.link = array("i")
        """Index into ``links``; -1 for none."""
        self.links = [] if links is None else links
        """Targets of symlinks as stored, and of hardlinks as keys."""
        self.extra: dict[int, Extra] = {}
        self.compression = ""
        """``""`` (plain tar), ``gzip``, ``zstd``, ``bzip2`` or ``xz``."""
        self.tar_size = 0
        """Bytes read of the uncompressed tar."""
        self.blob_digest = ""
        """Digest of the stored bytes as read; empty if not all were read."""
        self.diff_id = ""
        """Digest of the uncompressed tar as read; empty if it was not computed."""
        self.warnings = [] if warnings is None else warnings
        self.damage = damage
        """Why the entries are incomplete or cannot be trusted; empty if they are fine."""
        self.stamp = array("Q")
        """Value that changes when an unpacked file changes after it was listed; 0 where nothing detects that.

        Empty for tar layers, to save memory.
        """
        self.contents: dict[int, bytes] = {}
        """Contents captured while the layer was read (:mod:`layertui.layers.capture`), by entry; neither saved nor sent."""
        self.digests: dict[int, bytes] = {}
        """SHA-256 of contents, by entry, as far as they were read; neither saved nor sent."""
        self.visits: list[object] = []
        """What questions found in the contents while the layer was read (:mod:`layertui.layers.visit`); neither saved nor sent."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LayerIndex) and vars(self) == vars(other)

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
