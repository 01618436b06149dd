"""A store of Podman that a user without root's privileges has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.reference import parse
from layertui.sources import containers_storage, list_images, open_image
from layertui.union.changes import changes
from tests.engines import rootless_podman, run
from tests.layouts import docker_archive
from tests.programs import lacking
from tests.seen import seen
from tests.sources.engine.test_containers import union_of
from tests.union.trees import merged

SAMPLE = f"localhost/{demo.NAME}"
STATIC = ("orders.js", "quarry.css", "quarry.svg")
WORK = """set -e
root=$({podman} mount worked)
cd $root
rm etc/passwd
rm -r srv/quarry/static
mkdir srv/quarry/static
echo a > srv/quarry/static/new
echo hello > srv/new
chown 1000:1001 srv/new
chmod 4751 srv/new
chown 42 etc/hostname
find . -mindepth 1 -printf '%P\\t%y\\t%m\\t%U:%G\\t%l\\n' > {told}
{podman} umount worked
"""


@pytest.fixture(scope="module", params=["vfs", "overlay", "fuse-overlayfs"])
def store(request: pytest.FixtureRequest) -> Iterator[tuple[Path, str]]:
    """A store with the sample and a container that was worked in, and what the container's tree is."""
    if request.param == "fuse-overlayfs" and not (shutil.which(request.param) and Path("/dev/fuse").exists()):
        lacking("fuse-overlayfs needs FUSE")
    with rootless_podman(request.param) as (podman, folder):
        docker_archive(folder / "sample.tar", demo.image())
        run(*podman, "load", "--input", folder / "sample.tar")
        run(*podman, "create", "--name=worked", SAMPLE, "/bin/x")
        script = WORK.format(podman=" ".join(podman[podman.index("podman") :]), told=folder / "told")
        (folder / "work").write_text(script)
        run(*podman, "unshare", "sh", folder / "work")
        yield folder / "store", (folder / "told").read_text()


def test_its_image_is_that_of_the_archive(store: tuple[Path, str]) -> None:
    root, _ = store
    assert root.stat().st_uid != 0
    assert [f"{row.name}:{row.tag}" for row in list_images(f"containers-storage:{root}")] == [SAMPLE]
    assert seen(open_image(f"containers-storage:[{root}]{SAMPLE}")) == seen(demo.image())


def test_its_container_is_what_the_user_sees(store: tuple[Path, str]) -> None:
    """Inside the user namespace, where files belong to others than outside."""
    root, told = store
    (row,) = containers_storage.list_containers(parse(f"containers-storage:{root}"))
    image = open_image(row.reference)
    union, contents = union_of(image)
    tree = merged(union, union.layers, contents.read)
    assert {
        path: (facts.type, facts.mode, facts.owner, facts.linkname or "") for path, facts in tree.items()
    } == in_the_container(told)
    assert not {"owner-unknown", "opaque-unknown"} & {warning.code for warning in union.warnings}
    found = {change.path: change for change in changes(union, union.layers, contents.same)}
    assert list(found["/etc/hostname"].what) == ["owner"] and found["/srv/new"].change == "added"
    gone = {path for path, change in found.items() if change.change == "deleted"}
    assert gone == {"/etc/passwd", *(f"/srv/quarry/static/{name}" for name in STATIC)}
    assert "/etc/os-release" not in found


def in_the_container(told: str) -> dict[str, tuple[str, int | None, tuple[int, int], str]]:
    """Type, mode, owner and link of each path that find(1) saw."""
    types = {"f": "file", "d": "directory", "l": "symlink", "c": "char", "b": "block", "p": "fifo"}
    found = {}
    for line in told.splitlines():
        path, kind, mode, owner, link = line.split("\t")
        uid, gid = map(int, owner.split(":"))
        found[f"/{path}"] = (types[kind], None if kind == "l" else int(mode, 8), (uid, gid), link)
    return found


def test_as_the_user(store: tuple[Path, str]) -> None:
    """Whose own the store is: nothing is said to be unknown that the container's owner could know."""
    root, _ = store
    status = root.stat()
    os.setegid(status.st_gid)
    os.seteuid(status.st_uid)
    try:
        image = open_image(f"containers-storage:[{root}]/worked")
        index = index_layer(image.layers[-1], None)
    finally:
        os.seteuid(0)
        os.setegid(0)
    assert index.count > 0 and "opaque-unknown" not in {warning.code for warning in index.warnings}
    # With vfs the whole tree is looked at, and others of the container may keep a directory to themselves.
    closed = "2 directories cannot be read, /srv/quarry/deploy: Permission denied"
    assert index.damage == (closed if (root / "vfs").is_dir() else "")
