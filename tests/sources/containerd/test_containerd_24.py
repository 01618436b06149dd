"""A store of a current containerd, compared with what the programs themselves answered about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from layertui.model.numbers import LayerNumber
from layertui.model.reference import Reference, parse_reference
from layertui.sources import containerd, list_images, open_image
from layertui.sources.containerd.store import ContainerdStore
from layertui.sources.store_usage import unnamed, usage_of
from layertui.union.changes import changes
from tests.engines import run
from tests.other_projects import engine_answer, engine_fixture
from tests.programs import need_root
from tests.sources.containerd.test_store import BLOBS
from tests.sources.engine.test_containers import union_of

NAMESPACES = ("default", "erofs", "k8s.io")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_root()  # it has device files
    return engine_fixture("containerd24-root", tmp_path_factory.mktemp("containerd24"))


def rows(name: str) -> list[list[str]]:
    lines = [line.split() for line in str(engine_answer(f"containerd24-{name}.txt")).splitlines()[1:]]
    return [line for line in lines if line and line[0] != "KEY"]


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_id_opens(root: Path, namespace: str) -> None:
    """The digest that ctr lists, and the image ID of CRI, which is that of the config."""
    theirs = {row[0]: row[2] for row in rows(f"images-{namespace}")}
    mine = list(list_images(f"containerd:[{root}]{namespace}/"))
    assert {row.reference.partition("]")[2].partition("/")[2]: row.digest for row in mine} == theirs
    for row in mine:
        for identity in (row.digest, row.digest[7:19], row.id, row.id[7:19]):
            opened = open_image(f"containerd:[{root}]{namespace}/{identity}")
            assert row.id in (opened.id, row.digest) or row.digest == identity


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_snapshots_and_containers(root: Path, namespace: str) -> None:
    found = ContainerdStore(root).namespace(namespace)
    theirs = {
        row[0]: row[1] if len(row) == 3 else "" for row in rows(f"snapshots-{namespace}") if len(row) > 1
    }
    # some were made after these answers
    noted = {
        key: each.parent for snapshots in found.snapshots.values() for key, each in snapshots.noted.items()
    }
    assert {key: noted[key] for key in theirs} == theirs
    containers = containerd.list_containers(Reference("containerd", str(root), f"{namespace}/"))
    assert {(row.id, row.image) for row in containers} == {
        tuple(row[:2]) for row in rows(f"containers-{namespace}")
    }


def test_sizes_of_images_without_other_platforms(root: Path) -> None:
    """What a pull leaves out is not counted; containerd itself says that these images are complete."""
    found = usage_of(parse_reference(f"containerd:{root}"))
    assert not found.problems and not found.strays
    assert len(found.images) == 7 and all(image.size >= image.frees >= 0 for image in found.images)
    # A container that has ended left a snapshot, whose lease has expired.
    assert [(layer.id, layer.reference) for layer in unnamed(found)] == [
        ("run/m", f"containerd:[{root}]k8s.io///run/m")
    ]
    by_name = {image.names[0]: image for image in found.images}
    assert by_name["k8s.io/127.0.0.1:5053/tiny:1"].containers == ["kc"]
    assert by_name["erofs/127.0.0.1:5053/tiny:1"].containers == ["ke"]


def test_the_erofs_snapshotter(root: Path) -> None:
    """A container writes to a directory as with overlayfs; committed layers are read from their blobs."""
    image = open_image(f"containerd:[{root}]erofs//ke")
    layer = image.layers[-1]
    assert layer.unpacked is not None and layer.unpacked.location.endswith("erofs/snapshots/15/fs")
    union, contents = union_of(image)
    written = {each.path: each.change for each in changes(union, LayerNumber(union.layers), contents.same)}
    assert (written["/srv/x"], written["/etc/group"]) == ("added", "deleted")
    chain = open_image(f"containerd:[{root}]erofs///{image.layers[-2].chain_id}")
    assert all(each.blob is not None for each in chain.layers)
    found = usage_of(parse_reference(f"containerd:[{root}]erofs"))
    unpacked = [each for each in found.layers if "/" not in each.directory]
    assert len(unpacked) == 7 and all(each.images and each.size > 0 for each in unpacked)


def test_layers_that_only_erofs_has(root: Path, tmp_path: Path) -> None:
    """As where CRI discards blobs once they are unpacked: an EROFS file system is named, not called absent."""
    copied = tmp_path / "containerd"
    run("cp", "--archive", root, copied)
    image = open_image(f"containerd:[{copied}]erofs/127.0.0.1:5053/tiny:1")
    for layer in image.layers:
        (copied / BLOBS / layer.descriptor.digest.removeprefix("sha256:")).unlink()
    image = open_image(f"containerd:[{copied}]erofs/127.0.0.1:5053/tiny:1")
    assert all(layer.unpacked is None for layer in image.layers)
    for layer in image.layers:
        assert re.search(
            r"EROFS file system, .*/snapshots/\d+/layer\.erofs, which is not read here", layer.missing
        )
    found = open_image(f"containerd:[{copied}]k8s.io/127.0.0.1:5053/tiny:1")  # which has them unpacked
    assert all(layer.unpacked is not None for layer in found.layers)
