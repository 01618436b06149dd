"""Which names of a union share a file by hardlinks, at any layer."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from itertools import compress, count
from typing import Protocol, cast

from layertui.model.layer_index import Kind, LayerIndex
from layertui.model.numbers import NO_EVENT, EntryNumber, Event, LayerNumber, Node
from layertui.union.arrays import STRETCH, ArrayColumn


class Named(Protocol):
    """What is needed of a :class:`~layertui.union.model.LayerUnion`, which imports this module."""

    indexes: list[LayerIndex]
    ev_node: ArrayColumn[Event, Node]
    ev_layer: ArrayColumn[Event, LayerNumber]
    ev_entry: ArrayColumn[Event, EntryNumber]
    ev_inode: ArrayColumn[Event, Event]

    def key(self, node: Node) -> bytes: ...

    def find_key(self, key: bytes) -> Node: ...

    def at(self, node: Node, layer: LayerNumber) -> Event: ...


class Hardlinks:
    """The names of all files that have several."""

    def __init__(self, union: Named) -> None:
        self._union = union
        links: dict[Event, list[Event]] = {}
        for start in range(0, len(union.ev_inode), STRETCH):
            part = union.ev_inode[start : start + STRETCH]
            events = cast("Iterator[Event]", count(start))
            for event in compress(events, map(operator.ne, part, count(start))):
                links.setdefault(union.ev_inode[event], []).append(event)
        self.links: Mapping[Event, list[Event]] = links
        """The events of the links to a file, by the event that stored it, which is not among them."""
        self._firsts: dict[tuple[Event, LayerNumber], Event] = {}

    def names(self, event: Event, layer: LayerNumber) -> Iterator[Event]:
        """Yield the events that show an event's file in the merged tree, in the order of the layers' entries.

        If the tree at ``layer`` does not show the event itself, that of its own layer is meant, as below.
        """
        return self._shown(self._union.ev_inode[event], self._tree(event, layer))

    def linked(self, event: Event, layer: LayerNumber) -> Event:
        """Return the event of the name that a path is a hardlink to in the merged tree; -1 if it is none.

        That is the name that its entry links to if it still shows the file, else the first that does. The first
        itself is a hardlink to none, whatever its entry says.
        """
        union = self._union
        inode = union.ev_inode[event]
        if inode == event:
            return NO_EVENT
        layer = self._tree(event, layer)
        index = union.indexes[union.ev_layer[event] - 1]
        entry = union.ev_entry[event]
        if index.kind[entry] == Kind.HARDLINK:
            target = index.links[index.link[entry]]
            node = union.ev_node[inode]  # mostly
            if union.key(node) != target:
                node = union.find_key(target)
            recorded = union.at(node, layer) if node >= 0 else NO_EVENT
            if 0 <= recorded < event and union.ev_inode[recorded] == inode:
                return recorded
        first = self._firsts.get((inode, layer))
        if first is None:
            first = self._firsts[inode, layer] = next(self._shown(inode, layer), NO_EVENT)
        return first if first < event else NO_EVENT

    def _shown(self, inode: Event, layer: LayerNumber) -> Iterator[Event]:
        for event in (inode, *self.links.get(inode, ())):
            if self._union.at(self._union.ev_node[event], layer) == event:
                yield event

    def _tree(self, event: Event, layer: LayerNumber) -> LayerNumber:
        union = self._union
        return layer if union.at(union.ev_node[event], layer) == event else union.ev_layer[event]
