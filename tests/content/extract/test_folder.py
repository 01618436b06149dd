"""What is written into a directory, and what never is."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layertui.content.extract.folder import Extraction
from layertui.content.extract.obstacles import InTheWay
from layertui.content.extract.selection import changeset, tree
from layertui.content.read import Contents
from layertui.model.blob import Blob
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Layer
from layertui.model.job import Cancelled, Job
from layertui.model.numbers import ROOT, LayerNumber
from layertui.union.model import LayerUnion
from tests import hostile
from tests.commands.samples import tar
from tests.content.archives import contents_of, contents_of_layers, sparse_tar
from tests.layouts import LAYER
from tests.programs import need_root
from tests.union.trees import on_disk

PASSWD = b"root:x:0:0\n"
SAMPLE = tar(
    ("/etc", None), ("/etc/passwd", PASSWD), ("/etc/group", b"root:x:0\n"), ("/etc/link", "->/etc/group")
)


def special(type_: bytes, mode: int = 0o644, **fields: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo()
    header.type, header.mode = type_, mode
    for name, value in fields.items():
        setattr(header, name, value)
    return header


def extract(blob: bytes, root: Path, path: str = "/", force: bool = False) -> Extraction:
    contents, union = contents_of(blob)
    extraction = Extraction(tree(union, LayerNumber(1), union.find(path)), contents, root, force=force)
    extraction.run()
    return extraction


def paths(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_a_file_a_directory_or_all_of_it(tmp_path: Path) -> None:
    extract(SAMPLE, tmp_path / "not" / "there", "/etc/passwd")
    assert paths(tmp_path / "not") == ["there", "there/passwd"]
    extract(SAMPLE, tmp_path / "one", "/etc")
    extract(SAMPLE, tmp_path / "all")
    assert (
        paths(tmp_path / "one") == paths(tmp_path / "all") == ["etc", "etc/group", "etc/link", "etc/passwd"]
    )
    assert (tmp_path / "all/etc/passwd").read_bytes() == PASSWD
    assert (tmp_path / "all/etc/passwd").stat().st_mtime == 1_700_000_000
    assert (tmp_path / "all/etc").stat().st_mtime == 1_700_000_000
    assert (tmp_path / "all/etc/link").readlink() == Path("/etc/group")


def test_nothing_that_is_there_is_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    old = tmp_path / "etc/passwd"
    old.write_text("mine")
    os.link(old, tmp_path / "kept")
    with pytest.raises(InTheWay) as raised:
        extract(SAMPLE, tmp_path)
    assert raised.value.can_replace
    assert raised.value.paths == [str(old)]
    assert paths(tmp_path) == ["etc", "etc/passwd", "kept"]
    extract(SAMPLE, tmp_path, force=True)
    assert old.read_bytes() == PASSWD
    assert (tmp_path / "kept").read_text() == "mine"
    assert paths(tmp_path) == ["etc", "etc/group", "etc/link", "etc/passwd", "kept"]
    extract(SAMPLE, tmp_path, force=True)
    assert paths(tmp_path) == ["etc", "etc/group", "etc/link", "etc/passwd", "kept"]


def test_no_directory_is_replaced_and_none_replaces_anything(tmp_path: Path) -> None:
    (tmp_path / "one/etc/passwd").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/etc").write_text("a file")
    for name, path in (("one", "etc/passwd"), ("other", "etc")):
        with pytest.raises(InTheWay) as raised:
            extract(SAMPLE, tmp_path / name, force=True)
        assert not raised.value.can_replace
        assert raised.value.paths == [str(tmp_path / name / path)]
    assert paths(tmp_path) == ["one", "one/etc", "one/etc/passwd", "other", "other/etc"]


def test_symlinks_that_lie_there_are_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (outside / "passwd").write_text("keep")
    (root / "etc").symlink_to(outside)
    with pytest.raises(InTheWay):
        extract(SAMPLE, root, force=True)
    (root / "passwd").symlink_to(outside / "passwd")
    extract(SAMPLE, root, "/etc/passwd", force=True)
    assert not (root / "passwd").is_symlink()
    assert (root / "passwd").read_bytes() == PASSWD
    assert paths(outside) == ["passwd"]
    assert (outside / "passwd").read_text() == "keep"


class Swap(Job):
    """Somebody who puts a symlink in the place of a directory that has just been made."""

    def __init__(self, directory: Path, target: Path) -> None:
        super().__init__()
        self.directory, self.target = directory, target

    def check(self) -> None:
        if self.directory.is_dir() and not self.directory.is_symlink():
            self.directory.rmdir()
            self.directory.symlink_to(self.target)


def test_symlinks_that_come_meanwhile_are_not_followed(tmp_path: Path) -> None:
    contents, union = contents_of(tar(("/a", None), ("/b", None), ("/b/file", b"x"), ("/a/file", b"x")))
    (tmp_path / "outside").mkdir()
    extraction = Extraction(tree(union, LayerNumber(1)), contents, tmp_path / "root")
    with pytest.raises(LayertuiError, match="Not a directory, 1 of 2 files are written"):
        extraction.run(Swap(tmp_path / "root/a", tmp_path / "outside"))
    assert paths(tmp_path / "outside") == []


def test_without_owners_nobody_gets_rights(tmp_path: Path) -> None:
    blob = tar(
        ("/suid", special(tarfile.REGTYPE, 0o6755)),
        ("/dir", special(tarfile.DIRTYPE, 0o3777)),
        ("/null", special(tarfile.CHRTYPE, devmajor=1, devminor=3)),
        ("/pipe", special(tarfile.FIFOTYPE, 0o640, uid=12)),
    )
    extraction = extract(blob, tmp_path)
    assert [(left.path, left.is_usual) for left in extraction.left_out] == [("/null", True)]
    assert {path: (facts.type, facts.mode) for path, facts in on_disk(tmp_path).items()} == {
        "/suid": ("file", 0o755),
        "/dir": ("directory", 0o1777),
        "/pipe": ("fifo", 0o640),
    }
    assert (tmp_path / "pipe").stat().st_uid == os.getuid()


def test_hardlinks_stay_links_and_come_as_files_without_what_they_link_to(tmp_path: Path) -> None:
    blob = tar(("/a", b"data"), ("/d", None), ("/d/b", "=a"), ("/d/c", "=a"))
    assert extract(blob, tmp_path / "all").files == 3
    assert len({path.stat().st_ino for path in (tmp_path / "all").rglob("[abc]")}) == 1
    extract(blob, tmp_path / "some", "/d")
    assert (tmp_path / "some/d/b").read_bytes() == b"data"
    assert (tmp_path / "some/d/b").samefile(tmp_path / "some/d/c")


def test_what_a_layer_changed_and_deleted(tmp_path: Path) -> None:
    contents, union = contents_of(
        tar(("/d", None), ("/d/old", b"1"), ("/o", None), ("/o/p", None), ("/o/p/q", b"1"), ("/x", b"")),
        tar(("/d/.wh.old", b""), ("/d/new", b"2"), ("/o/.wh..wh..opq", b""), ("/x", None), ("/x/y", b"")),
    )
    selection = changeset(union, LayerNumber(2))
    Extraction(selection, contents, tmp_path / "all").run()
    assert paths(tmp_path / "all") == ["d", "d/.wh.old", "d/new", "o", "o/.wh..wh..opq", "x", "x/y"]
    assert selection.summary == "2 files, 1 byte, 3 directories, 2 whiteouts"
    Extraction(changeset(union, LayerNumber(2), union.find("/d")), contents, tmp_path / "one").run()
    assert paths(tmp_path / "one") == ["d", "d/.wh.old", "d/new"]


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    blob = tar(("/a", b"a" * 1000), ("/b", b"b" * 100_000))[:50_000]
    extraction = extract(blob, tmp_path)
    assert [(left.path, left.why) for left in extraction.left_out] == [
        ("/b", "the layer ends in the middle of it")
    ]
    assert (extraction.files, extraction.bytes, paths(tmp_path)) == (1, 1000, ["a"])


def test_names_that_the_file_system_does_not_take(tmp_path: Path) -> None:
    long = "n" * 300
    extraction = extract(tar(("/ok", b""), (f"/{long}", None), (f"/{long}/below", b"")), tmp_path)
    assert [left.why for left in extraction.left_out] == [
        "File name too long",
        "its directory could not be made",
    ]
    assert paths(tmp_path) == ["ok"]


def test_sparse_files_that_claim_terabytes(tmp_path: Path) -> None:
    size = 1 << 42
    extract(sparse_tar((0, 3), (size - 3, 3), size=size, data=b"abcxyz"), tmp_path)
    status = (tmp_path / "sparse").stat()
    assert status.st_size == size
    assert status.st_blocks < 100
    with (tmp_path / "sparse").open("rb") as file:
        assert file.read(4) == b"abc\0"
        file.seek(size - 4)
        assert file.read() == b"\0xyz"


def test_zeros_take_no_room(tmp_path: Path) -> None:
    """As of ``/var/log/lastlog``, which layers hold many gigabytes of."""
    data = b"a" + bytes(5_000_000) + b"b" + bytes(3_000_000)
    extract(tar(("/lastlog", data)), tmp_path)
    assert (tmp_path / "lastlog").read_bytes() == data
    assert (tmp_path / "lastlog").stat().st_blocks < 8000


def test_a_hostile_image_stays_below(tmp_path: Path) -> None:
    contents, union = contents_of_layers(list(hostile.image().layers))
    extraction = Extraction(tree(union, LayerNumber(3)), contents, tmp_path / "root")
    extraction.run()
    found = set(on_disk(tmp_path / "root"))
    left_out = {left.path for left in extraction.left_out}
    assert {left.why for left in extraction.left_out} == {
        "File name too long",
        "its directory could not be made",
    }
    shown = {union.path(node) for node in union.descendants(ROOT) if union.at(node, LayerNumber(3)) >= 0}
    assert (found | left_out, found & left_out) == (shown, set())
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_names_that_lead_elsewhere(tmp_path: Path) -> None:
    """No union has such names; were one to come, it would go nowhere."""
    contents, union = contents_of(tar(("/dd", None), ("/dd/f", b"x"), ("/ss-f", b"x")))
    union.keys = union.keys.replace(b"dd", b"..").replace(b"ss-", b"ss/")
    extraction = Extraction(tree(union, LayerNumber(1)), contents, tmp_path / "root")
    extraction.run()
    assert {left.why for left in extraction.left_out} == {"its name leads elsewhere"}
    assert paths(tmp_path) == ["root"]


def as_nobody(do: Callable[[], object]) -> bool:
    """Whether something works for a user who is not root."""
    child = os.fork()
    if not child:
        try:
            os.setuid(65534)
            do()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def test_read_only_directories_of_a_user_who_is_not_root(anybodys: Path) -> None:
    blob = tar(
        ("/d", special(tarfile.DIRTYPE, 0o555)), ("/d/e", special(tarfile.DIRTYPE, 0o500)), ("/d/e/f", b"x")
    )
    assert as_nobody(lambda: extract(blob, anybodys / "root"))
    assert (anybodys / "root/d/e/f").read_bytes() == b"x"
    modes = [(anybodys / "root" / name).stat().st_mode & 0o777 for name in ("d", "d/e")]
    assert modes == [0o555, 0o500]


def test_owners_that_only_root_can_keep(anybodys: Path) -> None:
    contents, union = contents_of(tar(("/f", b"x")))
    extraction = Extraction(tree(union, LayerNumber(1)), contents, anybodys / "root", owner=True)

    def refused() -> None:
        with pytest.raises(
            LayertuiError, match=r"cannot give files to 0:0, .*, only root can, 0 of 1 file are"
        ):
            extraction.run()

    assert as_nobody(refused)
    assert paths(anybodys) == ["root"]


def test_a_full_disk_leaves_whole_files_alone(tmp_path: Path) -> None:
    need_root()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path], check=True)
    try:
        with pytest.raises(LayertuiError) as raised:
            extract(tar(("/a", b"a" * 100_000), ("/b", b"b" * 1_000_000)), tmp_path / "root")
        assert str(raised.value) == (
            f"cannot write {tmp_path}/root/b, No space left on device, 1 of 2 files are written"
        )
        assert paths(tmp_path) == ["root", "root/a"]
        assert (tmp_path / "root/a").stat().st_size == 100_000
    finally:
        subprocess.run(["umount", tmp_path], check=True)


class Stuck(Blob):
    """A layer that stops in the middle of its second file."""

    location, size = "stuck", 0

    def __init__(self, data: bytes, reached: int) -> None:
        self.data, self.size, self.reached = data, len(data), reached
        self.is_indexed = False

    def pread(self, length: int, offset: int) -> bytes:
        if self.is_indexed and offset > 1_500_000:
            os.write(self.reached, b".")
            signal.pause()
        return self.data[offset : offset + length]


def stuck(reached: int) -> tuple[Contents, LayerUnion]:
    blob = Stuck(tar(("/a", b"a" * 10), ("/b", b"b" * 4_000_000)), reached)
    layer = Layer(LayerNumber(1), Descriptor(LAYER, "", blob.size), "", "", blob)
    contents, union = contents_of_layers([layer])
    blob.is_indexed = True
    return contents, union


def test_a_kill_leaves_whole_files_alone(tmp_path: Path) -> None:
    hears, reached = os.pipe()
    child = os.fork()
    if not child:
        try:
            contents, union = stuck(reached)
            Extraction(tree(union, LayerNumber(1)), contents, tmp_path / "root").run()
        finally:
            os._exit(0)
    os.close(reached)
    assert os.read(hears, 1) == b"."
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert paths(tmp_path) == ["root", "root/a"]


@pytest.fixture
def _without_nameless_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on file systems that have none, and no hardlinks either (FAT)."""
    open_ = os.open

    def opened(path: str, flags: int, *arguments: Any, **options: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return open_(path, flags, *arguments, **options)

    def linked(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "link", linked)


@pytest.mark.usefixtures("_without_nameless_files")
def test_file_systems_with_few_abilities(tmp_path: Path) -> None:
    extraction = extract(tar(("/a", b"data"), ("/b", "=a")), tmp_path)
    assert [(left.path, left.why) for left in extraction.left_out] == [("/b", "Operation not permitted")]
    assert paths(tmp_path) == ["a"]
    with pytest.raises(InTheWay):
        extract(tar(("/a", b"other")), tmp_path)
    extract(tar(("/a", b"other")), tmp_path, force=True)
    assert paths(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"other"


@pytest.mark.parametrize("nameless", [True, False])
def test_leaving_leaves_whole_files_alone(
    nameless: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not nameless:
        request.getfixturevalue("_without_nameless_files")
    contents, union = contents_of(tar(("/d", None), ("/d/a", b"a" * 10), ("/d/b", b"b" * 4_000_000)))

    def progress(done: int, total: int) -> None:
        if done > 1_500_000:
            job.cancel()

    job = Job(progress)
    extraction = Extraction(tree(union, LayerNumber(1)), contents, tmp_path)
    with pytest.raises(Cancelled):
        extraction.run(job)
    assert (extraction.files, extraction.bytes) == (1, 10)
    assert paths(tmp_path) == ["d", "d/a"]
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o755


def test_progress_comes_to_the_end(tmp_path: Path) -> None:
    contents, union = contents_of(tar(("/a", b"a" * 3_000_000), ("/b", b"b")))
    told: list[tuple[int, int]] = []
    Extraction(tree(union, LayerNumber(1)), contents, tmp_path).run(Job(lambda *seen: told.append(seen)))
    assert told == sorted(told)
    assert told[-1] == (3_000_001, 3_000_001)
