"""Contents that are kept while layers are read, compared with the tars that they come from."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import pytest

from layertui.cache.indexes import IndexCache
from layertui.layers.load import index_layer
from layertui.layers.tar.capture import CAPTURE_CHUNK, CAPTURE_ROOM, Keep
from layertui.model.blob import BytesBlob
from layertui.model.image import Descriptor, Layer
from layertui.model.layer_index import Kind, LayerIndex
from layertui.model.numbers import LayerNumber
from tests.content.archives import COMPRESS, files, tar_of
from tests.images import layers_of
from tests.layers.tars import END, facts, file, mutations, random_tar
from tests.layouts import LAYER

ALL = rb"/[^/]+"


def layer_of(blob: bytes) -> Layer:
    return Layer(LayerNumber(1), Descriptor(LAYER, "", len(blob)), "", "", BytesBlob(blob, "memory"))


def read(blob: bytes, *patterns: bytes, room: int = CAPTURE_ROOM) -> LayerIndex:
    return index_layer(layer_of(blob), None, keep=Keep(patterns, room))


def contents_in(index: LayerIndex, tar: bytes) -> dict[int, bytes]:
    """What files hold that have no holes."""
    return {
        number: tar[offset : offset + size]
        for number, (kind, offset, size) in enumerate(zip(index.kind, index.offset, index.size, strict=True))
        if kind == Kind.FILE and not (number in index.extra and index.extra[number].sparse)
    }


@pytest.mark.parametrize("how", ["gzip", "gzip-members", "zstd", "zstd-frames", "bzip2"])
def test_what_is_asked_for_is_kept_and_nothing_else(how: str) -> None:
    stored = files(1, 60, 5 * CAPTURE_CHUNK)
    index = read(COMPRESS[how](tar_of(stored)), rb"d[0-3]\0f\d+", rb"/d5\0f\d*[02468]")
    wanted = {
        f"{directory}/f{number}"
        for number in range(60)
        if (directory := f"d{number % 7}") in ("d0", "d1", "d2", "d3")
        or (directory == "d5" and number % 2 == 0)
    }
    names = [key.replace(b"\0", b"/").decode() for key in index.entry_keys()]
    assert {names[number]: data for number, data in index.contents.items()} == {
        name: data for name, data in stored.items() if name in wanted
    }


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_header(format_: int) -> None:
    for seed in range(20):
        tar = random_tar(seed, format_)
        blob = gzip.compress(tar, 1)
        index = read(blob, ALL)
        assert index.contents == contents_in(index, tar), seed
        assert facts(index) == facts(index_layer(layer_of(blob), None))


def test_wherever_the_pieces_that_are_inflated_end() -> None:
    for size in (
        *range(CAPTURE_CHUNK - 2048, CAPTURE_CHUNK + 1024, 256),
        3 * CAPTURE_CHUNK - 512,
        3 * CAPTURE_CHUNK + 1,
    ):
        stored = {"before": bytes(size), "wanted": b"w" * size, "small": b"s", "last": b"l" * 700}
        tar = tar_of(stored)
        index = read(gzip.compress(tar, 1), b"/wanted", b"/last")
        assert list(index.contents.values()) == [stored["wanted"], stored["last"]], size
        assert index.tar_size and not index.damage


def test_damage_is_said_as_without_and_nothing_is_kept_in_part() -> None:
    tar = b"".join(file(b"f%d" % number, b"%d" % number * 90_000) for number in range(10)) + END
    blob = gzip.compress(tar, 1)
    whole = read(blob, ALL).contents
    assert len(whole) == 10
    cut = [blob[:size] for size in range(len(blob) - 1, 20, -997)]
    for data in (*cut, *mutations(1, blob, 60)):
        index, without = read(data, ALL), index_layer(layer_of(data), None)
        assert (facts(index), index.damage) == (facts(without), without.damage)
        assert all(len(content) == index.size[number] for number, content in index.contents.items())
    assert 0 < len(read(blob[: len(blob) // 2], ALL).contents) < 10


def test_no_more_is_kept_of_an_image_than_there_is_room_for() -> None:
    stored = {"a": b"a" * 600, "b": b"b" * 600, "c": b"c" * 400}
    keep = Keep([ALL], 1100)
    one, other = (
        index_layer(layer_of(gzip.compress(tar_of(files))), None, keep=keep)
        for files in (stored, {"d": b"d" * 100, "e": b"e"})
    )
    assert list(one.contents.values()) == [stored["a"], stored["c"]]
    assert list(other.contents.values()) == [b"d" * 100]
    assert one.count == 3 and other.count == 2


def test_what_is_not_inflated_is_not_read_either(tmp_path: Path) -> None:
    """A plain tar, and a layer whose index was kept in the cache: no contents go in there."""
    tar = tar_of({"a": b"a"})
    assert not read(tar, ALL).contents
    (layer,), cache = layers_of([gzip.compress(tar)]), IndexCache(tmp_path)
    kept = [index_layer(layer, cache, keep=Keep([ALL])).contents for _ in range(2)]
    assert kept == [{0: b"a"}, {}]
