"""How two merged trees differ, of two images as of two layers, told as a union of two layers.

The tree of the first side, A, is laid down as layer 1; what the second, B, has otherwise is
layer 2. So whatever asks what a layer did (changes, rows, marks) tells how the sides differ.

Paths are compared as numbers: entries of a layer that both sides have are one and the same,
and of the others the metadata is compared a column at a time.
"""

from __future__ import annotations

import copy
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import eq, ne, not_

from layertui.layers.codec import COLUMNS
from layertui.model.layer_index import Extra, Kind, LayerIndex
from layertui.union.arrays import assign, ends, gather, offsets
from layertui.union.model import VISIBLE_KINDS, Absence, LayerUnion

A, B = 1, 2
"""The layers of the union that :meth:`TreePair.union` gives."""

_METADATA = ("kind", "mode", "uid", "gid", "size", "mtime", "mtime_ns")
_SAME = (*_METADATA, "keys", "link", "links", "extra")
"""What layers have in common that hold the same, wherever their contents lie."""
_NO_ENTRY = -2


@dataclass(frozen=True, slots=True)
class SideTree:
    """One side: the merged tree of layers 1 to ``layer`` of a union; 0 is the empty tree."""

    union: LayerUnion
    layer: int
    digests: Sequence[str]
    """What tells each layer from others, its diff ID; empty where that is not known."""


class LayerPool:
    """The entries of all layers of two sides in one index, those of a layer that both have once."""

    def __init__(self, a: SideTree, b: SideTree) -> None:
        self.layers: list[LayerIndex] = list(a.union.indexes[: a.layer])
        """A's, then those that B alone has."""
        self.numbers = (list(range(a.layer)), list[int]())
        """Where in ``layers`` each layer of A and of B is, base first."""
        known = {digest: number for number, digest in enumerate(a.digests[: a.layer]) if digest}
        for index, digest in zip(b.union.indexes[: b.layer], b.digests, strict=False):
            number = known.get(digest, -1)
            if number < 0 or not _hold_the_same(self.layers[number], index):
                number = len(self.layers)
                self.layers.append(index)
            self.numbers[1].append(number)
        self.starts: list[int] = []
        """The first entry of each layer."""
        self.index = self._joined()

    def find(self, entry: int) -> tuple[int, int]:
        """Where in ``layers`` an entry is, and its number in that layer."""
        number = bisect_right(self.starts, entry) - 1
        return number, entry - self.starts[number]

    def _joined(self) -> LayerIndex:
        joined = LayerIndex(keys=b"/".join(index.keys for index in self.layers if index.count))
        for index in self.layers:
            start, links = joined.count, len(joined.links)
            self.starts.append(start)
            joined.kind += index.kind
            for name, _ in COLUMNS:
                if name != "link":
                    getattr(joined, name).extend(getattr(index, name))
            if index.links:
                joined.link.extend(array("i", [link + links if link >= 0 else link for link in index.link]))
            else:
                joined.link.extend(index.link)
            joined.links += index.links
            for number, extra in index.extra.items():
                joined.extra[start + number] = extra
            joined.count += index.count
        return joined


class TreePair:
    """Two trees side by side."""

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
            self._base.append(0, Absence.IMPLIED, Kind.DIRECTORY)
        self.candidates = self._candidates()
        """Nodes of the paths that differ, or may: what tells is their content, target or attributes."""

    def event(self, node: int, side: int) -> int:
        """What shows a path in A or B: an event of that side's own union; -1 if it is not there."""
        tree = (self._a, self._b)[side - A]
        place = tree.places[node]
        return tree.events[place] if place >= 0 else -1

    def shown_bytes(self, side: int) -> int:
        """File bytes that A or B shows, each hardlinked file counted once."""
        entries = set((self._a, self._b)[side - A].inodes) - {Absence.IMPLIED}
        return sum(map(self.pool.index.size.__getitem__, entries))

    def union(self, nodes: Sequence[int]) -> LayerUnion:
        """The tree of A, and on top of it what B has at these nodes."""
        layers = self._base.copy()
        first = len(layers.ev_node)
        there = self._b.places
        layers.lay(self._b, array("I", [there[node] for node in nodes if there[node] >= 0]))
        for node in nodes:
            if there[node] < 0:
                layers.append(node, Absence.MISSING, Kind.WHITEOUT)
        events = len(layers.ev_node)
        return LayerUnion(
            indexes=[self.pool.index, self.pool.index],
            warnings=[],
            keys=self._keys,
            offsets=self._offsets,
            parent=self._parents,
            end=self._ends,
            last=layers.last,
            ev_node=layers.ev_node,
            ev_layer=array("H", [A]) * first + array("H", [B]) * (events - first),
            ev_entry=layers.ev_entry,
            ev_prev=layers.ev_prev,
            ev_inode=layers.ev_inode,
            ev_kind=bytes(layers.ev_kind),
            starts=[0, first, events],
        )

    def _number(self) -> list[bytes]:
        """The keys of both, sorted, and for each side the nodes of its paths among them."""
        one, other = self._a.keys(), self._b.keys()
        keys = one
        if one[:1] != [b""]:
            keys = [b"", *one]
        if other != keys:
            known = set(keys)
            # Two sorted runs, which are merged and not sorted anew.
            keys = sorted(keys + [key for key in other if key not in known])
        number = dict(zip(keys, count()))
        for side, own in ((self._a, one), (self._b, other)):
            side.nodes = array("I", map(number.__getitem__, own))
            side.places = array("i", [-1]) * len(keys)
            assign(side.places, side.nodes, iter(range(len(own))))
        return keys

    def _candidates(self) -> list[int]:
        nodes = len(self._offsets) - 1
        one, other = array("i", [_NO_ENTRY]) * nodes, array("i", [_NO_ENTRY]) * nodes
        assign(one, self._a.nodes, iter(self._a.inodes))
        assign(other, self._b.nodes, iter(self._b.inodes))
        differing = array("I", compress(count(), map(ne, one, other)))
        if len(differing) and not differing[0] and _NO_ENTRY in (one[0], other[0]):
            del differing[0]  # an empty tree has a root as well
        before, after = gather(one, differing), gather(other, differing)
        alike = map(eq, self._metadata(before), self._metadata(after))
        kinds, extra = self.pool.index.kind, self.pool.index.extra
        return [
            node
            for node, same, old, new in zip(differing, alike, before, after, strict=True)
            if not same
            or _NO_ENTRY in (old, new)
            or (old >= 0 and kinds[old] != Kind.DIRECTORY)
            or extra.get(old, _PLAIN) != extra.get(new, _PLAIN)
        ]

    def _metadata(self, entries: array[int]) -> zip[tuple[int, ...]]:
        """The metadata of entries; a directory that no layer names has that of what engines make there."""
        index = self.pool.index
        made = {"kind": int(Kind.DIRECTORY), "mode": 0o755}
        columns = []
        for name in _METADATA:
            column = array("B", index.kind) if name == "kind" else getattr(index, name)
            # What -1 finds, and -2: that a path is not there is told apart anyway.
            columns.append(gather(column + array(column.typecode, [made.get(name, 0)] * 2), entries))
        return zip(*columns, strict=True)


class _Side:
    """The paths of one tree, one value a path in each column, in the order of the tree."""

    def __init__(self, tree: SideTree, starts: Sequence[int]) -> None:
        """``starts`` are the first entries of its layers in the pool."""
        union = self._union = tree.union
        stop = union.starts[tree.layer]
        if stop == len(union.ev_node):
            self._shown = union.last
        else:
            self._shown = array("i", [-1]) * union.nodes
            assign(self._shown, union.ev_node[:stop], iter(range(stop)))
        is_there = array("B", union.ev_kind[:stop].translate(VISIBLE_KINDS) + b"\0")
        self._visible = array("I", compress(count(), gather(is_there, self._shown)))
        entries = array("i")
        for layer, start in enumerate(starts, 1):
            part = union.ev_entry[union.starts[layer - 1] : union.starts[layer]]
            entries.extend(
                array("i", [start + entry if entry >= 0 else entry for entry in part]) if start else part
            )
        self.events = gather(self._shown, self._visible)
        """Of the union that it is of."""
        self.kinds = gather(array("B", union.ev_kind), self.events)
        self.entries = gather(entries, self.events)
        """In the pool; :attr:`Absence.IMPLIED` for a directory that no layer names."""
        self._shared = gather(union.ev_inode, self.events)
        self.is_link = array("B", map(ne, self.events, self._shared))
        """1 for a hardlink."""
        self.inodes = gather(entries, self._shared) if 1 in self.is_link else self.entries
        """The entry that holds metadata and content."""
        self.nodes = array("I")
        """Of the union that both sides make."""
        self.places = array("i")
        """Where in these columns each of those nodes is; -1 if it is not."""

    def keys(self) -> list[bytes]:
        keys = self._union.keys.split(b"/")
        return keys if len(self._visible) == len(keys) else [keys[node] for node in self._visible]

    def parents(self) -> array[int]:
        """The node that each path is in, of the union that both sides make."""
        nodes = array("i", [-1]) * self._union.nodes
        assign(nodes, self._visible, iter(self.nodes))
        return gather(nodes, gather(self._union.parent, self._visible))

    def linked(self, place: int) -> int:
        """The node that shows what a hardlink shares; -1 if none but links do."""
        event = self._shared[place]
        node = self._union.ev_node[event]
        return self.nodes[bisect_left(self._visible, node)] if self._shown[node] == event else -1


class _Layers:
    """The events of a union that is being made."""

    def __init__(self, nodes: int) -> None:
        self.last = array("i", [-1]) * nodes
        self.ev_node = array("I")
        self.ev_entry = array("i")
        self.ev_prev = array("i")
        self.ev_inode = array("I")
        self.ev_kind = bytearray()

    def copy(self) -> _Layers:
        """The same events, to go on with apart from these."""
        other = copy.copy(self)
        for name in ("last", "ev_node", "ev_entry", "ev_prev", "ev_inode", "ev_kind"):
            setattr(other, name, getattr(self, name)[:])
        return other

    def append(self, node: int, entry: int, kind: int, inode: int = -1) -> int:
        """Lay one event; its number."""
        event = len(self.ev_node)
        self.ev_node.append(node)
        self.ev_entry.append(entry)
        self.ev_prev.append(self.last[node])
        self.ev_inode.append(event if inode < 0 else inode)
        self.ev_kind.append(kind)
        self.last[node] = event
        return event

    def lay(self, side: _Side, places: array[int]) -> None:
        """Lay the paths at some places of a side, hardlinks after what they share."""
        links = array("I", compress(places, gather(side.is_link, places)))
        if links:
            places = array("I", compress(places, map(not_, gather(side.is_link, places))))
        nodes, start = gather(side.nodes, places), len(self.ev_node)
        stop = start + len(nodes)
        self.ev_node.extend(nodes)
        self.ev_entry.extend(gather(side.entries, places))
        self.ev_prev.extend(gather(self.last, nodes))
        self.ev_inode.extend(range(start, stop))
        self.ev_kind += gather(side.kinds, places)
        assign(self.last, nodes, iter(range(start, stop)))
        stored: dict[int, int] = {}
        for place in links:
            node, entry = side.linked(place), side.inodes[place]
            if node >= 0:
                inode = self.ev_inode[self.last[node]]
            else:  # only links are left of it
                stored = stored or dict(zip(self.ev_entry, count()))
                inode = stored.get(entry, -1)
            if inode >= 0:
                self.append(side.nodes[place], side.entries[place], side.kinds[place], inode)
            else:  # the first of them stands for what they share
                stored[entry] = self.append(side.nodes[place], entry, side.kinds[place])


_PLAIN = Extra()


def _hold_the_same(one: LayerIndex, other: LayerIndex) -> bool:
    """Whether two layers of one digest were read alike: neither is cut, or lists less than it holds."""
    return one is other or all(getattr(one, name) == getattr(other, name) for name in _SAME)
