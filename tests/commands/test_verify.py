"""``layertui verify``."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from layertui import demo
from tests.commands.running import Run
from tests.commands.samples import image, tar
from tests.engines import Docker, containers_storage, docker_daemon
from tests.engines import run as program
from tests.layouts import OciLayout, docker_archive
from tests.programs import need


def blobs(path: Path) -> list[Path]:
    return sorted((path / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size)


def test_what_is_right(run: Run) -> None:
    done = run("verify", "demo:")
    assert (done.status, done.err) == (0, "")
    assert done.lines[0].split() == ["OF", "CHECK", "VALUE"]
    assert done.lines[1].split() == ["ok", "manifest", "digest", demo.image().manifest_digest]
    assert done.lines[-1] == "38 ok, 0 wrong, 0 not checkable here"


def test_what_is_wrong_names_both_values(run: Run, tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/a", b"a" * 5000)))
    largest = blobs(path)[-1]
    largest.write_bytes(largest.read_bytes().replace(b"aaaa", b"bbbb", 1))
    done = run("verify", path, "--json")
    (found,) = done.objects
    assert done.status == 1
    assert (found["reference"], found["ok"]) == (f"oci:{path}", False)
    step = next(step for step in found["steps"] if step["what"] == "digest" and step["subject"] == "layer 1")
    assert step["status"] == "wrong" and step["expected"] == f"sha256:{largest.name}" != step["found"]
    assert f"claimed {step['expected']}, found {step['found']}" in run("verify", path).text
    assert "0 not checkable here" in run("verify", path).lines[-1]


def test_a_document_that_is_wrong_is_found_though_it_keeps_the_image_from_opening(
    run: Run, tmp_path: Path
) -> None:
    path = image(tmp_path, tar(("/a", b"a" * 5000)))
    config = next(blob for blob in blobs(path) if b"diff_ids" in blob.read_bytes())
    config.write_bytes(config.read_bytes() + b" ")
    done = run("verify", path, "--json")
    assert done.status == 1
    (step,) = done.objects[0]["steps"]
    assert step["expected"] == f"sha256:{config.name}" and "config" in step["why"]


def test_what_is_not_there(run: Run, tmp_path: Path) -> None:
    done = run("verify", tmp_path / "none.tar")
    assert (done.status, done.out) == (2, b"")
    path = image(tmp_path, tar(("/a", b"a" * 5000)))
    blobs(path)[-1].unlink()
    done = run("verify", path)
    assert done.status == 2 and done.err.startswith("layertui: layer 1 cannot be checked, its blob sha256:")
    assert any(line.startswith("ok") for line in done.lines)  # what could be checked is told


@pytest.mark.parametrize("driver", ["overlay2", "vfs"])
def test_unpacked_layers_are_put_together_again(driver: str, run: Run, tmp_path: Path) -> None:
    docker_archive(tmp_path / "sample.tar", demo.image())
    copied = tmp_path / "docker"
    with docker_daemon(Path(tempfile.mkdtemp(prefix="layertui-")), driver=driver) as docker:
        docker("load", "--input", tmp_path / "sample.tar")
        docker("create", "--name=made", demo.NAME)
        os.system(f"cp --archive {docker.data_root} {copied}")
    reference = f"docker-root:[{copied}]{demo.NAME}"
    done = run("verify", reference, "--json")
    assert done.status == 0
    found = {(step["subject"], step["what"]): step for step in done.objects[0]["steps"]}
    for layer in demo.image().layers:
        assert found[f"layer {layer.number}", "diff ID"]["found"] == layer.diff_id
        assert found[f"layer {layer.number}", "chain ID"]["status"] == "ok"
    made = run("verify", f"docker-root:[{copied}]/made", "--json")
    if driver == "overlay2":  # its own layer has no digest
        assert made.status == 0
        assert made.objects[0]["steps"][-1]["why"] == "no digest of it is recorded"
    for path in copied.rglob("etc/os-release"):  # with vfs, every directory has its own
        path.write_bytes(b"X" * path.stat().st_size)
    done = run("verify", reference, "--json")
    assert done.status == 1
    bad = [step for step in done.objects[0]["steps"] if step["status"] == "wrong"]
    assert bad[0]["what"] == "diff ID" and {step["what"] for step in bad[1:]} <= {"chain ID", "diff ID"}


@pytest.mark.parametrize("driver", ["overlay", "vfs"])
def test_podmans_store(driver: str, run: Run, tmp_path: Path) -> None:
    need("podman")
    docker_archive(tmp_path / "sample.tar", demo.image())
    with containers_storage("podman", driver) as podman:
        program(*podman, "load", "--input", tmp_path / "sample.tar")
        root = podman[1].removeprefix("--root=")
        done = run("verify", f"containers-storage:[{driver}@{root}]localhost/{demo.NAME}", "--json")
    assert done.status == 0
    steps = done.objects[0]["steps"]
    assert {(step["subject"], step["status"]) for step in steps[:2]} == {("manifest", "ok"), ("config", "ok")}
    diff_ids = [step["found"] for step in steps if step["what"] == "diff ID"]
    assert diff_ids == [layer.diff_id for layer in demo.image().layers]


def test_an_engines_image(docker: Docker, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker_archive(tmp_path / "sample.tar", demo.image())
    docker("load", "--input", tmp_path / "sample.tar")
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    monkeypatch.setattr("layertui.sources.engine.images.readable_directories", lambda *_: [])
    done = run("verify", f"docker-daemon:{demo.NAME}", "--json")
    assert done.status == 0
    diff_ids = [step["found"] for step in done.objects[0]["steps"] if step["what"] == "diff ID"]
    assert diff_ids == [layer.diff_id for layer in demo.image().layers]


def test_an_interrupt(tmp_path: Path) -> None:
    OciLayout(tmp_path / "image").add("1", [tar(("/zeros", bytes(1 << 20)))])
    blob = max((tmp_path / "image/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    os.truncate(blob, 64 << 30)  # a hole that takes a minute to read
    process = subprocess.Popen(
        [sys.executable, "-m", "layertui", "verify", str(tmp_path / "image")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    opened = Path(f"/proc/{process.pid}/fd")
    while not any(os.path.realpath(link) == str(blob) for link in opened.iterdir()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) in (130, -signal.SIGINT)
    assert process.communicate()[0] == b""
    shutil.rmtree(tmp_path / "image")
