"""``layertui store``."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest

from layertui import demo
from layertui.sources import open_image
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
        docker.build("derived:1", folder, f"FROM {demo.SAMPLE_NAME}\nCOPY own /own\n")
        docker("create", "--name=made", "derived:1")
        os.system(f"cp --archive {docker.data_root} {folder / 'docker'}")
    return folder / "docker"


def test_for_people(run: Run, root: Path) -> None:
    done = run("store", root)
    assert (done.status, done.err) == (0, "")
    assert done.lines[0].split() == ["PART", "ON", "DISK", "ENTRIES", "CONTENTS"]
    assert any(line.startswith("overlay2") and "layers of images" in line for line in done.lines)
    derived = next(line for line in done.lines if "derived:1" in line and "made" in line)
    assert "5.00 kB" in derived
    shared = [
        line for line in done.lines if line.endswith(("derived:1, quarry:1.1", "quarry:1.1, derived:1"))
    ]
    assert len(shared) == len(demo.image().layers)
    assert "0 unreferenced layers" in done.lines


def test_one_object(run: Run, root: Path) -> None:
    (found,) = run("store", f"docker-root:{root}", "--json").objects
    names = ["root", "parts", "images", "layers", "held", "strays", "links", "problems", "stray_layers"]
    assert list(found) == names
    assert {tuple(layer) for layer in found["layers"]} == {
        ("id", "size", "directory", "images", "parent", "reference", "held_by")
    }
    frees = {image["names"][0]: image["frees"] for image in found["images"]}
    assert frees == {"derived:1": 5000, demo.SAMPLE_NAME: 0}
    assert {part["name"] for part in found["parts"]} >= {"containers", "image", "overlay2", "volumes"}
    assert found["root"] == str(root)
    assert found["links"] == found["strays"] == found["stray_layers"] == []


def test_a_stray_directory_and_a_damaged_image(run: Run, root: Path, tmp_path: Path) -> None:
    copied = tmp_path / "docker"
    os.system(f"cp --archive {root} {copied}")
    (copied / "overlay2/stray").mkdir()
    (copied / "image/overlay2/imagedb/content" / demo.image().id.replace(":", "/")).write_text("{}")
    done = run("store", copied)
    assert done.status == 2 and "wrong digest" in done.err
    assert any(line.endswith("overlay2/stray") for line in done.lines)
    assert "derived:1" in done.text


@pytest.fixture
def unnamed(root: Path, tmp_path: Path) -> Path:
    """A copy in which nothing names what was built, and only the driver knows a directory of the sample's."""
    copied = tmp_path / "docker"
    os.system(f"cp --archive {root} {copied}")
    store = copied / "image/overlay2"
    images = {name: open_image(f"docker-root:[{root}]{name}") for name in (demo.SAMPLE_NAME, "derived:1")}
    for image in images.values():
        (store / "imagedb/content" / image.id.replace(":", "/")).unlink()
    (store / "repositories.json").write_text("{}")
    shutil.rmtree(store / "layerdb" / images["derived:1"].layers[-1].chain_id.replace(":", "/"))
    return copied


def test_what_no_image_names_opens_by_its_reference(run: Run, root: Path, unnamed: Path) -> None:
    (found,) = run("store", unnamed, "--json").objects
    assert len(found["layers"]) == len(demo.image().layers)
    (stray,) = found["stray_layers"]
    assert [stray["path"]] == found["strays"]
    tops = {layer["id"]: layer for layer in found["layers"]}
    for layer in found["layers"]:
        tops.pop(layer["parent"], None)
    (top,) = tops.values()
    for reference, image in ((top["reference"], demo.SAMPLE_NAME), (stray["reference"], "derived:1")):
        whole = f"docker-root:[{root}]{image}"
        assert run("tree", reference, "--json").objects == run("tree", whole, "--json").objects
        assert run("changes", reference, "--json").objects == run("changes", whole, "--json").objects
        assert run("insight", reference, "--json").objects == run("insight", whole, "--json").objects
        done = run("history", reference, "--json")
        assert done.status == 0 and "opened as layers without an image" in done.err
        assert {(step["ID"], step["CreatedBy"], step["CreatedAt"]) for step in done.objects} == {
            ("<missing>", "", None)
        }
        numbers = [step["Layer"] for step in done.objects]
        assert numbers == list(range(len(numbers), 0, -1))
        (chain,) = run("anatomy", reference, "--json").objects
        assert [part["kind"] for part in chain["parts"]] == [
            "reference",
            "history",
            *["layer"] * len(numbers),
        ]
        said = {fact["name"]: fact["value"] for fact in chain["parts"][0]["facts"]}
        assert said["reference"] == reference and said["config"].startswith("none: layers opened")
        (told,) = json.loads(run("inspect", reference).text)
        assert told["Id"] == "" and told["RepoTags"] == []
    assert run("cat", stray["reference"], "/own").out == bytes(5000)
    (checked,) = run("verify", top["reference"], "--json").objects
    assert checked["ok"] and {step["status"] for step in checked["steps"]} == {"ok"}
    (row,) = run("images", top["reference"], "--json").objects
    assert row["Reference"] == top["reference"]


def test_people_are_told_how_it_opens(run: Run, unnamed: Path) -> None:
    lines = run("store", unnamed).lines
    at = lines.index(f"{len(demo.image().layers)} unreferenced layers")
    assert all(f"on {above.split()[0]}" in below for above, below in pairwise(lines[at + 1 : at + 10]))
    ways = [shlex.split(line) for line in lines if "to open: " in line]
    assert [words[-2] for words in ways] == ["layertui", "layertui"]
    assert lines[at + 9].split()[0] in ways[0][-1]
    for words in ways:
        assert run("tree", words[-1]).status == 0


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
    assert any(f"localhost/{demo.SAMPLE_NAME}" in line for line in done.lines)
    (image,) = found["images"]
    assert image["frees"] == image["size"] == sum(layer["size"] for layer in found["layers"])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("demo:", "is not a store on disk"),
        ("nowhere", "nowhere does not exist"),
        ("docker-root:[/tmp]name", "is not a store on disk"),
        ("docker-root:/nowhere", "is not a data root"),
        ("containers-storage:/nowhere", "there is no such directory"),
        ("containerd:/nowhere", "is not a store of containerd"),
    ],
)
def test_what_is_no_store(run: Run, source: str, said: str) -> None:
    done = run("store", source)
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith("layertui: ") and said in done.err and done.err.count("\n") == 1
