"""Unions as entries of the cache, beside the indexes of their layers.

What is read from the cache is checked in full before it is used, so that no number points outside of a column
or around a circle.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from itertools import compress, repeat
from operator import ge, ne

from layertui.cache.indexes import DamagedEntry
from layertui.layers.column_bounds import all_below
from layertui.model.layer_index import Kind, LayerIndex, positions
from layertui.model.numbers import ROOT, Event
from layertui.union.model import VISIBLE_KINDS, Absence, LayerUnion

VERSION = 1
"""Another one whenever the same layers come to be merged in another way."""


def union_key(keys: Sequence[str]) -> str:
    """Return the key of the union of layers whose indexes have these keys, base first."""
    return "union-" + hashlib.sha256(repr((VERSION, *keys)).encode()).hexdigest()


def decode_checked(data: bytes, indexes: list[LayerIndex]) -> LayerUnion:
    """Return the union of these layers that was encoded. Raises :class:`DamagedEntry` for any other bytes."""
    import msgspec

    try:
        union = LayerUnion.decode(data, indexes)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError) as error:
        raise DamagedEntry(str(error)) from error
    if not _fits(union):
        raise DamagedEntry("its columns do not fit together")
    return union


def _fits(union: LayerUnion) -> bool:
    """Whether every column fits the others and the indexes."""
    nodes, events, starts = union.nodes, len(union.ev_node), union.starts
    per_node = (union.offsets[1:], union.end, union.last)
    per_event = (union.ev_layer, union.ev_entry, union.ev_prev, union.ev_inode, union.ev_kind)
    return (
        nodes > 0
        and all(len(column) == nodes for column in per_node)
        and all(len(column) == events for column in per_event)
        and (starts[:1], starts[-1:], sorted(starts)) == ([0], [events], starts)
        and len(starts) == union.layers + 1
        and all(0 < warning.layer <= union.layers for warning in union.warnings)
        and _nodes_fit(union, events)
        and _events_fit(union)
    )


def _nodes_fit(union: LayerUnion, events: int) -> bool:
    numbers = array("I", range(union.nodes))
    return (
        union.keys.count(b"/") == union.nodes - 1
        and union.offsets[0] == 0
        and union.offsets[-1] == len(union.keys) + 1
        and all_below(union.offsets[:-1], union.offsets[1:])
        and union.parent[ROOT] == -1
        and all_below(union.parent[1:], numbers[1:])
        and all_below(numbers, union.end)
        and all_below(union.end, union.nodes + 1)
        and all_below(union.last, events, lowest=-1)
    )


def _events_fit(union: LayerUnion) -> bool:
    numbers = array("I", range(len(union.ev_node)))
    layers = enumerate(zip(union.indexes, union.starts, union.starts[1:], strict=False), 1)
    return (
        all_below(union.ev_node, union.nodes)
        and all_below(union.ev_prev, numbers, lowest=-1)
        and all(_layer_fits(union, layer, index, start, stop) for layer, (index, start, stop) in layers)
        # What a hardlink shares is an entry that was there before.
        and (
            union.ev_inode == numbers  # without hardlinks, by far the quicker question
            or all(
                union.ev_inode[event] < event and union.ev_entry[union.ev_inode[event]] >= 0
                for event in compress(union.events, map(ne, union.ev_inode, numbers))
            )
        )
        and all(_is_symlink(union, Event(event)) for event in positions(union.ev_kind, Kind.SYMLINK))
    )


def _layer_fits(union: LayerUnion, layer: int, index: LayerIndex, start: int, stop: int) -> bool:
    """Whether the events of a layer are of entries that it has, and gone where they say so."""
    entries, visible = union.ev_entry[start:stop], union.ev_kind[start:stop].translate(VISIBLE_KINDS)
    if union.ev_layer[start:stop] != array("H", [layer]) * (stop - start):
        return False
    if 0 not in visible:
        return all_below(entries, index.count, lowest=Absence.IMPLIED)
    return (
        all_below(entries, index.count, lowest=min(Absence))
        and bytes(map(ge, entries, repeat(Absence.IMPLIED))) == visible
    )


def _is_symlink(union: LayerUnion, event: Event) -> bool:
    inode = union.ev_inode[event]
    entry = union.ev_entry[inode]
    return entry >= 0 and union.indexes[union.ev_layer[inode] - 1].kind[entry] == Kind.SYMLINK
