"""``layertui cat``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from layertui.commands import opening
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.model.job import Job
from layertui.model.layer_index import LayerIndex
from tests.commands.running import Run
from tests.commands.samples import HOSTILE, eventful, image, tar
from tests.layers.unpacked.test_change_detection import rewrite, tick
from tests.layers.unpacked.test_overlay_directory import image_of


def test_the_bytes_untouched_through_links(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    assert run("cat", path, HOSTILE).out == b"evil\x1b[2J\n"
    assert run("cat", path, "/lib/so", "--layer", 1).out == b"\x7fELF\0"
    assert run("cat", path, "/hard").out == b"one\ntwo\nthree\n"


def test_hidden_versions(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    assert run("cat", path, "/gone", "--layer", 1).out == b"secret\n"
    assert run("cat", path, "/gone").out == b"back\n"
    done = run("cat", path, "/gone", "--layer", 2)
    assert (done.status, done.out) == (2, b"")
    assert done.err == "layertui: no /gone at layer 2, layer 2 deletes /gone, see --layer 1\n"


@pytest.mark.parametrize(
    "path, told",
    [
        ("/etc", "cannot read /etc, it is a directory"),
        ("/loop", "no /loop at layer 3, /loop links to loop, back at /loop, a symlink loop"),
        (
            "/dangling",
            "no /dangling at layer 3, /dangling links to /nowhere/at/all, no /nowhere/at/all at layer 3",
        ),
        ("/nothing", "no /nothing at layer 3, nearest existing path: /"),
    ],
)
def test_what_cannot_be_read(run: Run, tmp_path: Path, path: str, told: str) -> None:
    done = run("cat", eventful(tmp_path), path)
    assert (done.status, done.out, done.err) == (2, b"", f"layertui: {told}\n")


def test_a_cut_layer_gives_what_is_there_and_says_so(run: Run, tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/a", b"a" * 1000), ("/b", b"b" * 100_000)))
    blob = max((path / "blobs/sha256").iterdir(), key=lambda file: file.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:50_000])
    assert run("cat", path, "/a").out == b"a" * 1000
    done = run("cat", path, "/b")
    assert done.status == 2
    assert set(done.out) == {ord("b")} and len(done.out) < 50_000
    assert "the layer ends in the middle of it" in done.err


@dataclass(frozen=True, slots=True)
class Written(UnpackedDirectory):
    """A directory that is written to while it is listed, as that of a container that runs."""

    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        def write(_count: int, _total: int) -> None:
            tick()
            (self.path / "later").touch()

        return UnpackedDirectory(self.path).scan(Job(write))


def test_a_layer_that_changes_while_it_is_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    root.mkdir(0o755)
    (root / "log").write_bytes(b"one\n")
    layer = image_of([root]).layers[0]._replace(unpacked=Written(root))
    monkeypatch.setattr(opening, "open_image", lambda *_: image_of([root])._replace(layers=[layer]))
    done = run("cat", "live", "/log")
    assert (done.status, done.out) == (0, b"one\n")
    assert done.err == (
        "layertui: warning: layer 1: changed while the layer was read: "
        "the listing may mix old and new, reload the image\n"
    )


def test_a_file_that_changes_before_it_is_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root").mkdir()
    log = tmp_path / "root/log"
    log.write_bytes(b"one\n")
    read_layers = opening.read_layers
    monkeypatch.setattr(opening, "open_image", lambda *_: image_of([log.parent]))

    def slow(*arguments: Any) -> opening.Opened:
        opened = read_layers(*arguments)
        rewrite(log)
        return opened

    monkeypatch.setattr("layertui.commands.cat.read_layers", slow)
    done = run("cat", "live", "/log")
    assert (done.status, done.out) == (2, b"")
    assert (
        done.err == f"layertui: cannot read {log}, changed since the image was read, read the image again\n"
    )
