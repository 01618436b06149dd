"""The entries of a tar while it is scanned, by the native core and by Python in turns."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from operator import itemgetter

from layertui.layers import native
from layertui.layers.tar.header import Owner
from layertui.model.layer_index import Extra, LayerIndex

NATIVE_COLUMNS = ("mode", "uid", "gid", "size", "mtime", "mtime_ns", "offset")
"""Columns of a :class:`LayerIndex` that the core fills, in the order of :data:`layertui.layers.native.Columns`."""

MAX_SHARED = 256
"""Sets of extended attributes that the core knows of at most; most layers have a few."""


class Collected:
    """Columns of an index, some of them in a form that is faster to append to; :meth:`finish` completes them."""

    def __init__(self, index: LayerIndex) -> None:
        self.keys: list[bytes] = []
        """In tar order; an element is one key, or several of the core's joined by slashes."""
        self.kinds = index.kind
        """The only column that has one element per entry at any time."""
        self.owners: list[Owner] = []
        """Of the entries that Python appended since the core did."""
        self.nanoseconds: dict[int, int] = {}
        self.links: dict[int, bytes] = {}
        core = native.core()
        self.core = None if core is None else core.Entries()
        self._index = index
        self._append = [getattr(index, name).frombytes for name in NATIVE_COLUMNS]
        self._shared: list[Extra] = []

    def take(self) -> None:
        """Append the entries that the native core has read, as must be done before Python appends one."""
        taken = self.core.take() if self.core is not None else None
        if taken is not None:
            (keys, kinds), columns, (numbers, targets), attributed = taken
            self._settle()
            before = len(self.kinds)
            if numbers:
                self.links.update(zip(map(before.__add__, numbers), targets, strict=True))
            if attributed:
                self._index.extra.update(
                    (before + entry, self._shared[number]) for entry, number in attributed
                )
            self.keys.append(keys)
            self.kinds += kinds
            for append, data in zip(self._append, columns, strict=True):
                append(data)

    def share(self, xattrs: Mapping[str, bytes]) -> None:
        """Have the core read entries with these extended attributes too."""
        if self.core is not None and len(self._shared) < MAX_SHARED:
            names = (name.encode("utf-8", "surrogateescape") for name in xattrs)
            self.core.share(list(zip(names, xattrs.values(), strict=True)))
            self._shared.append(Extra(xattrs))

    def finish(self) -> None:
        """Complete the columns."""
        index = self._index
        self.take()
        self._settle()
        index.count = len(self.kinds)
        index.keys = b"/".join(self.keys)
        for number, value in self.nanoseconds.items():
            index.mtime_ns[number] = value
        index.link = array("i", b"\xff" * (4 * index.count))
        for number, target in self.links.items():
            index.link[number] = len(index.links)
            index.links.append(target)

    def _settle(self) -> None:
        """Complete the columns of the entries that Python appended."""
        index, owners = self._index, self.owners
        if len(index.mtime_ns) == len(self.kinds):
            return
        for column, place in ((index.mode, 0), (index.uid, 1), (index.gid, 2)):
            column.extend(map(itemgetter(place), owners))
        owners.clear()
        index.mtime_ns.frombytes(bytes(4 * (len(self.kinds) - len(index.mtime_ns))))
