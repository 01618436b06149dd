"""The union of an image's layers: every path that any layer has, and what each layer did to it."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import cast

from layertui.model.entry import ENTRY_TYPES, Entry
from layertui.model.errors import LayertuiError
from layertui.model.layer_index import Extra, Kind, LayerIndex, key_of, keys_ending, path_of
from layertui.model.numbers import NO_EVENT, NO_NODE, ROOT, EntryNumber, Event, LayerNumber, Node
from layertui.union.arrays import STRETCH, ArrayColumn
from layertui.union.hardlinks import Hardlinks
from layertui.union.union_warning import UnionWarning

MAX_LOOKUP_LINKS = 40
"""Symlinks followed for one path before it counts as a loop, as in Linux (path_resolution(7))."""


class Absence(IntEnum):
    """What ``ev_entry`` contains where the layer has no entry of its own for the path."""

    IMPLIED = -1
    """The path exists: a directory without an entry in any layer, created for its descendants."""
    WHITEOUT = -2
    """Deleted by a whiteout of the path or of a directory above it."""
    OPAQUE = -3
    """Deleted by an opaque whiteout of a directory above it."""
    REPLACED = -4
    """Deleted because a directory above it was replaced by something else."""
    MISSING = -5
    """Not deleted by a layer: the second side of a comparison does not have the path."""


WHITEOUT_NAMES = {Absence.WHITEOUT: "file", Absence.OPAQUE: "opaque", Absence.REPLACED: "replaced"}
"""How a path is deleted, in JSON."""

VISIBLE_KINDS = bytes(kind <= Kind.SOCKET for kind in range(256))
"""Table for :meth:`bytes.translate` from ``ev_kind`` to 1 if the path exists after the event, else 0."""


COLUMNS = {
    "offsets": "I",
    "parent": "i",
    "end": "I",
    "last": "i",
    "ev_node": "I",
    "ev_entry": "i",
    "ev_prev": "i",
    "ev_inode": "I",
}
"""The columns of a union that are stored as arrays, and their type codes (:mod:`array`); ``starts`` tell ``ev_layer``."""


class LayerUnion:
    """The paths of all layers and their history, in read-only columns.

    A **node** is a path that at least one layer has. Nodes are numbered depth first, names in
    byte order: node 0 is the root, the subtree of a node is ``node`` to ``end[node] - 1``.

    An **event** is one thing that a layer did to a path: it stored an entry or deleted the
    path. Events are numbered in the order in which the layers are applied, so those of one
    layer are contiguous, and the state of a path at layer N is its last event in layers 1 to
    N. A layer has two events for a path if it both deletes and stores it.

    Columns and methods take the numbers of this union only; nodes of another union of the
    same image are other numbers (see :meth:`counterpart`), while its events stay the same as
    long as layers are only added on top.
    """

    # No dataclass, for the reason of LayerIndex.

    def __init__(
        self,
        *,
        indexes: list[LayerIndex],
        warnings: list[UnionWarning],
        keys: bytes,
        offsets: array[int],
        parent: ArrayColumn[Node, Node],
        end: ArrayColumn[Node, Node],
        last: ArrayColumn[Node, Event],
        ev_node: ArrayColumn[Event, Node],
        ev_layer: ArrayColumn[Event, LayerNumber],
        ev_entry: ArrayColumn[Event, EntryNumber],
        ev_prev: ArrayColumn[Event, Event],
        ev_inode: ArrayColumn[Event, Event],
        ev_kind: bytes,
        starts: list[int],
    ) -> None:
        self.indexes = indexes
        """Index of each layer, base first."""
        self.warnings = warnings
        self.keys = keys
        """The keys of all nodes, joined by slashes: one object in place of a million."""
        self.offsets = offsets
        """Start of each node's key in ``keys``, and one more for the end."""
        self.parent = parent
        """The directory of each node; -1 for the root."""
        self.end = end
        """The node after the last descendant of each node."""
        self.last = last
        """The last event of each node in any layer; -1 for the root of no layers."""
        self.ev_node = ev_node
        self.ev_layer = ev_layer
        self.ev_entry = ev_entry
        """Number of the entry in the layer's index, or a negative :class:`Absence`."""
        self.ev_prev = ev_prev
        """The previous event of the same path; -1 for none."""
        self.ev_inode = ev_inode
        """The event whose entry has the metadata and content.

        The event itself, except for a hardlink: its own entry has only a target, and the target's
        path may be overwritten or deleted later while this one lives on. So it refers to the event
        that stored the file, which stays valid whatever happens to its path.
        """
        self.ev_kind = ev_kind
        """:class:`Kind` of the path after each event; see :data:`VISIBLE_KINDS`."""
        self.starts = starts
        """First event of each layer, base first, and one more for the end: layer N has the events
        ``starts[N - 1]`` to ``starts[N] - 1``."""
        self.is_alone = False
        """Whether it is of the topmost layer alone: those below are not known, and have no events here."""
        self._hardlinks: Hardlinks | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LayerUnion) and all(
            getattr(other, name) == value for name, value in vars(self).items() if name != "_hardlinks"
        )

    @property
    def nodes(self) -> int:
        """Number of nodes, the root and paths that are deleted in the top layer included."""
        return len(self.parent)

    @property
    def layers(self) -> LayerNumber:
        """Number of layers, which is the number of the topmost one."""
        return LayerNumber(len(self.indexes))

    @property
    def layer_numbers(self) -> Sequence[LayerNumber]:
        """The numbers of all layers, base first."""
        return cast("Sequence[LayerNumber]", range(1, len(self.indexes) + 1))

    def damages(self) -> list[tuple[LayerNumber, str]]:
        """Return the layers whose entries are incomplete or cannot be trusted, and why."""
        return [
            (number, index.damage)
            for number, index in zip(self.layer_numbers, self.indexes, strict=True)
            if index.damage
        ]

    # Paths: for every node, whether or not the path exists at some layer

    def key(self, node: Node) -> bytes:
        """Return the key of a path: its components joined by NUL, without a leading one; empty for the root."""
        return self.keys[self.offsets[node] : self.offsets[node + 1] - 1]

    def path(self, node: Node) -> str:
        """Return the absolute path; undecodable bytes become lone surrogates (PEP 383)."""
        return "/" + self.key(node).replace(b"\0", b"/").decode("utf-8", "surrogateescape")

    def name(self, node: Node) -> str:
        """Return the last component of the path; ``/`` for the root."""
        return self.key(node).rpartition(b"\0")[2].decode("utf-8", "surrogateescape") or "/"

    def depth(self, node: Node) -> int:
        """Return the number of components; 0 for the root."""
        return self.key(node).count(0) + 1 if node else 0

    def subtree(self, node: Node) -> Sequence[Node]:
        """Return a node and its descendants, depth first; empty for what is not a directory in any layer."""
        return cast("Sequence[Node]", range(node, self.end[node]))

    def descendants(self, node: Node) -> Sequence[Node]:
        """Return the nodes below a node, depth first."""
        return cast("Sequence[Node]", range(node + 1, self.end[node]))

    def children(self, node: Node) -> Iterator[Node]:
        """Yield the nodes directly below a node, in byte order of their names.

        In any layer: a path that is a file at one layer has children if it is a directory at
        another, and those that are deleted are included. See :meth:`at`.
        """
        child, end = Node(node + 1), self.end[node]
        while child < end:
            yield child
            child = self.end[child]

    def find(self, path: str) -> Node:
        """Return the node of a path as users type it; -1 if no layer has it."""
        return self.find_key(key_of(path))

    def find_key(self, key: bytes) -> Node:
        """Return the node of a key; -1 if no layer has it."""
        node = Node(bisect_left(cast("Sequence[Node]", range(self.nodes)), key, key=self.key))
        return node if node < self.nodes and self.key(node) == key else NO_NODE

    def matching(self, *patterns: bytes) -> Iterator[tuple[Node, int]]:
        """Yield the nodes whose keys end with a match of a pattern, and the number of the first such pattern.

        Patterns are regular expressions over keys with a slash before each. To be fast, one
        starts with a literal, or all start with the same.
        """
        any_of = keys_ending(patterns)
        each = [re.compile(b"(?:" + pattern + rb")\Z") for pattern in patterns]
        for first in range(0, self.nodes, STRETCH):  # in stretches: other threads get their turn
            start = max(self.offsets[first] - 1, 0)
            stop = self.offsets[min(first + STRETCH, self.nodes)] - 1
            for match in any_of.finditer(self.keys[start:stop]):
                node = Node(bisect_right(self.offsets, start + match.end() - 1) - 1)
                key = b"/" + self.key(node)
                yield node, next(number for number, one in enumerate(each) if one.search(key))

    def counterpart(self, other: LayerUnion, node: Node) -> Node:
        """Return the node here of the path that ``node`` is in another union, or of its nearest existing parent."""
        return node if other is self else self.nearest(other.key(node))

    def nearest(self, key: bytes) -> Node:
        """Return the node of a key, or of its nearest existing parent."""
        while (node := self.find_key(key)) < 0:
            key = key.rpartition(b"\0")[0]
        return node

    # Events

    @property
    def events(self) -> Sequence[Event]:
        """The events of all layers."""
        return cast("Sequence[Event]", range(len(self.ev_node)))

    def events_of(self, layer: LayerNumber) -> Sequence[Event]:
        """Return the events of one layer, 1 to ``layers``; whiteouts come before entries."""
        return cast("Sequence[Event]", range(self.starts[layer - 1], self.starts[layer]))

    def shows(self, event: Event) -> bool:
        """Return whether the path exists after an event; not after -1, no event."""
        return event >= 0 and self.ev_entry[event] >= Absence.IMPLIED

    def last_by(self, node: Node, layer: LayerNumber) -> Event:
        """Return the path's last event in layers 1 to ``layer``, which may be a deletion; -1 for none."""
        event, stop = self.last[node], self.starts[layer]
        while event >= stop:
            event = self.ev_prev[event]
        return event

    def at(self, node: Node, layer: LayerNumber) -> Event:
        """Return the event that shows the path in the merged tree of layers 1 to ``layer``.

        -1 if the path does not exist there. Layer 0 is the empty tree.
        """
        event = self.last_by(node, layer)
        return event if self.shows(event) else NO_EVENT

    def versions(self, node: Node) -> list[Event]:
        """Return all events of a path, base first."""
        events = []
        event = self.last[node]
        while event >= 0:
            events.append(event)
            event = self.ev_prev[event]
        return events[::-1]

    # What a path is after an event: not for -1, and for deletions only where it is said

    def is_directory(self, event: Event) -> bool:
        """Return whether the path is a directory after an event; False for a deletion, and for -1."""
        return event >= 0 and self.ev_kind[event] == Kind.DIRECTORY

    def size(self, event: Event) -> int:
        """Return the bytes of content that the path has after an event; 0 for a deletion."""
        inode = self.ev_inode[event]
        entry = self.ev_entry[inode]
        return self.indexes[self.ev_layer[inode] - 1].size[entry] if entry >= 0 else 0

    def linkname(self, event: Event) -> bytes | None:
        """Return the target of a symlink as stored; ``None`` for other types and deletions."""
        if self.ev_kind[event] != Kind.SYMLINK:
            return None
        inode = self.ev_inode[event]
        index = self.indexes[self.ev_layer[inode] - 1]
        return index.links[index.link[self.ev_entry[inode]]]

    def extra(self, event: Event) -> Extra | None:
        """Return xattrs, device number and sparse map; ``None`` without any, and for deletions."""
        inode = self.ev_inode[event]
        entry = self.ev_entry[inode]
        return self.indexes[self.ev_layer[inode] - 1].extra.get(entry) if entry >= 0 else None

    @property
    def hardlinks(self) -> Hardlinks:
        """The names of files that have several."""
        if self._hardlinks is None:
            self._hardlinks = Hardlinks(self)
        return self._hardlinks

    def entry(self, event: Event, merged: LayerNumber | None = None) -> Entry:
        """Return what a path is after an event. Raises ``ValueError`` for a deletion.

        ``merged`` is the layer at whose merged tree its other names are looked up; that of the event by default, and
        where the tree does not show it.
        """
        if not self.shows(event):
            raise ValueError(f"event {event} deletes {self.path(self.ev_node[event])}")
        path = self.path(self.ev_node[event])
        layer = self.ev_layer[event]
        if self.ev_entry[event] < 0:
            # Engines create missing parents as root, with mode 0755.
            return Entry(path, "directory", 0o755, 0, 0, 0, 0, 0, None, layer, True, {}, None, None)
        inode = self.ev_inode[event]
        index, number = self.indexes[self.ev_layer[inode] - 1], self.ev_entry[inode]
        extra = index.extra.get(number)
        linkname = self.linkname(event)
        hardlink = None
        if self.ev_kind[event] == Kind.HARDLINK:  # to nothing
            hardlink = path_of(index.links[index.link[number]])
        elif inode != event:
            other = self.hardlinks.linked(event, layer if merged is None else merged)
            hardlink = self.path(self.ev_node[other]) if other >= 0 else None
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

    def resolve(self, path: str, layer: LayerNumber, follow: bool = True) -> Node:
        """Look up a path in a merged tree as the kernel does in a container, following symlinks.

        Symlinks never lead out of the image. Without ``follow`` a symlink as the last
        component is not followed (``O_NOFOLLOW``). Raises :class:`LayertuiError` if the path
        does not exist, a component is not a directory, or there are too many symlinks.
        """
        node, links = ROOT, 0
        todo = path.encode("utf-8", "surrogateescape").split(b"/")[::-1]
        while todo:
            name = todo.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                node = self.parent[node] if node else ROOT
                continue
            child = self.find_key(self.key(node) + b"\0" + name if node else name)
            event = self.at(child, layer) if child >= 0 else NO_EVENT
            if event < 0:
                raise LayertuiError(f"no {path} at layer {layer}")
            target = self.linkname(event)
            rest = any(part not in (b"", b".") for part in todo)
            if target is not None and (rest or follow):
                links += 1
                if links > MAX_LOOKUP_LINKS:
                    raise LayertuiError(f"cannot resolve {path}", "too many levels of symbolic links")
                if target.startswith(b"/"):
                    node = ROOT
                todo += target.split(b"/")[::-1]
            elif rest and not self.is_directory(event):
                raise LayertuiError(f"no {path} at layer {layer}", f"{self.path(child)} is not a directory")
            else:
                node = child
        return node

    # Sums

    def stored_bytes(self) -> int:
        """Return the file bytes stored in all layers, hidden ones included."""
        return sum(
            sum(index.size[start : start + STRETCH])
            for index in self.indexes
            for start in range(0, index.count, STRETCH)
        )
