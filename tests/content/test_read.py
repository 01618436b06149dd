"""Contents out of layers, compared with what was put in and against other programs."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest

from layertui.content import tar_reader
from layertui.content.layer_readers import MAX_ACTIVE_LAYERS
from layertui.content.read import Contents
from layertui.demo import image as sample
from layertui.layers.capture import Keep
from layertui.layers.load import index_layer
from layertui.model.blob import BytesBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Layer
from layertui.model.job import Cancelled, Job
from layertui.model.numbers import Event, LayerNumber
from layertui.sources import open_image
from layertui.union.builder import UnionBuilder
from tests.content.archives import (
    COMPRESS,
    contents_of,
    contents_of_layers,
    contents_stored_as,
    event_of,
    files,
    sparse_tar,
    tar_of,
)
from tests.layouts import LAYER
from tests.other_projects import fixture
from tests.programs import need


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def noted_starts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The offsets at which cursors begin to inflate from now on."""
    starts: list[int] = []
    start = tar_reader.InflatingCursor._start

    def noting(cursor: tar_reader.InflatingCursor, point: tar_reader.SeekPoint) -> None:
        starts.append(point.offset)
        start(cursor, point)

    monkeypatch.setattr(tar_reader.InflatingCursor, "_start", noting)
    return starts


@pytest.mark.parametrize("how", COMPRESS)
def test_files_come_out_as_they_went_in(how: str) -> None:
    stored = files(1, 40, 90_000)
    tar = tar_of(stored)
    contents, union = contents_stored_as(COMPRESS[how](tar), tar)
    paths = list(stored)
    random.Random(2).shuffle(paths)
    for path in paths:
        assert contents.read(event_of(union, path)) == stored[path]


@pytest.mark.parametrize("how", COMPRESS)
def test_parts_at_random_offsets(how: str) -> None:
    stored = files(3, 10, 400_000)
    path = max(stored, key=lambda path: len(stored[path]))
    tar = tar_of(stored)
    contents, union = contents_stored_as(COMPRESS[how](tar), tar)
    event, whole = event_of(union, path), stored[path]
    random_ = random.Random(4)
    for _ in range(30):
        offset, length = random_.randrange(len(whole) + 100), random_.choice((0, 1, 5000, 300_000))
        assert contents.read(event, offset, length) == whole[offset : offset + length]


def test_tarfile_agrees_about_every_file_of_the_sample() -> None:
    contents, union = contents_of_layers(list(sample().layers))
    checked = 0
    for layer in sample().layers:
        assert layer.blob is not None
        with tarfile.open(fileobj=io.BytesIO(layer.blob.pread(layer.blob.size, 0))) as archive:
            index = union.indexes[layer.number - 1]
            entries = {index.offset[entry]: entry for entry in range(index.count)}
            events = {int(union.ev_entry[event]): event for event in union.events_of(layer.number)}
            for member in archive:
                event = events.get(entries[member.offset_data])
                if member.isreg() and event is not None:
                    extracted = archive.extractfile(member)
                    assert extracted is not None
                    assert contents.read(event) == extracted.read()
                    checked += 1
    assert checked > 50


@pytest.mark.parametrize("kind", ["gzip", "zstd", "estargz", "uncompressed"])
def test_bsdtar_agrees_about_real_layers(kind: str, tmp_path: Path) -> None:
    need("bsdtar")
    archive = fixture(f"wagoodman+dive/.data/test-oci-{kind}-image.tar")
    image = open_image(f"oci-archive:{archive}")
    contents, union = contents_of_layers(list(image.layers))
    (layer,) = image.layers
    assert layer.blob is not None
    subprocess.run(
        ["bsdtar", "-xf", "-", "-C", str(tmp_path)],
        input=layer.blob.pread(layer.blob.size, 0),
        check=True,
    )
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert found
    for path in found:
        assert contents.read(Event(event_of(union, str(path.relative_to(tmp_path))))) == path.read_bytes()


@pytest.mark.parametrize("form", ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix"])
@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_sparse_files_are_filled_with_zeros(form: str, how: str, tmp_path: Path) -> None:
    need("tar")
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        for start, data in ((70_000, b"one" * 9000), (1_000_000, b"two"), (3_000_000, b"three" * 40_000)):
            file.seek(start)
            file.write(data)
        file.truncate(5_000_000)
    blob = subprocess.run(
        ["tar", "-cSf", "-", f"--format={form.split()[0]}", *form.split()[1:], "-C", str(tmp_path), "sparse"],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    assert len(blob) < 500_000  # it is stored as a sparse file
    contents, union = contents_of(COMPRESS[how](blob))
    event, whole = event_of(union, "/sparse"), path.read_bytes()
    assert contents.read(event) == whole
    assert contents.digest(event) == digest(whole)
    random_ = random.Random(5)
    for _ in range(100):
        offset, length = random_.randrange(len(whole)), random_.choice((1, 4096, 1_100_000))
        assert contents.read(event, offset, length) == whole[offset : offset + length]


def test_sparse_files_that_claim_exabytes_are_compared_but_not_hashed() -> None:
    size = 1 << 62
    same = sparse_tar((0, 3), (size - 3, 3), size=size, data=b"abcxyz")
    spelled_otherwise = sparse_tar((0, 2), (2, 1), (size - 3, 3), size=size, data=b"abcxyz")
    other = sparse_tar((0, 3), (size - 3, 3), size=size, data=b"abcxyZ")
    zeros = sparse_tar((0, 3), (9, 2), (size - 3, 3), size=size, data=b"abc\0\0xyz")
    contents, union = contents_of(same, spelled_otherwise, other, zeros)
    first, *rest = (event_of(union, "/sparse", layer) for layer in (1, 2, 3, 4))
    assert [contents.same(first, event) for event in rest] == [True, False, True]
    assert contents.read(first, size - 5) == b"\0\0xyz"
    with pytest.raises(LayertuiError, match=r"no digest of /sparse.*bytes of zeros"):
        contents.digest(first)
    contents.prepare([first])


@pytest.mark.parametrize(
    ("stretches", "why"),
    [(((5, 3), (0, 3)), "not in order"), (((0, 4), (2, 2)), "not in order"), (((0, 600),), "more than")],
)
def test_bad_sparse_maps(stretches: tuple[tuple[int, int], ...], why: str) -> None:
    contents, union = contents_of(sparse_tar(*stretches, size=1000, data=b"abcdef"))
    with pytest.raises(LayertuiError, match=f"cannot read /sparse of layer 1.*{why}"):
        contents.read(event_of(union, "/sparse"))


def test_hardlinks_have_the_content_of_what_they_link_to() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.LNKTYPE, "d0/f0"
        archive.addfile(link)
        dangling = tarfile.TarInfo("dangling")
        dangling.type, dangling.linkname = tarfile.LNKTYPE, "nowhere"
        archive.addfile(dangling)
    contents, union = contents_of(tar_of({"d0/f0": b"below"}), buffer.getvalue(), tar_of({"d0/f0": b"above"}))
    assert contents.read(event_of(union, "/link")) == b"below"
    assert contents.same(event_of(union, "/link"), event_of(union, "/d0/f0", 1))
    assert not contents.same(event_of(union, "/link"), event_of(union, "/d0/f0"))
    with pytest.raises(LayertuiError, match="/dangling, it is a hardlink to /nowhere, which is not there"):
        contents.read(event_of(union, "/dangling"))


@pytest.mark.parametrize(
    ("type_", "why"),
    [
        (tarfile.SYMTYPE, "is a symlink"),
        (tarfile.DIRTYPE, "is a directory"),
        (tarfile.CHRTYPE, "is a character device"),
        (tarfile.BLKTYPE, "is a block device"),
        (tarfile.FIFOTYPE, "is a named pipe"),
    ],
)
def test_what_has_no_content_says_so(type_: bytes, why: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("it")
        member.type, member.linkname = type_, "x"
        archive.addfile(member)
    contents, union = contents_of(buffer.getvalue())
    for ask in (contents.read, contents.pieces, contents.open, contents.digest):
        with pytest.raises(LayertuiError, match=f"cannot read /it, it {why}"):
            ask(event_of(union, "/it"))


def test_deleted_versions_can_be_read_and_deletions_cannot() -> None:
    contents, union = contents_of(tar_of({"key": b"secret"}), tar_of({".wh.key": b""}))
    stored, deleted = union.versions(union.find("/key"))
    assert contents.read(stored) == b"secret"
    with pytest.raises(LayertuiError, match="no /key, layer 2 deletes it"):
        contents.read(deleted)


@pytest.mark.parametrize("how", COMPRESS)
def test_cut_layers_give_what_is_left_and_say_what_is_wrong(how: str) -> None:
    stored = {"first": b"a" * 1000, "second": random.Random(6).randbytes(400_000), "third": b"c" * 1000}
    tar = tar_of(stored)
    blob = COMPRESS[how](tar)
    contents, union = contents_stored_as(blob[:300_000], tar)
    event = event_of(union, "/second")
    got = b""
    with pytest.raises(LayertuiError, match="cannot read /second of layer 1, "):
        for piece in contents.pieces(event):
            got += piece
    assert stored["second"].startswith(got)
    if how == "bzip2":
        return  # one block of 900 kB: all of it or nothing
    assert len(got) > 100_000
    assert contents.read(event_of(union, "/first")) == stored["first"]
    assert contents.open(event).read(1000) == stored["second"][:1000]
    contents.prepare([event_of(union, "/first"), event])
    assert contents.digest(event_of(union, "/first")) == digest(stored["first"])
    with pytest.raises(LayertuiError, match="cannot read /second of layer 1, "):
        contents.digest(event)


@pytest.mark.parametrize("how", ["gzip", "zstd", "bzip2", "xz"])
def test_damage_leaves_what_is_before_it(how: str) -> None:
    data = random.Random(7).randbytes(3_000_000)
    tar = tar_of({"one": data})
    blob = bytearray(COMPRESS[how](tar))
    at = 2_000_000
    blob[at : at + 70_000] = bytes(70_000)  # the header of a chunk of LZMA2 too: each has 64 KiB at most
    contents, union = contents_stored_as(bytes(blob), tar)
    event = event_of(union, "/one")
    got = b""
    with pytest.raises(LayertuiError, match=f"cannot read /one of layer 1, its {how} stream is damaged"):
        for piece in contents.pieces(event):
            got += piece
    # What comes after may be wrong: only a checksum, far behind, tells.
    assert got[:900_000] == data[:900_000]
    assert contents.read(event, 900_000, 200) == data[900_000:900_200]


def test_wrong_checksum_keeps_nothing_of_the_bytes_from_being_read() -> None:
    data = random.Random(7).randbytes(300_000)
    tar = tar_of({"one": data})
    blob = bytearray(COMPRESS["gzip"](tar))
    blob[-8] ^= 1
    contents, union = contents_stored_as(bytes(blob), tar)
    event = event_of(union, "/one")
    assert contents.read(event) == data
    assert contents.read(event, 299_990) == data[-10:]


def test_layer_that_is_not_here() -> None:
    stored = tar_of({"a": b"a"})
    contents, union = contents_of(stored)
    missing = Layer(LayerNumber(1), Descriptor(LAYER, "", 0), "", "", None, "its blob is not in the archive")
    other, _ = contents_of_layers([missing])
    other.grow(union.indexes, union)
    with pytest.raises(LayertuiError, match="cannot read /a of layer 1, its blob is not in the archive"):
        other.read(event_of(union, "/a"))
    assert contents.read(event_of(union, "/a")) == b"a"


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd-frames"])
def test_prepare_hashes_as_digest_does_and_reads_each_layer_once(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [files(seed, 30, 50_000) for seed in (8, 9, 10)]
    contents, union = contents_of(*(COMPRESS[how](tar_of(stored)) for stored in layers))
    events = [event for event in union.events if not union.is_directory(event)]
    random.Random(11).shuffle(events)
    told: list[tuple[int, int]] = []
    contents.prepare(events, Job(lambda *seen: told.append(seen)))
    assert all(0 < done <= total for done, total in told)
    assert max(told) == (sum(len(data) for stored in layers for data in stored.values()),) * 2
    monkeypatch.setattr(contents._layers, "source", None)  # from here on all must be known
    for event in events:
        path = union.path(union.ev_node[event])[1:]
        assert contents.digest(event) == digest(layers[union.ev_layer[event] - 1][path])


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd-frames"])
def test_in_order_each_layer_is_read_once_though_some_files_are_left_in_the_middle(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [files(seed, 30, 50_000) for seed in (15, 16)]
    contents, union = contents_of(*(COMPRESS[how](tar_of(stored)) for stored in layers))
    starts = noted_starts(monkeypatch)
    events = [event for event in union.events if not union.is_directory(event)]
    random.Random(17).shuffle(events)
    seen = []
    for number, (event, pieces) in enumerate(contents.in_order(events)):
        data = next(pieces, b"") if number % 2 else b"".join(pieces)
        path = union.path(union.ev_node[event])[1:]
        whole = layers[union.ev_layer[event] - 1][path]
        assert whole.startswith(data) if number % 2 else data == whole
        seen.append(event)
    assert sorted(seen) == sorted(events)
    assert len(starts) <= len(layers)


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd-frames"])
def test_batches_hold_every_file_and_read_a_layer_once(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = files(15, 200, 200_000)
    contents, union = contents_of(COMPRESS[how](tar_of(stored)))
    starts = noted_starts(monkeypatch)
    events = list(union.events)
    random.Random(17).shuffle(events)
    seen, batches = {}, 0
    for batch in contents.batches(events):
        batches += 1
        for event, begin, end in batch.files:
            seen[union.path(union.ev_node[event])[1:]] = batch.data[begin:end]
    assert seen == stored
    assert batches < len(stored) / 10 and len(starts) <= 1


def test_batches_hold_sparse_files_as_they_are_and_leave_large_gaps_out() -> None:
    holes = sparse_tar((100, 5), (9000, 3), size=10_000, data=b"12345abc")
    plain = tar_of({"a": b"one", "large": bytes(1 << 20), "b": b"two"})
    plain = plain.rstrip(b"\0")  # without its end
    contents, union = contents_of(plain + bytes(-len(plain) % 512) + holes)
    wanted = [event_of(union, path) for path in ("/a", "/b", "/sparse")]
    batches = list(contents.batches(wanted))
    assert [len(batch.data) for batch in batches] == [3, 3, 10_000]
    assert batches[2].data == contents.read(wanted[2])


def test_what_was_kept_is_read_without_its_layer() -> None:
    stored = files(19, 50, 90_000) | {"d1/f99": bytes(range(256)) * 5000}
    blob = gzip.compress(tar_of(stored), 1)
    layer = Layer(LayerNumber(1), Descriptor(LAYER, "", len(blob)), "", "", BytesBlob(blob, "layer"))
    index = index_layer(layer, None, visitors=[Keep([rb"d[12]\0f\d+"])])
    builder = UnionBuilder()
    builder.add(index)
    union = builder.freeze()
    gone = layer._replace(blob=BytesBlob(b"", "layer"))
    contents = Contents(sample()._replace(layers=[gone]), [index], union)
    events = {path: event_of(union, f"/{path}") for path in stored}
    kept = {path: data for path, data in stored.items() if path[:2] in ("d1", "d2")}
    assert len(kept) > 5 and len(kept["d1/f99"]) > tar_reader.READ_CHUNK
    for path, data in kept.items():
        event = events[path]
        assert contents.read(event) == data
        assert contents.read(event, 7, 100) == data[7:107]
        assert b"".join(contents.pieces(event, 5)) == data[5:]
        assert contents.digest(event) == digest(data)
    assert contents.read_all(events.values()) == {
        events[path]: data for path, data in stored.items() if path in kept or not data
    }
    left = next(path for path, data in stored.items() if data and path not in kept)
    with pytest.raises(LayertuiError, match="the layer ends in the middle of it"):
        contents.read(events[left])


@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_batches_leave_out_what_is_damaged_or_lies_behind(how: str) -> None:
    stored = {f"f{number}": random.Random(number).randbytes(100_000) for number in range(60)}
    whole = tar_of(stored)
    contents, union = contents_stored_as(COMPRESS[how](whole)[:3_000_000], whole)
    seen = [
        (union.path(union.ev_node[event])[1:], batch.data[start:end])
        for batch in contents.batches(union.events)
        for event, start, end in batch.files
    ]
    assert 20 < len(seen) < 40 and dict(seen).items() <= stored.items()


def test_batches_stop_when_cancelled() -> None:
    contents, union = contents_of(COMPRESS["gzip"](tar_of(files(18, 30, 50_000))))
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        next(contents.batches(union.events, job))


def test_prepare_stops_when_cancelled() -> None:
    contents, union = contents_of(
        *(COMPRESS["gzip"](tar_of(files(seed, 30, 50_000))) for seed in (12, 13, 14))
    )
    job = Job(lambda _done, _total: job.cancel())
    with pytest.raises(Cancelled):
        contents.prepare(union.events, job)
    with pytest.raises(Cancelled):
        contents.read(event_of(union, "/d0/f0", 1), 0, 9_000_000, job)
        contents.digest(Event(max(union.events, key=union.size)), job)


def test_files_that_differ_in_size_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    contents, union = contents_of(tar_of({"a": b"x", "b": b"1"}), tar_of({"a": b"xy", "b": b"2"}))
    assert not contents.same(event_of(union, "/b", 1), event_of(union, "/b", 2))
    monkeypatch.setattr(contents._layers, "source", None)
    assert not contents.same(event_of(union, "/a", 1), event_of(union, "/a", 2))


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
def test_file_object(how: str) -> None:
    data = random.Random(15).randbytes(200_000) + b"line\n" * 3
    contents, union = contents_of(COMPRESS[how](tar_of({"a": b"before", "f": data})))
    file = contents.open(event_of(union, "/f"))
    assert file.size == len(data)
    assert file.read(10) == data[:10]
    assert file.seek(-4, io.SEEK_END) == len(data) - 4
    assert file.read() == b"ine\n"
    assert file.read() == b""
    assert file.pread(100, 150_000) == data[150_000:150_100]
    assert file.seek(0) == 0
    assert io.BufferedReader(file).read() == data
    with pytest.raises(ValueError, match="negative position"):
        file.seek(-1)


@pytest.mark.parametrize("how", ["gzip", "gzip-members", "zstd-frames", "bzip2-streams"])
def test_many_threads_read_at_once(how: str) -> None:
    stored = files(16, 50, 60_000)
    contents, union = contents_of(COMPRESS[how](tar_of(stored)))
    wrong: list[str] = []  # what a thread asserts, nobody hears

    def work(seed: int) -> None:
        random_ = random.Random(seed)
        for path in random_.choices(list(stored), k=60):
            if contents.read(event_of(union, path)) != stored[path]:
                wrong.append(path)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_image_of_more_compressed_layers_than_are_kept_active() -> None:
    layers = [files(seed, 5, 30_000) for seed in range(20, 20 + 3 * MAX_ACTIVE_LAYERS)]
    contents, union = contents_of(*(COMPRESS["zstd"](tar_of(stored)) for stored in layers))
    for _ in range(2):
        for number, stored in enumerate(layers, 1):
            for path, data in stored.items():
                assert contents.read(event_of(union, path, number)) == data
