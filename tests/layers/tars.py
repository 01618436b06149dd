"""Tars for tests of the scanner: random ones, and headers put together by hand."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Callable, Iterable
from typing import Any

from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import PlainWindow
from layertui.model.blob import BytesBlob
from layertui.model.layer_index import Extra, Kind, LayerIndex, path_of

BLOCK = 512
END = bytes(2 * BLOCK)
KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.CONTTYPE: Kind.FILE,
    tarfile.GNUTYPE_SPARSE: Kind.FILE,
    tarfile.LNKTYPE: Kind.HARDLINK,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.CHRTYPE: Kind.CHAR,
    tarfile.BLKTYPE: Kind.BLOCK,
    tarfile.DIRTYPE: Kind.DIRECTORY,
    tarfile.FIFOTYPE: Kind.FIFO,
}


def scanned(tar: bytes) -> LayerIndex:
    """The index of a plain tar in memory."""
    return scan(PlainWindow(BytesBlob(tar, "memory")))


def header(name: bytes = b"f", type_: bytes = b"0", size: bytes = b"0", **fields: bytes) -> bytes:
    """A ustar header with any bytes in its fields (POSIX.1-2017, pax: "ustar Header Block")."""
    places = {
        "mode": (100, b"644"), "uid": (108, b"0"), "gid": (116, b"0"), "mtime": (136, b"0"),
        "linkname": (157, b""), "magic": (257, b"ustar\x0000"), "major": (329, b""), "minor": (337, b""),
        "prefix": (345, b""), "tail": (386, b""),
    }  # fmt: skip
    block = bytearray(BLOCK)
    for place, value in ((0, name), (124, size), (156, type_)):
        block[place : place + len(value)] = value
    for field, (place, usual) in places.items():
        value = fields.get(field, usual)
        block[place : place + len(value)] = value
    checksum = fields.get("checksum")
    block[148:156] = checksum.ljust(8, b" ") if checksum is not None else b"        "
    if checksum is None:
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def signed(block: bytes) -> bytes:
    """The header with a checksum over signed bytes, as old tars have it."""
    plain = bytearray(block)
    plain[148:156] = b"        "
    plain[148:156] = b"%06o\0 " % (sum(plain) - 256 * sum(byte > 127 for byte in plain))
    return bytes(plain)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def file(name: bytes, content: bytes = b"", **fields: bytes) -> bytes:
    """A file with its header."""
    return header(name, size=b"%o" % len(content), **fields) + padded(content)


def extended(*records: tuple[bytes, bytes], type_: bytes = b"x") -> bytes:
    """A pax extended header."""
    data = b"".join(record(key, value) for key, value in records)
    return header(b"pax", type_, b"%o" % len(data)) + padded(data)


def record(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while length != len(body) + len(b"%d" % length):
        length = len(body) + len(b"%d" % length)
    return b"%d" % length + body


Facts = tuple[Any, ...]


def facts(index: LayerIndex) -> list[Facts]:
    """What an index says of each entry."""
    rows = []
    for number, key in enumerate(index.entry_keys()):
        kind = index.kind[number]
        link = index.links[index.link[number]] if index.link[number] >= 0 else None
        extra = index.extra.get(number, Extra())
        rows.append(
            (
                path_of(key), Kind(kind), index.mode[number], index.uid[number], index.gid[number],
                index.size[number], index.mtime[number],
                path_of(link) if link is not None and kind == Kind.HARDLINK
                else link and link.decode("utf-8", "surrogateescape"),
                extra.device, dict(extra.xattrs), extra.sparse,
                index.offset[number] if kind == Kind.FILE else None,
            )
        )  # fmt: skip
    return rows


def expected(tar: bytes) -> list[Facts]:
    """What the standard library reads out of the same tar."""
    rows = []
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:", errors="surrogateescape") as archive:
        for member in archive:
            kind = KINDS.get(member.type, Kind.FILE)
            xattrs = {
                key.removeprefix("SCHILY.xattr."): value.encode("utf-8", "surrogateescape")
                for key, value in member.pax_headers.items()
                if key.startswith("SCHILY.xattr.")
            }
            link: str | None = None
            if kind == Kind.HARDLINK:
                link = "/" + "/".join(part for part in member.linkname.split("/") if part not in ("", "."))
            elif kind == Kind.SYMLINK:
                link = member.linkname
            # Go and layertui follow POSIX: an unfinished second counts from below.
            mtime = int(member.mtime // 1)
            is_device = kind in (Kind.CHAR, Kind.BLOCK)
            rows.append(
                (
                    "/" + "/".join(part for part in member.name.split("/") if part not in ("", ".")),
                    kind, member.mode & 0o7777, member.uid, member.gid,
                    member.size if kind == Kind.FILE else 0, mtime, link,
                    (member.devmajor, member.devminor) if is_device else None, xattrs,
                    tuple(member.sparse) if member.sparse else None,
                    member.offset_data if kind == Kind.FILE else None,
                )
            )  # fmt: skip
    return rows


NAMES = ("a", "b.txt", "größe", "中文", "with space", "new\nline", "-x", "n" * 90, "m" * 120, "\udcff\udcfe")


def random_tar(seed: int, format_: int) -> bytes:
    """A tar of the standard library's making, with entries of every type."""
    random_ = random.Random(seed)
    buffer = io.BytesIO()
    is_pax = format_ == tarfile.PAX_FORMAT
    with tarfile.open(
        fileobj=buffer, mode="w", format=format_, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for number in range(random_.randrange(1, 30)):
            _add(archive, random_, number, is_pax, format_ == tarfile.USTAR_FORMAT)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, random_: random.Random, number: int, is_pax: bool, is_old: bool) -> None:
    names = NAMES[:7] if is_old else NAMES[:9] if is_pax else NAMES
    parts = [random_.choice(names) for _ in range(random_.randrange(1, 3 if is_old else 6))]
    member = tarfile.TarInfo("/".join([f"{number}", *parts]))
    member.type = random_.choice(list(KINDS)[:1] * 5 + [each for each in KINDS if each not in b"\0S"])
    member.mode = random_.choice((0o644, 0o4755, 0o1777, 0))
    largest = 0o7777777 if is_old else 2**32 - 1
    member.uid, member.gid = (random_.choice((0, 1000, largest)) for _ in range(2))
    member.mtime = random_.choice((0, 1_700_000_000, 2**33 - 1) if is_old else (0, 2**35, 1_700_000_000))
    if is_pax:
        member.mtime += random_.choice((0, 0.25))
        if random_.random() < 0.3:
            member.pax_headers = {"SCHILY.xattr.user.a": "value", "SCHILY.xattr.user.b": "ü\n="}
    if member.type in (tarfile.LNKTYPE, tarfile.SYMTYPE):
        member.linkname = random_.choice(("a", "../b", "t" * 99) + (() if is_old else ("t" * 150, "ü" * 80)))
        if member.type == tarfile.LNKTYPE:
            member.linkname = member.linkname.removeprefix("../")
    if member.type in (tarfile.CHRTYPE, tarfile.BLKTYPE):
        member.devmajor, member.devminor = random_.randrange(300), random_.randrange(300)
    content = random_.randbytes(random_.choice((0, 1, 511, 512, 513, 5000)))
    if member.type in (tarfile.REGTYPE, tarfile.CONTTYPE):
        member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def mutations(seed: int, tar: bytes, count: int) -> Iterable[bytes]:
    """The tar with random damage: flipped bits, other bytes, pieces left out, repeated or cut off."""
    random_ = random.Random(seed)
    changes: tuple[Callable[[bytearray], None], ...] = (
        lambda data: data.__setitem__(random_.randrange(len(data)), random_.randrange(256)),
        lambda data: data.__setitem__(
            at := random_.randrange(len(data)), data[at] ^ 1 << random_.randrange(8)
        ),
        lambda data: data.__delitem__(slice(random_.randrange(len(data)), None)),
        lambda data: data.__delitem__(
            slice(at := random_.randrange(len(data)), at + random_.choice((1, 512)))
        ),
        lambda data: data.__setitem__(
            slice(at := BLOCK * random_.randrange(len(data) // BLOCK), at), data[:BLOCK]
        ),
        lambda data: _field(data, random_),
    )
    for _ in range(count):
        data = bytearray(tar)
        for _ in range(random_.choice((1, 1, 2, 8))):
            if len(data) > BLOCK:
                random_.choice(changes)(data)
        yield bytes(data)


def _field(data: bytearray, random_: random.Random) -> None:
    """Another value in a field of a header whose checksum holds: damage that gets past it."""
    start = BLOCK * random_.randrange(len(data) // BLOCK)
    block = data[start : start + BLOCK]
    if len(block) < BLOCK or bytes(block[257:262]) != b"ustar":
        return
    place, length = random_.choice(
        ((100, 8), (108, 8), (116, 8), (124, 12), (136, 12), (156, 1), (0, 100), (345, 155))
    )
    values = (b"\x80" + random_.randbytes(length), b"\xff" + random_.randbytes(length), b"7" * length,
              b"-1", b"", random_.randbytes(length), b"../" * 9, b"L", b"x", b"S", b"g", b"1", b"5")  # fmt: skip
    block[place : place + length] = random_.choice(values)[:length].ljust(length, b"\0")
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    data[start : start + BLOCK] = block
