"""The merged tree at one layer, moved from layer to layer by what changes between them."""

from __future__ import annotations

import operator
from array import array
from collections import deque
from collections.abc import Callable
from itertools import compress, count, repeat

from layertui.layers.index import Kind
from layertui.union.changes import Mark, mark_of
from layertui.union.union import Union

BLOCK = 1024
"""Nodes whose sizes are summed at once."""


class Merged:
    """A position in an image's layers, with one value a node for what a screen asks most.

    Moving costs a few dozen nanoseconds for each event between the two layers, in loops
    that run inside the interpreter's C code.
    """

    def __init__(self, union: Union, layer: int) -> None:
        self.union = union
        self.layer = 0
        self.visible = bytearray(union.nodes)
        """1 for each node that the merged tree has."""
        self.marks = bytearray(union.nodes)
        """What the layer did to each node, a :class:`Mark`."""
        self._sizes = array("Q", bytes(8 * union.nodes))
        self._blocks = array("Q", bytes(8 * (union.nodes // BLOCK + 1)))
        # One value an event, and one more that -1 (no event) finds.
        self._ev_visible = bytes(kind <= Kind.SOCKET for kind in range(256))
        self._ev_visible = union.ev_kind.translate(self._ev_visible) + b"\0"
        self._ev_size = _sizes(union)
        self.move(layer)

    def move(self, layer: int) -> None:
        """Go to another layer; 0 is the empty tree."""
        union = self.union
        start, stop = union.starts[self.layer], union.starts[layer]
        if start < stop:
            nodes = union.ev_node[start:stop]
            _assign(self.visible, nodes, self._ev_visible[start:stop])
            _assign(self._sizes, nodes, self._ev_size[start:stop])
        else:
            nodes = union.ev_node[stop:start][::-1]
            before = union.ev_prev[stop:start][::-1]
            _assign(self.visible, nodes, map(self._ev_visible.__getitem__, before))
            _assign(self._sizes, nodes, map(self._ev_size.__getitem__, before))
        self._sum_blocks(nodes)
        if self.layer:
            _assign(self.marks, union.ev_node[union.starts[self.layer - 1] : start], repeat(Mark.NONE))
        self.layer = layer
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

    def paths(self) -> int:
        """How many paths the merged tree has, without the root."""
        return self.visible.count(1) - 1

    def size_below(self, node: int) -> int:
        """Bytes of the files at and below a node; a hardlinked file counts where it is stored."""
        start, end = node, self.union.end[node]
        first, last = -(-start // BLOCK), end // BLOCK
        if first >= last:
            return sum(self._sizes[start:end])
        return (
            sum(self._sizes[start : first * BLOCK])
            + sum(self._blocks[first:last])
            + sum(self._sizes[last * BLOCK : end])
        )

    def shown_bytes(self) -> int:
        """File bytes that the merged tree shows, each hardlinked file counted once."""
        union, total = self.union, self.size_below(0)
        counted = set()
        for event in compress(count(), map(operator.ne, union.ev_inode, count())):
            node, inode = union.ev_node[event], union.ev_inode[event]
            if self.at(node) != event or inode in counted:
                continue
            if self.at(union.ev_node[inode]) != inode:  # only its links are left
                counted.add(inode)
                total += union.size(inode)
        return total

    def changed_below(self, node: int) -> tuple[int, int, int]:
        """How many paths at and below a node the layer added, modified and deleted."""
        below = self.marks[node : self.union.end[node]]
        modified = below.count(Mark.MODIFIED) + below.count(Mark.REWRITTEN)
        return below.count(Mark.ADDED), modified, below.count(Mark.DELETED)

    def _mark(self, layer: int) -> None:
        union = self.union
        start, stop = union.starts[layer - 1], union.starts[layer]
        marks, nodes, kinds = self.marks, union.ev_node, union.ev_kind
        _assign(marks, nodes[start:stop], repeat(Mark.ADDED))
        # All is added that had no event before, as all of the base has.
        for event in _not_first(union.ev_prev, start, stop):
            node = nodes[event]
            before = union.at(node, layer - 1)
            if kinds[event] <= Kind.SOCKET:
                marks[node] = mark_of(union, before, event)
            else:
                marks[node] = Mark.DELETED if before >= 0 else Mark.NONE

    def _sum_blocks(self, nodes: array[int]) -> None:
        if len(nodes) * 8 > len(self.visible):
            blocks = range(len(self._blocks))
        else:
            blocks = {node // BLOCK for node in nodes}  # type: ignore[assignment]
        for block in blocks:
            self._blocks[block] = sum(self._sizes[block * BLOCK : (block + 1) * BLOCK])


def _assign(column: bytearray | array[int], nodes: array[int], values: object) -> None:
    """``column[node] = value`` for each pair, in order."""
    deque(map(column.__setitem__, nodes, values), maxlen=0)  # type: ignore[call-overload]


def _not_first(ev_prev: array[int], start: int, stop: int) -> list[int]:
    """Events of a layer that are not their path's first."""
    return [event for event in range(start, stop) if ev_prev[event] >= 0]


def _sizes(union: Union) -> array[int]:
    """Bytes that each event's own entry stores, and a 0 at the end."""
    sizes = array("Q")
    for index, start, stop in zip(union.indexes, union.starts, union.starts[1:], strict=False):
        column, entries = index.size, union.ev_entry[start:stop]
        if len(entries) and min(entries) >= 0:
            sizes.extend(map(column.__getitem__, entries))
        else:
            sizes.extend(column[entry] if entry >= 0 else 0 for entry in entries)
    sizes.append(0)
    return sizes
