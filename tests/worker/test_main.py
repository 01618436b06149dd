"""The process that reads images for the screen."""

import gzip
import io
import json
import random
import subprocess
import sys
import tempfile

import msgspec

from layertui import demo
from layertui.layers.codec import unpack
from layertui.model.blob import BytesBlob
from layertui.sources import open_image
from layertui.ui.worker.process import frames
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion
from layertui.worker.main import Frames, look
from tests.commands.samples import tar
from tests.images import layers_of
from tests.layouts import OciLayout


def run(reference: str, cache: bool = False) -> list[tuple[bytes, list]]:
    request = json.dumps({"reference": reference, "cache": cache}).encode()
    done = subprocess.run(
        [sys.executable, "-m", "layertui.worker.main"], input=request, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return [(tag, msgspec.msgpack.decode(payload)) for tag, payload in frames(io.BytesIO(done.stdout))]


def test_sends_every_layer_then_the_whole_union() -> None:
    image = open_image("demo:")
    sent = run("demo:")
    indexes = {values[0]: unpack(values[1]) for tag, values in sent if tag == b"x"}
    assert sorted(indexes) == list(range(1, len(image.layers) + 1))
    assert sent[-1][0] == b"d"
    tag, (count, encoded) = sent[-2]
    assert tag == b"u" and count == len(image.layers)
    union = LayerUnion.decode(encoded, [indexes[number] for number in sorted(indexes)])
    assert union.find("/etc/os-release") > 0 or union.find("/usr/lib/os-release") > 0
    paths, reclaimable = sent[-1][1]
    assert paths == MergedTree(union, count).paths()
    assert reclaimable == union.stored_bytes() - MergedTree(union, count).subtree_size(0) > 0


def test_looks_into_a_part_of_an_image_whose_paths_are_not_utf8(tmp_path) -> None:
    OciLayout(tmp_path / "image").add("1", [tar(("/\udcff", b"secret")), tar(("/.wh.\udcff", b""))])
    request = json.dumps({"reference": f"oci:{tmp_path}/image:1", "cache": False, "part": "waste"}).encode()
    done = subprocess.run(
        [sys.executable, "-m", "layertui.worker.main"], input=request, capture_output=True, timeout=60
    )
    sent = dict(frames(io.BytesIO(done.stdout)))
    assert list(sent)[-2:] == [b"f", b"s"]
    ((found),) = json.loads(sent[b"f"])
    assert (found["path"], found["layer"], found["size"]) == ("/\udcff", 1, 6)
    assert json.loads(sent[b"s"])["size"] == 6


def test_packages_take_no_second_reading_of_the_layers(monkeypatch) -> None:
    """Every stored byte is read once, and a little to see how a layer is compressed."""
    noise, status = random.Random(1).randbytes(500_000), b"Package: a\nVersion: 1\n"
    layers = layers_of([gzip.compress(tar(("/noise", noise), ("/var/lib/dpkg/status", status)))])
    read = []
    pread = BytesBlob.pread

    def counting(blob, length, offset):
        data = pread(blob, length, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr(BytesBlob, "pread", counting)
    with tempfile.TemporaryFile() as sent:
        look("packages", demo.image()._replace(layers=layers), None, Frames(sent.fileno()))
        sent.seek(0)
        told = dict(frames(sent))
    assert [row["where"] for row in json.loads(told[b"f"])] == ["a 1"]
    assert len(noise) < sum(read) < 1.1 * len(noise)


def test_says_in_one_frame_why_it_cannot_open() -> None:
    sent = run("docker-archive:/nowhere/app.tar")
    assert [tag for tag, _ in sent] == [b"e"]
    assert b"/nowhere/app.tar" in sent[0][1][0]


def test_ends_quietly_when_nobody_listens() -> None:
    request = json.dumps({"reference": "demo:", "cache": False}).encode()
    process = subprocess.Popen(
        [sys.executable, "-m", "layertui.worker.main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdout.close()
    process.stdin.write(request)
    process.stdin.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=30) == 0
