"""The records that engines keep of the tars they unpacked."""

from __future__ import annotations

import base64
import gzip
import json
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from layertui.layers.codec import pack_index
from layertui.layers.compression.format import Damaged
from layertui.layers.load import index_layer
from layertui.layers.unpacked.tar_split import CONTENT_CHUNK, Content, RecordedDirectory, pieces
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Layer, Recorded
from layertui.model.job import Cancelled, Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import LayerNumber
from layertui.verify.layer import checks
from tests.content.archives import tar_of
from tests.images import layers_of
from tests.layouts import digest

Line = dict[str, object]


def record(path: Path, *lines: Line) -> Path:
    path.write_bytes(gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines)))
    return path


def segment(data: bytes) -> Line:
    return {"type": 2, "payload": base64.b64encode(data).decode()}


FILES = {"a": b"first", "d/b": b"x" * 5000, "d/empty": b"", "z": b"last" * 400}


def split(tar: bytes, files: dict[str, bytes] = FILES) -> list[Line]:
    """What tar-split makes of a tar of these files, each header 512 bytes."""
    lines, at = [], 0
    for name, data in files.items():
        lines.append(segment(tar[at : at + 512]))
        at += 512
        lines.append({"type": 1, "name": name, "size": len(data), "payload": ""})
        at += len(data)
        padding = -len(data) % 512
        lines.append(segment(tar[at : at + padding]))
        at += padding
    return [*lines, segment(tar[at:])]


@pytest.fixture
def unpacked(tmp_path: Path) -> RecordedDirectory:
    for name, data in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "tree/of-another-layer").write_text("not recorded")
    return RecordedDirectory(record(tmp_path / "tar-split.json.gz", *split(tar_of(FILES))), tmp_path / "tree")


def test_the_record_gives_the_same_index_as_the_tar(unpacked: RecordedDirectory) -> None:
    expected = index_layer(layers_of([tar_of(FILES)])[0], None)
    found = unpacked.scan()
    assert (found.keys, found.kind, found.size, found.mode, found.offset) == (
        expected.keys,
        expected.kind,
        expected.size,
        expected.mode,
        expected.offset,
    )
    assert not found.damage and not found.warnings


def test_record_and_files_are_the_tar_again(unpacked: RecordedDirectory) -> None:
    assert digest(b"".join(unpacked.tar())) == digest(tar_of(FILES))


def test_checks_stop_in_the_middle_of_a_tar(unpacked: RecordedDirectory) -> None:
    """And in the middle of one large file."""
    (unpacked.directory / "z").write_bytes(bytes(3 * CONTENT_CHUNK))
    files = {**FILES, "z": bytes(3 * CONTENT_CHUNK)}
    tar = tar_of(files)
    record(unpacked.record, *split(tar, files))
    layer = Layer(LayerNumber(1), Descriptor("", "", -1), digest(tar), "", None, unpacked=unpacked)
    told: list[int] = []

    def tell(done: int, _total: int) -> None:
        told.append(done)
        if done > CONTENT_CHUNK:
            job.cancel()

    job = Job(tell)
    with pytest.raises(Cancelled):
        list(checks(layer, job))
    assert CONTENT_CHUNK < told[-1] <= 2 * CONTENT_CHUNK + len(tar_of(FILES)) and len(told) > 4
    told.clear()
    (check,) = checks(layer, Job(lambda done, _total: told.append(done)))
    assert check.status == "ok" and told[-1] == len(tar)


@pytest.mark.parametrize("of", ["directory", "members"])
def test_sizes_are_no_longer_counted_when_told_to_stop(
    unpacked: RecordedDirectory, of: Literal["directory", "members"]
) -> None:
    """After the tar has been read whole: its size is compared with what the store noted."""
    tar = tar_of(FILES)
    for recorded in (Recorded(0, "directory"), Recorded(0, "members")):
        layer = Layer(
            LayerNumber(1),
            Descriptor("", "", -1),
            digest(tar),
            "",
            None,
            unpacked=unpacked,
            recorded=recorded,
        )
        job = Job()
        with pytest.raises(Cancelled):
            list(checks(layer, job.part(partial(_stop_at, len(tar), job))))


def _stop_at(end: int, job: Job, done: int, _total: int) -> None:
    if done == end:
        job.cancel()


def test_a_file_that_has_been_cut_since(unpacked: RecordedDirectory) -> None:
    (unpacked.directory / "d/b").write_bytes(b"short")
    with pytest.raises(LayertuiError, match=r"d/b, .*, from \d+ to 5 bytes"):
        list(unpacked.tar())


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"type": 2, "payload": "%%%"},
        {"type": 1, "size": 5},
        {"type": 3},
        {"type": 2, "payload": 7},
        {"type": "\ud800"},
        {"type": "\ud800", "name": "a", "size": 5},
        {"type": 1, "name": "a", "size": 1 << 80},
        {"type": 1, "name": "a", "size": 4.5},
    ],
)
def test_a_broken_line_ends_the_entries(unpacked: RecordedDirectory, line: Line) -> None:
    record(unpacked.record, *split(tar_of(FILES))[:4], line)
    found = unpacked.scan()
    pack_index(found)
    assert "tar-split record is damaged" in found.damage
    assert list(found.kind)[:1] == [Kind.FILE]


def test_a_deep_line_is_damage(unpacked: RecordedDirectory) -> None:
    unpacked.record.write_bytes(gzip.compress(b'{"type":' + b"[" * 200_000 + b"\n"))
    with pytest.raises(Damaged, match="tar-split record is damaged"):
        list(pieces(unpacked.record))


def test_a_cut_record(unpacked: RecordedDirectory) -> None:
    data = unpacked.record.read_bytes()
    unpacked.record.write_bytes(data[: len(data) // 2])
    with pytest.raises(Damaged, match="tar-split record is damaged"):
        list(pieces(unpacked.record))
    assert "damaged" in unpacked.scan().damage


def test_an_empty_record_is_no_record_of_an_empty_layer(unpacked: RecordedDirectory) -> None:
    """A crash leaves files without their bytes; Go's reader, and so Docker, finds no gzip stream."""
    unpacked.record.write_bytes(b"")
    assert "tar-split record is damaged: it is empty" in unpacked.scan().damage
    unpacked.record.write_bytes(gzip.compress(b""))  # of a tar of no bytes
    assert not unpacked.scan().damage


def test_no_record(tmp_path: Path) -> None:
    with pytest.raises(LayertuiError, match="cannot read"):
        RecordedDirectory(tmp_path / "none", tmp_path).scan()


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    raw = base64.b64encode(b"caf\xe9").decode()
    path = record(tmp_path / "r.gz", {"type": 1, "name_raw": raw, "size": 3})
    (content,) = pieces(path)
    assert isinstance(content, Content) and (content.key, content.size) == (b"caf\xe9", 3)
