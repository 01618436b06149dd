"""Unions as bytes: msgpack of their columns, without the indexes of their layers.

A process that trusts the bytes uses :func:`union_of_pieces`; bytes of the cache are checked in full by
:func:`unpack_union_checked`, so that no number points outside of a column or around a circle.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from itertools import compress, repeat
from operator import eq, ge, ne
from typing import Any, cast

from layertui.cache.indexes import DamagedEntry
from layertui.layers import native
from layertui.layers.codec import column_of, decode_text, encode_text
from layertui.layers.column_bounds import all_below
from layertui.model.layer_index import Kind, LayerIndex, positions
from layertui.model.numbers import ROOT, Event, LayerNumber, Node
from layertui.union.arrays import column, layers_of
from layertui.union.model import COLUMNS, VISIBLE_KINDS, Absence, LayerUnion
from layertui.union.union_warning import UnionWarning

_PackedWarning = tuple[int, str, bytes, bytes]


def pack_union(union: LayerUnion) -> bytes:
    """Return a union as bytes."""
    import msgspec

    return msgspec.msgpack.encode(
        [_packed_warnings(union), union.keys, union.ev_kind, union.starts, _views(union)]
    )


def union_pieces(union: LayerUnion) -> list[bytes | memoryview]:
    """Return a union as pieces of bytes; nothing large is copied."""
    import msgspec

    head = msgspec.msgpack.encode([_packed_warnings(union), union.starts])
    return [head, union.keys, union.ev_kind, *_views(union)]


def union_of_pieces(pieces: list[bytes], indexes: list[LayerIndex]) -> LayerUnion:
    """Return the union of these layers that :func:`union_pieces` was given. Each piece is dropped once it is used.

    Raises as :func:`unpack_union`.
    """
    import msgspec

    form = tuple[list[_PackedWarning], list[int]]
    warnings, starts = msgspec.msgpack.decode(pieces.pop(0), type=form)
    keys, kinds = pieces.pop(0), pieces.pop(0)
    return _union(warnings, keys, kinds, starts, (pieces.pop(0) for _ in range(len(pieces))), indexes)


def _packed_warnings(union: LayerUnion) -> list[_PackedWarning]:
    # As bytes: paths may contain lone surrogates, which are not valid in msgpack strings.
    return [(layer, code, encode_text(path), encode_text(text)) for layer, code, path, text in union.warnings]


def _views(union: LayerUnion) -> list[memoryview]:
    """Return the bytes of the columns."""
    return [memoryview(getattr(union, name)).cast("B") for name in COLUMNS]


def unpack_union(data: bytes | memoryview, indexes: list[LayerIndex]) -> LayerUnion:
    """Return the union of these layers that :func:`pack_union` was given.

    Checks only the form: raises ``msgspec.MsgspecError`` or ``ValueError`` if that is malformed.
    """
    import msgspec

    # Memory views, so that the columns are copied once.
    form = tuple[list[_PackedWarning], memoryview, memoryview, list[int], list[memoryview]]
    warnings, keys, kinds, starts, columns = msgspec.msgpack.decode(data, type=form)
    return _union(warnings, bytes(keys), bytes(kinds), starts, columns, indexes)


def _union(
    warnings: list[_PackedWarning],
    keys: bytes,
    kinds: bytes,
    starts: list[int],
    columns: Iterable[bytes | memoryview],
    indexes: list[LayerIndex],
) -> LayerUnion:
    if starts[:1] != [0] or sorted(starts) != starts or starts[-1] != len(kinds):
        raise ValueError("its layers do not fit its events")
    arrays: dict[str, Any] = {
        name: column_of(code, data) for (name, code), data in zip(COLUMNS.items(), columns, strict=True)
    }
    return LayerUnion(
        indexes=indexes,
        warnings=[
            UnionWarning(LayerNumber(layer), code, decode_text(path), decode_text(text))
            for layer, code, path, text in warnings
        ],
        keys=keys,
        ev_layer=column(layers_of(starts)),
        ev_kind=kinds,
        starts=starts,
        **arrays,
    )


def unpack_union_checked(data: bytes, indexes: list[LayerIndex]) -> LayerUnion:
    """Return the union of these layers that was packed. Raises :class:`DamagedEntry` for any other bytes."""
    import msgspec

    try:
        union = unpack_union(data, indexes)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError) as error:
        raise DamagedEntry(str(error)) from error
    if not _fits(union):
        raise DamagedEntry("its columns do not fit together")
    return union


def _fits(union: LayerUnion) -> bool:
    """Return whether the columns are consistent with each other and with the indexes."""
    nodes, events = union.nodes, len(union.ev_node)
    per_node = (union.end, union.last)
    per_event = (union.ev_entry, union.ev_prev, union.ev_inode, union.ev_kind)
    return (
        nodes > 0
        and len(union.offsets) == nodes + 1
        and all(len(column) == nodes for column in per_node)
        and all(len(column) == events for column in per_event)
        and len(union.starts) == union.layers + 1
        and all(0 < warning.layer <= union.layers for warning in union.warnings)
        and union.keys.count(b"/") == nodes - 1
        and _columns_fit(union)
        and all(_is_symlink(union, Event(event)) for event in positions(union.ev_kind, Kind.SYMLINK))
    )


def _columns_fit(union: LayerUnion) -> bool:
    """Return whether all numbers refer to nodes, events and entries that are there."""
    if (core := native.core()) is not None:
        columns = [getattr(union, name).tobytes() for name in COLUMNS]
        counts = [index.count for index in union.indexes]
        return core.union_fits(len(union.keys), columns, union.ev_kind, union.starts, counts)
    numbers = array("I", range(max(union.nodes, len(union.ev_node))))
    return _nodes_fit(union, numbers[: union.nodes]) and _events_fit(union, numbers[: len(union.ev_node)])


def _nodes_fit(union: LayerUnion, numbers: array[int]) -> bool:
    return (
        union.offsets[0] == 0
        and union.offsets[-1] == len(union.keys) + 1
        and all_below(union.offsets[:-1], union.offsets[1:])
        and union.parent[ROOT] == -1
        and all_below(union.parent[1:], numbers[1:])
        and all_below(numbers, union.end)
        and all_below(union.end, union.nodes + 1)
        and all_below(union.last, len(union.ev_node), lowest=-1)
    )


def _events_fit(union: LayerUnion, numbers: array[int]) -> bool:
    layers = zip(union.indexes, union.starts, union.starts[1:], strict=False)
    return (
        all_below(union.ev_node, union.nodes)
        and all_below(union.ev_prev, numbers, lowest=-1)
        and _chains_fit(union)
        and all(_layer_fits(union, *layer) for layer in layers)
        # A hardlink refers to an earlier event that stores an entry.
        and (
            union.ev_inode == numbers  # no hardlinks: the fast path
            or all(
                union.ev_inode[event] < event and union.ev_entry[union.ev_inode[event]] >= 0
                for event in compress(union.events, map(ne, union.ev_inode, numbers))
            )
        )
    )


def _chains_fit(union: LayerUnion) -> bool:
    """Return whether the events of each node are linked from its last to its first, and none is left out.

    They are if every event is either the last of its node or before one other event of its node.
    """
    node_of = cast("Callable[[int], int]", union.ev_node.__getitem__)
    lasts: Iterable[int] = union.last
    nodes: Iterable[int] = range(union.nodes)
    count = union.nodes
    if min(union.last) < 0:  # some nodes have no event
        nodes = [node for node in nodes if union.last[Node(node)] >= 0]
        lasts = [event for event in lasts if event >= 0]
        count = len(lasts)
    later = list(compress(union.events, map(ge, union.ev_prev, repeat(0))))
    befores = {union.ev_prev[event] for event in later}
    return (
        len(befores) == len(later) == len(union.ev_node) - count
        and all(map(eq, map(node_of, lasts), nodes))
        and all(union.ev_node[event] == union.ev_node[union.ev_prev[event]] for event in later)
        and befores.isdisjoint(lasts)
    )


def _layer_fits(union: LayerUnion, index: LayerIndex, start: int, stop: int) -> bool:
    """Return whether a layer's events refer to entries that it has, and agree on which are deletions."""
    entries, visible = union.ev_entry[start:stop], union.ev_kind[start:stop].translate(VISIBLE_KINDS)
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
