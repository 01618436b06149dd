"""The merged tree at one layer, which can be moved from layer to layer by the changes between them."""

from __future__ import annotations

import copy
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import accumulate, compress, repeat

from layertui.model.numbers import EMPTY, NO_EVENT, NO_NODE, ROOT, Event, LayerNumber, Node
from layertui.union.arrays import STRETCH, ArrayColumn, assign
from layertui.union.changes import UNDECIDED, Mark, SameContent, mark_of
from layertui.union.model import VISIBLE_KINDS, LayerUnion

NODES_PER_BLOCK = 1024
"""Nodes whose sizes have a common sum, so that sizes of large subtrees need not add up every node."""

COUNTED_MARKS = {
    Mark.ADDED: (Mark.ADDED,),
    Mark.MODIFIED: (Mark.MODIFIED,),
    Mark.ATTRIBUTES: (Mark.ATTRIBUTES,),
    Mark.REWRITTEN: UNDECIDED,
    Mark.DELETED: (Mark.DELETED,),
}
"""Changes in the order in which they are shown, each with the marks that count as it."""


class MergedTree:
    """The merged tree of layers 1 to ``layer``, with one value per node for what a screen needs most.

    Moving takes a few dozen nanoseconds for each event between the two layers, in loops
    inside the interpreter's C code, and microseconds for each path that the layer changes.
    """

    def __init__(self, union: LayerUnion, layer: LayerNumber) -> None:
        self.union = union
        self.layer = EMPTY
        self.visible = bytearray(union.nodes)
        """1 for each node that exists in the merged tree, else 0."""
        self.marks = bytearray(union.nodes)
        """The :class:`Mark` of each node: what the layer did to it."""
        self._sizes = array("Q", bytes(8 * union.nodes))
        self._blocks = array("Q", bytes(8 * (union.nodes // NODES_PER_BLOCK + 1)))
        # One value per event, and one more at the end, which is at index -1: no event.
        self._ev_visible = union.ev_kind.translate(VISIBLE_KINDS) + b"\0"
        self._ev_size = _event_sizes(union)
        self._outlived = _outlived(union)
        # Nodes that are counted as the files they are hardlinks to, and the bytes of those.
        self._stand_ins: list[tuple[Node, int]] = []
        self.move(layer)

    def copy(self) -> MergedTree:
        """Return a copy that can be moved without moving this one."""
        other = copy.copy(self)
        other.visible, other.marks = self.visible[:], self.marks[:]
        other._sizes, other._blocks = self._sizes[:], self._blocks[:]
        return other

    def move(self, layer: LayerNumber) -> None:
        """Move to another layer; 0 is the empty tree."""
        union = self.union
        for node, size in self._stand_ins:
            self._add_size(node, -size)
        start, stop = union.starts[self.layer], union.starts[layer]
        if start < stop:
            nodes = union.ev_node[start:stop]
            assign(self.visible, nodes, iter(self._ev_visible[start:stop]))
            assign(self._sizes, nodes, iter(self._ev_size[start:stop]))
        else:
            nodes = union.ev_node[stop:start][::-1]
            before = union.ev_prev[stop:start][::-1]
            assign(self.visible, nodes, map(self._ev_visible.__getitem__, before))
            assign(self._sizes, nodes, map(self._ev_size.__getitem__, before))
        self._sum_blocks(nodes)
        if self.layer:
            self._unmark(self.layer)
        self.layer = layer
        self._stand_ins = self._find_stand_ins()
        for node, size in self._stand_ins:
            self._add_size(node, size)
        if layer:
            self._mark(layer)

    def settle(self, same: SameContent) -> None:
        """Replace each undecided mark by what the contents say."""
        union = self.union
        for undecided in UNDECIDED:
            node = Node(self.marks.find(undecided))
            while node >= 0:
                event = union.last_by(node, self.layer)
                before = union.at(node, LayerNumber(self.layer - 1))
                self.marks[node] = mark_of(union, before, event, same)
                node = Node(self.marks.find(undecided, node + 1))

    @property
    def is_settled(self) -> bool:
        """Whether no mark is undecided."""
        return not any(mark in self.marks for mark in UNDECIDED)

    def at(self, node: Node) -> Event:
        """Return the event that shows a node; -1 if it does not exist in the merged tree."""
        return self.union.at(node, self.layer) if self.visible[node] else NO_EVENT

    def version(self, node: Node) -> Event:
        """Return the event that shows a node, or else the last one that did in a lower layer; -1 for none."""
        event = self.union.last_by(node, self.layer)
        while event >= 0 and not self.union.shows(event):
            event = self.union.ev_prev[event]
        return event

    def paths(self) -> int:
        """Return the number of paths in the merged tree, without the root."""
        return self.visible.count(1, ROOT + 1)

    def own_sizes(self) -> array[int]:
        """Return the bytes of each node's own file, counted as :meth:`subtree_size` counts them."""
        return self._sizes[:]

    def subtree_size(self, node: Node) -> int:
        """Return the bytes of the files at and below a node.

        A hardlinked file counts once: at the path that stored it, or else at its first remaining link.
        """
        start, end = node, self.union.end[node]
        first, last = -(-start // NODES_PER_BLOCK), end // NODES_PER_BLOCK
        if first >= last:
            return sum(self._sizes[start:end])
        return (
            sum(self._sizes[start : first * NODES_PER_BLOCK])
            + sum(self._blocks[first:last])
            + sum(self._sizes[last * NODES_PER_BLOCK : end])
        )

    def stored_sizes(self) -> StoredSizes:
        """Return the bytes of the files that the layer itself stores."""
        union = self.union
        start, stop = union.starts[self.layer - 1], union.starts[self.layer]
        return StoredSizes(union, union.ev_node[start:stop], self._ev_size[start:stop])

    def changes_below(self, node: Node) -> dict[Mark, int]:
        """Return how many paths below a node the layer changed, by each mark of :data:`COUNTED_MARKS`."""
        marks, start, end = self.marks, node + 1, self.union.end[node]
        return {
            mark: sum(marks.count(each, start, end) for each in kinds)
            for mark, kinds in COUNTED_MARKS.items()
        }

    def _find_stand_ins(self) -> list[tuple[Node, int]]:
        found = []
        for inode, links in self._outlived:
            if self.at(self.union.ev_node[inode]) != inode:
                nodes = map(self.union.ev_node.__getitem__, links)
                shown = (node for node, link in zip(nodes, links, strict=True) if self.at(node) == link)
                first = next(shown, NO_NODE)
                if first >= 0:
                    found.append((first, self.union.size(inode)))
        return found

    def _add_size(self, node: Node, size: int) -> None:
        self._sizes[node] += size
        self._blocks[node // NODES_PER_BLOCK] += size

    def _unmark(self, layer: LayerNumber) -> None:
        nodes = self.union.ev_node[self.union.starts[layer - 1] : self.union.starts[layer]]
        if len(nodes) * 8 > len(self.marks):
            self.marks = bytearray(len(self.marks))
        else:
            assign(self.marks, nodes, repeat(Mark.NONE))

    def _mark(self, layer: LayerNumber) -> None:
        union = self.union
        start, stop = union.starts[layer - 1], union.starts[layer]
        marks, nodes, lower = self.marks, union.ev_node, LayerNumber(layer - 1)
        assign(marks, nodes[start:stop], repeat(Mark.STORED if union.is_alone else Mark.ADDED))
        if union.is_alone:
            return
        # A path without an earlier event is added: in the base layer all of them.
        for event in _changing(union, layer):
            node = nodes[event]
            before = union.at(node, lower)
            if self._ev_visible[event]:
                marks[node] = mark_of(union, before, event)
            else:
                marks[node] = Mark.DELETED if before >= 0 else Mark.NONE

    def _sum_blocks(self, nodes: ArrayColumn[int, Node]) -> None:
        blocks: Iterable[int] = range(len(self._blocks))
        if len(nodes) * 8 <= len(self.visible):
            blocks = {node // NODES_PER_BLOCK for node in nodes}
        for block in blocks:
            self._blocks[block] = sum(self._sizes[block * NODES_PER_BLOCK : (block + 1) * NODES_PER_BLOCK])


class StoredSizes:
    """Bytes that one layer stores at and below each path."""

    def __init__(self, union: LayerUnion, nodes: ArrayColumn[int, Node], sizes: array[int]) -> None:
        """``nodes`` and ``sizes`` are those of the layer's events; of several for a path the last counts."""
        self._end = union.end
        self._nodes = array("I")
        self._before = array("Q", [0])
        """The bytes of all nodes before each of ``_nodes``, and of all at the end."""
        if len(nodes) * 8 <= union.nodes:
            of: dict[int, int] = dict(zip(nodes, sizes, strict=True))
            self._append(array("I", sorted(of)), of.__getitem__)
            return
        own = array("Q", bytes(8 * union.nodes))
        assign(own, nodes, iter(sizes))
        stored = bytearray(union.nodes)
        assign(stored, nodes, repeat(1))
        for first in range(0, union.nodes, STRETCH):
            part = compress(range(first, first + STRETCH), stored[first : first + STRETCH])
            self._append(array("I", part), own.__getitem__)

    def _append(self, nodes: array[int], size: Callable[[int], int]) -> None:
        self._nodes.extend(nodes)
        self._before.extend(accumulate(map(size, nodes), initial=self._before.pop()))

    def below(self, node: Node) -> int:
        """Return the bytes stored at and below a node."""
        first, end = (bisect_left(self._nodes, place) for place in (node, self._end[node]))
        return self._before[end] - self._before[first]


def _changing(union: LayerUnion, layer: LayerNumber) -> list[Event]:
    """Return the last event in a layer of each path that has an earlier one, there or in a lower layer."""
    start, ev_prev = union.starts[layer - 1], union.ev_prev
    events = [event for event in union.events_of(layer) if ev_prev[event] >= 0]
    overridden = {before for before in map(ev_prev.__getitem__, events) if before >= start}
    return [event for event in events if event not in overridden] if overridden else events


def _outlived(union: LayerUnion) -> list[tuple[Event, list[Event]]]:
    """Return the events of hardlinked files whose own path changes later, each with the events of links to it."""
    return [
        (inode, of)
        for inode, of in union.hardlinks.links.items()
        if union.at(union.ev_node[inode], union.layers) != inode
    ]


def _event_sizes(union: LayerUnion) -> array[int]:
    """Return the bytes that each event's own entry stores, and a 0 at the end."""
    sizes = array("Q")
    for index, start, stop in zip(union.indexes, union.starts, union.starts[1:], strict=False):
        column, entries = index.size, union.ev_entry[start:stop]
        if len(entries) and min(entries) >= 0:
            for first in range(0, len(entries), STRETCH):
                sizes.extend(map(column.__getitem__, entries[first : first + STRETCH]))
        else:
            sizes.extend(column[entry] if entry >= 0 else 0 for entry in entries)
    sizes.append(0)
    return sizes
