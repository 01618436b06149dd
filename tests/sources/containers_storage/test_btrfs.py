"""The store of Podman with its btrfs driver, on a real btrfs: a layer is a snapshot of the one below and more."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui import demo
from layertui.layers.unpacked.full_tree import FullTree
from layertui.model.reference import parse_reference
from layertui.sources import containers_storage, list_images, open_image
from layertui.sources.store_usage import SUBVOLUME, usage_of
from tests.engines import run
from tests.observable import Seen, Sizes, assert_sizes, seen

SAMPLE = f"localhost/{demo.SAMPLE_NAME}"


@pytest.fixture(scope="module")
def command(podman_on_btrfs: list[str]) -> list[str]:
    return podman_on_btrfs


@pytest.fixture(scope="module")
def root(command: list[str]) -> Path:
    return Path(command[1].partition("=")[2])


def test_the_same_image_as_from_its_archive(root: Path, expected: Seen, measured: Sizes) -> None:
    (row,) = list_images(f"containers-storage:{root}")
    image = open_image(row.reference)
    assert seen(image) == expected
    assert_sizes(image, measured.tars, "as a tar")
    places = [Path(layer.unpacked.location) for layer in image.layers if layer.unpacked]
    assert len(places) == len(image.layers)
    assert all(place.stat().st_ino == SUBVOLUME for place in places)


def test_a_container(command: list[str], root: Path) -> None:
    (row,) = containers_storage.list_containers(parse_reference(f"containers-storage:{root}"))
    image = open_image(row.reference)
    assert isinstance(image.layers[-1].unpacked, FullTree)
    kinds = {"added": "A", "modified": "C", "deleted": "D"}
    ours = {f"{kinds[change['change']]} {change['path']}" for change in seen(image).changes[-1]}
    assert ours == set(run(*command, "diff", "worked").splitlines())
    assert {"D /etc/passwd", "A /srv/new", "A /srv/zero"} <= ours and "C /etc/group" not in ours
    assert not image.warnings


def test_sizes_of_its_parts_are_those_of_du(root: Path) -> None:
    """A subvolume has a device number of its own, as if it were mounted there."""
    lines = run("du", "-s", "--block-size=1", *sorted(root.iterdir())).splitlines()
    theirs = {Path(line.split("\t")[1]).name: int(line.split("\t")[0]) for line in lines}
    found = usage_of(parse_reference(f"containers-storage:{root}"))
    assert {part.name: part.size for part in found.parts} == theirs
    assert theirs["btrfs"] > 100_000 and all(part.about for part in found.parts)
    assert not found.problems and not found.strays


def test_what_is_mounted_in_a_store_is_not_counted(root: Path) -> None:
    before = usage_of(parse_reference(f"containers-storage:{root}"))
    mounted = root / "btrfs/mounted here"
    mounted.mkdir()
    run("mount", "--bind", root / "btrfs/subvolumes", mounted)
    try:
        after = usage_of(parse_reference(f"containers-storage:{root}"))
        assert [part.size for part in after.parts] == [part.size for part in before.parts]
    finally:
        run("umount", mounted)
        mounted.rmdir()
