"""Data roots of Docker 1.9 with the overlay and vfs drivers, against the same image as it was saved."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui import demo
from layertui.anatomy.docker_inspect import described
from layertui.layers.load import index_layer
from layertui.model.image import Image
from layertui.model.numbers import LayerNumber
from layertui.model.reference import parse_reference
from layertui.sources import docker_root, open_image
from layertui.sources.store_usage import usage_of
from layertui.verify.image import verify_image
from tests.engines import run
from tests.observable import Seen, seen
from tests.sources.docker_root import legacy_images
from tests.sources.docker_root.test_current import changed
from tests.sources.engine.test_containers import union_of
from tests.sources.stores import copy_of


@pytest.fixture(params=["overlay", "vfs", "btrfs"])
def root(request: pytest.FixtureRequest, old_docker_roots: Callable[[str], Path]) -> Path:
    return old_docker_roots(request.param)


@pytest.fixture(scope="module")
def saved(archive_1_9: Path) -> Image:
    return open_image(str(archive_1_9))


def test_the_same_image_as_from_its_archive(root: Path, saved: Image) -> None:
    """Trees with times, attributes and contents, changes, history, and sizes."""
    image = open_image(f"docker-root:[{root}]old:1.9")
    assert seen(image) == seen(saved)
    found, wanted = ([entry._replace(document=None) for entry in each.history] for each in (image, saved))
    assert found == wanted and all(entry.id for entry in found)
    assert (image.config, image.platform, image.id) == (saved.config, saved.platform, saved.id)
    assert [layer.descriptor.size for layer in image.layers] == bytes_of_files()
    sizes = [check for check in verify_image(image) if check.what == "size"]
    assert {check.status for check in sizes} == {"ok"} and len(sizes) == len(image.layers)


def bytes_of_files() -> list[int]:
    """What is in the tar of each layer of the sample."""
    sizes = []
    for image in legacy_images.images_of(demo.image()):
        with tarfile.open(fileobj=io.BytesIO(image.tar)) as members:
            sizes.append(sum(member.size for member in members))
    return sizes


def test_without_records_the_trees_tell(root: Path, saved: Image, tmp_path: Path) -> None:
    """As of Docker up to 1.7. What a tar had again as it was trees cannot tell, but for files that are no hardlinks."""
    copied = copy_of(root, tmp_path)
    forget_records(copied)
    image = open_image(f"docker-root:[{copied}]old:1.9")
    found, expected = seen(image), seen(saved)
    assert found.trees == expected.trees and found.history == expected.history
    for ours, theirs, tree in zip(did(found), did(expected), expected.trees, strict=True):
        assert ours <= theirs
        untold = theirs - ours
        assert all(change == "repeated" or what == ("mtime",) for _, change, what in untold)
        if (root / "overlay").is_dir():
            assert {tree[path].type for path, _, _ in untold} <= {"directory"}
    if (root / "overlay").is_dir():
        stored = [sum(index_layer(layer, None).size) for layer in image.layers]
        assert stored == bytes_of_files() == [layer.descriptor.size for layer in image.layers]


def did(image: Seen) -> list[set[tuple[str, str, tuple[str, ...]]]]:
    """What each layer did to which path, and what of it differs."""
    return [
        {(each["path"], each["change"], tuple(each["what"])) for each in changes} for changes in image.changes
    ]


def forget_records(root: Path) -> None:
    for record in root.glob("graph/*/tar-data.json.gz"):
        record.unlink()


def test_containers(root: Path) -> None:
    rows = {row.name: row for row in docker_root.list_containers(parse_reference(f"docker-root:{root}"))}
    assert sorted(rows) == ["idle", "worked"] and rows["worked"].image == "work:1"
    image = open_image(rows["worked"].reference)
    theirs = {tuple(pair) for pair in json.loads((root.parent / "diff.json").read_text())}
    assert changed(*union_of(image)) == theirs
    assert not changed(*union_of(open_image(rows["idle"].reference)))
    stack = [Path(str(layer.unpacked.location)).parts for layer in image.layers if layer.unpacked]
    init, own = (next(part for part in parts if part.startswith(rows["worked"].id)) for parts in stack[-2:])
    assert (init, own) == (f"{rows['worked'].id}-init", rows["worked"].id)


def test_what_it_holds(root: Path) -> None:
    """Every directory of the driver is an image's or a container's."""
    found = usage_of(parse_reference(f"docker-root:{root}"))
    named = {name: image for image in found.images for name in image.names}
    assert set(named) == {"old:1.9", "work:1"} and not found.strays and not found.problems
    assert sorted(named["work:1"].containers) == ["idle", "worked"]
    assert named["old:1.9"].size == named["old:1.9"].frees == sum(bytes_of_files())


# What only the overlay driver does


@pytest.fixture
def overlay(old_docker_roots: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy to be changed."""
    return copy_of(old_docker_roots("overlay"), tmp_path)


def test_where_its_layers_lie(overlay: Path) -> None:
    top = legacy_images.images_of(demo.image())[-1].id
    image = open_image(f"docker-root:[{overlay}]old:1.9")
    tree = overlay / "overlay" / top / "root"
    assert dict(image.layers[-1].places)["unpacked"] == str(tree)
    assert described(image)["GraphDriver"] == {"Data": {"RootDir": str(tree)}, "Name": "overlay"}
    container = open_image(f"docker-root:[{overlay}]/worked")
    below = container.history[-3].id
    assert [dict(layer.places).get("lower-id") for layer in container.layers[-3:]] == [None, below, below]


def test_hardlinks_that_were_lost_when_the_store_was_copied(
    overlay: Path, saved: Image, tmp_path: Path
) -> None:
    forget_records(overlay)
    run("cp", "--recursive", "--preserve=mode,ownership,timestamps,xattr", overlay, tmp_path / "lost")
    found = seen(open_image(f"docker-root:[{tmp_path / 'lost'}]old:1.9"))
    for ours, theirs in zip(did(found), did(seen(saved)), strict=True):
        assert ours <= theirs


def test_a_file_changed_without_its_time_or_size(overlay: Path) -> None:
    """As builds that set all times to one make it: being no hardlink tells it."""
    forget_records(overlay)
    below, top = (
        overlay / "overlay" / image.id / "root" for image in legacy_images.images_of(demo.image())[-2:]
    )
    path = top / "etc/passwd"
    before = path.read_bytes()
    status = path.stat()
    path.unlink()
    path.write_bytes(before[::-1])
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert (below / "etc/passwd").read_bytes() == before
    found = changed(*union_of(open_image(f"docker-root:[{overlay}]old:1.9")))
    assert ("modified", "/etc/passwd") in found


def add_image(root: Path, parent: str, identity: str) -> Path:
    """An image over another as ``Create`` of the driver makes it, before anything is unpacked: its directory."""
    own, below = root / "overlay" / identity, root / "overlay" / parent
    for name in ("upper", "work", "merged"):
        (own / name).mkdir(parents=True)
    if (below / "root").is_dir():
        (own / "lower-id").write_text(parent)
    else:
        run("cp", "--archive", below / "upper", own)
        shutil.copy(below / "lower-id", own / "lower-id")
    (root / "graph" / identity).mkdir()
    (root / "graph" / identity / "json").write_text(json.dumps({"id": identity, "parent": parent}))
    return own


def test_images_that_are_overlays(overlay: Path) -> None:
    """One that nothing was unpacked for has no tree; what is unpacked onto it is overlaid on the nearest tree."""
    top = legacy_images.images_of(demo.image())[-1].id
    add_image(overlay, top, "e" * 64)
    own = add_image(overlay, "e" * 64, "f" * 64)
    options = f"lowerdir={overlay}/overlay/{top}/root,upperdir={own}/upper,workdir={own}/work"
    run("mount", "-t", "overlay", "overlay", "-o", options, own / "merged")
    try:
        (own / "merged/etc/passwd").unlink()
        (own / "merged/new").write_text("new")
    finally:
        run("umount", own / "merged")
    image = open_image(f"docker-root:[{overlay}]{'f' * 64}")
    assert index_layer(image.layers[-2], None).count == 0
    assert changed(*union_of(image)) == {("modified", "/etc"), ("deleted", "/etc/passwd"), ("added", "/new")}
    assert described(image)["GraphDriver"]["Data"] == {
        "LowerDir": f"{overlay}/overlay/{top}/root",
        "MergedDir": str(own / "merged"),
        "UpperDir": str(own / "upper"),
        "WorkDir": str(own / "work"),
    }
    (add_image(overlay, "f" * 64, "d" * 64) / "upper/new").unlink()
    image = open_image(f"docker-root:[{overlay}]{'d' * 64}")
    assert changed(*union_of(image)) == {("deleted", "/new")}
    assert dict(image.layers[-1].places)["lower-id"] == top
    assert len(image.warnings) == 1


def test_a_container_from_scratch(overlay: Path) -> None:
    """As a build without a base has it: the init layer is a tree, on which the container is mounted."""
    identity = "a" * 64
    init, own = overlay / "overlay" / f"{identity}-init", overlay / "overlay" / identity
    (init / "root/dev").mkdir(parents=True)
    (init / "root/.dockerenv").touch()
    (own / "upper").mkdir(parents=True)
    (own / "upper/app").write_text("app")
    (own / "lower-id").write_text(init.name)
    (overlay / "containers" / identity).mkdir()
    config = {"ID": identity, "Name": "/bare", "Image": "", "Driver": "overlay"}
    (overlay / "containers" / identity / "config.json").write_text(json.dumps(config))
    (row,) = (
        row
        for row in docker_root.list_containers(parse_reference(f"docker-root:{overlay}"))
        if row.name == "bare"
    )
    assert row.image_id == ""
    image = open_image(row.reference)
    assert (len(image.layers), image.warnings) == (2, [])
    union, contents = union_of(image)
    assert changed(union, contents) == {("added", "/app")}
    assert union.at(union.find("/.dockerenv"), LayerNumber(1)) >= 0


def test_trees_that_contradict_the_graph(overlay: Path) -> None:
    sample = legacy_images.images_of(demo.image())
    add_image(overlay, sample[-1].id, "e" * 64)
    path = overlay / "overlay" / ("e" * 64) / "lower-id"
    path.write_text(sample[0].id)
    (_, warning) = open_image(f"docker-root:[{overlay}]{'e' * 64}").warnings
    assert warning == (
        f"{path} says that it is on {sample[0].id[:12]}, everything else on {sample[-1].id[:12]}: "
        "Docker uses the former, shown is the latter"
    )
    (path,) = (
        path
        for path in overlay.glob("overlay/*/lower-id")
        if is_of(overlay, path.parent.name, "idle") and not path.parent.name.endswith("-init")
    )
    path.write_text(sample[0].id)
    (_, warning) = open_image(f"docker-root:[{overlay}]/idle").warnings
    assert warning.startswith(f"{path} says that it is on {sample[0].id[:12]}")


def test_a_container_without_its_init_layer(overlay: Path) -> None:
    """Then what it has of the copy cannot be told from what it wrote, and the layer that is missing is said."""
    (path,) = (path for path in overlay.glob("overlay/*-init") if is_of(overlay, path.name, "idle"))
    shutil.rmtree(path)
    image = open_image(f"docker-root:[{overlay}]/idle")
    assert image.layers[-2].missing == f"its directory {path}/upper is not there"
    assert index_layer(image.layers[-1], None).count > 5


def is_of(root: Path, directory: str, name: str) -> bool:
    """Whether a directory of the driver is that of a container."""
    config = root / "containers" / directory.removesuffix("-init") / "config.json"
    return config.exists() and json.loads(config.read_text())["Name"] == f"/{name}"


def test_a_tree_without_the_one_it_was_copied_from(
    old_docker_roots: Callable[[str], Path], tmp_path: Path
) -> None:
    root = copy_of(old_docker_roots("vfs"), tmp_path)
    (path,) = (path for path in root.glob("vfs/dir/*-init") if is_of(root, path.name, "idle"))
    shutil.rmtree(path)
    image = open_image(f"docker-root:[{root}]/idle")
    assert [layer.missing for layer in image.layers[-2:]] == [
        f"its directory {path} is not there",
        f"the vfs driver keeps it together with what is below it, and {path.name} is not there",
    ]
