"""Layers become indexes: in threads, with progress, checked against their digests, stoppable."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard

from layertui import demo
from layertui.cache.indexes import IndexCache
from layertui.layers.cache_keys import cache_key
from layertui.layers.load import index_layer, index_layers
from layertui.model.blob import BytesBlob, FileBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Layer
from layertui.model.job import Cancelled, Job
from layertui.sources import open_image
from tests.images import layers_of
from tests.layers.tars import END, file
from tests.layouts import digest, docker_archive
from tests.waiting import SECONDS

TAR = b"".join(file(b"f%d" % number, bytes([number]) * 3000) for number in range(100)) + END


def compressed(data: bytes = TAR) -> Layer:
    return layers_of([gzip.compress(data, 1)])[0]


def test_compressed_bytes_are_checked_as_they_pass() -> None:
    layer = compressed()
    index = index_layer(layer, None)
    assert index.blob_digest == layer.descriptor.digest and not index.damage


def test_wrong_digest_is_damage_that_names_both(tmp_path: Path) -> None:
    layer = compressed()
    claimed = digest(b"other")
    cache = IndexCache(tmp_path)
    index = index_layer(layer._replace(descriptor=layer.descriptor._replace(digest=claimed)), cache)
    assert index.damage == f"wrong digest: expected {claimed}, got {layer.descriptor.digest}"
    assert index.count == 100
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("compress", "said"),
    [(gzip.compress, ""), (bz2.compress, "bzip2"), (lzma.compress, "xz"), (zstandard.compress, "")],
)
def test_compression_that_containerd_refuses(
    compress: Callable[[bytes], bytes], said: str, tmp_path: Path
) -> None:
    [layer] = layers_of([compress(TAR)])
    for _ in ("read", "cached"):
        index = index_layer(layer, IndexCache(tmp_path))
        assert not index.damage
        texts = [f"compressed with {said}: "] if said else []
        assert [
            warning.text[: len(text)] for warning, text in zip(index.warnings, texts, strict=True)
        ] == texts
        assert all(warning.code == "compression" for warning in index.warnings)


def test_digest_of_an_unknown_algorithm_is_unverified_and_not_wrong(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    for layer in (compressed(), layers_of([TAR])[0]):
        claimed = "blake3:" + "a1" * 32
        index = index_layer(layer._replace(descriptor=layer.descriptor._replace(digest=claimed)), cache)
        assert (index.count, index.damage) == (100, "")
        assert [warning.code for warning in index.warnings] == ["digest-unsupported"]
        assert claimed in index.warnings[0].text
    assert not list(tmp_path.iterdir()), "kept under a digest that nobody verified"


def test_plain_tars_are_not_read_for_their_digest() -> None:
    assert index_layer(layers_of([TAR])[0], None).blob_digest == ""


def stored_at(path: Path, layer: Layer) -> Layer:
    """The layer with its bytes in a file, which is written if there is none."""
    assert layer.blob is not None
    if not path.exists():
        path.write_bytes(layer.blob.pread(layer.blob.size, 0))
    return layer._replace(blob=FileBlob(path))


def test_a_verified_file_is_not_read_again(tmp_path: Path) -> None:
    cache, layer = IndexCache(tmp_path / "cache"), compressed()
    first = index_layer(stored_at(tmp_path / "layer", layer), cache)
    second = index_layer(stored_at(tmp_path / "layer", layer), cache)
    assert (first.blob_digest, second.keys, second.blob_digest) == (layer.descriptor.digest, first.keys, "")


@pytest.mark.parametrize("place", ["same", "other", "memory"])
def test_a_cached_index_is_not_believed_of_bytes_that_have_another_digest(place: str, tmp_path: Path) -> None:
    """The index is of the digest that the image claims: whatever has been read elsewhere proves nothing."""
    cache, honest, path = IndexCache(tmp_path / "cache"), compressed(), tmp_path / "layer"
    before = stored_at(path, honest)
    assert index_layer(before, cache).count == 100
    changed = compressed(file(b"evil") + END)
    assert changed.blob is not None and before.blob is not None
    liar = changed._replace(descriptor=honest.descriptor, diff_id=honest.diff_id)
    if place == "same":  # the same size, inode and modification time
        facts = path.stat()
        data = changed.blob.pread(changed.blob.size, 0)
        path.write_bytes(data + bytes(before.blob.size - len(data)))
        os.utime(path, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
    if place != "memory":
        liar = stored_at(path if place == "same" else tmp_path / "other", liar)
    for _ in range(2):
        index = index_layer(liar, cache)
        assert index.damage.startswith(f"wrong digest: expected {honest.descriptor.digest}, got ")
        assert index.count == 1
    assert index_layer(compressed(), cache).count == 100, "the index of the honest layer is still there"


def test_another_file_of_the_same_bytes_is_verified_once_and_not_decompressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, layer = IndexCache(tmp_path / "cache"), compressed()
    first = index_layer(stored_at(tmp_path / "one", layer), cache)
    monkeypatch.setattr("layertui.layers.load.DecompressedStream", None)
    found = [index_layer(stored_at(tmp_path / "two", layer), cache) for _ in range(2)]
    assert [index.keys for index in found] == [first.keys] * 2
    assert [index.blob_digest for index in found] == [layer.descriptor.digest, ""]


def test_no_image_can_poison_the_index_of_another(tmp_path: Path) -> None:
    """Only a digest that was checked is a key by itself; a claimed diff ID never is."""
    cache = IndexCache(tmp_path)
    honest = compressed()
    liar = compressed(file(b"evil") + END)
    index_layer(liar._replace(descriptor=honest.descriptor, diff_id=honest.diff_id), cache)
    assert index_layer(honest, cache).count == 100
    nameless = liar.descriptor._replace(digest="")
    assert cache_key(liar._replace(descriptor=nameless, diff_id=honest.diff_id)) == ""


def test_a_plain_layer_cannot_take_the_index_of_the_digest_it_claims(tmp_path: Path) -> None:
    """A plain layer is not read for its digest, so the digest alone is not its key."""
    cache = IndexCache(tmp_path)
    liar = layers_of([file(b"evil") + END])[0]
    honest = compressed()
    index_layer(liar._replace(descriptor=honest.descriptor), cache)
    assert index_layer(honest, cache).count == 100
    assert index_layer(liar._replace(descriptor=honest.descriptor), cache).count == 1


def in_file(path: Path) -> Layer:
    """A plain layer that is a whole file, claimed to be the same whatever the file contains."""
    layer = layers_of([TAR])[0]
    return layer._replace(descriptor=layer.descriptor._replace(digest=""), blob=FileBlob(path))


def test_another_file_at_the_same_path_has_another_index(tmp_path: Path) -> None:
    """Whether it was moved there, written in place or has the modification time of the first."""
    cache, path = IndexCache(tmp_path / "cache"), tmp_path / "a.tar"

    def names() -> set[bytes]:
        return {bytes(key) for key in index_layer(in_file(path), cache).entry_keys()}

    def write(target: Path, name: bytes, modified: int, padding: int = 0) -> None:
        target.write_bytes(file(name) + END + bytes(padding))
        os.utime(target, ns=(modified, modified))

    write(path, b"first", 1)
    assert names() == names() == {b"first"}
    write(path, b"mtime", 2)  # the same inode and size
    assert names() == {b"mtime"}
    write(path, b"sizes", 2, 512)  # the same inode and modification time
    assert names() == {b"sizes"}
    write(tmp_path / "b.tar", b"inode", 2, 512)  # all the same but the inode
    (tmp_path / "b.tar").replace(path)
    assert names() == {b"inode"}


@pytest.mark.parametrize("field", ["st_dev", "st_ino", "st_size", "st_mtime_ns"])
def test_the_key_of_a_file_contains_all_that_tells_it_apart(
    field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(TAR)
    facts = path.stat()
    before = cache_key(in_file(path))
    assert before == cache_key(in_file(path))

    class Other:
        def __getattr__(self, name: str) -> Any:
            return getattr(facts, name) + (name == field)

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", lambda *_, **__: Other())
        other = FileBlob(path, 0, len(TAR))
    assert cache_key(in_file(path)._replace(blob=other)) != before


def test_a_plain_layer_of_a_compressed_archive_is_indexed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Using the archive's plain copy does not make it another file."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    docker_archive(tmp_path / "a.tar", demo.image()._replace(layers=layers_of([TAR])))
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress((tmp_path / "a.tar").read_bytes()))
    cache = IndexCache(tmp_path / "indexes")
    for _ in range(3):
        (layer,) = open_image(str(tmp_path / "a.tar.gz")).layers
        assert index_layer(layer, cache).count == 100
        assert len(list(cache.directory.iterdir())) == 1
        time.sleep(0.01)  # else two uses may have the same time


def test_missing_layer_says_why() -> None:
    layer = compressed()._replace(blob=None, missing="it is encrypted")
    assert index_layer(layer, None).damage == "it is encrypted"


def test_unreadable_bytes_are_damage_of_that_layer() -> None:
    class Failing(BytesBlob):
        def pread(self, length: int, offset: int) -> bytes:
            if offset > 100_000:
                raise LayertuiError("cannot read app.tar", "Input/output error")
            return super().pread(length, offset)

    index = index_layer(compressed()._replace(blob=Failing(TAR, "app.tar")), None)
    assert "Input/output error" in index.damage and 20 < index.count < 100


def test_progress_and_order() -> None:
    image = demo.image()
    told: dict[int, tuple[int, int]] = {}
    found = dict(index_layers(image, None, Job(layers=lambda number, *seen: told.update({number: seen}))))
    assert sorted(found) == [layer.number for layer in image.layers]
    assert all(done <= size for done, size in told.values())


class Noted(BytesBlob):
    """Notes which blobs are read, in the order in which they are begun."""

    begun: dict[str, None]
    gate: threading.Event | None = None

    def pread(self, length: int, offset: int) -> bytes:
        self.begun[self.location] = None
        assert self.gate is None or self.gate.wait(SECONDS)
        return super().pread(length, offset)


def noted(sizes: Sequence[int]) -> tuple[list[Layer], list[Noted]]:
    """Layers with so many files, and their blobs."""
    begun: dict[str, None] = {}
    layers, blobs = [], []
    for layer, files in zip(layers_of([TAR[: 3584 * count] + END for count in sizes]), sizes, strict=True):
        blob = Noted(TAR[: 3584 * files] + END, str(layer.number))
        blob.begun = begun
        blobs.append(blob)
        layers.append(layer._replace(blob=blob))
    return layers, blobs


@pytest.fixture
def two_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layertui.layers.load._lanes", lambda _: 2)


@pytest.mark.usefixtures("two_lanes")
def test_small_layers_do_not_wait_for_large_ones() -> None:
    """While the base is read, the other layers are too, the smallest first."""
    layers, blobs = noted([80, 40, 1, 20, 60])
    blobs[0].gate = threading.Event()
    read = index_layers(demo.image()._replace(layers=layers), None)
    found = {number: index.count for number, index in (next(read) for _ in range(4))}
    assert found == {3: 1, 4: 20, 2: 40, 5: 60}
    begun = [number for number in blobs[0].begun if number != "1"]
    assert begun[:2] == ["3", "4"] and set(begun[2:]) == {"2", "5"}
    blobs[0].gate.set()
    assert [(number, index.count) for number, index in read] == [(1, 80)]


def begun_at_once(layers: Sequence[Layer], blobs: Sequence[Noted], count: int) -> set[str]:
    """Which layers are begun before any ends: ``count`` of them."""
    are_begun, gate = threading.Event(), threading.Event()

    class Begun(dict[str, None]):
        def __setitem__(self, number: str, value: None) -> None:
            super().__setitem__(number, value)
            if len(self) == count:
                are_begun.set()

    begun = Begun()
    for blob in blobs:
        blob.begun, blob.gate = begun, gate
    found: list[int] = []
    read = index_layers(demo.image()._replace(layers=list(layers)), None)
    reader = threading.Thread(target=lambda: found.extend(number for number, _ in read))
    reader.start()
    assert are_begun.wait(SECONDS)
    at_once = set(begun)
    gate.set()
    reader.join()
    assert sorted(found) == [layer.number for layer in layers]
    return at_once


@pytest.mark.usefixtures("two_lanes")
@pytest.mark.parametrize(("count", "together"), [(2, 2), (3, 3), (4, 4), (5, 2)])
def test_the_last_layers_begin_together(count: int, together: int) -> None:
    """None is left to be read alone at the end, on one processor of two; before, two are read at once."""
    assert len(begun_at_once(*noted([4] * count), together)) == together


@pytest.mark.usefixtures("two_lanes")
def test_layers_of_unknown_size_are_read_from_the_base_upwards() -> None:
    layers, blobs = noted([5, 4, 3, 2, 1])
    layers = [layer._replace(descriptor=layer.descriptor._replace(size=-1)) for layer in layers]
    assert begun_at_once(layers, blobs, 2) == {"1", "2"}


@pytest.mark.parametrize("tar", [TAR, gzip.compress(TAR)], ids=["plain", "gzip"])
def test_cancelled(tar: bytes) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        index_layer(layers_of([tar])[0], None, job=job)
    assert list(index_layers(demo.image()._replace(layers=layers_of([tar] * 5)), None, job=job)) == []


def test_leaving_early_stops_the_rest() -> None:
    before = threading.active_count()
    rows = index_layers(demo.image()._replace(layers=layers_of([gzip.compress(TAR)] * 20)), None)
    next(rows)
    assert isinstance(rows, Generator)
    rows.close()
    assert threading.active_count() <= before
