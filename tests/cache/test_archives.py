"""Plain copies of compressed archives: made once, for each file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui.cache import archives, directory
from layertui.cache.archives import PlainCopy, plain_copy
from layertui.model.blob import LocalFile
from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from tests.engines import run
from tests.programs import need_root
from tests.waiting import SECONDS


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the copies."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/layertui/archives"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(b"one")
    return path


class Copies:
    """A decompression that counts how often it runs, and how often at once."""

    def __init__(self, seconds: float = 0, damage: str = "") -> None:
        self.runs = self.at_once = self.most = 0
        self._seconds, self._damage = seconds, damage

    def __call__(self, file: LocalFile, write: Callable[[bytes], None]) -> str:
        self.runs += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        write(file.path.read_bytes())
        time.sleep(self._seconds)
        self.at_once -= 1
        return self._damage


def content(copy: PlainCopy) -> bytes:
    return copy.path.read_bytes()[: copy.size]


def in_threads(count: int, archive: Path, copies: Copies) -> list[PlainCopy]:
    """Return what threads get that ask for the copy at the same time."""
    found: list[PlainCopy] = []
    threads = [
        threading.Thread(target=lambda: found.append(plain_copy(LocalFile(archive), copies)))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    return found


def test_a_copy_is_made_once(archive: Path, folder: Path) -> None:
    copies = Copies()
    first, second = plain_copy(LocalFile(archive), copies), plain_copy(LocalFile(archive), copies)
    assert first == second == (folder / first.path.name, 3, "") and content(first) == b"one"
    assert copies.runs == 1 and list(folder.iterdir()) == [first.path]


def test_threads_wait_for_one_of_them(archive: Path) -> None:
    copies = Copies(0.2)
    found = in_threads(5, archive, copies)
    assert len(found) == 5 and len(set(found)) == 1
    assert copies.runs == 1


def test_a_damaged_archive_is_decompressed_again_but_not_twice_at_once(archive: Path, folder: Path) -> None:
    copies = Copies(0.05, "it ends early")
    found = in_threads(3, archive, copies)
    assert [copy.damage for copy in found] == ["it ends early"] * 3 and copies.most == 1
    assert content(found[0]) == b"one" and len(list(folder.iterdir())) == 1


def test_waiting_is_cancelled(archive: Path) -> None:
    job, begun, end = Job(), threading.Event(), threading.Event()

    def slow(_: LocalFile, write: Callable[[bytes], None]) -> str:
        begun.set()
        end.wait(SECONDS)
        return ""

    thread = threading.Thread(target=plain_copy, args=(LocalFile(archive), slow))
    thread.start()
    assert begun.wait(SECONDS)
    job.cancel()
    with pytest.raises(Cancelled):
        plain_copy(LocalFile(archive), Copies(), job)
    end.set()
    thread.join(SECONDS)


def test_another_file_at_the_same_path_has_another_copy(archive: Path, tmp_path: Path) -> None:
    """Whatever is the same: size, modification time, inode."""
    facts = archive.stat()
    assert content(plain_copy(LocalFile(archive), Copies())) == b"one"
    archive.write_bytes(b"two")  # the same inode
    os.utime(archive, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert content(plain_copy(LocalFile(archive), Copies())) == b"two"
    (tmp_path / "new").write_bytes(b"six")
    os.utime(tmp_path / "new", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    (tmp_path / "new").replace(archive)
    assert content(plain_copy(LocalFile(archive), Copies())) == b"six"


def test_the_copy_just_made_is_kept_whatever_its_size(
    archive: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 0)
    monkeypatch.setattr(directory, "RECENT", 0)
    other = tmp_path / "b.tar.gz"
    other.write_bytes(b"two")
    for path in (archive, other):
        copy = plain_copy(LocalFile(path), Copies())
        assert list(folder.iterdir()) == [copy.path]


def test_a_copy_keeps_its_modification_time_when_it_is_used(archive: Path) -> None:
    """The index of a layer in it is cached under that time."""
    copy = plain_copy(LocalFile(archive), Copies()).path
    os.utime(copy, (1, 1))
    plain_copy(LocalFile(archive), Copies())
    assert copy.stat().st_mtime == 1 and copy.stat().st_atime > 1


def test_what_cannot_be_written_is_an_error_that_names_the_folder(archive: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_bytes(b"")
    with pytest.raises(
        LayertuiError, match=r"cannot decompress .*a\.tar\.gz, .*, its plain copy goes to .*archives"
    ):
        plain_copy(LocalFile(archive), Copies())


def test_a_failed_decompression_leaves_nothing(archive: Path, folder: Path) -> None:
    def fail(_: LocalFile, write: Callable[[bytes], None]) -> str:
        write(b"half")
        raise LayertuiError("cannot read a.tar.gz", "Input/output error")

    with pytest.raises(LayertuiError, match="Input/output error"):
        plain_copy(LocalFile(archive), fail)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("left", [0, 1, 3, 10, 19])
def test_a_copy_that_was_cut_is_made_again(archive: Path, left: int) -> None:
    """As a power failure after its rename may leave it."""
    copy = plain_copy(LocalFile(archive), Copies())
    os.truncate(copy.path, left)
    again = plain_copy(LocalFile(archive), Copies())
    assert content(again) == b"one" and again == copy


def test_the_copy_of_another_user_is_not_used(archive: Path) -> None:
    """In a cache directory that others can write to, it could be of any archive."""
    need_root()
    copy = plain_copy(LocalFile(archive), Copies())
    copy.path.write_bytes(copy.path.read_bytes().replace(b"one", b"bad"))
    os.chown(copy.path, 12345, 12345)
    assert content(plain_copy(LocalFile(archive), Copies())) == b"one"
    assert copy.path.stat().st_uid == 0


def test_a_copy_that_cannot_be_read_is_made_again(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root leaves it in the user's directory (``sudo -E``)."""
    plain_copy(LocalFile(archive), Copies())
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read anything
    copies = Copies()
    assert content(plain_copy(LocalFile(archive), copies)) == b"one" and copies.runs == 1


def test_a_copy_is_no_symlink(archive: Path, tmp_path: Path) -> None:
    copy = plain_copy(LocalFile(archive), Copies())
    copy.path.rename(tmp_path / "elsewhere")
    copy.path.symlink_to(tmp_path / "elsewhere")
    copies = Copies()
    assert content(plain_copy(LocalFile(archive), copies)) == b"one" and copies.runs == 1


def test_a_copy_leaves_room_on_the_disk(
    archive: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_root()
    monkeypatch.setattr(directory, "ROOM_STEP", 1 << 16)
    most = 0

    def endless(_: LocalFile, write: Callable[[bytes], None]) -> str:
        nonlocal most
        while True:
            write(bytes(1 << 16))
            most += 1 << 16

    (tmp_path / "cache").mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", tmp_path / "cache")
    try:
        with pytest.raises(
            LayertuiError, match=r"cannot decompress .*, less than [\d,]+ bytes would stay free"
        ):
            plain_copy(LocalFile(archive), endless)
        assert 8 << 20 < most < 10 << 20 and not list(folder.iterdir())
    finally:
        run("umount", "--lazy", tmp_path / "cache")
