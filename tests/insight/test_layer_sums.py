"""The sums of layers are stored apart from their entries, and used only while they are those of the layers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from layertui.cache.indexes import IndexCache
from layertui.insight.layer_sums import LayerSums, recall_sums, remember_sums
from layertui.insight.sizes import known_sizes
from layertui.model.image import Image
from layertui.sources import open_image
from layertui.union.load import read_union
from tests.commands.samples import tar
from tests.layouts import OciLayout

LOWER = tar(("/a", b"one"), ("/b", b"two"), ("/dangling", "=nothing"))
UPPER = tar(("/a", b"three"))


def opened(folder: Path, *layers: bytes, compression: str = "gzip") -> Image:
    OciLayout(folder).add("1", layers, compression)
    return open_image(f"oci:{folder}:1")


def read(image: Image, cache: IndexCache) -> LayerSums:
    """Read the layers and store their sums."""
    union = read_union(image, cache)
    sizes = known_sizes(union)
    remember_sums(image, union, sizes, cache)
    return LayerSums([size for size in sizes if size is not None], union.warnings)


def entries(cache: IndexCache) -> list[Path]:
    return list(cache.directory.glob("sums-*"))


@pytest.mark.parametrize("compression", ["", "gzip", "zstd"])
def test_sums_are_those_of_the_union(tmp_path: Path, compression: str) -> None:
    image, cache = (
        opened(tmp_path / "image", LOWER, UPPER, compression=compression),
        IndexCache(tmp_path / "cache"),
    )
    assert recall_sums(image, cache) is None
    sums = read(image, cache)
    assert [size.size for size in sums.sizes] == [6, 5] and sums.warnings
    assert recall_sums(open_image(image.reference), cache) == sums


def test_damage_means_that_the_layers_are_read_again(tmp_path: Path) -> None:
    image, cache = opened(tmp_path / "image", LOWER, UPPER), IndexCache(tmp_path / "cache")
    sums = read(image, cache)
    [path] = entries(cache)
    data = path.read_bytes()
    for position in range(len(data)):
        for bad in (data[:position], data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]):
            path.write_bytes(bad)
            assert recall_sums(image, cache) is None and not path.exists()
    assert read(image, cache) == sums and path.read_bytes() == data


@pytest.mark.parametrize(
    "stored",
    [
        1,
        [],
        [[[1, 2]], []],
        [[[1, 2], [1, -2]], []],
        [[[1, 2], [1, 2.5]], []],
        [[[1, 2], [1]], []],
        [[[1, 2], [1, 2]], [[3, "code", "/", "text"]]],
        [[[1, 2], [1, 2]], [[1, "code", "/", None]]],
        [[[1, 2], [1, 2]], [[1, "code", "/"]]],
    ],
)
def test_only_what_can_be_sums_is_used(tmp_path: Path, stored: object) -> None:
    image, cache = opened(tmp_path / "image", LOWER, UPPER), IndexCache(tmp_path / "cache")
    read(image, cache)
    [path] = entries(cache)
    cache.write(path.name, json.dumps(stored).encode())
    assert recall_sums(image, cache) is None


def test_layers_that_may_have_changed_are_read(tmp_path: Path) -> None:
    image, cache = opened(tmp_path / "image", LOWER, UPPER), IndexCache(tmp_path / "cache")
    read(image, cache)
    blob = tmp_path / "image/blobs" / image.layers[0].descriptor.digest.replace(":", "/")
    data = bytearray(blob.read_bytes())
    data[-5] ^= 1
    blob.write_bytes(data)
    changed = open_image(image.reference)
    assert recall_sums(changed, cache) is None
    assert read_union(changed, cache).indexes[0].damage


def test_of_damaged_layers_no_sums_are_stored(tmp_path: Path) -> None:
    image, cache = opened(tmp_path / "image", LOWER, UPPER), IndexCache(tmp_path / "cache")
    blob = tmp_path / "image/blobs" / image.layers[1].descriptor.digest.replace(":", "/")
    blob.write_bytes(blob.read_bytes()[:-9])
    union = read_union(open_image(image.reference), cache)
    sizes = known_sizes(union)
    assert [size is None for size in sizes] == [False, True]
    remember_sums(open_image(image.reference), union, sizes, cache)
    assert not entries(cache)


def test_layers_in_another_order_have_other_sums(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "cache")
    sums = [
        read(opened(tmp_path / name, *layers), cache)
        for name, layers in (("one", (LOWER, UPPER)), ("other", (UPPER, LOWER)))
    ]
    assert [sum(size.live for size in each.sizes) for each in sums] == [8, 6]
    assert len(entries(cache)) == 2
