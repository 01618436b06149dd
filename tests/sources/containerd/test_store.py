"""The store of containerd, written by it, and damaged afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.model.errors import LayertuiError
from layertui.model.reference import parse_reference
from layertui.sources import containerd, list_containers, list_images, open_image
from layertui.sources.containerd.namespace import METADATA_DB
from layertui.sources.containerd.values import go_time
from layertui.union.changes import changes
from tests.engines import run
from tests.observable import Seen, Sizes, assert_sizes, seen
from tests.sources.engine.test_containers import union_of
from tests.sources.stores import HUB
from tests.union.trees import merged, on_disk

BLOBS = "io.containerd.content.v1.content/blobs/sha256"
SNAPSHOTS = "io.containerd.snapshotter.v1.overlayfs"


@pytest.fixture
def damaged(root: Path, tmp_path: Path) -> Path:
    """A copy to be broken."""
    subprocess.run(["cp", "--archive", root, tmp_path / "copy"], check=True)
    return tmp_path / "copy"


@pytest.mark.parametrize(
    "name", [f"work/{HUB}{demo.SAMPLE_NAME}", f"packed/{demo.SAMPLE_NAME}", "layout/example.org/one/sample:1"]
)
def test_the_same_image_as_from_its_archive(root: Path, name: str, expected: Seen, measured: Sizes) -> None:
    image = open_image(f"containerd:[{root}]{name}")
    assert seen(image) == expected
    assert_sizes(image, measured.blobs)
    assert all(layer.blob is not None for layer in image.layers)


def test_a_running_store(live: tuple[list[str], Path], expected: Seen) -> None:
    assert seen(open_image(f"containerd:[{live[1]}]work/{demo.SAMPLE_NAME}")) == expected


def test_list_is_containerds(live: tuple[list[str], Path], root: Path) -> None:
    rows = list(list_images(f"containerd:{root}"))
    theirs = set()
    for namespace in ("work", "packed", "layout"):
        for line in run(*live[0], f"--namespace={namespace}", "images", "ls").splitlines()[1:]:
            name, _, digest = line.split()[:3]
            theirs.add((f"containerd:[{root}]{namespace}/{name}", digest))
    assert {(row.reference, row.digest) for row in rows} == theirs
    assert len(theirs) == 4
    assert {(row.name, row.tag) for row in rows} == {
        ("quarry", "1.1"),
        ("example.org/one/sample", "1"),
        ("example.org/two", "2"),
    }
    for row in rows:
        image = open_image(row.reference)
        assert (image.id, image.manifest_digest, len(image.layers)) == (row.id, row.digest, row.layers)
        assert (image.reference, image.size) == (row.reference, row.size)


def test_ways_to_name_an_image(root: Path) -> None:
    digest = open_image(f"containerd:[{root}]work/{demo.SAMPLE_NAME}").manifest_digest
    for name in (HUB + demo.SAMPLE_NAME, demo.SAMPLE_NAME, digest, digest[7:19], f"quarry@{digest}"):
        assert open_image(f"containerd:[{root}]work/{name}").tags == [HUB + demo.SAMPLE_NAME]
    assert [row.name for row in list_images(f"containerd:[{root}]layout/sample:1")] == [
        "example.org/one/sample"
    ]
    assert len(list(list_images(f"containerd:[{root}]layout"))) == 2
    with pytest.raises(LayertuiError, match=r"has no image none:1, it has docker.io/library/quarry:1.1"):
        open_image(f"containerd:[{root}]work/none:1")
    with pytest.raises(LayertuiError, match="has no namespace none, it has layout, packed, work"):
        open_image(f"containerd:[{root}]none/x")
    with pytest.raises(LayertuiError, match="is a namespace"):
        open_image(f"containerd:[{root}]work")
    with pytest.raises(LayertuiError, match="is a store"):
        open_image(f"containerd:{root}")
    with pytest.raises(LayertuiError, match="linux/arm64"):
        open_image(f"containerd:[{root}]work/{demo.SAMPLE_NAME}", "linux/arm64")


def test_the_systems_own(
    live: tuple[list[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(containerd, "CONFIGURATION", live[1].with_name("config.toml"))
    (row,) = list_images("containerd:work")
    assert row.reference == f"containerd:work/{HUB}{demo.SAMPLE_NAME}"
    assert open_image(row.reference).id == row.id
    monkeypatch.setattr(containerd, "CONFIGURATION", tmp_path / "none")
    monkeypatch.setattr(containerd, "ROOTS", (str(tmp_path), str(live[1])))
    assert open_image(row.reference).id == row.id


def test_unpacked_where_blobs_were_discarded(damaged: Path, expected: Seen, measured: Sizes) -> None:
    discard_layers(damaged)
    image = open_image(f"containerd:[{damaged}]work/{demo.SAMPLE_NAME}")
    assert all(isinstance(layer.unpacked, UnpackedDirectory) for layer in image.layers)
    assert seen(image) == expected
    assert_sizes(image, measured.blobs)  # as the manifest has them
    packed = open_image(f"containerd:[{damaged}]packed/{demo.SAMPLE_NAME}")
    assert all("not found; the namespace packed of" in layer.missing for layer in packed.layers)


def discard_layers(root: Path) -> None:
    """As ``discard_unpacked_layers`` of CRI does."""
    image = open_image(f"containerd:[{root}]work/{demo.SAMPLE_NAME}")
    for layer in image.layers:
        (root / BLOBS / layer.descriptor.digest[7:]).unlink()


def test_containers(live: tuple[list[str], Path], root: Path) -> None:
    (row,) = containerd.list_containers(parse_reference(f"containerd:{root}"))
    assert (row.id, row.name, row.image) == ("worked", "worked", HUB + demo.SAMPLE_NAME)
    for source in (f"containerd:{root}", f"containerd:[{root}]work", row.reference):
        assert list(list_containers(source)) == [row]
    with pytest.raises(LayertuiError, match="no container containerd"):
        list(list_containers(f"containerd:[{root}]work//nobody"))
    told = json.loads(run(*live[0], "--namespace=work", "containers", "info", "worked"))
    assert row.created == told["CreatedAt"]
    assert row.labels == told["Labels"]
    image = open_image(row.reference)
    assert image.name == f"worked ({HUB}{demo.SAMPLE_NAME})"
    assert image.history[-1].created_by == "read-write layer of container worked (state unknown)"
    union, contents = union_of(image)
    assert union.layers == len(demo.image().layers) + 1
    assert contents.read(union.at(union.find("/srv/new"), union.layers)) == b"hello\n"
    found = {change.path: change.change for change in changes(union, union.layers, contents.same)}
    assert (found["/etc/passwd"], found["/srv/new"]) == ("deleted", "added")
    assert found["/srv/quarry/static/quarry.css"] == "deleted"
    with pytest.raises(LayertuiError, match="has no container none, it has worked"):
        open_image(f"containerd:[{root}]work//none")


def test_a_directory_that_a_container_moved(damaged: Path) -> None:
    """As a kernel that notes only where it was keeps it."""
    reference = f"containerd:[{damaged}]work//worked"
    own = open_image(reference).layers[-1].unpacked
    assert isinstance(own, UnpackedDirectory)
    lower = ":".join(map(str, own.below))
    mount, work = damaged / "mount", damaged / "work"
    mount.mkdir()
    work.mkdir()
    options = f"lowerdir={lower},upperdir={own.path},workdir={work},redirect_dir=on"
    run("mount", "-t", "overlay", "overlay", "-o", options, mount)
    try:
        (mount / "srv/quarry").rename(mount / "moved")
        theirs = on_disk(mount)
    finally:
        run("umount", mount)
    assert not (own.path / "moved/app.py").exists() and "/moved/app.py" in theirs
    union, contents = union_of(open_image(reference))
    assert merged(union, union.layers, contents.read).keys() == theirs.keys()
    for path, facts in merged(union, union.layers, contents.read).items():
        assert (facts.type, facts.content) == (theirs[path].type, theirs[path].content)


def test_a_container_whose_image_went(live: tuple[list[str], Path], tmp_path: Path) -> None:
    """Its snapshots are still there: each is a layer."""
    ctr, root = live
    run(*ctr, "--namespace=work", "images", "tag", HUB + demo.SAMPLE_NAME, "soon:1")
    run(*ctr, "--namespace=work", "containers", "create", "soon:1", "orphan", "/bin/true")
    run(*ctr, "--namespace=work", "images", "rm", "soon:1")
    image = open_image(f"containerd:[{root}]work//orphan")
    run(*ctr, "--namespace=work", "containers", "rm", "orphan")
    assert len(image.layers) == len(demo.image().layers) + 1
    assert image.history[0].created_by.startswith("snapshot sha256:")
    assert image.history[-1].created_by.startswith("read-write layer of container orphan")


# Damage


def test_a_snapshot_that_is_gone(damaged: Path) -> None:
    discard_layers(damaged)
    image = open_image(f"containerd:[{damaged}]work/{demo.SAMPLE_NAME}")
    assert image.layers[2].unpacked is not None
    shutil.rmtree(image.layers[2].unpacked.location)
    image = open_image(f"containerd:[{damaged}]work/{demo.SAMPLE_NAME}")
    assert [layer.number for layer in image.layers if layer.missing] == [3]
    assert image.layers[2].missing.endswith("/fs is not there")
    assert not index_layer(image.layers[0], None).damage


def test_a_snapshotter_whose_database_is_damaged(damaged: Path) -> None:
    discard_layers(damaged)
    (damaged / SNAPSHOTS / "metadata.db").write_bytes(b"no database")
    image = open_image(f"containerd:[{damaged}]work/{demo.SAMPLE_NAME}")
    assert all("is no Bolt database" in layer.missing for layer in image.layers)
    assert open_image(f"containerd:[{damaged}]layout/two:2").layers[0].blob is not None


def test_a_manifest_or_config_that_is_gone_or_damaged(damaged: Path) -> None:
    rows = {row.reference: row for row in list_images(f"containerd:{damaged}")}
    reference = f"containerd:[{damaged}]layout/example.org/two:2"
    config = damaged / BLOBS / rows[reference].id[7:]
    config.chmod(0o644)
    config.write_bytes(config.read_bytes().replace(b"amd64", b"AMD64"))
    with pytest.raises(LayertuiError, match=": wrong digest"):
        open_image(reference)
    (damaged / BLOBS / rows[reference].digest[7:]).unlink()
    with pytest.raises(LayertuiError, match=r"two:2 in the namespace layout of .* has no blob sha256:"):
        open_image(reference)
    found = {row.reference: row for row in list_images(f"containerd:{damaged}")}
    assert found.keys() == rows.keys()
    assert (found[reference].digest, found[reference].size) == (rows[reference].digest, None)
    assert open_image(f"containerd:[{damaged}]layout/sample:1").id == demo.image().id


def test_names_database_that_is_damaged_or_gone(damaged: Path) -> None:
    data = (damaged / METADATA_DB).read_bytes()
    (damaged / METADATA_DB).write_bytes(data[:9000])
    with pytest.raises(LayertuiError, match=r"meta.db is damaged, "):
        list(list_images(f"containerd:{damaged}"))
    (damaged / METADATA_DB).write_bytes(b"")
    with pytest.raises(LayertuiError, match=r"meta.db is no Bolt database"):
        list(list_images(f"containerd:{damaged}"))
    (damaged / METADATA_DB).unlink()
    with pytest.raises(LayertuiError, match="is not a store of containerd"):
        list(list_images(f"containerd:{damaged}"))


def test_without_permission(root: Path) -> None:
    os.seteuid(65534)
    try:
        with pytest.raises(LayertuiError, match=r"cannot read .*meta.db, Permission denied, run as root"):
            list(list_images(f"containerd:{root}"))
    finally:
        os.seteuid(0)


def test_times() -> None:
    assert go_time(bytes.fromhex("01 0000000ee2980954 2e1b3b0f ffff")) == "2026-11-24T22:40:20.773536527Z"
    assert go_time(bytes.fromhex("01 0000000ee2980954 00000000 ffff")) == "2026-11-24T22:40:20Z"
    assert go_time(bytes.fromhex("01 0000000ee2980954 05f5e100 ffff")) == "2026-11-24T22:40:20.1Z"
    assert go_time(b"\x01" + b"\xff" * 14) is None
    assert go_time(b"") is None
