"""Compare two merged trees, of two images or two layers, as a union of two layers.

The tree of the first side, A, is layer 1; what the second, B, has otherwise is layer 2. So
everything that shows what a layer changed (changes, rows, marks) shows how the sides differ.

Paths are compared as numbers: an entry of a layer that both sides have is one entry, and the
metadata of other entries is compared a column at a time.
"""

from __future__ import annotations

import copy
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import eq, ne, not_

from layertui.layers.codec import INDEX_COLUMNS
from layertui.model.layer_index import NO_EXTRA, Kind, LayerIndex
from layertui.model.numbers import NO_EVENT, NO_NODE, ROOT, EntryNumber, Event, LayerNumber, Node
from layertui.union.arrays import ArrayColumn, assign, column, ends, gather, offsets
from layertui.union.model import VISIBLE_KINDS, Absence, LayerUnion

A, B = LayerNumber(1), LayerNumber(2)
"""The sides of a comparison: the layers of :meth:`TreePair.union`."""

_METADATA = ("kind", "mode", "uid", "gid", "size", "mtime", "mtime_ns")
_SAME = (*_METADATA, "keys", "link", "links", "extra")
"""Columns in which equal layers are equal, whichever way their contents are stored."""
_NO_ENTRY = -2
"""In place of an entry, where a side does not have a path; -1 is an implied directory."""


@dataclass(frozen=True, slots=True)
class SideTree:
    """One side: the merged tree of layers 1 to ``layer`` of a union; 0 is the empty tree."""

    union: LayerUnion
    layer: LayerNumber
    digests: Sequence[str]
    """Diff ID (or else blob digest) of each layer; empty if unknown."""


class LayerPool:
    """The entries of all layers of both sides in one index; a common layer is there once."""

    def __init__(self, a: SideTree, b: SideTree) -> None:
        self.layers: list[LayerIndex] = list(a.union.indexes[: a.layer])
        """Indexes of the layers of A, then of those that only B has."""
        self.numbers = (list(range(a.layer)), list[int]())
        """The place in ``layers`` of each layer of A and of B, base first."""
        known = {digest: number for number, digest in enumerate(a.digests[: a.layer]) if digest}
        for index, digest in zip(b.union.indexes[: b.layer], b.digests, strict=False):
            number = known.get(digest, -1)
            if number < 0 or not _hold_the_same(self.layers[number], index):
                number = len(self.layers)
                self.layers.append(index)
            self.numbers[1].append(number)
        self.starts: list[int] = []
        """First entry of each of ``layers`` in ``index``."""
        self.index = self._joined()
        """All of ``layers`` as one."""

    def find(self, entry: EntryNumber) -> tuple[int, EntryNumber]:
        """Return the place in ``layers`` of an entry of ``index``, and its number in that layer."""
        number = bisect_right(self.starts, entry) - 1
        return number, EntryNumber(entry - self.starts[number])

    def _joined(self) -> LayerIndex:
        joined = LayerIndex(keys=b"/".join(index.keys for index in self.layers if index.count))
        for index in self.layers:
            start, links = joined.count, len(joined.links)
            self.starts.append(start)
            joined.kind += index.kind
            for name, code in INDEX_COLUMNS:
                if name != "link":
                    column = getattr(index, name)  # may be narrower
                    getattr(joined, name).extend(column if column.typecode == code else array(code, column))
            joined.link.extend([link + links if link >= 0 else link for link in index.link])
            joined.links += index.links
            for number, extra in index.extra.items():
                joined.extra[start + number] = extra
            joined.count += index.count
        return joined


class TreePair:
    """Two trees with common node numbers."""

    def __init__(self, a: SideTree, b: SideTree) -> None:
        self.pool = LayerPool(a, b)
        numbers = self.pool.numbers
        self._a = _Side(a, [self.pool.starts[number] for number in numbers[0]])
        self._b = _Side(b, [self.pool.starts[number] for number in numbers[1]])
        keys = self._number()
        self._keys = b"/".join(keys)
        self._offsets = offsets(keys)
        self._parents = array("i", [-1]) * len(keys)
        for side in (self._a, self._b):
            assign(self._parents, side.nodes, iter(side.parents()))
        self._parents[0] = -1
        self._ends = ends(self._parents)
        self._base = _Layers(len(keys))
        self._base.lay(self._a, array("I", range(len(self._a.nodes))))
        if self._a.places[0] < 0:
            self._base.append(ROOT, Absence.IMPLIED, Kind.DIRECTORY)
        self.candidates = self._candidates()
        """Nodes that differ, or may differ in content, link target or xattrs."""

    def event(self, node: Node, side: LayerNumber) -> Event:
        """Return the event of the side's own union that shows a path in A or B; -1 if it does not exist."""
        tree = (self._a, self._b)[side - A]
        place = tree.places[node]
        return tree.events[place] if place >= 0 else NO_EVENT

    def shown_bytes(self, side: LayerNumber) -> int:
        """Return the bytes of all files in A or B; a hardlinked file counts once."""
        entries = set((self._a, self._b)[side - A].inodes) - {Absence.IMPLIED}
        return sum(map(self.pool.index.size.__getitem__, entries))

    def union(self, nodes: Sequence[Node]) -> LayerUnion:
        """Return the union of the tree of A and, as layer 2, what B has at these nodes."""
        layers = self._base.copy()
        first = len(layers.ev_node)
        places = self._b.places
        layers.lay(self._b, array("I", [places[node] for node in nodes if places[node] >= 0]))
        for node in nodes:
            if places[node] < 0:
                layers.append(node, Absence.MISSING, Kind.WHITEOUT)
        events = len(layers.ev_node)
        return LayerUnion(
            indexes=[self.pool.index, self.pool.index],
            warnings=[],
            keys=self._keys,
            offsets=self._offsets,
            parent=column(self._parents),
            end=column(self._ends),
            last=column(layers.last),
            ev_node=column(layers.ev_node),
            ev_layer=column(array("H", [A]) * first + array("H", [B]) * (events - first)),
            ev_entry=column(layers.ev_entry),
            ev_prev=column(layers.ev_prev),
            ev_inode=column(layers.ev_inode),
            ev_kind=bytes(layers.ev_kind),
            starts=[0, first, events],
        )

    def _number(self) -> list[bytes]:
        """Return the keys of both sides, sorted, and set the nodes of each side's paths."""
        one, other = self._a.keys(), self._b.keys()
        keys = one
        if one[:1] != [b""]:
            keys = [b"", *one]
        if other != keys:
            known = set(keys)
            # Two sorted runs: timsort merges them in linear time.
            keys = sorted(keys + [key for key in other if key not in known])
        number = dict(zip(keys, count()))
        for side, own in ((self._a, one), (self._b, other)):
            side.nodes = array("I", map(number.__getitem__, own))
            side.places = array("i", [-1]) * len(keys)
            assign(side.places, side.nodes, iter(range(len(own))))
        return keys

    def _candidates(self) -> list[Node]:
        nodes = len(self._offsets) - 1
        one, other = array("i", [_NO_ENTRY]) * nodes, array("i", [_NO_ENTRY]) * nodes
        assign(one, self._a.nodes, iter(self._a.inodes))
        assign(other, self._b.nodes, iter(self._b.inodes))
        differing = array("I", compress(count(), map(ne, one, other)))
        if len(differing) and not differing[0] and _NO_ENTRY in (one[0], other[0]):
            del differing[0]  # the root of an empty tree is no difference
        before, after = gather(one, differing), gather(other, differing)
        alike = map(eq, self._metadata(before), self._metadata(after))
        kinds, extra = self.pool.index.kind, self.pool.index.extra
        return [
            Node(node)
            for node, same, old, new in zip(differing, alike, before, after, strict=True)
            if not same
            or _NO_ENTRY in (old, new)
            or (old >= 0 and kinds[old] != Kind.DIRECTORY)
            or extra.get(old, NO_EXTRA) != extra.get(new, NO_EXTRA)
        ]

    def _metadata(self, entries: ArrayColumn[int, int]) -> zip[tuple[int, ...]]:
        """Return the metadata of entries; an implied directory has that of the one engines create."""
        index = self.pool.index
        implied = {"kind": int(Kind.DIRECTORY), "mode": 0o755}
        columns = []
        for name in _METADATA:
            values = array("B", index.kind) if name == "kind" else getattr(index, name)
            # Two more values at the end for the indexes -1 (implied) and -2 (no entry, distinguished later).
            columns.append(gather(values + array(values.typecode, [implied.get(name, 0)] * 2), entries))
        return zip(*columns, strict=True)


class _Side:
    """The paths of one tree, depth first: a path's **place** is its index in each column."""

    def __init__(self, tree: SideTree, starts: Sequence[int]) -> None:
        """``starts`` are the first entries of the tree's layers in the pool."""
        union = self._union = tree.union
        stop = union.starts[tree.layer]
        if stop == len(union.ev_node):
            self._shown = union.last
        else:
            shown = array("i", [-1]) * union.nodes
            assign(shown, union.ev_node[:stop], iter(range(stop)))
            self._shown = column(shown)
        is_visible = array("B", union.ev_kind[:stop].translate(VISIBLE_KINDS) + b"\0")
        self._visible: ArrayColumn[int, Node] = column(
            array("I", compress(count(), gather(is_visible, self._shown)))
        )
        entries = array("i")
        for layer, start in enumerate(starts, 1):
            part = union.ev_entry[union.starts[layer - 1] : union.starts[layer]]
            entries.extend(
                array("i", [start + entry if entry >= 0 else entry for entry in part]) if start else part
            )
        self.events = gather(self._shown, self._visible)
        """The event of the tree's own union that shows each path."""
        self.kinds = gather(array("B", union.ev_kind), self.events)
        self.entries = gather(entries, self.events)
        """Each path's own entry in the pool; :attr:`Absence.IMPLIED` for an implied directory."""
        self._shared = gather(union.ev_inode, self.events)
        self.is_link = array("B", map(ne, self.events, self._shared))
        """1 for a hardlink."""
        self.inodes = gather(entries, self._shared) if 1 in self.is_link else self.entries
        """The entry in the pool that has each path's metadata and content."""
        self.nodes = array("I")
        """The node of each path in the union of both sides."""
        self.places = array("i")
        """The place of each such node; -1 if this side does not have it."""

    def keys(self) -> list[bytes]:
        """Return the key of each path."""
        keys = self._union.keys.split(b"/")
        return keys if len(self._visible) == len(keys) else [keys[node] for node in self._visible]

    def parents(self) -> ArrayColumn[int, int]:
        """Return the parent of each path, a node of the union of both sides."""
        nodes = array("i", [-1]) * self._union.nodes
        assign(nodes, self._visible, iter(self.nodes))
        return gather(nodes, gather(self._union.parent, self._visible))

    def linked(self, place: int) -> Node:
        """Return the node that shows the file of a hardlink under its own path; -1 if only links to it are left."""
        event = self._shared[place]
        node = self._union.ev_node[event]
        return Node(self.nodes[bisect_left(self._visible, node)]) if self._shown[node] == event else NO_NODE


class _Layers:
    """The events of a union under construction."""

    def __init__(self, nodes: int) -> None:
        self.last = array("i", [-1]) * nodes
        self.ev_node = array("I")
        self.ev_entry = array("i")
        self.ev_prev = array("i")
        self.ev_inode = array("I")
        self.ev_kind = bytearray()

    def copy(self) -> _Layers:
        """Return an independent copy."""
        other = copy.copy(self)
        for name in ("last", "ev_node", "ev_entry", "ev_prev", "ev_inode", "ev_kind"):
            setattr(other, name, getattr(self, name)[:])
        return other

    def append(self, node: Node, entry: int, kind: int, inode: int = -1) -> int:
        """Append one event and return its number; ``entry`` is in the pool or an :class:`Absence`."""
        event = len(self.ev_node)
        self.ev_node.append(node)
        self.ev_entry.append(entry)
        self.ev_prev.append(self.last[node])
        self.ev_inode.append(event if inode < 0 else inode)
        self.ev_kind.append(kind)
        self.last[node] = event
        return event

    def lay(self, side: _Side, places: array[int]) -> None:
        """Append an event for each of some places of a side, hardlinks after the files they refer to."""
        links = array("I", compress(places, gather(side.is_link, places)))
        if links:
            places = array("I", compress(places, map(not_, gather(side.is_link, places))))
        nodes, start = gather(side.nodes, places), len(self.ev_node)
        stop = start + len(nodes)
        self.ev_node.extend(nodes)
        self.ev_entry.extend(gather(side.entries, places))
        self.ev_prev.extend(gather(self.last, nodes))
        self.ev_inode.extend(range(start, stop))
        self.ev_kind += bytes(gather(side.kinds, places))
        assign(self.last, nodes, iter(range(start, stop)))
        stored: dict[int, int] = {}
        for place in links:
            node, entry = side.linked(place), side.inodes[place]
            if node >= 0:
                inode = self.ev_inode[self.last[node]]
            else:  # only links to the file are left
                stored = stored or dict(zip(self.ev_entry, count()))
                inode = stored.get(entry, -1)
            if inode >= 0:
                self.append(Node(side.nodes[place]), side.entries[place], side.kinds[place], inode)
            else:  # the first link becomes the file for the others
                stored[entry] = self.append(Node(side.nodes[place]), entry, side.kinds[place])


def _hold_the_same(one: LayerIndex, other: LayerIndex) -> bool:
    """Return whether two layers of one digest have equal entries: one may be truncated or incomplete."""
    return one is other or all(getattr(one, name) == getattr(other, name) for name in _SAME)
