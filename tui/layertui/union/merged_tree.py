"""The merged tree at one layer, moved from layer to layer by what changes between them."""

from __future__ import annotations

import copy
import operator
from array import array
from collections.abc import Callable
from itertools import compress, count, repeat

from layertui.union.arrays import STRETCH, assign
from layertui.union.changes import Mark, mark_of
from layertui.union.model import VISIBLE_KINDS, LayerUnion

NODES_PER_BLOCK = 1024
"""Nodes whose sizes are summed at once."""


class MergedTree:
    """A position in an image's layers, with one value a node for what a screen asks most.

    Moving costs a few dozen nanoseconds for each event between the two layers, in loops
    that run inside the interpreter's C code; a layer's changed paths cost microseconds each.
    """

    def __init__(self, union: LayerUnion, layer: int) -> None:
        self.union = union
        self.layer = 0
        self.visible = bytearray(union.nodes)
        """1 for each node that the merged tree has."""
        self.marks = bytearray(union.nodes)
        """What the layer did to each node, a :class:`Mark`."""
        self._sizes = array("Q", bytes(8 * union.nodes))
        self._blocks = array("Q", bytes(8 * (union.nodes // NODES_PER_BLOCK + 1)))
        # One value an event, and one more that -1 (no event) finds.
        self._ev_visible = union.ev_kind.translate(VISIBLE_KINDS) + b"\0"
        self._ev_size = _event_sizes(union)
        self._outlived = _outlived(union)
        self._stand_ins: list[
            tuple[int, int]
        ] = []  # nodes and the bytes they count for the file they link to
        self.move(layer)

    def copy(self) -> MergedTree:
        """The same position, to be moved without moving this one."""
        other = copy.copy(self)
        other.visible, other.marks = self.visible[:], self.marks[:]
        other._sizes, other._blocks = self._sizes[:], self._blocks[:]
        return other

    def move(self, layer: int) -> None:
        """Go to another layer; 0 is the empty tree."""
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

    def settle(self, same: Callable[[int, int], bool]) -> None:
        """Tell rewritten files from repeated ones, now that contents can be compared."""
        union = self.union
        node = self.marks.find(Mark.REWRITTEN)
        while node >= 0:
            event = union.last_by(node, self.layer)
            before = union.at(node, self.layer - 1)
            self.marks[node] = mark_of(union, before, event, same)
            node = self.marks.find(Mark.REWRITTEN, node + 1)

    def at(self, node: int) -> int:
        """The event that makes a node visible; -1 if the merged tree does not have it."""
        return self.union.at(node, self.layer) if self.visible[node] else -1

    def version(self, node: int) -> int:
        """The event that stands for a node: the visible one, else the last there was; -1 for none yet."""
        event = self.union.last_by(node, self.layer)
        while event >= 0 and not self.union.shows(event):
            event = self.union.ev_prev[event]
        return event

    def paths(self) -> int:
        """How many paths the merged tree has, without the root."""
        return self.visible.count(1) - 1

    def subtree_size(self, node: int) -> int:
        """Bytes of the files at and below a node.

        A hardlinked file counts once: where it is stored, or if only links to it are left, at the first.
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

    def subtree_changes(self, node: int) -> tuple[int, int, int]:
        """How many paths at and below a node the layer added, modified and deleted."""
        marks, end = self.marks, self.union.end[node]
        modified = marks.count(Mark.MODIFIED, node, end) + marks.count(Mark.REWRITTEN, node, end)
        return marks.count(Mark.ADDED, node, end), modified, marks.count(Mark.DELETED, node, end)

    def _find_stand_ins(self) -> list[tuple[int, int]]:
        found = []
        for inode, links in self._outlived:
            if self.at(self.union.ev_node[inode]) != inode:
                nodes = map(self.union.ev_node.__getitem__, links)
                first = next(
                    (node for node, link in zip(nodes, links, strict=True) if self.at(node) == link), -1
                )
                if first >= 0:
                    found.append((first, self.union.size(inode)))
        return found

    def _add_size(self, node: int, size: int) -> None:
        self._sizes[node] += size
        self._blocks[node // NODES_PER_BLOCK] += size

    def _unmark(self, layer: int) -> None:
        nodes = self.union.ev_node[self.union.starts[layer - 1] : self.union.starts[layer]]
        if len(nodes) * 8 > len(self.marks):
            self.marks = bytearray(len(self.marks))
        else:
            assign(self.marks, nodes, repeat(Mark.NONE))

    def _mark(self, layer: int) -> None:
        union = self.union
        start, stop = union.starts[layer - 1], union.starts[layer]
        marks, nodes = self.marks, union.ev_node
        assign(marks, nodes[start:stop], repeat(Mark.ADDED))
        # All is added that had no event before, as all of the base has.
        for event in _not_first(union.ev_prev, start, stop):
            node = nodes[event]
            before = union.at(node, layer - 1)
            if self._ev_visible[event]:
                marks[node] = mark_of(union, before, event)
            else:
                marks[node] = Mark.DELETED if before >= 0 else Mark.NONE

    def _sum_blocks(self, nodes: array[int]) -> None:
        if len(nodes) * 8 > len(self.visible):
            blocks = range(len(self._blocks))
        else:
            blocks = {node // NODES_PER_BLOCK for node in nodes}  # type: ignore[assignment]
        for block in blocks:
            self._blocks[block] = sum(self._sizes[block * NODES_PER_BLOCK : (block + 1) * NODES_PER_BLOCK])


def _not_first(ev_prev: array[int], start: int, stop: int) -> list[int]:
    """Events of a layer that are not their path's first."""
    return [event for event in range(start, stop) if ev_prev[event] >= 0]


def _outlived(union: LayerUnion) -> list[tuple[int, list[int]]]:
    """The events of hardlinked files that something happens to later, each with those of the links to it."""
    links: dict[int, list[int]] = {}
    for start in range(0, len(union.ev_inode), STRETCH):
        part = union.ev_inode[start : start + STRETCH]
        for event in compress(count(start), map(operator.ne, part, count(start))):
            links.setdefault(union.ev_inode[event], []).append(event)
    return [
        (inode, of) for inode, of in links.items() if union.at(union.ev_node[inode], union.layers) != inode
    ]


def _event_sizes(union: LayerUnion) -> array[int]:
    """Bytes that each event's own entry stores, and a 0 at the end."""
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
