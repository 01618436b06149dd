"""An image is merged once: its union is kept, and used again only where it is whole and right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from layertui import demo
from layertui.cache.indexes import IndexCache
from layertui.layers.cache_keys import cache_key
from layertui.model.blob import BytesBlob
from layertui.model.image import Image, Layer
from layertui.model.numbers import LayerNumber
from layertui.union.builder import UnionBuilder
from layertui.union.codec import pack_union
from layertui.union.load import ImageReader
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
    assert pack_union(first) == pack_union(read(layers, None))
    request.getfixturevalue("no_merging")
    assert pack_union(read(layers, cache)) == pack_union(first)


def test_layers_in_another_order_or_fewer_have_a_union_of_their_own(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    layers = compressed(1)
    for some in (layers, layers[:-1], layers[::-1]):
        numbered = [layer._replace(number=LayerNumber(number)) for number, layer in enumerate(some, 1)]
        for _ in range(2):
            assert pack_union(read(numbered, cache)) == pack_union(read(numbered, None))
    assert len(unions_in(cache)) == 3


def test_damage_means_that_it_is_merged_again(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    layers = compressed(2)
    expected = pack_union(read(layers, cache))
    [path] = unions_in(cache)
    data = path.read_bytes()
    for position in (0, 9, 12, len(data) // 2, len(data) - 1):
        bad = bytearray(data)
        bad[position] ^= 1
        for kept in (bytes(bad), data[:position]):
            path.write_bytes(kept)
            assert pack_union(read(layers, cache)) == expected
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
    assert pack_union(read(damaged, cache)) == pack_union(read(damaged, None))


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
