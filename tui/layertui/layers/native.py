"""The native core, where it is installed: the hot loops over headers and paths in compiled code.

It is a distribution of its own, ``layertui-native``, and gives the same answers: everything works without it.
This module alone decides whether it is used.
"""

from __future__ import annotations

import importlib
import os
from functools import cache

from layertui import TYPE_CHECKING
from layertui.model.typed import Protocol, cast

if TYPE_CHECKING:
    from typing import Any


INTERFACE = 7
"""The number of the interface below; a core with another is not used."""

Columns = tuple[
    tuple[bytes, bytes],
    tuple[bytes, ...],
    tuple[list[int], list[bytes]],
    list[tuple[int, int]],
]
"""Keys (joined by slashes) and kinds; the columns ``mode`` to ``offset``; entries that are links, and their
targets; entries with attributes, and the numbers of these (:meth:`Entries.share`)."""


class Entries(Protocol):
    """Entries of a tar, of which the core reads those that need nothing but their columns."""

    @property
    def meta_read(self) -> int:
        """Bytes of the extended headers read so far."""

    def read(self, chunk: bytes, base: int, offset: int, size: int) -> tuple[int, int]:
        """Read headers from ``offset`` of the tar on, in a chunk that starts at ``base``.

        Return the offset of the first header that is not read, and the size that the last one read claims;
        ``size`` if none was read.
        """

    def share(self, attributes: list[tuple[bytes, bytes]]) -> None:
        """Tell of extended attributes that entries may have, numbered from 0; entries with others are not read."""

    def take(self) -> Columns | None:
        """Return the columns of the entries read since the last call; ``None`` without any."""


class BlockFinder(Protocol):
    """Finds the blocks of a deflate stream with which decompression can start."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream; they are ignored after its end, and where it is damaged."""

    def points(self) -> list[tuple[int, int, int, int, bytes]]:
        """Return the offset of each in the decompressed and in the stored bytes, the number and value of the bits that
        precede it there, and the 32 KiB that were decompressed before it."""


class Core(Protocol):
    """The module ``layertui_native``."""

    __version__: str

    def Entries(self) -> Entries: ...

    def BlockFinder(self, spacing: int) -> BlockFinder:
        """Return a finder of blocks that begin at least ``spacing`` stored bytes apart."""

    def Tree(self) -> Any:
        """Return an empty :class:`layertui.union.tree.Tree`."""

    def keys_of_kind(self, keys: bytes, kinds: bytes, kind: int) -> list[bytes]:
        """Return the keys of the entries of a kind, in the order of the tar; ``keys`` are joined by slashes."""

    def all_below(
        self, values: bytes, size: int, limits: bytes | None, limit: int | None, lowest: int
    ) -> bool:
        """See :func:`layertui.layers.column_bounds.all_below`; without either limit there is none."""

    def union_fits(
        self, length: int, columns: list[bytes], ev_kind: bytes, starts: list[int], counts: list[int]
    ) -> bool:
        """Return whether the columns of a union (``COLUMNS``) fit; see :mod:`layertui.union.codec`.

        ``length`` is that of its keys in bytes, ``counts`` are the numbers of entries of the layers.
        """

    def confine(self, folders: list[str]) -> bool:
        """Take from this thread, and those it starts from now on, for good: to write outside of some folders, to
        start programs, and to connect to anything; each as far as the kernel can (landlock(7)).

        Return whether it can at all. Raises :class:`OSError`.
        """


@cache
def core() -> Core | None:
    """Return the native core; ``None`` if it is not installed, or not wanted (``LAYERTUI_NATIVE=0``)."""
    if os.environ.get("LAYERTUI_NATIVE") == "0":
        return None
    try:
        module = importlib.import_module("layertui_native")
    except ImportError:
        return None
    return cast(Core, module) if module.INTERFACE == INTERFACE else None
