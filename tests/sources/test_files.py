"""Files by name, in folders and in archives of all kinds."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from layertui.cache.directory import cache_directory
from layertui.model.blob import Blob
from layertui.model.errors import LayertuiError, NoImage
from layertui.model.reference import Reference
from layertui.sources import open_image
from layertui.sources.archive import ArchiveFiles
from layertui.sources.files import MAX_JSON, FolderFiles, files_of, parse_json, read_json
from tests.engines import run
from tests.layers.tars import END, extended, file, header
from tests.layouts import COMPRESS
from tests.programs import need


def archive(path: Path, *members: bytes, compression: str = "") -> ArchiveFiles:
    path.write_bytes(COMPRESS[compression](b"".join(members) + END))
    return ArchiveFiles(path)


def data(blob: Blob | None) -> bytes | None:
    return None if blob is None else blob.pread(blob.size, 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.tar"


def test_folder(tmp_path: Path) -> None:
    (tmp_path / "in/blobs").mkdir(parents=True)
    (tmp_path / "in/blobs/a").write_bytes(b"1")
    (tmp_path / "secret").write_bytes(b"s")
    files = FolderFiles(tmp_path / "in")
    assert [data(files.get(name)) for name in ("blobs/a", "./blobs//a", "/blobs/a")] == [b"1"] * 3
    impossible = ("a\0b", "a" * 300, "a/" * 3000)
    for name in ("", ".", "blobs", "../secret", "blobs/../../secret", str(tmp_path / "secret"), *impossible):
        assert files.get(name) is None


@pytest.mark.parametrize("compression", COMPRESS)
def test_archive(compression: str, path: Path) -> None:
    files = archive(path, file(b"blobs/a", b"one"), file(b"./b", b"two" * 999), compression=compression)
    assert (data(files.get("blobs/a")), data(files.get("./b")), data(files.get("/b"))) == (
        b"one", b"two" * 999, b"two" * 999,
    )  # fmt: skip
    assert files.get("blobs") is None and files.get("c") is None and not files.damage
    assert sorted(files.names()) == ["b", "blobs/a"]
    assert files.path == path


def test_the_last_of_a_name_counts_whatever_its_type(path: Path) -> None:
    files = archive(path, file(b"a", b"1"), file(b"./a", b"2"), file(b"b", b"1"), header(b"b", b"5"))
    assert data(files.get("a")) == b"2" and files.get("b") is None


def test_links_lead_inside_the_archive(path: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    links = {b"x/up": b"../a", b"x/next": b"up", b"x/root": b"/a", b"x/out": b"../../../a", b"gone": b"nowhere",
             b"loop": b"loop", b"host": os.fsencode(tmp_path / "secret")}  # fmt: skip
    files = archive(
        path,
        file(b"a", b"1"),
        *(header(name, b"2", linkname=target) for name, target in links.items()),
        header(b"y/hard", b"1", linkname=b"a"),
    )
    for name in ("x/up", "x/next", "x/root", "x/out", "y/hard"):
        assert data(files.get(name)) == b"1", name
    for name in ("gone", "loop", "host"):
        assert files.get(name) is None, name


def test_a_link_before_its_target_and_a_chain_without_end(path: Path) -> None:
    chain = [header(b"%d" % number, b"2", linkname=b"%d" % (number + 1)) for number in range(100)]
    files = archive(path, header(b"l", b"2", linkname=b"100"), *chain, file(b"100", b"1"))
    assert data(files.get("l")) == data(files.get("90")) == b"1"
    assert files.get("0") is None


def test_what_was_read_before_the_end_is_there(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        for name in ("a", "b"):
            member = tarfile.TarInfo(name)
            member.size = 5000
            tar.addfile(member, io.BytesIO(bytes(5000)))
    path.write_bytes(path.read_bytes()[:9000])
    files = ArchiveFiles(path)
    assert data(files.get("a")) == bytes(5000) and "ends early" in files.damage


def test_a_compressed_archive_is_unpacked_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "manifest.json"
    archive(path, file(b"manifest.json", b"1"), compression="gzip")
    monkeypatch.setattr("layertui.sources.archive._decompress", lambda *_: pytest.fail("unpacked again"))
    assert data(ArchiveFiles(path).get(name)) == b"1"
    monkeypatch.undo()
    path.write_bytes(gzip.compress(file(b"manifest.json", b"other") + END))
    assert data(ArchiveFiles(path).get(name)) == b"other"


NO_IMAGES = {
    "tar": file(b"a", bytes(5000)) + END,
    "cut": file(b"a", bytes(5000))[:2000],
    "empty": END,
    "zeros": bytes(5000),
    "text": b"text" * 500,
    "short": b"short",
}


@pytest.mark.parametrize("content", NO_IMAGES.values(), ids=NO_IMAGES)
def test_nothing_is_kept_of_what_is_no_image(
    path: Path, tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else archives of other things, which may decompress to a thousand times their size, fill the disk."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path.write_bytes(gzip.compress(content))
    with pytest.raises(LayertuiError, match="is not an image"):
        open_image(str(path))
    assert not list((cache_directory() / "archives").glob("*"))


def test_what_is_no_image_is_decompressed_once(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path.write_bytes(gzip.compress(file(b"a", b"1") + file(b"image/manifest.json", b"[]") + END))
    with pytest.raises(LayertuiError, match="is not an image") as first:
        open_image(str(path))
    with monkeypatch.context() as patch:
        patch.setattr("layertui.sources.archive._decompress", lambda *_: pytest.fail("decompressed again"))
        with pytest.raises(LayertuiError, match="is not an image") as second:
            open_image(str(path))
    assert str(first.value) == str(second.value)
    assert data(ArchiveFiles(path).get("a")) == b"1"  # and still can be read
    path.write_bytes(gzip.compress(file(b"b", b"2") + END))
    assert ArchiveFiles(path).names() == ["b"]


def test_what_is_no_tar_is_not_decompressed_further(path: Path) -> None:
    packed = gzip.compress(bytes(1 << 28))
    path.write_bytes(packed[: len(packed) // 2])  # where it ends is never met
    with pytest.raises(NoImage, match="neither a tar archive nor a directory"):
        ArchiveFiles(path)


def test_transports_and_what_lies_there(path: Path, tmp_path: Path) -> None:
    archive(path, file(b"a", b"1"))
    assert isinstance(files_of(Reference("", str(tmp_path))), FolderFiles)
    assert isinstance(files_of(Reference("", str(path))), ArchiveFiles)
    for transport, place in (
        ("oci", path),
        ("dir", path),
        ("oci-archive", tmp_path),
        ("docker-archive", tmp_path),
    ):
        with pytest.raises(LayertuiError) as raised:
            files_of(Reference(transport, str(place)))
        assert "try " in raised.value.remedy
    with pytest.raises(LayertuiError, match="does not exist"):
        files_of(Reference("", str(tmp_path / "none")))
    for impossible in ("a\0b", "a/" * 3000):
        with pytest.raises(LayertuiError, match=r"does not exist|File name too long"):
            files_of(Reference("", impossible))


def test_json(path: Path) -> None:
    files = archive(
        path, file(b"good", b'{"a": [1]}'), file(b"bad", b"{"), file(b"halves", b'"\\ud83d\\ude00\\ud83d"')
    )
    assert read_json(files, "good") == ({"a": [1]}, b'{"a": [1]}')
    assert read_json(files, "halves")[0] == "😀\ufffd"
    for name, why in (("bad", "bad of .* is not valid JSON"), ("none", "has no none")):
        with pytest.raises(LayertuiError, match=why):
            read_json(files, name)


def test_json_of_any_size_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "index.json").open("wb") as sparse:
        sparse.truncate(MAX_JSON + 1)
    blob = FolderFiles(tmp_path).get("index.json")
    assert blob is not None
    with pytest.raises(LayertuiError, match="is too large, 67,108,865 bytes of JSON"):
        parse_json(blob, "index.json")


HOLES = bytes(100_000) + b"a" * 5000 + bytes(300_000) + b"b" * 70 + bytes(60_000)


def holey(path: Path) -> None:
    """Write ``HOLES`` as a file that takes as little room as it can."""
    with path.open("wb") as file:
        for start in (100_000, 405_000):
            file.seek(start)
            file.write(HOLES[start : start + 5000].rstrip(b"\0"))
        file.truncate(len(HOLES))


@pytest.mark.parametrize(
    "program",
    [
        ["tar", "--sparse", "--format=gnu"],
        ["tar", "--sparse", "--format=pax", "--sparse-version=0.0"],
        ["tar", "--sparse", "--format=pax", "--sparse-version=0.1"],
        ["tar", "--sparse", "--format=pax", "--sparse-version=1.0"],
        ["bsdtar", "--format=pax"],
    ],
    ids=" ".join,
)
def test_sparse_member(program: list[str], tmp_path: Path, path: Path) -> None:
    need(program[0])
    holey(tmp_path / "layer.tar")
    (tmp_path / "link").hardlink_to(tmp_path / "layer.tar")
    (tmp_path / "small").write_bytes(b"next")
    run(*program, "-C", tmp_path, "-cf", path, "layer.tar", "link", "small")
    assert path.stat().st_size < 100_000, "no holes on this file system"
    files = ArchiveFiles(path)
    assert (data(files.get("layer.tar")), data(files.get("link")), data(files.get("small"))) == (
        HOLES, HOLES, b"next",
    )  # fmt: skip
    blob = files.get("layer.tar")
    assert blob is not None
    for start in (0, 99_999, 100_000, 104_999, 105_000, 405_069, 405_070, len(HOLES) - 1, len(HOLES)):
        for length in (1, 2, 5001, 300_100, len(HOLES)):
            assert blob.pread(length, start) == HOLES[start : start + length]


def test_member_with_a_bad_sparse_map(path: Path) -> None:
    records = [(b"GNU.sparse.size", b"900"), (b"GNU.sparse.map", b"600,10,0,10")]
    files = archive(path, extended(*records) + file(b"a", b"x" * 20), file(b"b", b"1"))
    assert data(files.get("b")) == b"1"
    blob = files.get("a")
    assert blob is not None
    with pytest.raises(
        LayertuiError, match=r"cannot read .*a.tar at 1536, sparse, its sparse map is not in order"
    ):
        blob.pread(1, 0)


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (b"\x1f\x8b\x08", "its gzip stream"),
        (b"\x28\xb5\x2f\xfd", "its zstd stream"),
        (b"BZh9", "its bzip2 stream"),
        (b"\xfd7zXZ\0", "its xz stream"),
    ],
)
@pytest.mark.parametrize("rest", [b"", b"garbage " * 999])
def test_archive_that_does_not_decompress_is_damaged(start: bytes, why: str, rest: bytes, path: Path) -> None:
    path.write_bytes(start + rest)
    with pytest.raises(LayertuiError, match=f"cannot read {path}, {why}") as raised:
        ArchiveFiles(path)
    assert not isinstance(raised.value, NoImage)


def test_archive_with_a_zstd_window_that_is_too_large(path: Path) -> None:
    tar = file(b"a", b"1") + END
    for window, expected in ((29, b"1"), (30, None)):
        block = (len(tar) << 3 | 1).to_bytes(3, "little") + tar
        path.write_bytes(b"\x28\xb5\x2f\xfd\0" + bytes([(window - 10) << 3]) + block)
        if expected is not None:
            assert data(ArchiveFiles(path).get("a")) == expected
            continue
        with pytest.raises(LayertuiError, match=r"needs a window of 1,024 MiB: .* zstd -d --long=31"):
            ArchiveFiles(path)
