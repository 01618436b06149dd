"""The scanner reads every form of tar that layers come in, and no bytes can upset it."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import tarfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui.layers import native
from layertui.layers.codec import pack_index, unpack_index_checked
from layertui.layers.compression.stream import DecompressedStream
from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import StreamWindow
from layertui.model.blob import BytesBlob
from layertui.model.layer_index import Kind, LayerIndex
from layertui.union.builder import UnionBuilder
from tests.engines import run
from tests.layers.tars import (
    BLOCK,
    END,
    expected,
    extended,
    facts,
    file,
    header,
    mutations,
    padded,
    random_tar,
    scanned,
    signed,
)
from tests.programs import need

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def codes(index: LayerIndex) -> list[str]:
    return [warning.code for warning in index.warnings]


def test_both_modes_are_tested(native_mode: str) -> None:
    assert native_mode == ("native" if native.core() is not None else "python")


# Against other programs


@pytest.mark.parametrize("format_", FORMATS)
def test_same_entries_as_the_standard_library(format_: str) -> None:
    for seed in range(60):
        tar = random_tar(seed, FORMATS[format_])
        index = scanned(tar)
        assert not index.damage and set(codes(index)) <= {"entry-type"}, seed
        assert facts(index) == expected(tar), seed


def test_same_entries_through_a_decompressor() -> None:
    for seed in range(20):
        tar = random_tar(seed, tarfile.PAX_FORMAT)
        stream = DecompressedStream(BytesBlob(gzip.compress(tar, 1), "memory"))
        index = scan(StreamWindow(stream))
        stream.close()
        assert facts(index) == expected(tar)
        assert index.tar_size == scanned(tar).tar_size


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of every type with long names, odd owners, holes and times."""
    root = tmp_path_factory.mktemp("tree")
    deep = root / ("d" * 90) / ("e" * 90) / ("f" * 90)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"deep" * 300)
    (root / "größe").write_bytes(b"x")
    (root / "link").symlink_to("t" * 180)
    (root / "hard").hardlink_to(deep / "file")
    os.mkfifo(root / "fifo")
    with (root / "sparse").open("wb") as hole:
        for number in range(30):
            hole.seek(number * 200_000)
            hole.write(b"data" * 1024)
        hole.truncate(7_000_000)
    (root / "empty").touch()
    os.utime(root / "empty", ns=(0, 1_600_000_000_123_456_789))
    os.utime(root / "größe", ns=(0, -1_500_000_000))
    (root / "run").write_bytes(b"#!")
    (root / "run").chmod(0o4755)
    if os.geteuid() == 0:
        os.chown(root / "run", 3_000_000_000, 2_999_999_999)
        os.mknod(root / "device", 0o060600, os.makedev(259, 70_000))
    return root


@pytest.mark.parametrize(
    "options",
    [
        ["--format=gnu"],
        ["--format=gnu", "--sparse"],
        ["--format=oldgnu", "--sparse"],
        ["--format=pax"],
        ["--format=pax", "--sparse", "--sparse-version=0.0"],
        ["--format=pax", "--sparse", "--sparse-version=0.1"],
        ["--format=pax", "--sparse", "--sparse-version=1.0"],
        ["--format=ustar", "--exclude=ff*", "--exclude=link", "--exclude=run", "--exclude=größe"],
        ["--format=v7", "--exclude=link", "--exclude=run", "--exclude=d*", "--exclude=fifo",
         "--exclude=größe", "--exclude=hard"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_gnu_tar(options: list[str], tree: Path, tmp_path: Path) -> None:
    need("tar")
    path = tmp_path / "made.tar"
    run("tar", "-C", tree, "-cf", path, "--sort=name", *options, ".")
    tar = path.read_bytes()
    index = scanned(tar)
    is_type_s = "--sparse" in options and "gnu" in options[0]
    assert (index.damage, codes(index)) == ("", ["entry-type"] if is_type_s else [])
    theirs = expected(tar)
    if "pax" in options[0]:
        # The standard library takes the name that a sparse entry's header has for its path.
        assert ("/sparse", Kind.FILE) in [row[:2] for row in facts(index)]
    for ours, other in zip(facts(index), theirs, strict=True):
        assert ours[1:] == other[1:] or _stretches(ours) == _stretches(other)
        assert ours[0] == other[0]
    assert len(theirs) == index.count > 2


def _stretches(row: tuple[object, ...]) -> tuple[object, ...]:
    """A row with its sparse map as the real stretches: GNU tar ends a map with an empty one."""
    sparse = row[10]
    if isinstance(sparse, tuple):
        return (*row[:10], tuple(each for each in sparse if each[1]), row[11])
    return row


@pytest.mark.parametrize("format_", ["ustar", "pax", "gnutar", "v7"])
def test_bsdtar(format_: str, tree: Path, tmp_path: Path) -> None:
    need("bsdtar")
    path = tmp_path / "made.tar"
    excluded = ["--exclude", "./d*", "--exclude", "./hard"] if format_ == "v7" else []
    subprocess.run(
        ["bsdtar", "--format", format_, *excluded, "-C", str(tree), "-cf", str(path), "."],
        check=False,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # it leaves out what a format cannot hold
    tar = path.read_bytes()
    index = scanned(tar)
    assert not index.damage
    ours, theirs = facts(index), expected(tar)
    assert [_stretches(row) for row in ours] == [_stretches(row) for row in theirs]
    assert len(ours) > 2


def test_times_to_the_nanosecond(tree: Path, tmp_path: Path) -> None:
    need("tar")
    run("tar", "-C", tree, "-cf", tmp_path / "a.tar", "--format=pax", "empty", "größe")
    index = scanned((tmp_path / "a.tar").read_bytes())
    assert list(zip(index.mtime, index.mtime_ns, strict=True)) == [
        (1_600_000_000, 123_456_789),
        (-2, 500_000_000),
    ]


# Headers by hand


def test_name_in_two_fields() -> None:
    index = scanned(file(b"name", prefix=b"some/where") + END)
    assert facts(index)[0][0] == "/some/where/name"


def test_gnu_header_has_no_prefix() -> None:
    index = scanned(file(b"name", magic=b"ustar  \0", prefix=b"12345") + END)
    assert facts(index)[0][0] == "/name"


GO_1_7 = {"magic": b"ustar  \0", "prefix": b"usr/lib/node_modules", "uid": b"\x80\0\0\0\0\x20\0\0"}
"""A header of Docker up to 17.05: GNU because of its owner, yet with a prefix."""


def test_gnu_header_of_old_docker_has_a_prefix() -> None:
    """As Go's archive/tar reads it since 1.8.4, and with it Docker, Podman and umoci."""
    tar = (
        file(b"a", b"1", **GO_1_7)
        + header(b"d/", b"5", **GO_1_7)
        + header(b"l", b"2", linkname=b"a", **GO_1_7)
        + header(b"h", b"1", linkname=b"usr/lib/node_modules/a", **GO_1_7)
        + file(b".wh.gone", **GO_1_7)
        + END
    )
    index = scanned(tar)
    names = ["/a", "/d", "/l", "/h", "/gone"]
    assert [row[0] for row in facts(index)] == ["/usr/lib/node_modules" + name for name in names]
    assert not index.warnings and not index.damage


@pytest.mark.parametrize(
    ("prefix", "is_prefix"),
    [
        (b"a", True),
        (b"12345670123\0", False),
        (b"12345670123\0" + b"12345670123\0", False),
        (b"12345670123 1234567012a ", True),
        (b"1234 5678901", True),
        (b"9", True),
        ("größe".encode(), False),
        (b"\x80\0\0\0\0\0\0\0\0\0\0\1", False),
        (b"", False),
    ],
)
def test_what_a_gnu_header_has_in_place_of_a_prefix(prefix: bytes, is_prefix: bool) -> None:
    index = scanned(file(b"n", magic=b"ustar  \0", prefix=prefix) + END)
    name = b"n" if not is_prefix else prefix + b"\0n"
    assert index.entry_keys() == [name]


def test_full_fields_without_a_zero() -> None:
    index = scanned(file(b"n" * 100, linkname=b"l" * 100, prefix=b"p" * 155) + END)
    assert facts(index)[0][0] == "/" + "p" * 155 + "/" + "n" * 100


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"\x80\0\0\0\0\0\0\0\0\0\1\0", 256),
        (b"\xff" * 12, -1),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff", -257),
        (b"00000000017", 15),
        (b"         17", 15),
        (b"17 ", 15),
        (b"\x0000017", 15),
        (b"\0\0 17 \0", 15),
        (b"777777777777", 0o777777777777),
        (b"", 0),
    ],
)
def test_numbers(field: bytes, value: int) -> None:
    index = scanned(file(b"f", mtime=field) + END)
    assert list(index.mtime) == [value] and not index.warnings


@pytest.mark.parametrize("field", [b"9999", b"0x11", b"17junk", b"-17", b"+17", b"1_7", b"0o17"])
def test_unreadable_numbers_are_said(field: bytes) -> None:
    index = scanned(file(b"f", uid=field) + END)
    assert list(index.uid) == [0] and codes(index) == ["bad-number"]


@pytest.mark.parametrize("field", ["mode", "uid", "gid", "mtime"])
def test_the_malformed_field_is_named(field: str) -> None:
    (warning,) = scanned(file(b"f", **{field: b"0x11"}) + END).warnings
    assert warning.text.startswith(f"malformed {field} in the header before byte 512")


@pytest.mark.parametrize("type_", [b"0", b"2", b"3", b"5", b"L"])
def test_malformed_device_number_of_any_type(type_: bytes) -> None:
    tar = header(b"f", type_, major=b"0x11", minor=b"1") + (file(b"g") if type_ == b"L" else b"") + END
    (warning,) = scanned(tar).warnings
    assert warning.code == "bad-number"
    assert warning.text.startswith("malformed device number in the header before byte 512")


def test_numbers_out_of_range_are_said() -> None:
    index = scanned(file(b"f", uid=b"\x80" + b"\x7f" * 7, mtime=b"\x80" + b"\xff" * 11) + END)
    assert codes(index) == ["number-out-of-range"] * 2


def test_checksum_over_signed_bytes() -> None:
    block = signed(header("größe".encode()))
    assert facts(scanned(block + END))[0][0] == "/größe"


def test_numbers_after_a_zero() -> None:
    """Old writers began fields with NUL (GNU tar, from_header: "buggy tar of unknown vintage")."""
    tar = file(b"f", b"abc")
    late = b"\0%06o " % (sum(tar[:BLOCK]) - sum(tar[148:156]) + 8 * 32)
    index = scanned(
        file(b"f", b"abc", checksum=late) + header(b"g", size=b"\x003", mode=b"\x00644") + padded(b"abc")
    )
    assert (list(index.size), list(index.mode)) == ([3, 3], [0o644, 0o644]) and not index.damage


def test_directory_of_v7_has_a_slash() -> None:
    index = scanned(header(b"d/", b"\0", magic=b"") + header(b"f", b"\0", magic=b"") + END)
    assert list(index.kind) == [Kind.DIRECTORY, Kind.FILE]


def test_unknown_types_are_files() -> None:
    index = scanned(header(b"f", b"Z", b"3") + padded(b"abc") + header(b"V", b"V") + END)
    assert [row[:2] for row in facts(index)] == [("/f", Kind.FILE)]


@pytest.mark.parametrize("flag", sorted(set(range(256)) - set(b"123456xXgKLDVMN")))
def test_all_other_types_are_files(flag: int) -> None:
    index = scanned(header(b"f", bytes([flag]), b"3") + padded(b"abc") + file(b"g") + END)
    assert [row[:2] for row in facts(index)] == [("/f", Kind.FILE), ("/g", Kind.FILE)]


@pytest.mark.parametrize(
    ("flag", "entries", "word"),
    [
        (b"S", [("/f", Kind.FILE), ("/g", Kind.FILE)], "a file"),
        (b"7", [("/f", Kind.FILE), ("/g", Kind.FILE)], "a file"),
        (b" ", [("/f", Kind.FILE), ("/g", Kind.FILE)], "a file"),
        (b"D", [("/f", Kind.DIRECTORY), ("/g", Kind.FILE)], "a directory"),
        (b"V", [("/g", Kind.FILE)], "left out"),
        (b"M", [("/g", Kind.FILE)], "left out"),
        (b"N", [("/g", Kind.FILE)], "left out"),
    ],
)
def test_types_that_engines_refuse_are_said(flag: bytes, entries: list[object], word: str) -> None:
    """Docker and Podman end with "unhandled tar header type", umoci with "unpack entry: unknown typeflag"."""
    index = scanned(header(b"f", flag, b"3", mode=b"750") + padded(b"abc") + file(b"g") + END)
    assert [row[:2] for row in facts(index)] == entries and not index.damage
    [warning] = index.warnings
    assert (warning.code, warning.key) == (
        "entry-type",
        b"f",
    ) and f"{flag.decode()!r}: {word} here" in warning.text
    assert index.mode[0] == 0o750 or word == "left out"


def test_a_device_that_overlayfs_takes_for_a_whiteout_is_said() -> None:
    for kind, minor, said in ((b"3", b"0", ["overlay-whiteout"]), (b"3", b"1", []), (b"4", b"0", [])):
        assert codes(scanned(header(b"c", kind, major=b"0", minor=minor) + END)) == said


def test_links_have_no_content_whatever_their_size() -> None:
    index = scanned(header(b"l", b"2", b"777", linkname=b"to") + file(b"f") + END)
    assert [row[0] for row in facts(index)] == ["/l", "/f"]


def test_long_names_of_both_kinds() -> None:
    long = b"n" * 300
    tar = b"".join(
        (
            header(b"././@LongLink", b"L", b"%o" % 301), padded(long + b"\0"),
            header(b"././@LongLink", b"K", b"%o" % 301), padded(b"t" * 300 + b"\0"),
            header(b"short", b"2", linkname=b"t"), END,
        )
    )  # fmt: skip
    [row] = facts(scanned(tar))
    assert (row[0], row[7]) == ("/" + "n" * 300, "t" * 300)


def test_names_are_cleaned() -> None:
    names = [b"./a//b/./c", b"/absolute", b"./", b"a/../b", b"d/x/.."]
    index = scanned(b"".join(file(name) for name in names) + END)
    assert [row[0] for row in facts(index)] == ["/a/b/c", "/absolute", "/", "/b", "/d"]
    assert not index.warnings


def test_names_that_lead_out_stay_inside_and_are_said() -> None:
    names = [b"../../etc/passwd", b"etc/group", b"../../etc/shadow", b"../.hidden", b".."]
    index = scanned(b"".join(map(file, names)) + END)
    assert [row[0] for row in facts(index)] == ["/etc/passwd", "/etc/group", "/etc/shadow", "/.hidden", "/"]
    assert [(warning.code, warning.key) for warning in index.warnings] == [
        ("path-escapes", b"etc\0passwd"),
        ("path-escapes", b"etc\0shadow"),
        ("path-escapes", b".hidden"),
        ("path-escapes", b""),
    ]


def test_a_hardlink_whose_target_leads_out_is_said_by_its_own_name() -> None:
    index = scanned(header(b"etc/link", b"1", linkname=b"../../etc/passwd") + END)
    assert facts(index)[0][7] == "/etc/passwd"
    [warning] = index.warnings
    assert (warning.code, warning.key) == ("path-escapes", b"etc\0link") and "target" in warning.text


def test_names_that_no_file_system_takes_are_left_out_and_said() -> None:
    long = extended((b"path", b"/".join([b"a"] * 3000)))
    index = scanned(long + file(b"short") + file(b"next") + END)
    assert [row[0] for row in facts(index)] == ["/next"] and codes(index) == ["name-too-long"]


def test_a_name_that_no_file_system_takes_is_said() -> None:
    for length, said in ((255, []), (256, ["name-too-long"])):
        name = b"d/" + b"n" * length
        index = scanned(extended((b"path", name)) + file(b"short") + END)
        assert (index.count, codes(index)) == (1, said)


def test_links_to_where_no_path_leads_are_left_out_and_said() -> None:
    target = b"./" * 500_000
    for kind in (b"1", b"2"):
        index = scanned(
            header(b"long", b"K", b"%o" % len(target)) + padded(target) + header(b"l", kind) + file(b"f")
        )
        assert [row[0] for row in facts(index)] == ["/f"] and "name-too-long" in codes(index)


@pytest.mark.parametrize("name", [b"a/" * 500_000, b"/" * 1_000_000, b"../" * 300_000, b"a/../" * 200_000])
def test_a_mebibyte_of_slashes_is_one_entry_at_most(name: bytes) -> None:
    index = scanned(header(b"long", b"L", b"%o" % len(name)) + padded(name) + file(b"f") + END)
    assert index.count <= 1 and len(index.keys) <= 4096 and not index.damage


def test_whiteouts() -> None:
    names = [b"d/.wh.gone", b".wh.top", b"d/.wh..wh..opq", b".wh..wh.plnk", b"d/.wh."]
    index = scanned(b"".join(file(name) for name in names) + END)
    assert [row[:2] for row in facts(index)] == [
        ("/d/gone", Kind.WHITEOUT),
        ("/top", Kind.WHITEOUT),
        ("/d", Kind.OPAQUE),
        ("/.wh..wh.plnk", Kind.METADATA),
        ("/d/.wh.", Kind.METADATA),
    ]
    assert codes(index) == ["whiteout-invalid"]


def test_global_header_is_passed_over_as_engines_do() -> None:
    for records, said in (([(b"comment", b"a git commit")], []), ([(b"uid", b"7")], ["global-header"])):
        index = scanned(extended(*records, type_=b"g") + file(b"f") + END)
        assert (list(index.uid), codes(index)) == ([0], said)


# Where a tar ends


def test_empty_layers() -> None:
    for tar in (b"", bytes(BLOCK), END, bytes(10240)):
        index = scanned(tar)
        assert (index.count, index.damage, index.warnings) == (0, "", [])


def test_no_end_marker_is_said() -> None:
    index = scanned(file(b"f", b"content"))
    assert index.count == 1 and codes(index) == ["no-end"] and not index.damage


@pytest.mark.parametrize("padding", [0, 1, 100])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_content_without_its_padding_is_whole(compress: Callable[[bytes], bytes], padding: int) -> None:
    """As in Go's archive/tar, and with it Podman and umoci."""
    tars = [
        file(b"f", b"a" * 100),
        extended((b"size", b"100")) + header(b"f") + padded(b"a" * 100),
        header(b"f", b"Z", b"%o" % 100) + padded(b"a" * 100),
    ]
    for tar in tars:
        stream = DecompressedStream(BytesBlob(compress(tar[: len(tar) - 412 + padding]), "memory"))
        index = scan(StreamWindow(stream))
        stream.close()
        assert (list(index.size), index.damage, codes(index)[-1:]) == ([100], "", ["no-end"])


@pytest.mark.parametrize("end", [bytes(1), bytes(511), bytes(BLOCK + 1), bytes(BLOCK + 511)])
def test_half_a_block_of_zeros_is_said(end: bytes) -> None:
    """Podman and umoci end with "unexpected EOF"."""
    index = scanned(file(b"f", b"a") + end)
    assert index.count == 1 and not index.damage and codes(index)[0] == "half-block"


def test_one_block_of_zeros_before_more_is_said() -> None:
    index = scanned(file(b"f") + bytes(BLOCK) + file(b"g") + END)
    assert index.count == 1 and codes(index) == ["lone-zero-block"]


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_cut_in_a_content(compress: Callable[[bytes], bytes]) -> None:
    tar = file(b"f", b"a" * 100) + file(b"g", b"b" * 5000)[:2000]
    stream = DecompressedStream(BytesBlob(compress(tar), "memory"))
    index = scan(StreamWindow(stream))
    stream.close()
    assert [row[0] for row in facts(index)] == ["/f", "/g"]
    assert index.damage == (
        "the tar ends early: its last entry reaches to byte 6,656 of 3,024; 2 entries read before"
    )


def test_cut_anywhere_gives_an_index_that_says_so() -> None:
    tar = random_tar(5, tarfile.PAX_FORMAT)
    whole = scanned(tar)
    end = whole.tar_size - BLOCK
    for size in range(BLOCK // 2, end, BLOCK // 2):
        index = scanned(tar[:size])
        assert index.damage or "no-end" in codes(index), size
        assert facts(index) == facts(whole)[: index.count]


@pytest.mark.parametrize(
    ("tar", "damage"),
    [
        (b"hello", "the tar ends in the middle of a header at byte 0"),
        (b"x" * 5000, "it is not a tar"),
        (file(b"f") + b"x" * 5000, "bad checksum of the header at byte 512"),
        (header(size=b"\xff" * 12) + END, "an entry with a negative size at byte 0"),
        (header(b"L", b"L", b"\x80" + b"\x7f" * 11), "more than 1,048,576"),
        (extended((b"path", b"x")), "extended header without an entry"),
        (extended((b"path", b"x")) + END, "extended header without an entry"),
        (header(size=b"\x80" + b"\x7f" * 11) + END, "the tar ends early"),
        (extended((b"size", b"9" * 18)) + file(b"f") + END, "the tar ends early"),
    ],
)  # fmt: skip
def test_damage_is_named(tar: bytes, damage: str) -> None:
    assert damage in scanned(tar).damage


# Hostile tars


def test_sparse_map_without_end() -> None:
    block = b"\0" * 504 + b"\1" + bytes(7)
    start = header(b"f", b"S", b"0", tail=bytes(96) + b"\1")
    index = scanned(start + block * 3000)
    assert "ends in the middle of a header" in index.damage
    entry = b"%011o\0%011o\0" % (0, 1)
    index = scanned(start + (entry * 21 + b"\1" + bytes(7)) * 3000)
    assert "an endless sparse map" in index.damage


def test_sparse_map_of_many_numbers_takes_linear_time() -> None:
    content = b"400000\n" + b"1\n" * 500_000
    tar = extended(
        (b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.realsize", b"5")
    ) + file(b"f", content)
    started = time.process_time()
    index = scanned(tar * 10 + END)
    assert "malformed sparse map" in index.damage
    assert time.process_time() - started < 2


def test_huge_numbers_in_records() -> None:
    for key in (b"size", b"uid", b"gid", b"mtime", b"GNU.sparse.size", b"GNU.sparse.realsize"):
        for value in (b"9" * 20, b"9" * 19, b"9" * 18, b"-1", b"-" + b"9" * 19, b"1e9", b"9" * 1000):
            index = scanned(extended((key, value)) + file(b"f", b"abc") + file(b"g") + END)
            assert index.warnings or index.damage or value in (b"-1", b"9" * 18), (key, value)
            assert facts(unpack_index_checked(pack_index(index))) == facts(index)


def test_sparse_maps_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layertui.layers.tar.scanner.MAX_EXTENTS", 1000)
    numbers = b",".join(b"%d,1" % (2 * number) for number in range(400))
    sparse = extended((b"GNU.sparse.size", b"900"), (b"GNU.sparse.map", numbers)) + file(b"f", b"x" * 400)
    assert not scanned(sparse * 2 + END).damage
    assert scanned(sparse * 9 + END).damage == (
        "sparse files of more than 1,000 extents; 2 entries read before"
    )


def test_warnings_beyond_a_thousand_are_counted() -> None:
    index = scanned(header(b"f", b"Z") * 1234 + END)
    assert codes(index) == ["entry-type"] * 1000 + ["more-warnings"]
    assert index.warnings[-1].text == "234 more warnings are not listed"


def test_bombs_of_records_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layertui.layers.tar.scanner.MAX_ALL_META", 4 << 20)
    big = extended(*((b"SCHILY.xattr.user.%d" % number, b"v" * 50) for number in range(9000)))

    class Endless:
        """The same header for ever."""

        end = -1

        def at(self, offset: int, length: int) -> tuple[bytes, int]:
            start = offset % len(big)
            return big + big[:length], start

    tracemalloc.start()
    index = scan(Endless())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "bytes of extended headers" in index.damage
    assert peak < 64 << 20


@pytest.mark.parametrize("format_", FORMATS)
def test_no_bytes_upset_it(format_: str) -> None:
    """Some thousand damaged tars: always an index, which survives being sent and merged."""
    rounds = int(os.environ.get("LAYERTUI_FUZZ", "1"))
    for seed in range(20 * rounds):
        tar = random_tar(seed, FORMATS[format_])
        for data in mutations(seed, tar, 40):
            index = scanned(data)
            assert facts(unpack_index_checked(pack_index(index))) == facts(index)
            builder = UnionBuilder()
            builder.add(index)
            builder.freeze()


def test_no_compressed_bytes_upset_it() -> None:
    tar = random_tar(3, tarfile.PAX_FORMAT)
    for data in mutations(1, gzip.compress(tar) + bytes(2 * BLOCK), 300):
        stream = DecompressedStream(BytesBlob(data, "memory"))
        index = scan(StreamWindow(stream))
        stream.close()
        assert facts(unpack_index_checked(pack_index(index))) == facts(index)


def test_a_file_of_random_bytes_is_said_to_be_no_tar() -> None:
    assert scanned(io.BytesIO(os.urandom(4096)).read()).damage.startswith("it is not a tar")
