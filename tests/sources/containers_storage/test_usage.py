"""What a store of Podman holds, compared with its own figures and du(1)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui import demo
from layertui.model.reference import parse_reference
from layertui.sources import open_image
from layertui.sources.store_usage import Orphan, StoreUsage, usage_of, users
from tests.engines import containers_storage, run
from tests.layouts import docker_archive
from tests.programs import need

SAMPLE = f"localhost/{demo.SAMPLE_NAME}"


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Podman on a store with two images that stand on a third, and a container."""
    need("podman", "buildah", "crun")
    folder = tmp_path_factory.mktemp("images")
    docker_archive(folder / "sample.tar", demo.image())
    with containers_storage("podman", "overlay") as podman:
        run(*podman, "load", "--input", folder / "sample.tar")
        for name, size in (("left", 5000), ("right", 70_000)):
            (folder / "own").write_bytes(os.urandom(size))
            (folder / "Dockerfile").write_text(f"FROM {SAMPLE}\nCOPY own /{name}\n")
            run("buildah", *podman[1:], "bud", "--tag", f"{name}:1", folder)
        run(*podman, "create", "--name=made", "left:1", "/bin/x")
        yield podman


@pytest.fixture(scope="module")
def root(command: list[str]) -> Path:
    return Path(command[1].partition("=")[2])


@pytest.fixture
def found(root: Path) -> StoreUsage:
    return usage_of(parse_reference(f"containers-storage:{root}"))


def test_sizes_are_those_of_du(root: Path, found: StoreUsage) -> None:
    lines = run("du", "-xs", "--block-size=1", *sorted(root.iterdir())).splitlines()
    theirs = {Path(line.split("\t")[1]).name: int(line.split("\t")[0]) for line in lines}
    assert {part.name: part.size for part in found.parts} == theirs
    assert all(part.about for part in found.parts) and not found.problems


def test_sizes_of_images_are_podmans(command: list[str], root: Path, found: StoreUsage) -> None:
    """But for manifests and configs, which it counts too."""
    noted = json.loads((root / "overlay-images/images.json").read_text())
    documents = {f"sha256:{image['id']}": sum(image["big-data-sizes"].values()) for image in noted}
    named = {name: image for image in found.images for name in image.names}
    base = named[SAMPLE]
    assert base.size + documents[base.id] == int(run(*command, "inspect", "--format={{.Size}}", SAMPLE))
    rows = run(*command, "system", "df", "--verbose").split("\n\n")[1].splitlines()[1:]
    for name, *_, size, shared, unique, containers in map(str.split, rows):
        image = next(image for known, image in named.items() if known.startswith(name + ":"))
        assert size == text(image.size + documents[image.id])
        assert int(containers) == len(image.containers)
        if image is base:
            assert unique == "0B" and image.frees == 0
        else:  # as if the documents of the image below were its own
            assert shared == text(base.size + documents[base.id])
            assert unique == text(image.frees + documents[image.id] - documents[base.id])
    assert named["localhost/left:1"].frees > 5000 and named["localhost/right:1"].frees > 70_000
    assert named["localhost/left:1"].containers == ["made"]


def text(size: int) -> str:
    """As Podman writes it (units.HumanSize)."""
    return f"{size / 1000:.4g}kB"


def test_shared_layers(found: StoreUsage) -> None:
    shared = [layer for layer in found.layers if len(layer.images) > 1]
    assert len(shared) == len(demo.image().layers) and len(found.layers) == len(shared) + 2
    assert all(users(found, layer) == [SAMPLE, "localhost/left:1", "localhost/right:1"] for layer in shared)
    image = open_image(found.images[0].reference)
    ids = [value for layer in image.layers for name, value in layer.places if name == "layer ID"]
    assert sorted(ids) == sorted(layer.id for layer in shared)
    assert sum(layer.size for layer in shared) == image.size and not found.strays


def test_what_nothing_names(root: Path, tmp_path: Path) -> None:
    subprocess.run(["cp", "--archive", root, tmp_path / "copy"], check=True)
    copy = tmp_path / "copy"
    images = json.loads((copy / "overlay-images/images.json").read_text())
    gone = next(image for image in images if "localhost/right:1" in image["names"])
    images.remove(gone)
    (copy / "overlay-images/images.json").write_text(json.dumps(images))
    (copy / "overlay/left-behind").mkdir()
    found = usage_of(parse_reference(f"containers-storage:{copy}"))
    assert [layer.id for layer in found.layers if not layer.images] == [gone["layer"]]
    assert set(found.strays) == {  # overlay would have a diff in the one
        Orphan(copy / "overlay/left-behind", ""),
        Orphan(copy / "overlay-images" / gone["id"], ""),
    }
    assert not found.problems
    layers = json.loads((copy / "overlay-layers/layers.json").read_text())
    (copy / "overlay-layers/layers.json").write_text(json.dumps(layers[1:]))
    found = usage_of(parse_reference(f"containers-storage:{copy}"))
    assert len(found.problems) == 2 and all("the store has no layer" in each for each in found.problems)
