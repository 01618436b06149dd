"""Attributes that nobody lets layertui read: what they would tell is said to be unknown, once a layer."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from layertui.layers.unpacked.full_tree import CopiedDirectory, FullTree
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.model.layer_index import Kind, LayerIndex
from tests.layers.unpacked.test_overlay_directory import kinds
from tests.programs import need, need_root

PRIVILEGES = "trusted.* attributes cannot be read without root privileges: "
WHAT = (
    "opaque and moved directories, whiteouts and metadata-only files that are marked there are not recognized"
)


@contextmanager
def nobody() -> Iterator[None]:
    """A user without privileges, to the kernel too."""
    need_root()
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def marked(anybodys: Path) -> Path:
    """A layer in which the kernel has noted all that it can."""
    for name in ("opaque", "moved"):
        (anybodys / name).mkdir()
    for name in ("whiteout", "metadata"):
        (anybodys / name).touch()
    os.truncate(anybodys / "metadata", 5)
    marks = {"opaque": ("opaque", b"y"), "moved": ("redirect", b"/was"), "whiteout": ("whiteout", b"")}
    for name, (mark, value) in {**marks, "metadata": ("metacopy", b"")}.items():
        os.setxattr(anybodys / name, f"trusted.overlay.{mark}", value)
    anybodys.chmod(0o755)
    return anybodys


def told(index: LayerIndex) -> list[str]:
    """What is said of attributes; it is about the layer as a whole."""
    found = [warning for warning in index.warnings if warning.code == "xattrs-unknown"]
    assert all(warning.key == b"" for warning in found)
    return [warning.text for warning in found]


def test_root_knows(marked: Path) -> None:
    index = UnpackedDirectory(marked).scan()
    assert not told(index)
    assert [Kind(kind) for kind in index.kind].count(Kind.OPAQUE) == 2 and Kind.WHITEOUT in index.kind


def test_a_user_without_privileges_is_told_what_cannot_be_known(marked: Path) -> None:
    with nobody():
        index = UnpackedDirectory(marked).scan()
        alone = UnpackedDirectory(marked)
        assert told(CopiedDirectory(alone, alone).scan()) == [PRIVILEGES + WHAT]
        assert not told(FullTree(marked, None).scan())  # a whole tree has nothing to be told
    assert told(index) == [PRIVILEGES + WHAT]
    assert kinds(index)["/whiteout"] == Kind.FILE and Kind.OPAQUE not in index.kind


def test_so_is_root_in_a_user_namespace(marked: Path) -> None:
    """Who has every capability, but not over the file system."""
    need_root()
    need("unshare")
    script = (
        "import sys; from pathlib import Path; from layertui.layers.unpacked.overlay_directory import UnpackedDirectory\n"
        "for warning in UnpackedDirectory(Path(sys.argv[1])).scan().warnings: print(warning.text)"
    )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", sys.executable, "-c", script, marked],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [PRIVILEGES + WHAT]


def test_attributes_of_files_that_the_user_may_not_read(marked: Path) -> None:
    """The kernel names them, and keeps their values to those who may read the file."""
    for name in ("opaque", "whiteout"):
        os.setxattr(marked / name, "user.overlay.whiteout", b"")
        (marked / name).chmod(0o711)
    (marked / "opaque").chmod(0o700)
    with nobody():
        index = UnpackedDirectory(marked).scan()
        whole = FullTree(marked, None).scan()
    assert told(whole) == ["attributes of 2 paths cannot be read (/opaque: Permission denied)"]
    assert told(index) == [
        PRIVILEGES + WHAT,
        f"attributes of 2 paths cannot be read (/opaque: Permission denied): {WHAT}",
    ]


def failing(monkeypatch: pytest.MonkeyPatch, call: str, number: int, names: set[str]) -> None:
    """Have the kernel fail to read the attributes of some files, as with a broken disk or a policy."""
    real = getattr(os, call)

    def fail(path: bytes, *arguments: object, **options: bool) -> object:
        if os.path.basename(path).decode() in names:  # noqa: PTH119 (bytes)
            raise OSError(number, os.strerror(number), path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, call, fail)


@pytest.mark.parametrize("number", [errno.EIO, errno.EPERM, errno.EACCES])
@pytest.mark.parametrize("call", ["listxattr", "getxattr"])
def test_attributes_that_cannot_be_read_are_not_taken_for_none(
    marked: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    failing(monkeypatch, call, number, {"opaque", "whiteout"})
    assert told(UnpackedDirectory(marked).scan()) == [
        f"attributes of 2 paths cannot be read (/opaque: {os.strerror(number)}): {WHAT}"
    ]


def test_those_that_can_be_read_are_shown(marked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.setxattr(marked / "opaque", "user.note", b"kept")
    real = os.getxattr

    def fail(path: bytes, name: str, **options: bool) -> bytes:
        if name.startswith("trusted."):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path, name, **options)

    monkeypatch.setattr(os, "getxattr", fail)
    index = UnpackedDirectory(marked).scan()
    assert index.extra[index.entry_keys().index(b"opaque")].xattrs == {"user.note": b"kept"}


@pytest.mark.parametrize(
    ("call", "number"),
    [("listxattr", errno.ENOTSUP), ("getxattr", errno.ENOTSUP), ("getxattr", errno.ENODATA)],
)
def test_a_file_system_without_attributes_has_none(
    marked: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    failing(monkeypatch, call, number, {path.name for path in (marked, *marked.iterdir())})
    index = UnpackedDirectory(marked).scan()
    assert not index.warnings and not index.damage


def test_the_root_of_a_layer_is_counted_once(marked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marked.chmod(0o711)
    failing(monkeypatch, "listxattr", errno.EIO, {marked.name})
    (text,) = told(UnpackedDirectory(marked).scan())
    assert text.startswith("attributes of 1 path cannot be read (/: Input/output error): ")


def test_what_may_lie_below_is_not_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of which only metadata lies here, and a directory that was moved: the layer below does not tell what it has."""
    need_root()
    below, upper = tmp_path / "below", tmp_path / "upper"
    for path in (below / "was", upper / "moved"):
        path.mkdir(parents=True)
    for path in (below / "thin", upper / "thin"):
        path.write_bytes(bytes(5))
    os.setxattr(upper / "thin", "trusted.overlay.metacopy", b"")
    os.setxattr(upper / "moved", "trusted.overlay.redirect", b"/was")
    unpacked = UnpackedDirectory(upper, below=(below,))
    assert not unpacked.scan().warnings
    real = os.listxattr

    def fail(path: bytes, **options: bool) -> list[str]:
        if path.startswith(os.fsencode(below)):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path, **options)

    monkeypatch.setattr(os, "listxattr", fail)
    assert {warning.code for warning in unpacked.scan().warnings} == {"overlay-metacopy", "overlay-redirect"}
