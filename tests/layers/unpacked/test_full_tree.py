"""Directories that began as a copy of others, against the kernel's merged view of what was done to them."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from layertui.layers.unpacked.full_tree import CopiedDirectory, FullTree
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.model.layer_index import Kind
from tests.engines import run
from tests.layers.unpacked.test_overlay_directory import disturb, image_of, opened, visible, worked_on
from tests.programs import need_root
from tests.union.trees import Facts, assert_same, merged, on_disk


def a_tree(root: Path, chance: random.Random) -> Path:
    """Some files, a few of which have two names."""
    for number in range(40):
        folder = root.joinpath(*(chance.choice("abc") for _ in range(chance.randrange(1, 4))))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file{number}").write_bytes(chance.randbytes(number))
        if number % 7 == 0:
            os.link(folder / f"file{number}", folder / f"link{number}")
    return root


def stubs(root: Path) -> None:
    """What an init layer puts there: over what the image has, and beside it."""
    for name in ("a/hosts", "new/deep/console", ".dockerenv", "b/new/hostname"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    for path in sorted(root.rglob("file*"))[:3]:
        path.unlink()
        path.write_bytes(b"")
    (root / "a/mtab").symlink_to("/proc/mounts")


@pytest.mark.parametrize("seed", range(6))
def test_what_a_container_did_to_its_copy_of_the_init_layer(seed: int, tmp_path: Path) -> None:
    """As Docker's overlay driver has it, whose containers are mounted on the image alone."""
    need_root()
    chance = random.Random(seed)
    base = a_tree(tmp_path / "base", chance)
    init, own = worked_on([base], tmp_path / "init", stubs), tmp_path / "own"
    run("cp", "--recursive", "--preserve=mode,ownership,timestamps,links", init, own)
    work, mount = tmp_path / "work", tmp_path / "mount"
    work.mkdir()
    mount.mkdir()
    options = f"lowerdir={base},upperdir={own},workdir={work},redirect_dir=on"
    run("mount", "-t", "overlay", "overlay", "-o", options, mount)
    try:
        for number in range(25):
            disturb(mount, chance, f"n{number}")
        theirs = on_disk(mount)
    finally:
        run("umount", mount)
    copied = CopiedDirectory(UnpackedDirectory(own, below=(base,)), UnpackedDirectory(init, below=(base,)))
    image = image_of([base, init, own])
    layers = [*image.layers[:2], image.layers[2]._replace(unpacked=copied)]
    union, contents = opened(image._replace(layers=layers))
    assert_same(visible(merged(union, 3, contents.read)), visible(theirs))
    assert not union.warnings


def test_nothing_was_done(tmp_path: Path) -> None:
    init = a_tree(tmp_path / "init", random.Random(1))
    run("cp", "--archive", init, tmp_path / "own")
    os.utime(tmp_path / "own/a")  # as copying gives it
    own = CopiedDirectory(UnpackedDirectory(tmp_path / "own"), UnpackedDirectory(init))
    assert own.scan().count == 0 and own.location == str(tmp_path / "own")


def test_times_of_symlinks_that_were_lost_when_the_store_was_copied(tmp_path: Path) -> None:
    """Python's tarfile sets none. They are told as they lie there, and why they may look changed."""
    init = a_tree(tmp_path / "init", random.Random(1))
    for name in ("mtab", "other"):
        (init / name).symlink_to("/proc/mounts")
    run("cp", "--archive", init, tmp_path / "own")
    os.utime(tmp_path / "own/mtab", (1, 1), follow_symlinks=False)
    own = CopiedDirectory(UnpackedDirectory(tmp_path / "own"), UnpackedDirectory(init))
    assert own.scan().keys == b"mtab" and not own.scan().warnings
    os.utime(tmp_path / "own/other", (1, 1), follow_symlinks=False)
    index = own.scan()
    assert index.keys == b"mtab/other" and [warning.code for warning in index.warnings] == ["symlink-times"]


def merged_at_each(trees: list[Path]) -> list[dict[str, Facts]]:
    """The merged tree at each of whole trees, base first, by what differs between them."""
    layers = [
        layer._replace(unpacked=FullTree(tree, below))
        for layer, tree, below in zip(image_of(trees).layers, trees, [None, *trees], strict=False)
    ]
    union, contents = opened(image_of(trees)._replace(layers=layers))
    assert not union.warnings
    return [merged(union, number, contents.read) for number in range(1, len(trees) + 1)]


def test_nothing_in_a_whole_tree_stands_for_something_else(tmp_path: Path) -> None:
    """A device that overlay takes for a whiteout, as a container can make it on vfs and btrfs, and its attributes."""
    need_root()
    first, second = tmp_path / "1", tmp_path / "2"
    (first / "d").mkdir(parents=True)
    (first / "d/x").write_text("x")
    run("cp", "--archive", first, second)
    os.mknod(second / "zero", 0o020644, 0)
    os.setxattr(second / "d", "trusted.overlay.opaque", b"y")
    (second / "e").mkdir()
    for tree, theirs in zip(merged_at_each([first, second]), map(on_disk, (first, second)), strict=True):
        assert_same(tree, theirs)


def test_the_root_of_a_whole_tree(tmp_path: Path) -> None:
    """It is told where it is not as engines make it, and where it becomes that again."""
    trees = [tmp_path / str(number) for number in range(4)]
    for tree, mode in zip(trees, (0o755, 0o700, 0o755, 0o755), strict=True):
        tree.mkdir()
        tree.chmod(mode)
        (tree / "x").mkdir()
        os.utime(tree, (len(tree.name), 5))
    indexes = [FullTree(tree, below).scan() for tree, below in zip(trees, [None, *trees], strict=False)]
    assert [b"" in index.entry_keys() for index in indexes] == [False, True, True, False]
    assert [index.mode[0] for index in indexes[1:3]] == [0o700, 0o755]
    assert not any(Kind.WHITEOUT in index.kind for index in indexes)


@pytest.mark.parametrize("links", [False, True])
def test_a_directory_of_which_only_the_time_differs(links: bool, tmp_path: Path) -> None:
    """Where all files are hardlinks, copying gave it another one."""
    first, second = tmp_path / "1", tmp_path / "2"
    (first / "d").mkdir(parents=True)
    (first / "d/x").write_text("x")
    run("cp", "--archive", *(["--link"] if links else []), first, second)
    os.utime(second / "d", (5, 5))
    index = FullTree(second, first, links=links).scan()
    assert index.entry_keys() == ([] if links else [b"d"])


@pytest.mark.parametrize(
    ("below", "above", "is_changed"), [(5, 5, False), (5, 6, True), (0, 6, False), (6, 0, False)]
)
def test_fractions_of_a_second(below: int, above: int, is_changed: bool, tmp_path: Path) -> None:
    """They count unless one of the trees has passed through a file system that keeps whole seconds only."""
    for name, nanoseconds in (("below", below), ("above", above)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text("x")
        os.utime(tmp_path / name / "f", ns=(0, 1_000_000_000 + nanoseconds))
    index = FullTree(tmp_path / "above", tmp_path / "below").scan()
    assert index.entry_keys() == ([b"f"] if is_changed else [])


@pytest.mark.parametrize("links", [False, True])
def test_whole_trees(links: bool, tmp_path: Path) -> None:
    """Copied whole, or with hardlinks for files, and then worked on without a mount, as a layer's tar is."""
    chance = random.Random(7)
    trees = [a_tree(tmp_path / "0", chance)]
    for number in (1, 2, 3):
        tree = tmp_path / str(number)
        run("cp", "--archive", *(["--link"] if links else []), trees[-1], tree)
        for count in range(12):
            disturb(tree, chance, f"n{number}{count}")
        trees.append(tree)
    image = image_of(trees)
    below = [None, *trees]
    layers = [
        layer._replace(unpacked=FullTree(tree, under, links=links))
        for layer, tree, under in zip(image.layers, trees, below, strict=False)
    ]
    union, contents = opened(image._replace(layers=layers))
    assert_same(merged(union, 1, contents.read), on_disk(trees[0]))
    for number, tree in enumerate(trees, 1):
        assert_same(unlinked(merged(union, number, contents.read)), unlinked(on_disk(tree)))
    assert not union.warnings


def unlinked(tree: dict[str, Facts]) -> dict[str, Facts]:
    """Which names a file has is lost where layers store only one of them: a tar cannot name a file of another."""
    return {path: replace(facts, links=()) for path, facts in tree.items()}
