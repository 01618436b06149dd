"""Docker 29 keeps its images and its containers' layers in a containerd inside its data root."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from layertui import demo
from layertui.model.errors import LayertuiError
from layertui.model.numbers import LayerNumber
from layertui.model.reference import Reference, parse_reference
from layertui.sources import docker_root, list_images, open_image
from layertui.sources.containerd import bolt, store
from layertui.sources.store_usage import StoreUsage, usage_of
from layertui.union.changes import changes
from tests.engines import run
from tests.observable import Seen, seen
from tests.sources.engine.test_containers import union_of
from tests.sources.stores import CONTAINER


@pytest.fixture
def root(embedded_root: Path) -> Path:
    return embedded_root


def test_its_container(root: Path) -> None:
    (row,) = docker_root.list_containers(parse_reference(f"docker-root:{root}"))
    assert (row.id, row.name, row.image, row.state) == (CONTAINER, "worked", demo.SAMPLE_NAME, "exited")
    assert row.status.startswith("Exited (3) ")
    assert (row.command, row.labels) == ("/bin/sh -c true", {"a": "b"})
    image = open_image(row.reference)
    assert (image.name, image.reference) == (f"worked ({demo.SAMPLE_NAME})", row.reference)
    assert [entry.created_by for entry in image.history[-2:]] == [
        "init layer: stubs of what Docker mounts into every container",
        "read-write layer of container worked (exited)",
    ]
    union, contents = union_of(image)
    assert union.layers == len(demo.image().layers) + 2
    init, own = (
        {change.path: change.change for change in changes(union, LayerNumber(number), contents.same)}
        for number in (union.layers - 1, union.layers)
    )
    assert init["/.dockerenv"] == "added"
    assert (own["/etc/passwd"], own["/srv/new"]) == ("deleted", "added") and "/.dockerenv" not in own
    assert contents.read(union.at(union.find("/srv/new"), union.layers)) == b"hello\n"
    assert open_image(f"docker-root:[{root}]/{CONTAINER[:12]}").name == image.name


def test_a_container_whose_image_is_known_no_more(root: Path, tmp_path: Path) -> None:
    """Its snapshots are still there."""
    run("cp", "--archive", root, tmp_path / "docker")
    path = tmp_path / "docker/containers" / CONTAINER / "config.v2.json"
    value = json.loads(path.read_text())
    value["Image"] = value["ImageManifest"]["digest"] = "sha256:" + "0" * 64
    path.write_text(json.dumps(value))
    image = open_image(f"docker-root:[{tmp_path}/docker]/worked")
    assert image.name == "worked (scratch)" and len(image.layers) == len(demo.image().layers) + 2
    value["Driver"] = "stargz"
    path.write_text(json.dumps(value))
    (layer,) = open_image(f"docker-root:[{tmp_path}/docker]/worked").layers
    assert layer.missing.endswith("has no snapshots of stargz")


def test_a_containerd_beside_the_data_root(root: Path, tmp_path: Path) -> None:
    """As it is where the system has one running: /var/lib/containerd beside /var/lib/docker."""
    (tmp_path / "docker").mkdir()
    run("cp", "--archive", root / "containers", tmp_path / "docker")
    run("cp", "--archive", root / "containerd/daemon", tmp_path / "containerd")
    (row,) = list_images(f"docker-root:{tmp_path / 'docker'}")
    assert open_image(row.reference).id == row.id
    assert open_image(f"docker-root:[{tmp_path / 'docker'}]/worked").layers[-1].unpacked is not None


def test_its_images_are_offered(root: Path, expected: Seen) -> None:
    (row,) = list_images(f"docker-root:{root}")
    (stored,) = list_images(f"containerd:[{root}/containerd/daemon]moby")
    assert (row.name, row.tag, row.id) == ("quarry", "1.1", stored.digest)
    assert row.reference == f"docker-root:[{root}]{demo.SAMPLE_NAME}"
    expected = replace(expected, id=row.id)
    for name in (demo.SAMPLE_NAME, f"docker.io/library/{demo.SAMPLE_NAME}", row.id, row.id[7:19]):
        assert seen(open_image(f"docker-root:[{root}]{name}")) == expected
        assert [each.id for each in list_images(f"docker-root:[{root}]{name}")] == [row.id]


def test_its_images_are_in_the_overview(root: Path) -> None:
    found = usage_of(parse_reference(f"docker-root:{root}"))
    (image,) = found.images
    (row,) = list_images(f"docker-root:{root}")
    assert (image.id, image.names[0]) == (row.id, demo.SAMPLE_NAME)
    assert image.frees == image.size == sum(layer.size for layer in found.layers) > 0
    assert image.containers == ["worked"] and not found.strays
    assert open_image(image.reference).id == image.id and not found.problems


@pytest.mark.parametrize("ask", [usage_of, docker_root.list_images, docker_root.list_containers])
def test_each_database_is_read_once(
    root: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Reference], StoreUsage | Iterable[object]]
) -> None:
    """What was found in one state of it is not looked for in another: Docker may write meanwhile."""
    reads: list[Path] = []

    def noted(path: Path) -> bolt.Bucket:
        reads.append(path)
        return bolt.read_bolt(path)

    monkeypatch.setattr(store, "read_bolt", noted)
    found = ask(parse_reference(f"docker-root:{root}"))
    assert isinstance(found, StoreUsage) or list(found)
    assert "meta.db" in {path.name for path in reads} and len(set(reads)) == len(reads)


def test_what_it_does_not_have(root: Path) -> None:
    with pytest.raises(LayertuiError, match=r"has no image none:1, it has quarry:1.1, quarry@sha256:"):
        open_image(f"docker-root:[{root}]none:1")
    with pytest.raises(LayertuiError, match="has no container none, it has worked"):
        open_image(f"docker-root:[{root}]/none")
    with pytest.raises(LayertuiError, match="has no image none:1"):
        list(list_images(f"docker-root:[{root}]none:1"))


def test_a_data_root_whose_containerd_is_damaged(root: Path, tmp_path: Path) -> None:
    meta = tmp_path / "containerd/daemon/io.containerd.metadata.v1.bolt/meta.db"
    meta.parent.mkdir(parents=True)
    meta.write_bytes(b"no database")
    with pytest.raises(LayertuiError, match=r"meta.db is no Bolt database"):
        list(list_images(f"docker-root:{tmp_path}"))
    meta.unlink()
    with pytest.raises(LayertuiError, match="is not a data root of Docker"):
        list(list_images(f"docker-root:{tmp_path}"))
