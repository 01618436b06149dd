"""The native core gives what Python gives: every column, warning and error."""

from __future__ import annotations

import contextlib
import io
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from layertui import __version__
from layertui.cache.indexes import DamagedEntry
from layertui.commands.parsers import is_confined
from layertui.layers import native
from layertui.layers.codec import pack_index, unpack_index_checked
from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import PlainWindow, StreamWindow, Window
from layertui.model.blob import BytesBlob
from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.model.layer_index import LayerIndex
from layertui.union.builder import UnionBuilder
from layertui.union.codec import pack_union, unpack_union_checked
from layertui.union.model import LayerUnion
from tests.fuzz import targets
from tests.layers.tars import END, file, header, mutations, padded, random_tar
from tests.native import in_both_modes, need_core
from tests.union.generator import Generator

CORPUS = Path(targets.__file__).parent / "corpus"
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


@pytest.fixture(autouse=True)
def core() -> native.Core:
    return need_core()


def both(tar: bytes, through: type[StreamWindow] | type[PlainWindow] = PlainWindow) -> LayerIndex:
    def window() -> Window:
        return (
            StreamWindow(io.BytesIO(tar)) if through is StreamWindow else PlainWindow(BytesBlob(tar, "tar"))
        )

    return in_both_modes(lambda: scan(window()))


def union(indexes: Iterable[LayerIndex]) -> LayerUnion:
    builder = UnionBuilder()
    for index in indexes:
        builder.add(index)
    return builder.freeze()


@pytest.mark.parametrize("first", range(0, 1000, 250))
def test_a_thousand_random_images(first: int) -> None:
    for seed in range(first, first + 250):
        indexes = [both(tar) for tar in Generator(seed).layers()]
        in_both_modes(partial(union, indexes))
        # On layers that they were not made for: whiteouts of nothing, links to nothing, files as parents.
        in_both_modes(partial(union, [*indexes[::-1], *indexes]))


@pytest.mark.parametrize("format_", FORMATS)
def test_damaged_tars(format_: int) -> None:
    for seed in range(40):
        tar = random_tar(seed, format_)
        for number, damaged in enumerate([tar, *mutations(seed, tar, 30)]):
            try:
                both(damaged, StreamWindow if number % 2 else PlainWindow)
            except LayertuiError:
                assert damaged is not tar


@pytest.mark.parametrize("name", ["tar", "pax", "sparse", "union", "tar_split"])
def test_what_fuzzing_has_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The targets compare both modes."""
    for path in sorted((CORPUS / name).iterdir()):
        with contextlib.suppress(LayertuiError):
            targets.TARGETS[name](path.read_bytes())


RECORDS = (
    b"path=a/./b//c", b"path=../up", b"path=", b"path=" + b"n" * 256, b"path=" + b"d/" * 2049, b"path=nul\0nul",
    b"path=dir/", b"path=.wh.gone", b"path=a/.wh..wh..opq", b"path=.wh..wh.plnk/1", b"path=.wh.", b"path=/",
    b"linkpath=" + b"t" * 5000, b"linkpath=../t", b"linkpath=", b"linkpath=a\0b", b"linkpath=./d/",
    b"size=3", b"size=", b"size=9223372036854775807", b"size=9223372036854775808", b"size=-1", b"size=09",
    b"uid=4294967295", b"uid=4294967296", b"gid=", b"gid=x", b"mtime=1.5", b"mtime=-1.5", b"mtime=-0.000000001",
    b"mtime=1.", b"mtime=.5", b"mtime=1.x", b"mtime=4611686018427387904", b"mtime=99999999999999999999",
    b"comment=c", b"atime=bad", b"no equals", b"SCHILY.xattr.user.a=1", b"SCHILY.xattr.user.a=",
    b"SCHILY.xattr.trusted.overlay.opaque=y", b"LIBARCHIVE.xattr.user.b=MQ", b"RHT.security.selinux=s",
    b"GNU.sparse.name=s", b"=",
)  # fmt: skip
FLAGS = (b"0", b"\0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"D", b"S", b"V", b"g", b"?")


def records(*texts: bytes, type_: bytes = b"x") -> bytes:
    """An extended header of records with any text after their length."""
    data = b""
    for text in texts:
        rest = b" " + text + b"\n"
        data += next(
            b"%d" % length + rest
            for length in range(len(rest), len(rest) + 9)
            if length == len(rest) + len(b"%d" % length)
        )
    return header(b"extended", type_, b"%o" % len(data)) + padded(data)


@pytest.mark.parametrize("flag", FLAGS)
def test_extended_headers(flag: bytes) -> None:
    entries = header(b"dir/", flag, linkname=b"target") + file(b"after") + END
    long_name, long_link = (
        header(b"././@LongLink", type_, b"%o" % len(text)) + padded(text)
        for type_, text in ((b"L", b"long/" * 30 + b"name\0"), (b"K", b"link/" * 30 + b"\0"))
    )
    for one in RECORDS:
        for before in (
            records(one),
            records(one, b"mtime=7.25"),
            records(b"path=other", b"mtime=1", b"uid=7", one),
            records(one) + records(b"gid=1"),
            records(one) + long_name + long_link,
            long_link + long_name + records(one),
        ):
            both(file(b"before") + before + entries)
    for before in (
        long_name,
        long_link,
        records(b"path=global", type_=b"g"),
        records(b"path=sun", type_=b"X"),
    ):
        both(before + entries)
        both(before + before + entries)
        both(before + END)


def test_attributes() -> None:
    """Those that entries share, in any order of their records, and those that only look alike."""
    sets = (
        (b"SCHILY.xattr.user.a=1",), (b"SCHILY.xattr.user.a=1", b"SCHILY.xattr.user.b=2"),
        (b"SCHILY.xattr.user.b=2", b"SCHILY.xattr.user.a=1"), (b"SCHILY.xattr.user.a=1\0", b"SCHILY.xattr.user.a="),
        (b"SCHILY.xattr.user.a=0", b"SCHILY.xattr.user.a=1"), (b"SCHILY.xattr.user.a=1", b"SCHILY.xattr.user.a=0"),
        (b"SCHILY.xattr.user.=a1",), (b"SCHILY.xattr.\xff\xfe=\n",), (b"SCHILY.xattr.trusted.overlay.opaque=y",),
        (b"SCHILY.xattr.user.big=" + bytes(1 << 17),), (b"RHT.security.selinux=s", b"SCHILY.xattr.user.a=1"),
    )  # fmt: skip
    random_ = random.Random(6)
    for _ in range(30):
        chosen = random_.choices(sets, k=60)
        flags = random_.choices(FLAGS[:7], k=60)
        members = [
            records(*each) + header(b"d/f%d" % number, flag, linkname=b"t")
            for number, (each, flag) in enumerate(zip(chosen, flags, strict=True))
        ]
        both(b"".join(members) + END)
    many = (
        records(b"SCHILY.xattr.user.n=%d" % (number % 400)) + file(b"%d" % number) for number in range(1200)
    )
    both(b"".join(many) + END)


NAMES = (
    b"a", b"a/", b"a//", b"/a", b"./a", b".", b"./", b"/", b"", b"..", b"../a", b"a/..", b"a/../b", b"a/./b", b"a/b/.",
    b".hidden", b".wh.a", b".wh.a/", b".wh.a/b", b"d/.wh.a", b".wh..wh..opq", b"d/.wh..wh..opq", b".wh..wh.aufs",
    b".wh..wh.plnk/a", b".wh.", b".wh..", b".wh...", b"n" * 100, b"a\0b", b"stargz.index.json",
    b".prefetch.landmark", b"\xff\xfe",
)  # fmt: skip


@pytest.mark.parametrize("flag", FLAGS)
def test_names(flag: bytes) -> None:
    for name in NAMES:
        for fields in (
            {}, {"prefix": b"some/prefix"}, {"prefix": b"../p"}, {"prefix": b"p", "magic": b"ustar  \0"},
            {"prefix": b"00000000001\0", "magic": b"ustar  \0"}, {"magic": bytes(8)}, {"linkname": b"d/../x"},
        ):  # fmt: skip
            both(header(name, flag, b"3", **fields) + padded(b"abc") + END)


FIELDS = {
    "mode": 8, "uid": 8, "gid": 8, "mtime": 12, "size": 12, "checksum": 8, "linkname": 100, "major": 8, "minor": 8,
}  # fmt: skip
VALUES = (
    b"0", b"", b" 12", b"12 ", b"0012\0 ", b"\0" b"12", b"12\0" b"34", b"8", b"-1", b"1 2", b"7" * 12, b"\x80" + bytes(11),
    b"\xff" * 12, b"\x80\0\0\0\0\0\0\1", b"12\t", b"+1", b"0x1",
)  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_fields(field: str) -> None:
    for value in VALUES:
        for flag in (b"0", b"1", b"2", b"5"):
            fields = {field: value[: FIELDS[field]]}
            size = fields.pop("size", b"0")
            for magic in (b"ustar\x0000", b"ustar  \0", bytes(8)):
                entry = header(b"f", flag, size, magic=magic, **fields)
                both(file(b"first") + entry + file(b"last") + entry + END)


def test_headers_across_the_ends_of_chunks() -> None:
    """An extended header, its records and its entry, each cut off everywhere."""
    middle = records(b"path=" + b"n" * 600, b"mtime=1.5") + file(b"short", b"content") + file(b"next")
    for blocks in range(56, 66):
        tar = file(b"first", bytes(blocks * 512)) + middle * 40 + END
        both(tar)
        both(tar, StreamWindow)
        for end in range(len(tar) - 8 * 512, len(tar), 256):
            both(tar[:end])
            both(tar[:end], StreamWindow)


def test_extended_headers_count_together() -> None:
    """Those that either mode reads, up to what is read of a layer."""
    big = b"comment=" + b"c" * 1000000
    data = b"%d %b\n" % (len(big) + 9, big)
    member = header(b"x", b"x", b"%o" % len(data)) + padded(data)
    turns = member + file(b"f") + member + header(b"d", b"3")
    tar = 3 * turns

    class Endless:
        end = 1 << 40

        def at(self, offset: int, length: int) -> tuple[bytes, int]:
            start = offset % len(turns)
            return tar[: start + max(length, 1 << 15)], start

    index = in_both_modes(lambda: scan(Endless()))
    assert "bytes of extended headers" in index.damage


def test_damaged_entries_of_the_cache() -> None:
    """Both find the same fault, or none, in an index and a union with bytes changed in their columns."""
    random_ = random.Random(5)
    for seed in range(20):
        indexes = [both(tar) for tar in Generator(seed).layers()]
        merged = union(indexes)
        entries: tuple[tuple[bytes, Callable[[bytes], object]], ...] = (
            (pack_union(merged), partial(unpack_union_checked, indexes=indexes)),
            (pack_index(indexes[0]), unpack_index_checked),
        )
        for data, unpack in entries:
            for _ in range(200):
                damaged = bytearray(data)
                for _ in range(random_.choice((0, 1, 1, 2))):
                    place = random_.randrange(len(data))
                    damaged[place] = random_.choice((0, 1, 255, damaged[place] ^ 1, damaged[place] + 1 & 255))
                in_both_modes(partial(_verdict, unpack, bytes(damaged)))


def _verdict(unpack: Callable[[bytes], object], data: bytes) -> tuple[object, str]:
    try:
        return unpack(data), ""
    except DamagedEntry as error:
        return None, str(error)


def test_cancelled() -> None:
    tar = b"".join(file(b"f%d" % number) for number in range(5000))

    def cancelled() -> None:
        job = Job()

        def at_once(offset: int, total: int) -> None:
            job.cancel()

        with pytest.raises(Cancelled):
            scan(PlainWindow(BytesBlob(tar * 4, "tar"), job), job.part(at_once))

    in_both_modes(cancelled)


def test_which_is_used() -> None:
    core = need_core()
    for wanted, text in (("1", f"native core {core.__version__}"), ("0", "without native core")):
        command = [sys.executable, "-m", "layertui", "--version"]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "LAYERTUI_NATIVE": wanted}, check=True
        )
        confined = "reader confined" if wanted == "1" and is_confined() else "reader not confined"
        assert done.stdout == f"layertui {__version__}, {text}, {confined}\n"


def test_another_interface_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "INTERFACE", native.INTERFACE + 1)
    native.core.cache_clear()
    try:
        assert native.core() is None
    finally:
        monkeypatch.undo()
        native.core.cache_clear()
