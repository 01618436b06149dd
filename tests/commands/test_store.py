"""``layertui store``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from layertui import demo
from tests.commands.running import Run
from tests.engines import containers_storage, docker_daemon
from tests.engines import run as program
from tests.layouts import docker_archive
from tests.programs import need


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    docker_archive(folder / "sample.tar", demo.image())
    (folder / "own").write_bytes(bytes(5000))
    with docker_daemon(Path(tempfile.mkdtemp(prefix="layertui-"))) as docker:
        docker("load", "--input", folder / "sample.tar")
        docker.build("derived:1", folder, f"FROM {demo.NAME}\nCOPY own /own\n")
        docker("create", "--name=made", "derived:1")
        os.system(f"cp --archive {docker.data_root} {folder / 'docker'}")
    return folder / "docker"


def test_for_people(run: Run, root: Path) -> None:
    done = run("store", root)
    assert (done.status, done.err) == (0, "")
    assert done.lines[0].split() == ["PART", "ON", "DISK", "ENTRIES", "HOLDS"]
    assert any(line.startswith("overlay2") and "layers of images" in line for line in done.lines)
    derived = next(line for line in done.lines if "derived:1" in line and "made" in line)
    assert "5.00 kB" in derived
    shared = [
        line for line in done.lines if line.endswith(("derived:1, quarry:1.1", "quarry:1.1, derived:1"))
    ]
    assert len(shared) == len(demo.image().layers)
    assert "0 layers that no image names" in done.lines


def test_one_object(run: Run, root: Path) -> None:
    (found,) = run("store", f"docker-root:{root}", "--json").objects
    assert list(found) == ["root", "parts", "images", "layers", "strays", "links", "problems"]
    frees = {image["names"][0]: image["frees"] for image in found["images"]}
    assert frees == {"derived:1": 5000, demo.NAME: 0}
    assert {part["name"] for part in found["parts"]} >= {"containers", "image", "overlay2", "volumes"}
    assert found["root"] == str(root) and found["links"] == found["strays"] == []


def test_a_stray_directory_and_a_damaged_image(run: Run, root: Path, tmp_path: Path) -> None:
    copied = tmp_path / "docker"
    os.system(f"cp --archive {root} {copied}")
    (copied / "overlay2/stray").mkdir()
    (copied / "image/overlay2/imagedb/content" / demo.image().id.replace(":", "/")).write_text("{}")
    done = run("store", copied)
    assert done.status == 2 and "wrong digest" in done.err
    assert any(line.endswith("overlay2/stray") for line in done.lines)
    assert "derived:1" in done.text


def test_podmans_store(run: Run, tmp_path: Path) -> None:
    need("podman")
    docker_archive(tmp_path / "sample.tar", demo.image())
    with containers_storage("podman") as podman:
        program(*podman, "load", "--input", tmp_path / "sample.tar")
        root = podman[1].removeprefix("--root=")
        done = run("store", root)
        (found,) = run("store", f"containers-storage:{root}", "--json").objects
    assert (done.status, done.err) == (0, "")
    assert any(
        line.startswith("vfs-images") and line.endswith("names, manifests and configs") for line in done.lines
    )
    assert any(f"localhost/{demo.NAME}" in line for line in done.lines)
    (image,) = found["images"]
    assert image["frees"] == image["size"] == sum(layer["size"] for layer in found["layers"])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("demo:", "is no store on disk"),
        ("nowhere", "nowhere is not there"),
        ("docker-root:[/tmp]name", "is no store on disk"),
        ("docker-root:/nowhere", "no data root"),
        ("containers-storage:/nowhere", "there is no such directory"),
        ("containerd:/nowhere", "is no store of containerd"),
    ],
)
def test_what_is_no_store(run: Run, source: str, said: str) -> None:
    done = run("store", source)
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith("layertui: ") and said in done.err and done.err.count("\n") == 1
