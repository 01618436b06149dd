"""All layers of an image as one: every path that any of them has, and what each did to it."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from layertui.layers.codec import column_of
from layertui.model.entry import ENTRY_TYPES, Entry
from layertui.model.errors import LayertuiError
from layertui.model.layer_index import Extra, Kind, LayerIndex, key_of, keys_ending
from layertui.union.arrays import STRETCH

MAX_LOOKUP_LINKS = 40
"""Symlinks followed for one path before it counts as a loop (as Linux, path_resolution(7))."""


class Absence(IntEnum):
    """What ``ev_entry`` holds where a layer has no entry of its own for a path."""

    IMPLIED = -1
    """Not a deletion: a directory that no layer names, there for what is below it."""
    WHITEOUT = -2
    """A whiteout of it or of a directory above it."""
    OPAQUE = -3
    """An opaque whiteout of a directory above it."""
    REPLACED = -4
    """A directory above it became something else."""
    MISSING = -5
    """No deletion by a layer: the second side of a comparison does not have it."""


VISIBLE_KINDS = bytes(kind <= Kind.SOCKET for kind in range(256))
"""Table for :meth:`bytes.translate` from ``ev_kind`` to 1 if the path exists after the event, else 0."""


class UnionWarning(NamedTuple):
    """Where an image is not valid, or engines are known to disagree about it."""

    layer: int
    code: str
    path: str
    text: str


@dataclass(slots=True)
class LayerUnion:
    """Frozen columns; see :class:`layertui.union.builder.UnionBuilder`.

    A **node** is a path that some layer has. Nodes are numbered depth first, names in byte
    order: node 0 is the root, the subtree of a node is ``node`` to ``end[node] - 1``.

    An **event** is one thing a layer did to a path: laid an entry over it or deleted it.
    Events are numbered in the order in which the layers make them, so those of a layer are
    one stretch, and what is visible at layer N is each node's last event before the end of
    that layer's. A layer has more than one event for a path if it both deletes and stores it.
    """

    indexes: list[LayerIndex]
    warnings: list[UnionWarning]
    keys: bytes
    """The nodes' keys, joined by slashes."""
    offsets: array[int]
    """Where each node's key starts in ``keys``; one more for the end."""
    parent: array[int]
    """-1 for the root."""
    end: array[int]
    last: array[int]
    """Each node's last event."""
    ev_node: array[int]
    ev_layer: array[int]
    ev_entry: array[int]
    """Number of the entry in the layer's index, or a :class:`Absence`."""
    ev_prev: array[int]
    """The same path's event before; -1 for none."""
    ev_inode: array[int]
    """The event whose entry holds metadata and content: itself, or what a hardlink shares."""
    ev_kind: bytes
    """:class:`Kind` of what a path is after an event; above ``Kind.SOCKET`` it is gone."""
    starts: list[int]
    """First event of each layer, base first; one more for the end."""

    @property
    def nodes(self) -> int:
        return len(self.parent)

    @property
    def layers(self) -> int:
        return len(self.indexes)

    # Paths

    def key(self, node: int) -> bytes:
        return self.keys[self.offsets[node] : self.offsets[node + 1] - 1]

    def path(self, node: int) -> str:
        """Absolute; undecodable bytes as lone surrogates."""
        return "/" + self.key(node).replace(b"\0", b"/").decode("utf-8", "surrogateescape")

    def name(self, node: int) -> str:
        """The last component; ``/`` for the root."""
        return self.key(node).rpartition(b"\0")[2].decode("utf-8", "surrogateescape") or "/"

    def depth(self, node: int) -> int:
        """0 for the root."""
        return self.key(node).count(0) + 1 if node else 0

    def children(self, node: int) -> Iterator[int]:
        child, end = node + 1, self.end[node]
        while child < end:
            yield child
            child = self.end[child]

    def find(self, path: str) -> int:
        """The node of a path, spelled as users do; -1 if no layer has it."""
        return self.find_key(key_of(path))

    def find_key(self, key: bytes) -> int:
        """The node of a key; -1 if no layer has it."""
        node = bisect_left(range(self.nodes), key, key=self.key)
        return node if node < self.nodes and self.key(node) == key else -1

    def matching(self, *patterns: bytes) -> Iterator[tuple[int, int]]:
        """The nodes whose keys end as one of the regular expressions says, and the number of the first that does.

        They see a slash before each key. One that is to be quick starts with a letter, or all with the same.
        """
        any_of = keys_ending(patterns)
        each = [re.compile(b"(?:" + pattern + rb")\Z") for pattern in patterns]
        for first in range(0, self.nodes, STRETCH):  # or nobody else would get a turn meanwhile
            start = max(self.offsets[first] - 1, 0)
            stop = self.offsets[min(first + STRETCH, self.nodes)] - 1
            for match in any_of.finditer(self.keys[start:stop]):
                node = bisect_right(self.offsets, start + match.end() - 1) - 1
                key = b"/" + self.key(node)
                yield node, next(number for number, one in enumerate(each) if one.search(key))

    def counterpart(self, other: LayerUnion, node: int) -> int:
        """The node of the same path as ``node`` in another union, or of the nearest directory above it."""
        if other is self:
            return node
        while (there := self.find_key(other.key(node))) < 0:
            node = other.parent[node]
        return there

    # Events

    def events_of(self, layer: int) -> range:
        return range(self.starts[layer - 1], self.starts[layer])

    def shows(self, event: int) -> bool:
        """Whether the path is there after an event (-1: none yet)."""
        return event >= 0 and self.ev_entry[event] >= Absence.IMPLIED

    def last_by(self, node: int, layer: int) -> int:
        """The path's last event in layers 1 to ``layer``, be it a deletion; -1 for none."""
        event, stop = self.last[node], self.starts[layer]
        while event >= stop:
            event = self.ev_prev[event]
        return event

    def at(self, node: int, layer: int) -> int:
        """The event that makes the path visible in the merged tree of layers 1 to ``layer``.

        -1 if the path is not there. Layer 0 is the empty tree.
        """
        event = self.last_by(node, layer)
        return event if self.shows(event) else -1

    def versions(self, node: int) -> list[int]:
        """All events of a path, base first."""
        events = []
        event = self.last[node]
        while event >= 0:
            events.append(event)
            event = self.ev_prev[event]
        return events[::-1]

    def is_directory(self, event: int) -> bool:
        return self.ev_kind[event] == Kind.DIRECTORY

    def size(self, event: int) -> int:
        """Bytes of content that a path has after an event."""
        inode = self.ev_inode[event]
        entry = self.ev_entry[inode]
        return self.indexes[self.ev_layer[inode] - 1].size[entry] if entry >= 0 else 0

    def linkname(self, event: int) -> bytes | None:
        """Where the symlink of an event points, as stored; ``None`` for all else."""
        if self.ev_kind[event] != Kind.SYMLINK:
            return None
        inode = self.ev_inode[event]
        index = self.indexes[self.ev_layer[inode] - 1]
        return index.links[index.link[self.ev_entry[inode]]]

    def extra(self, event: int) -> Extra | None:
        """Xattrs, device and sparse map, where an event's entry has any."""
        inode = self.ev_inode[event]
        entry = self.ev_entry[inode]
        return self.indexes[self.ev_layer[inode] - 1].extra.get(entry) if entry >= 0 else None

    def entry(self, event: int) -> Entry:
        """What a path is after an event.

        Raises ``ValueError`` for an event that deletes it.
        """
        if not self.shows(event):
            raise ValueError(f"event {event} deletes {self.path(self.ev_node[event])}")
        path = self.path(self.ev_node[event])
        layer = self.ev_layer[event]
        if self.ev_entry[event] < 0:
            # Engines create missing parents as the first 0755 of root.
            return Entry(path, "directory", 0o755, 0, 0, 0, 0, 0, None, layer, True, {}, None, None)
        inode = self.ev_inode[event]
        index, number = self.indexes[self.ev_layer[inode] - 1], self.ev_entry[inode]
        extra = index.extra.get(number)
        linkname = self.linkname(event)
        own = self.indexes[layer - 1]
        hardlink = None
        if own.kind[self.ev_entry[event]] == Kind.HARDLINK:
            target = own.links[own.link[self.ev_entry[event]]]
            hardlink = "/" + target.replace(b"\0", b"/").decode("utf-8", "surrogateescape")
        return Entry(
            path=path,
            type=ENTRY_TYPES[self.ev_kind[event]],
            mode=index.mode[number] & 0o7777,
            uid=index.uid[number],
            gid=index.gid[number],
            size=index.size[number],
            mtime=index.mtime[number],
            mtime_ns=index.mtime_ns[number],
            linkname=None if linkname is None else linkname.decode("utf-8", "surrogateescape"),
            layer=layer,
            implied=False,
            xattrs=extra.xattrs if extra else {},
            hardlink=hardlink,
            device=extra.device if extra else None,
        )

    def resolve(self, path: str, layer: int, follow: bool = True) -> int:
        """The node that a path leads to in a merged tree, symlinks followed inside the image.

        Without ``follow`` a symlink at the very end is left as it is. Raises
        :class:`LayertuiError` if it is not there, leads below something that is no directory,
        or goes round in circles.
        """
        node, links = 0, 0
        todo = path.encode("utf-8", "surrogateescape").split(b"/")[::-1]
        while todo:
            name = todo.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                node = max(self.parent[node], 0)
                continue
            child = self.find_key(self.key(node) + b"\0" + name if node else name)
            event = self.at(child, layer) if child >= 0 else -1
            if event < 0:
                raise LayertuiError(f"no {path} at layer {layer}")
            target = self.linkname(event)
            rest = any(part not in (b"", b".") for part in todo)
            if target is not None and (rest or follow):
                links += 1
                if links > MAX_LOOKUP_LINKS:
                    raise LayertuiError(f"{path} goes round in circles", "too many symbolic links")
                if target.startswith(b"/"):
                    node = 0
                todo += target.split(b"/")[::-1]
            elif rest and not self.is_directory(event):
                raise LayertuiError(f"no {path} at layer {layer}", f"{self.path(child)} is no directory")
            else:
                node = child
        return node

    # Sums

    def stored_bytes(self) -> int:
        """File bytes that all layers store."""
        return sum(
            sum(index.size[start : start + STRETCH])
            for index in self.indexes
            for start in range(0, index.count, STRETCH)
        )

    # Between processes

    def encode(self) -> bytes:
        """The columns without the layers' indexes, for :meth:`decode` in another process."""
        import msgspec

        # As bytes: paths may hold lone surrogates, which msgpack's strings cannot.
        warnings = [
            (layer, code, path.encode("utf-8", "surrogateescape"), text.encode("utf-8", "surrogateescape"))
            for layer, code, path, text in self.warnings
        ]
        columns = [getattr(self, name).tobytes() for name in _ARRAYS]
        return msgspec.msgpack.encode([warnings, self.keys, self.ev_kind, self.starts, columns])

    @staticmethod
    def decode(data: bytes | memoryview, indexes: list[LayerIndex]) -> LayerUnion:
        """The union of these layers from what :meth:`encode` gave.

        Raises ``msgspec.MsgspecError`` or ``ValueError`` for what is not even of its form.
        """
        import msgspec

        # Views are not copied where the columns are made of them.
        form = tuple[list[tuple[int, str, bytes, bytes]], memoryview, memoryview, list[int], list[memoryview]]
        warnings, keys, kinds, starts, columns = msgspec.msgpack.decode(data, type=form)
        arrays: dict[str, Any] = {
            name: column_of(code, column)
            for (name, code), column in zip(_ARRAYS.items(), columns, strict=True)
        }
        return LayerUnion(
            indexes=indexes,
            warnings=[
                UnionWarning(
                    layer,
                    code,
                    path.decode("utf-8", "surrogateescape"),
                    text.decode("utf-8", "surrogateescape"),
                )
                for layer, code, path, text in warnings
            ],
            keys=bytes(keys),
            ev_kind=bytes(kinds),
            starts=starts,
            **arrays,
        )


_ARRAYS = {
    "offsets": "I",
    "parent": "i",
    "end": "I",
    "last": "i",
    "ev_node": "I",
    "ev_layer": "H",
    "ev_entry": "i",
    "ev_prev": "i",
    "ev_inode": "I",
}
