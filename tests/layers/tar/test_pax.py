"""Extended headers as GNU tar, libarchive and Go write them, and as nobody should."""

from __future__ import annotations

import random

import pytest

from layertui.layers.tar import scanner
from layertui.layers.tar.pax import Pax, parse_pax
from tests.layers.tars import END, extended, file, header, padded, record, scanned


def parsed(*records: tuple[bytes, bytes]) -> tuple[Pax, list[str]]:
    pax = Pax()
    return pax, parse_pax(b"".join(record(*each) for each in records), pax)


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (b"0", (0, 0)),
        (b"1700000000.5", (1_700_000_000, 500_000_000)),
        (b"1.123456789", (1, 123_456_789)),
        (b"1.1234567899", (1, 123_456_789)),
        (b"1.", (1, 0)),
        (b"-1", (-1, 0)),
        (b"-1.25", (-2, 750_000_000)),
        (b"-0.000000001", (-1, 999_999_999)),
    ],
)
def test_times(value: bytes, time: tuple[int, int]) -> None:
    pax, malformed = parsed((b"mtime", value))
    assert (vars(pax), malformed) == (vars(Pax()) | {"mtime": time}, [])


def test_records_override_the_header() -> None:
    records = [(b"path", b"long"), (b"size", b"3"), (b"uid", b"5000000"), (b"gid", b"7"), (b"mtime", b"9.5")]
    index = scanned(extended(*records) + file(b"short", b"abc") + END)
    assert index.entry_keys() == [b"long"]
    columns = (index.size, index.uid, index.gid, index.mtime, index.mtime_ns)
    assert [column[0] for column in columns] == [3, 5_000_000, 7, 9, 500_000_000]


def test_records_hold_for_one_entry() -> None:
    index = scanned(extended((b"uid", b"5")) + file(b"a") + file(b"b") + END)
    assert list(index.uid) == [5, 0]


def test_names_may_hold_anything_but_a_zero() -> None:
    index = scanned(extended((b"path", b"a=b\n\xff 7")) + file(b"short") + END)
    assert index.entry_keys() == [b"a=b\n\xff 7"]


def test_a_name_with_a_zero_is_not_read() -> None:
    """Go's reader, and so Docker, refuses the header; GNU tar ends the name there."""
    index = scanned(extended((b"path", b"a\0b")) + file(b"short") + END)
    assert index.entry_keys() == [b"short"]
    assert "malformed path in the extended header" in index.warnings[0].text


def test_a_number_may_have_a_sign_as_in_go() -> None:
    """umoci and Docker read five bytes, and so the header behind them."""
    index = scanned(extended((b"size", b"+5")) + header(b"f") + padded(b"12345") + file(b"g") + END)
    assert (index.entry_keys(), list(index.size), index.warnings) == ([b"f", b"g"], [5, 0], [])


def test_an_empty_value_takes_a_key_back() -> None:
    pax, _ = parsed((b"path", b"x"), (b"path", b""), (b"uid", b"1"), (b"uid", b""), (b"SCHILY.xattr.a", b""))
    assert pax.is_empty


def test_extended_attributes() -> None:
    pax, unreadable = parsed(
        (b"SCHILY.xattr.security.capability", b"\1\0\0\2=\n"),
        (b"LIBARCHIVE.xattr.user.per%25cent", b"dmFsdWU"),
        (b"LIBARCHIVE.xattr.security.capability", b"b3RoZXI"),
        (b"RHT.security.selinux", b"label"),
    )
    assert pax.xattrs == {
        "security.capability": b"\1\0\0\2=\n",
        "user.per%cent": b"value",
        "security.selinux": b"label",
    }
    assert not unreadable


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"uid", b"-1"), (b"size", b"x"), (b"mtime", b"--1"), (b"mtime", b"1.x"), (b"size", b"9" * 30),
     (b"linkpath", b"a\0b"), (b"uname", b"a\0"), (b"a\0b", b"x"), (b"LIBARCHIVE.xattr.a", b"abcde"), (b"GNU.sparse.map", b"1,x")],
)  # fmt: skip
def test_values_that_make_no_sense_are_passed_over_and_said(key: bytes, value: bytes) -> None:
    index = scanned(extended((key, value), (b"path", b"kept")) + file(b"f", b"abc") + END)
    assert index.entry_keys() == [b"kept"]
    assert [warning.code for warning in index.warnings] == ["bad-pax-record"]
    assert key.partition(b"\0")[0].decode() in index.warnings[0].text
    assert ("Docker refuses" in index.warnings[0].text) != key.startswith(b"LIBARCHIVE")


def test_the_last_of_two_headers_counts_and_a_long_name_of_gnu_before_either() -> None:
    """As in Go's archive/tar; GNU tar and bsdtar agree on the first."""
    two = extended((b"path", b"first"), (b"uid", b"5")) + extended((b"gid", b"7"))
    index = scanned(two + file(b"plain") + END)
    assert (index.entry_keys(), list(index.uid), list(index.gid)) == ([b"plain"], [0], [7])
    long = header(b"long", b"L", b"4") + padded(b"long")
    link = header(b"long", b"K", b"2") + padded(b"to")
    records = extended((b"path", b"records"), (b"linkpath", b"elsewhere"))
    for before in (long + link + records, records + link + long, long + records + link):
        index = scanned(before + header(b"l", b"2", linkname=b"x") + END)
        assert (index.entry_keys(), index.links) == ([b"long"], [b"to"])
    index = scanned(records + extended((b"comment", b"c"), type_=b"g") + file(b"plain") + END)
    assert index.entry_keys() == [b"plain"]


def attributes(number: int, count: int, size: int) -> bytes:
    return extended(*((b"SCHILY.xattr.user.%d.%d" % (number, each), b"v" * size) for each in range(count)))


@pytest.mark.parametrize(("count", "size", "files"), [(1, 1 << 19, 40), (10_000, 1, 9)])
def test_attributes_take_bounded_memory(
    count: int, size: int, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an eighth of the room: of attributes of 512 KiB, 32 files fill it; of 10,000 that take 251 bytes each, 7."""
    assert scanner.MAX_XATTRS == 128 << 20
    monkeypatch.setattr(scanner, "MAX_XATTRS", 16 << 20)
    tar = b"".join(attributes(number, count, size) + file(b"%d" % number) for number in range(files))
    index = scanned(tar + END)
    assert "extended attributes take more than 16,777,216 bytes of memory" in index.damage
    kept = sum(len(value) + 250 for extra in index.extra.values() for value in extra.xattrs.values())
    assert 14 << 20 < kept <= 16 << 20


def test_attributes_that_files_share_are_kept_once() -> None:
    label = extended((b"SCHILY.xattr.security.selinux", b"label"))
    index = scanned(b"".join(label + file(b"%d" % number) for number in range(1000)) + END)
    assert len(index.extra) == 1000 and len({id(extra.xattrs) for extra in index.extra.values()}) == 1


def test_attributes_that_mean_something_to_overlayfs_or_nothing_to_linux_are_said() -> None:
    for name, size, code in (
        (b"trusted.overlay.opaque", 1, "overlay-xattr"),
        (b"trusted.overlay.redirect", 9, "overlay-xattr"),
        (b"user.overlay.opaque", 1, None),
        (b"user.large", 1 << 16, None),
        (b"user.large", (1 << 16) + 1, "xattr-too-large"),
    ):
        index = scanned(extended((b"SCHILY.xattr." + name, b"y" * size)) + header(b"d", b"5") + END)
        assert [warning.code for warning in index.warnings] == ([code] if code else [])


@pytest.mark.parametrize(
    "data",
    [b"x", b"5", b"99 path=x\n", b"0 path=x\n", b"9 path=xy", b"7 path\n", b" 9 path=x\n", b"-9 path=x\n"],
)
def test_broken_records_end_the_header(data: bytes) -> None:
    pax = Pax()
    assert parse_pax(record(b"uid", b"5") + data, pax) == ["records"]
    assert vars(pax) == vars(Pax()) | {"uid": 5}


def test_padding_inside_the_header_is_no_record() -> None:
    pax = Pax()
    assert parse_pax(record(b"uid", b"5") + bytes(7), pax) == []


def test_no_bytes_upset_it() -> None:
    random_ = random.Random(1)
    whole = b"".join(
        record(key, b"12")
        for key in (
            b"path",
            b"size",
            b"mtime",
            b"GNU.sparse.offset",
            b"GNU.sparse.numbytes",
            b"GNU.sparse.map",
        )
    )
    for _ in range(5000):
        data = bytearray(whole)
        for _ in range(random_.randrange(1, 5)):
            data[random_.randrange(len(data))] = random_.choice(b"0123456789 =\n\0-.,x\xff")
        pax = Pax()
        parse_pax(bytes(data), pax)
        assert 0 <= (pax.size or 0) < 1 << 63
