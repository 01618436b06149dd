"""A store of Podman that a user without root's privileges has."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.model.reference import parse_reference
from layertui.sources import containers_storage, list_images, open_image
from layertui.union.changes import changes
from tests.observable import seen
from tests.sources.engine.test_containers import union_of
from tests.sources.stores import PODMANS as SAMPLE
from tests.union.trees import merged

STATIC = ("orders.js", "quarry.css", "quarry.svg")


@pytest.fixture(params=["vfs", "overlay", "fuse-overlayfs"])
def store(request: pytest.FixtureRequest, user_stores: Callable[[str], tuple[Path, str]]) -> tuple[Path, str]:
    return user_stores(request.param)


def test_its_image_is_that_of_the_archive(store: tuple[Path, str]) -> None:
    root, _ = store
    assert root.stat().st_uid != 0
    assert [f"{row.name}:{row.tag}" for row in list_images(f"containers-storage:{root}")] == [SAMPLE]
    assert seen(open_image(f"containers-storage:[{root}]{SAMPLE}")) == seen(demo.image())


def test_its_container_is_what_the_user_sees(store: tuple[Path, str]) -> None:
    """Inside the user namespace, where files belong to others than outside."""
    root, told = store
    (row,) = containers_storage.list_containers(parse_reference(f"containers-storage:{root}"))
    image = open_image(row.reference)
    union, contents = union_of(image)
    tree = merged(union, union.layers, contents.read)
    assert {
        path: (facts.type, facts.mode, facts.owner, facts.linkname or "") for path, facts in tree.items()
    } == in_the_container(told)
    assert not {"owner-unknown", "xattrs-unknown"} & {warning.code for warning in union.warnings}
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
    assert index.count > 0 and "xattrs-unknown" not in {warning.code for warning in index.warnings}
    # With vfs the whole tree is looked at, and others of the container may keep a directory to themselves.
    closed = "2 directories cannot be read, /srv/quarry/deploy: Permission denied"
    assert index.damage == (closed if (root / "vfs").is_dir() else "")
