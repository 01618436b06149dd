"""Distinct types for the numbers of layers, entries, nodes and events.

At run time each is a plain ``int``; the type checker reports where one is passed for another.
"""

from __future__ import annotations

from layertui.model.typed import NewType

LayerNumber = NewType("LayerNumber", int)
"""A layer of an image: 1 at the base, and 0 where the empty tree below it can be meant."""

EntryNumber = NewType("EntryNumber", int)
"""An entry of a layer, in the order of its tar, from 0; see :class:`layertui.model.layer_index.LayerIndex`."""

Node = NewType("Node", int)
"""A path of a union, numbered depth first; see :class:`layertui.union.model.LayerUnion`."""

Event = NewType("Event", int)
"""One thing that a layer did to a path, numbered in the order in which the layers are applied."""

EMPTY = LayerNumber(0)
"""In place of a layer: the tree before the base layer."""

BASE = LayerNumber(1)

ROOT = Node(0)

NO_NODE = Node(-1)

NO_EVENT = Event(-1)
