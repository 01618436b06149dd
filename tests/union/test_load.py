"""An image is merged once: its union is kept, and used again only where it is whole and right."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from layertui import demo
from layertui.cache.indexes import DamagedEntry, IndexCache
from layertui.layers.load import cache_key
from layertui.model.blob import BytesBlob
from layertui.model.image import Image, Layer
from layertui.model.numbers import ROOT, LayerNumber
from layertui.union.builder import UnionBuilder
from layertui.union.changes import changes
from layertui.union.codec import decode_checked, union_key
from layertui.union.load import ImageReader
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion
from tests.content.archives import COMPRESS
from tests.images import layers_of
from tests.layers.tars import END, file
from tests.union.generator import Generator


def image(layers: Sequence[Layer]) -> Image:
    return demo.image()._replace(layers=layers)


def compressed(seed: int) -> list[Layer]:
    """The layers of a random image, whose indexes are kept."""
    return layers_of([COMPRESS["gzip"](tar) for tar in Generator(seed).layers()])


def read(layers: Sequence[Layer], cache: IndexCache | None) -> LayerUnion:
    reader = ImageReader(image(layers), cache)
    for _ in reader.layers():
        pass
    return reader.union()


def unions_in(cache: IndexCache) -> list[Path]:
    return list(cache.directory.glob("union-*"))


@pytest.fixture
def no_merging(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("was merged again")

    monkeypatch.setattr(UnionBuilder, "add", fail)


@pytest.mark.parametrize("seed", range(20))
def test_a_second_reading_gives_the_same(seed: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    layers = compressed(seed)
    cache = IndexCache(tmp_path)
    first = read(layers, cache)
    assert first.encode() == read(layers, None).encode()
    request.getfixturevalue("no_merging")
    assert read(layers, cache).encode() == first.encode()


def test_layers_in_another_order_or_fewer_have_a_union_of_their_own(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    layers = compressed(1)
    for some in (layers, layers[:-1], layers[::-1]):
        numbered = [layer._replace(number=LayerNumber(number)) for number, layer in enumerate(some, 1)]
        for _ in range(2):
            assert read(numbered, cache).encode() == read(numbered, None).encode()
    assert len(unions_in(cache)) == 3


def test_damage_means_that_it_is_merged_again(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    layers = compressed(2)
    expected = read(layers, cache).encode()
    [path] = unions_in(cache)
    data = path.read_bytes()
    for position in (0, 9, 12, len(data) // 2, len(data) - 1):
        bad = bytearray(data)
        bad[position] ^= 1
        for kept in (bytes(bad), data[:position]):
            path.write_bytes(kept)
            assert read(layers, cache).encode() == expected
            assert path.read_bytes() == data


def test_a_damaged_layer_is_never_part_of_what_is_kept(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    good, other = compressed(3)[:2]
    assert good.blob is not None
    cut = BytesBlob(good.blob.pread(good.blob.size // 2, 0), "cut")
    damaged = [good._replace(blob=cut), other]
    assert read(damaged, cache).indexes[0].damage
    assert not unions_in(cache)
    read([good, other], cache)
    for entry in cache.directory.iterdir():
        if entry not in unions_in(cache):
            entry.unlink()
    assert read(damaged, cache).encode() == read(damaged, None).encode()


def test_a_warning_of_this_reading_alone_is_not_kept(tmp_path: Path) -> None:
    class Far(BytesBlob):
        is_local = False
        not_kept = "the disk is full"

    def far(layer: Layer) -> Layer:
        assert layer.blob is not None
        blob = Far(layer.blob.pread(layer.blob.size, 0), "far")
        blob.digest = layer.descriptor.digest
        return layer._replace(blob=blob)

    cache = IndexCache(tmp_path)
    layers = compressed(4)
    assert "not-kept" in {warning.code for warning in read(list(map(far, layers)), cache).warnings}
    assert not unions_in(cache)
    assert "not-kept" not in {warning.code for warning in read(layers, cache).warnings}


def test_layers_without_a_key_are_merged_every_time(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    plain = layers_of([file(b"a") + END])  # in memory: nothing tells whether it is the same next time
    assert cache_key(plain[0]) == ""
    read(plain, cache)
    read([], cache)
    assert not unions_in(cache)


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
            merged.subtree_changes(node)
    for node in union.subtree(ROOT):
        while node > 0:
            node = union.parent[node]


def test_hostile_columns_are_refused_or_lead_nowhere() -> None:
    """Columns with values changed at random."""
    rng = random.Random(5)
    unions = [read(compressed(seed), None) for seed in range(6)]
    refused = 0
    for number in range(600):
        union = unions[number % len(unions)]
        body = msgspec.msgpack.decode(union.encode())
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
            walked(decode_checked(msgspec.msgpack.encode(body), union.indexes))
        except DamagedEntry:
            refused += 1
    assert refused > 200


def test_hostile_bodies_are_refused() -> None:
    union = read(compressed(6), None)
    body = msgspec.msgpack.decode(union.encode())
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
                decode_checked(msgspec.msgpack.encode(changed), union.indexes)
            except DamagedEntry:
                continue
            assert (place, value) == (0, []), (place, value)


def test_a_union_does_not_stand_for_other_layers() -> None:
    """Its key has to be that of the layers; were it not, their indexes must still fit."""
    union = read(compressed(7), None)
    assert union_key(["a"]) != union_key(["a", "b"]) != union_key(["b", "a"])
    with pytest.raises(DamagedEntry):
        decode_checked(union.encode(), union.indexes[:-1])
