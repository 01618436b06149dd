"""Contents that are visited while layers are scanned, compared with the tars that they come from."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from layertui.cache.indexes import IndexCache
from layertui.layers.capture import CAPTURE_ROOM, Keep
from layertui.layers.load import index_layer
from layertui.layers.tar.passing import PASSING_CHUNK
from layertui.layers.visit import MAX_READ, VISITED_PIECE, ContentBatch, in_pieces
from layertui.model.blob import BytesBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Layer
from layertui.model.layer_index import Kind, LayerIndex
from layertui.model.numbers import EntryNumber, LayerNumber
from tests.content.archives import COMPRESS, files, sparse_tar, tar_of
from tests.images import layers_of
from tests.layers.tars import END, facts, file, mutations, random_tar
from tests.layouts import LAYER

ALL = rb"/[^/]+"


def layer_of(blob: bytes) -> Layer:
    return Layer(LayerNumber(1), Descriptor(LAYER, "", len(blob)), "", "", BytesBlob(blob, "memory"))


def captured(blob: bytes, *patterns: bytes, room: int = CAPTURE_ROOM) -> LayerIndex:
    return index_layer(layer_of(blob), None, visitors=[Keep(patterns, room)])


class Recording:
    """A visit that notes the contents that it is given."""

    def __init__(self) -> None:
        self.contents: list[tuple[int, bytes]] = []
        self.ended: list[LayerIndex] = []

    def among(self, keys: Sequence[bytes]) -> None:
        pass

    def batch(self, batch: ContentBatch[EntryNumber]) -> None:
        assert all(end - start <= MAX_READ for _, start, end in batch.files)
        self.contents += ((entry, batch.data[start:end]) for entry, start, end in batch.files)

    def large(self, entry: EntryNumber, size: int) -> RecordingLarge:
        assert size > MAX_READ
        return RecordingLarge(self, entry)

    def end(self, index: LayerIndex) -> None:
        self.ended.append(index)


class RecordingLarge:
    def __init__(self, recording: Recording, entry: int) -> None:
        self._recording = recording
        self._entry = entry
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        assert not self._pieces or len(self._pieces[-1]) == VISITED_PIECE
        self._pieces.append(piece)

    def end(self) -> None:
        self._recording.contents.append((self._entry, b"".join(self._pieces)))


def visited(blob: bytes) -> tuple[LayerIndex, Recording]:
    recording = Recording()
    return index_layer(layer_of(blob), None, visitors=[lambda: recording]), recording


def contents_in(index: LayerIndex, tar: bytes) -> dict[int, bytes]:
    """What files hold that are not empty and have no holes."""
    return {
        number: tar[offset : offset + size]
        for number, (kind, offset, size) in enumerate(zip(index.kind, index.offset, index.size, strict=True))
        if kind == Kind.FILE and size and not (number in index.extra and index.extra[number].sparse)
    }


@pytest.mark.parametrize("how", [how for how in COMPRESS if how != "plain"])
def test_every_content_is_visited_once_in_the_order_of_the_tar(how: str) -> None:
    tar = tar_of(files(1, 30, 3 * PASSING_CHUNK))
    index, recording = visited(COMPRESS[how](tar))
    assert recording.ended == [index]
    assert recording.contents == list(contents_in(index, tar).items())


def test_what_is_asked_for_is_captured_and_nothing_else() -> None:
    stored = files(1, 60, 5 * PASSING_CHUNK)
    index = captured(gzip.compress(tar_of(stored)), rb"d[0-3]\0f\d+", rb"/d5\0f\d*[02468]")
    wanted = {
        f"{directory}/f{number}"
        for number in range(60)
        if (directory := f"d{number % 7}") in ("d0", "d1", "d2", "d3")
        or (directory == "d5" and number % 2 == 0)
    }
    names = [key.replace(b"\0", b"/").decode() for key in index.entry_keys()]
    assert {names[number]: data for number, data in index.contents.items()} == {
        name: data for name, data in stored.items() if name in wanted and data
    }


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_header(format_: int) -> None:
    for seed in range(20):
        tar = random_tar(seed, format_)
        blob = gzip.compress(tar, 1)
        index, recording = visited(blob)
        assert dict(recording.contents) == contents_in(index, tar), seed
        assert captured(blob, ALL).contents == contents_in(index, tar), seed
        assert facts(index) == facts(index_layer(layer_of(blob), None))


def test_wherever_the_pieces_that_are_inflated_end() -> None:
    for size in (
        *range(PASSING_CHUNK - 2048, PASSING_CHUNK + 1024, 256),
        3 * PASSING_CHUNK - 512,
        3 * PASSING_CHUNK + 1,
    ):
        stored = {"before": bytes(size), "wanted": b"w" * size, "small": b"s", "last": b"l" * 700}
        tar = tar_of(stored)
        index, recording = visited(gzip.compress(tar, 1))
        assert [content for _, content in recording.contents] == list(stored.values()), size
        index = captured(gzip.compress(tar, 1), b"/wanted", b"/last")
        assert list(index.contents.values()) == [stored["wanted"], stored["last"]], size
        assert index.tar_size and not index.damage


@pytest.mark.parametrize("size", [MAX_READ, MAX_READ + 1, MAX_READ + VISITED_PIECE, 2 * MAX_READ + 700])
def test_a_large_file_comes_in_pieces(size: int) -> None:
    stored = {"a": b"a" * 100, "large": b"0123456789abcde" * (size // 15 + 1), "b": b"b" * 100}
    stored["large"] = stored["large"][:size]
    blob = gzip.compress(tar_of(stored), 1)
    _, recording = visited(blob)
    assert [content for _, content in recording.contents] == list(stored.values())
    assert list(captured(blob, b"/large").contents.values()) == [stored["large"]]


def test_pieces_do_not_depend_on_how_they_are_read() -> None:
    def failing() -> list[bytes]:
        raise LayertuiError("damaged")

    data = bytes(range(256)) * (VISITED_PIECE // 100)
    for step in (1000, VISITED_PIECE - 1, VISITED_PIECE, VISITED_PIECE + 1, 3 * VISITED_PIECE):
        parts = [data[start : start + step] for start in range(0, len(data), step)]
        pieces = list(in_pieces(parts))
        assert b"".join(pieces) == data
        assert {len(piece) for piece in pieces[:-1]} == {VISITED_PIECE} and 0 < len(
            pieces[-1]
        ) <= VISITED_PIECE
    read = in_pieces(part if part else failing()[0] for part in (b"before", b""))
    assert next(read) == b"before"
    with pytest.raises(LayertuiError, match="damaged"):
        next(read)


def test_files_with_holes_are_not_visited() -> None:
    index, recording = visited(gzip.compress(sparse_tar((100, 5), (9000, 4), size=10_000, data=b"12345abcd")))
    assert index.extra[0].sparse and recording.ended == [index] and not recording.contents


def test_damage_is_said_as_without_and_ends_the_visit() -> None:
    tar = b"".join(file(b"f%d" % number, b"%d" % number * 90_000) for number in range(10)) + END
    blob = gzip.compress(tar, 1)
    cut = [blob[:size] for size in range(len(blob) - 1, 20, -997)]
    damaged = 0
    for data in (*cut, *mutations(1, blob, 60)):
        (index, recording), without = visited(data), index_layer(layer_of(data), None)
        assert (facts(index), index.damage) == (facts(without), without.damage)
        assert recording.ended == ([] if index.damage else [index])
        assert bool(captured(data, ALL).contents) == (not index.damage)
        damaged += bool(index.damage)
    assert 50 < damaged < len(cut) + 60


def test_a_layer_that_is_not_what_it_claims_to_be_is_not_visited_to_the_end() -> None:
    layer = layer_of(gzip.compress(tar_of({"a": b"a"})))
    liar = layer._replace(descriptor=layer.descriptor._replace(digest="sha256:" + "0" * 64))
    recording = Recording()
    assert "wrong digest" in index_layer(liar, None, visitors=[lambda: recording]).damage
    assert recording.contents == [(0, b"a")] and not recording.ended


def test_no_more_is_captured_of_an_image_than_there_is_room_for() -> None:
    stored = {"a": b"a" * 600, "b": b"b" * 600, "c": b"c" * 400}
    keep = Keep([ALL], 1100)
    one, other = (
        index_layer(layer_of(gzip.compress(tar_of(files))), None, visitors=[keep])
        for files in (stored, {"d": b"d" * 100, "e": b"e"})
    )
    assert list(one.contents.values()) == [stored["a"], stored["c"]]
    assert list(other.contents.values()) == [b"d" * 100]
    assert one.count == 3 and other.count == 2


def test_what_is_not_inflated_is_not_read_either(tmp_path: Path) -> None:
    """A plain tar, and a layer whose index was kept in the cache: no contents go in there."""
    tar = tar_of({"a": b"a"})
    _, recording = visited(tar)
    assert not recording.contents and not recording.ended
    (layer,), cache = layers_of([gzip.compress(tar)]), IndexCache(tmp_path)
    kept = [index_layer(layer, cache, visitors=[Keep([ALL])]).contents for _ in range(2)]
    assert kept == [{0: b"a"}, {}]
