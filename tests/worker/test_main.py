"""The process that reads images for the screen."""

import gzip
import io
import random
import subprocess
import tempfile
from pathlib import Path

import pytest

from layertui import demo
from layertui.cache.image_bytes import recall_bytes
from layertui.cache.indexes import IndexCache
from layertui.find.found import FoundPath
from layertui.layers.codec import unpack_index
from layertui.model.blob import BytesBlob
from layertui.model.identity import identity_of
from layertui.model.numbers import ROOT, LayerNumber
from layertui.model.sizes import Bytes
from layertui.sources import open_image
from layertui.union.codec import union_of_pieces
from layertui.union.merged_tree import MergedTree
from layertui.worker.main import AT_ONCE, look
from layertui.worker.protocol import (
    Failed,
    FilesRead,
    FindDone,
    FindingsFound,
    FindRequest,
    Frame,
    ImageBegun,
    ImageDone,
    ImagePinned,
    ItemsFound,
    LayerDone,
    LayerRead,
    LayersMerged,
    Sender,
    SurveyDone,
    SurveyRequest,
    TreeDone,
    TreeRequest,
)
from tests.commands.samples import tar
from tests.images import layers_of
from tests.layouts import OciLayout
from tests.waiting import SECONDS
from tests.worker.runs import frames, pin, run, start


def test_sends_every_layer_then_the_whole_union() -> None:
    image = open_image("demo:")
    sent = run(TreeRequest(pin("demo:"), False))
    indexes = {frame.layer: unpack_index(frame.index) for frame in sent if isinstance(frame, LayerDone)}
    assert sorted(indexes) == list(range(1, len(image.layers) + 1))
    merged, done = sent[-2:]
    assert isinstance(merged, LayersMerged) and isinstance(done, TreeDone)
    assert merged.layers == len(image.layers)
    union = union_of_pieces(merged.pieces, [indexes[number] for number in sorted(indexes)])
    assert union.find("/etc/os-release") > 0 or union.find("/usr/lib/os-release") > 0
    top = MergedTree(union, merged.layers)
    assert done.paths == top.paths()
    assert sum(size.dead for size in done.layers) == union.stored_bytes() - top.subtree_size(ROOT) > 0
    assert sum(size.live for size in done.layers) == top.subtree_size(ROOT)


def test_what_ends_within_a_union_is_no_frame() -> None:
    with tempfile.TemporaryFile() as sent:
        sender = Sender(sent.fileno())
        sender.send(LayersMerged(LayerNumber(1), [2, 3]), [b"ab", memoryview(b"cde")])
        sender.send(FilesRead(1, 2))
        sent.seek(0)
        merged, following = frames(sent)
        assert isinstance(merged, LayersMerged) and merged.pieces == [b"ab", b"cde"]
        assert following == FilesRead(1, 2)
        sent.seek(0)
        data = sent.read()
    whole = data.index(b"abcde") + 5
    assert [len(list(frames(io.BytesIO(data[:end])))) for end in range(whole + 1)] == [0] * whole + [1]


def test_remembers_the_bytes_of_the_image_for_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    OciLayout(tmp_path / "image").add("1", [tar(("/a", b"secret"), ("/b", b"b")), tar(("/.wh.a", b""))])
    pinned = pin(f"oci:{tmp_path}/image:1")
    image = open_image(f"oci:{tmp_path}/image:1")
    run(TreeRequest(pinned, False))
    assert recall_bytes(IndexCache(), image.reference, image.id) is None
    run(TreeRequest(pinned, True))
    assert recall_bytes(IndexCache(), image.reference, image.id) == Bytes(1, 6)


def test_looks_into_a_part_of_an_image_whose_paths_are_not_utf8(tmp_path: Path) -> None:
    OciLayout(tmp_path / "image").add("1", [tar(("/\udcff", b"secret")), tar(("/.wh.\udcff", b""))])
    findings, done = run(SurveyRequest(pin(f"oci:{tmp_path}/image:1"), False, "waste"))[-2:]
    assert isinstance(findings, FindingsFound) and isinstance(done, SurveyDone)
    (found,) = findings.findings
    assert (found.path, found.layer, found.size) == ("/\udcff", 1, 6)
    assert done.survey.size == 6


def test_packages_take_no_second_reading_of_the_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stored byte is read once, and a little to see how a layer is compressed."""
    noise, status = random.Random(1).randbytes(500_000), b"Package: a\nVersion: 1\n"
    layers = layers_of([gzip.compress(tar(("/noise", noise), ("/var/lib/dpkg/status", status)))])
    read: list[int] = []
    pread = BytesBlob.pread

    def counting(blob: BytesBlob, length: int, offset: int) -> bytes:
        data = pread(blob, length, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr(BytesBlob, "pread", counting)
    with tempfile.TemporaryFile() as sent:
        image = demo.image()._replace(layers=layers)
        look(SurveyRequest(identity_of(image), False, "packages"), image, Sender(sent.fileno()))
        sent.seek(0)
        (findings,) = [frame for frame in frames(sent) if isinstance(frame, FindingsFound)]
    assert [row.where for row in findings.findings] == ["a 1"]
    assert len(noise) < sum(read) < 1.1 * len(noise)


def test_finds_in_many_images_and_goes_on_where_one_cannot_be_opened(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "images")
    layout.add("1", [tar(("/\udcff.conf", b"a")), tar(("/.wh.\udcff.conf", b""))])
    layout.add("2", [tar(("/other", b"b"))])
    images = [f"oci:{tmp_path}/{name}" for name in ("images:1", "none:1", "images:2", "images:1")]
    sent = [
        frame for frame in run(FindRequest(images, None, False, "path", "*.conf")) if not is_progress(frame)
    ]
    of_one = [ImageBegun, ImagePinned, ItemsFound, ImageDone]
    kinds = [*of_one, ImageBegun, ImageDone, ImageBegun, ImagePinned, ImageDone, *of_one, FindDone]
    assert [type(frame) for frame in sent] == kinds
    assert [frame.items for frame in sent if isinstance(frame, ItemsFound)] == [
        [FoundPath(images[0], LayerNumber(1), False, "/\udcff.conf", "file", 1)]
    ] * 2
    assert [frame.image for frame in sent if isinstance(frame, ImagePinned)] == [
        pin(images[0]),
        pin(images[2]),
        pin(images[0]),
    ]
    problems = [frame.problems for frame in sent if isinstance(frame, ImageDone)]
    assert [len(each) for each in problems] == [0, 1, 0, 0] and "none" in problems[1][0]


def test_many_matches_are_sent_in_parts(tmp_path: Path) -> None:
    files = [(f"/{number}", b"") for number in range(AT_ONCE + 1)]
    OciLayout(tmp_path / "images").add("1", [tar(*files)])
    sent = run(FindRequest([f"oci:{tmp_path}/images:1"], None, False, "path", "*"))
    assert [len(frame.items) for frame in sent if isinstance(frame, ItemsFound)] == [AT_ONCE, 1]


def is_progress(frame: Frame) -> bool:
    return isinstance(frame, LayerRead | FilesRead)


def test_says_in_one_frame_why_it_cannot_open(tmp_path: Path) -> None:
    folder = tmp_path / "\udcff"
    folder.mkdir()
    identity = pin("demo:")._replace(pinned=f"docker-archive:{folder}")
    (failed,) = run(TreeRequest(identity, False))
    assert isinstance(failed, Failed) and failed.what == f"{folder} is a directory"


def test_ends_quietly_when_nobody_listens() -> None:
    process = start(TreeRequest(pin("demo:"), False), stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=SECONDS) == 0
