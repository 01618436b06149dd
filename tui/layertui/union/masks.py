"""Masks over the nodes of a union: a byte for each, 0 or 1.

They are combined inside the interpreter's C code, so that a million nodes take milliseconds, in stretches so short
that other threads get their turn.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Callable
from itertools import compress

from layertui.model.numbers import ROOT, Node
from layertui.union.arrays import STRETCH, ArrayColumn
from layertui.union.model import LayerUnion

_SPARSE = 8
"""With at least one in so many values set, filtering a whole mask is faster than searching for each."""


def parents_in(union: LayerUnion) -> bytes:
    """Return 1 for each node that has descendants."""
    end = union.end
    return b"".join(
        bytes(map(operator.lt, range(start + 1, union.nodes + 1), end[start : start + STRETCH]))
        for start in range(0, union.nodes, STRETCH)
    )


def with_parents(union: LayerUnion, parents: bytes, mask: bytes | bytearray) -> bytearray:
    """Return a mask with all directories above its nodes; ``parents``: see :func:`parents_in`."""
    parent, end = union.parent, union.end
    full = bytearray(mask)
    if mask.count(1) * _SPARSE > len(mask):  # most directories have a descendant in the mask
        for node in compress(union.subtree(ROOT), parents):
            if mask.find(1, node, end[node]) >= 0:
                full[node] = 1
        return full
    node = Node(mask.find(1))
    while node >= 0:
        above = parent[node]
        while above >= 0 and not full[above]:
            full[above] = 1
            above = parent[above]
        node = Node(mask.find(1, node + 1))
    return full


def nodes_in(mask: bytes | bytearray, first: int, order: ArrayColumn[int, Node] | None) -> array[int]:
    """Return the nodes in a mask that starts at the node ``first``, in their order."""
    nodes = array("I")
    if order is None and mask.count(1) * _SPARSE < len(mask):
        at = mask.find(1)
        while at >= 0:
            nodes.append(first + at)
            at = mask.find(1, at + 1)
        return nodes
    for start in range(0, len(mask), STRETCH):
        stop = min(start + STRETCH, len(mask))
        if order is None:
            nodes.extend(compress(range(first + start, first + stop), mask[start:stop]))
        else:
            part = order[start:stop]
            nodes.extend(compress(part, map(mask.__getitem__, part)))
    return nodes


def only(one: bytes, other: bytes | bytearray) -> bytes:
    """Return the difference of a mask and a subset of it."""
    return _combine(operator.xor, one, other)


def both(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    """Return the nodes that are in two masks."""
    return _combine(operator.and_, one, other)


def either(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    """Return the nodes that are in one of two masks, or in both."""
    return _combine(operator.or_, one, other)


def _combine(operation: Callable[[int, int], int], one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    # As two large integers: the interpreter combines them 30 bits at a time.
    result = operation(int.from_bytes(one, "little"), int.from_bytes(other, "little"))
    return result.to_bytes(len(one), "little")
