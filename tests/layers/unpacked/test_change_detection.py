"""Directories that are written to while layertui reads them: what is shown is of one moment, or it says that it is not."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui.layers.codec import pack_index, unpack_index
from layertui.layers.unpacked import overlay_directory, overlayfs
from layertui.layers.unpacked.change_detection import CHANGED
from layertui.layers.unpacked.full_tree import CopiedDirectory, FullTree
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.layers.unpacked.safe_open import DirectoryBlob
from layertui.model.errors import ChangedWhileRead
from layertui.model.job import Job
from layertui.model.layer_index import LayerIndex, path_of
from layertui.model.numbers import LayerNumber
from tests.layers.unpacked.test_overlay_directory import image_of, opened

BETWEEN = 8
"""Entries between two reports."""
SAYS = "changed since the image was read"
Change = Callable[..., object]


def tick() -> None:
    """Return once the kernel gives changes a later time than all that was done so far."""
    now = time.time_ns()
    with tempfile.TemporaryFile() as probe:
        while os.fstat(probe.fileno()).st_ctime_ns <= now:
            os.fchmod(probe.fileno(), 0o600)


def rewrite(path: Path) -> None:
    """Other content of the same size, under the same time."""
    tick()
    status = path.stat()
    path.write_bytes(b"#" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace(path: Path) -> None:
    """Another file of the same size and time, put in its place at once, as editors and package managers do."""
    status = path.stat()
    other = path.with_name("new")
    other.write_bytes(b"#" * status.st_size)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.rename(path)


def warned(index: LayerIndex) -> dict[str, str]:
    """Where something is said to have changed, and what."""
    assert not index.damage
    return {path_of(key): text for code, key, text in index.warnings if code == CHANGED}


# Contents


@pytest.mark.parametrize(
    "change",
    [rewrite, replace, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x" * 9)],
    ids=["rewritten", "replaced", "cut", "grown"],
)
def test_a_file_that_is_not_as_it_was_listed(tmp_path: Path, change: Change) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\n")
    union, contents = opened(image_of([tmp_path]))
    event = union.at(union.find("/log"), LayerNumber(1))
    assert contents.read(event) == b"one\n"
    assert log.read_bytes() == b"one\n" and contents.read(event) == b"one\n"  # reading changes nothing
    change(log)
    for read in (contents.read, contents.digest, lambda event: list(contents.pieces(event))):
        with pytest.raises(ChangedWhileRead, match=f"cannot read {log}, {SAYS}.*, read the image again"):
            read(event)


def test_the_size_it_has_by_now_is_told(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\n")
    blob = UnpackedDirectory(tmp_path).open(b"log", 4)
    (tmp_path / "log").write_bytes(b"one\ntwo\n")
    with pytest.raises(ChangedWhileRead, match=f"{SAYS}, from 4 to 8 bytes"):
        blob.pread(4, 0)


def test_a_file_that_changes_between_two_reads(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * (3 << 20))
    union, contents = opened(image_of([tmp_path]))
    pieces = contents.pieces(union.at(union.find("/log"), LayerNumber(1)))
    assert set(next(pieces)) == {ord("x")}
    rewrite(tmp_path / "log")
    with pytest.raises(ChangedWhileRead, match=SAYS):
        next(pieces)


def test_a_file_that_nobody_listed_changes_between_two_reads(tmp_path: Path) -> None:
    """As those are whose layer is known by its record."""
    (tmp_path / "log").write_bytes(b"one\n")
    blob = DirectoryBlob(tmp_path, b"log", 4)
    assert blob.pread(4, 0) == b"one\n"
    rewrite(tmp_path / "log")
    with pytest.raises(ChangedWhileRead, match=SAYS):
        blob.pread(4, 0)


@pytest.mark.parametrize("change", [rewrite, lambda path: os.truncate(path, 0)], ids=["rewritten", "cut"])
def test_a_file_that_changes_in_the_middle_of_a_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    (tmp_path / "log").write_bytes(b"one\n")
    pread = os.pread

    def slow(descriptor: int, length: int, offset: int) -> bytes:
        change(tmp_path / "log")
        return pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", slow)
    with pytest.raises(ChangedWhileRead, match=SAYS):
        DirectoryBlob(tmp_path, b"log", 4).pread(4, 0)


@pytest.mark.parametrize("copied", [False, True])
def test_a_file_of_a_layer_that_is_a_difference(tmp_path: Path, copied: bool) -> None:
    """Hardlinks too, of which the layer has not all names."""
    below, tree = tmp_path / "below", tmp_path / "tree"
    below.mkdir()
    for name in ("a", "kept", "z"):
        (below / name).write_bytes(b"old")
    shutil.copytree(below, tree)
    (tree / "kept").write_bytes(b"new")
    os.link(tree / "a", tree / "b")
    unpacked = (
        CopiedDirectory(UnpackedDirectory(tree), UnpackedDirectory(below))
        if copied
        else FullTree(tree, below)
    )
    image = image_of([tree])
    layers = [image.layers[0]._replace(unpacked=unpacked)]
    union, contents = opened(image._replace(layers=layers))
    names = [union.path(union.ev_node[event]) for event in union.events if not union.is_directory(event)]
    assert names == ["/b", "/kept"]
    events = [union.at(union.find(name), LayerNumber(1)) for name in names]
    assert [contents.read(event) for event in events] == [b"old", b"new"]
    for name in ("b", "kept"):
        rewrite(tree / name)
    for event in events:
        with pytest.raises(ChangedWhileRead, match=SAYS):
            contents.read(event)


def test_stamps_go_with_the_index_to_another_process(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\n")
    index = UnpackedDirectory(tmp_path).scan()
    assert index.stamp[-1] and unpack_index(pack_index(index)).stamp == index.stamp


# Trees


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory, and so many files after it that the walk tells that it has passed it.

    The root is no entry, so the first report comes when only it has been listed.
    """
    root = tmp_path / "tree"
    (root / "a").mkdir(parents=True)
    root.chmod(0o755)
    (root / "a/inner").write_bytes(b"")
    (root / "a/link").symlink_to("inner")
    monkeypatch.setattr(overlay_directory, "ENTRIES_PER_REPORT", BETWEEN)
    for number in range(BETWEEN):
        (root / f"file{number}").write_bytes(b"")
    return root


def walked(root: Path, change: Callable[[], object], at: int = 0) -> LayerIndex:
    """What a walk finds while something is done once it has ``at`` entries: with none, it has listed the root."""
    waiting = [change]

    def progress(count: int, _total: int) -> None:
        if count >= at and waiting:
            tick()
            waiting.pop()()

    index = UnpackedDirectory(root).scan(Job(progress))
    assert not waiting
    return index


def test_nothing_is_said_where_nothing_changes(tree: Path) -> None:
    assert not warned(walked(tree, lambda: (tree / "a/inner").read_bytes()))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda root: (root / "added").touch(), ["/"]),
        (lambda root: (root / "file3").unlink(), ["/file3", "/"]),
        (lambda root: (root / "file3").rename(root / "other"), ["/file3", "/"]),
        (lambda root: (root / "file3").rename(root / "a/other"), ["/a", "/a/other", "/file3", "/"]),
        (lambda root: shutil.rmtree(root / "a"), ["/a", "/"]),
        (lambda root: rewrite(root / "file3"), ["/file3"]),
        (lambda root: (root / "file3").chmod(0o600), ["/file3"]),
        (lambda root: (root / "a/added").touch(), ["/a", "/a/added"]),
    ],
    ids=["added", "removed", "renamed", "moved", "directory_removed", "rewritten", "chmod", "added_below"],
)
def test_what_changes_before_it_is_looked_at(tree: Path, change: Change, where: list[str]) -> None:
    (path, text), *others = warned(walked(tree, lambda: change(tree))).items()
    assert path == where[0] and not others
    more = f", like {len(where) - 1} more" if len(where) > 1 else ""
    assert text == (
        f"changed while the layer was read{more}: the listing may mix old and new, reload the image"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "added").touch(),
        lambda folder: (folder / "inner").unlink(),
        lambda folder: (folder / "inner").rename(folder / "other"),
        lambda folder: folder.chmod(0o700),
        lambda folder: folder.rename(folder.with_name("b")),
    ],
    ids=["added", "removed", "renamed", "chmod", "moved"],
)
def test_what_changes_in_a_directory_after_it_was_passed(tree: Path, change: Change) -> None:
    index = walked(tree, lambda: change(tree / "a"), at=BETWEEN)
    assert index.count >= BETWEEN
    assert len(warned(index)) == 1


@pytest.mark.parametrize(("name", "now"), [("a/link", "file"), ("a", "file"), ("a", "symlink")])
def test_what_becomes_something_else_under_the_hands_of_the_walk(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str, now: str
) -> None:
    """Between the look at it and what is asked of its type: it is not taken for damage."""
    victim = tree / name
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "secret").touch()
    asked = overlayfs.xattrs_of

    def slow(path: bytes) -> tuple[dict[str, bytes], OSError | None]:
        found = asked(path)
        if path == os.fsencode(victim) and not victim.with_name("was").exists():
            victim.rename(victim.with_name("was"))
            if now == "file":
                victim.touch()
            else:
                victim.symlink_to(outside)
        return found

    monkeypatch.setattr(overlay_directory, "xattrs_of", slow)
    assert len(warned(UnpackedDirectory(tree).scan())) == 1


def test_what_goes_before_its_attributes_are_asked_for(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = os.listxattr

    def slow(path: bytes, **options: bool) -> list[str]:
        if path.endswith(b"/inner"):
            os.unlink(path)  # noqa: PTH108 (bytes)
        return asked(path, **options)

    monkeypatch.setattr(os, "listxattr", slow)
    assert [warning.code for warning in UnpackedDirectory(tree).scan().warnings] == [CHANGED]


def test_times_of_a_clock_that_goes_wrong_tell_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file server that is ahead, or where the clock was set back: all files are later than now."""
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    assert not warned(UnpackedDirectory(tree).scan())


@pytest.mark.parametrize(
    ("walk", "change", "where"),
    [
        (1, lambda _above, below: (below / "added").touch(), "/"),
        (2, lambda above, _below: (above / "added").touch(), "/"),
        (
            2,
            lambda _above, below: (below / "a/inner").unlink(),
            "/a/inner",
        ),  # before it is known for a hardlink
    ],
    ids=["below", "above", "gone"],
)
def test_what_changes_in_the_trees_of_a_difference(tree: Path, walk: int, change: Change, where: str) -> None:
    above = tree.with_name("above")
    shutil.copytree(tree, above, symlinks=True, copy_function=os.link)
    walks = iter((1, 2))  # that of the tree below comes first

    def progress(_count: int, _total: int) -> None:
        if next(walks) == walk:
            tick()
            change(above, tree)

    assert list(warned(FullTree(above, tree, links=True).scan(Job(progress)))) == [where]
