"""A union survives encoding; damaged and hostile bytes are refused."""

from __future__ import annotations

import random

import msgspec
import pytest

from layertui.cache.indexes import DamagedEntry
from layertui.model.numbers import ROOT, LayerNumber
from layertui.union.changes import changes
from layertui.union.codec import pack_union, union_of_pieces, union_pieces, unpack_union_checked
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion
from tests.images import layers_of, union_of
from tests.layers.tars import END, file
from tests.union.generator import Generator


def random_union(seed: int) -> LayerUnion:
    return union_of(layers_of(Generator(seed).layers()))


@pytest.mark.parametrize("seed", range(5))
def test_round_trip(seed: int) -> None:
    union = random_union(seed)
    assert unpack_union_checked(pack_union(union), union.indexes) == union


def test_pieces_are_dropped_once_they_are_used() -> None:
    union = random_union(3)
    pieces = list(map(bytes, union_pieces(union)))
    assert union_of_pieces(pieces, union.indexes) == union and not pieces
    with pytest.raises(ValueError, match="shorter"):
        union_of_pieces(list(map(bytes, union_pieces(union)))[:-1], union.indexes)


def walked(union: LayerUnion) -> None:
    """Ask all that screens and commands ask."""
    for layer in range(1, union.layers + 1):
        merged = MergedTree(union, LayerNumber(layer))
        merged.subtree_size(ROOT)
        for change in changes(union, LayerNumber(layer), lambda *_: False):
            change.to_json()
        for node in union.subtree(ROOT):
            if (event := union.at(node, LayerNumber(layer))) >= 0:
                union.entry(event)
                union.extra(event)
            for version in union.versions(node):
                union.size(version)
            merged.version(node)
            list(union.children(node))
            merged.changes_below(node)
    for node in union.subtree(ROOT):
        while node > 0:
            node = union.parent[node]


def test_hostile_columns_are_refused_or_lead_nowhere() -> None:
    """Columns with values changed at random."""
    rng = random.Random(5)
    unions = [random_union(seed) for seed in range(6)]
    refused = 0
    for number in range(600):
        union = unions[number % len(unions)]
        body = msgspec.msgpack.decode(pack_union(union))
        place = rng.choice((1, 2, 3, 4, 4, 4, 4, 4, 4))
        if place == 3:
            body[3][rng.randrange(len(body[3]))] = rng.choice((-1, 0, 5, 1 << 40))
        else:
            column, size = (body[4], 1) if place == 4 else (body, 1)
            which = rng.randrange(len(body[4])) if place == 4 else place
            data = bytearray(column[which])
            size = 1 if place != 4 else 2 if which == 5 else 4
            at = rng.randrange(len(data) // size) * size
            new = rng.choice((0, 1, 2, 3, 5, rng.randrange(40), 255, 256**size - 1, 1 << (8 * size - 1)))
            data[at : at + size] = new.to_bytes(8, "little")[:size]
            column[which] = bytes(data) if rng.random() < 0.95 else bytes(data[:-size])
        try:
            walked(unpack_union_checked(msgspec.msgpack.encode(body), union.indexes))
        except DamagedEntry:
            refused += 1
    assert refused > 200


def test_every_event_of_a_node_is_in_its_chain() -> None:
    """Otherwise a walk from a layer's own event never meets the one before it, and one from the last skips it."""
    union = union_of(layers_of([file(b"a", b"%d" % number) + file(b"b") + END for number in range(3)]))
    node = union.find("/a")
    last, middle, first = union.versions(node)[::-1]
    other = union.last[union.find("/b")]
    wrong: list[tuple[str, int, int]] = [("ev_prev", last, first), ("ev_prev", last, -1)]
    wrong += [("ev_prev", middle, -1), ("ev_prev", other, middle)]
    wrong += [
        ("ev_prev", last, union.ev_prev[other]),
        *(("last", node, event) for event in (middle, -1, other)),
    ]
    for column, place, value in wrong:
        changed = unpack_union_checked(pack_union(union), union.indexes)
        getattr(changed, column)[place] = value
        with pytest.raises(DamagedEntry, match="do not fit"):
            unpack_union_checked(pack_union(changed), union.indexes)


def test_hostile_bodies_are_refused() -> None:
    union = random_union(6)
    body = msgspec.msgpack.decode(pack_union(union))
    hostile: tuple[object, ...] = (
        None,
        -1,
        1 << 63,
        1.5,
        "x",
        b"",
        b"\0" * 9,
        [],
        [b"\xff" * 80],
        [[9, "a", b"", b""]],
        {},
        True,
    )
    for place in range(len(body)):
        for value in hostile:
            changed = [*body[:place], value, *body[place + 1 :]]
            try:
                unpack_union_checked(msgspec.msgpack.encode(changed), union.indexes)
            except DamagedEntry:
                continue
            assert (place, value) == (0, []), (place, value)


def test_a_union_does_not_stand_for_other_layers() -> None:
    """Its key is that of the layers; were it not, their indexes must still fit."""
    union = random_union(7)
    with pytest.raises(DamagedEntry):
        unpack_union_checked(pack_union(union), union.indexes[:-1])
