"""Reproducible tar archives and gzip streams."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

TAR_BLOCK = 512
NAME, LINK = 100, 100
"""Bytes for a name and a link target in a ustar header (POSIX pax, "ustar Interchange Format")."""


@dataclass(frozen=True, slots=True)
class TarMember:
    """One member of a tar."""

    name: str
    type: str
    """The type flag of POSIX ustar."""
    mode: int
    mtime: int
    data: bytes = b""
    target: str = ""
    uid: int = 0
    gid: int = 0
    xattrs: Mapping[str, bytes] = field(default_factory=dict)


def write_tar(members: Iterable[TarMember]) -> bytes:
    """Return a pax archive; values that do not fit ustar go into extended headers."""
    blocks = []
    for member in members:
        name, target = member.name.encode(), member.target.encode()
        records = {f"SCHILY.xattr.{key}": value for key, value in member.xattrs.items()}
        if len(name) > NAME or not name.isascii():
            records["path"] = name
        if len(target) > LINK or not target.isascii():
            records["linkpath"] = target
        if records:
            extended = b"".join(_record(key.encode(), value) for key, value in sorted(records.items()))
            blocks += [
                _header(b"PaxHeaders/" + _ascii(name), b"x", 0o644, 0, len(extended)),
                _padded(extended),
            ]
        blocks.append(
            _header(
                _ascii(name),
                member.type.encode(),
                member.mode,
                member.mtime,
                len(member.data),
                _ascii(target),
                member.uid,
                member.gid,
            )
        )
        blocks.append(_padded(member.data))
    return b"".join(blocks) + bytes(2 * TAR_BLOCK)


def _header(
    name: bytes,
    type_: bytes,
    mode: int,
    mtime: int,
    size: int,
    target: bytes = b"",
    uid: int = 0,
    gid: int = 0,
) -> bytes:
    header = bytearray(
        struct.pack(
            "100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x",
            name[:NAME],
            b"%07o" % mode,
            b"%07o" % uid,
            b"%07o" % gid,
            b"%011o" % size,
            b"%011o" % mtime,
            b" " * 8,
            type_,
            target[:LINK],
            b"ustar\x0000",
            b"",
            b"",
            b"%07o" % 0,
            b"%07o" % 0,
            b"",
        )
    )
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def _record(key: bytes, value: bytes) -> bytes:
    """Return a record of an extended header; its length includes the digits of the length."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + len(str(len(rest)))
    if len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def _ascii(name: bytes) -> bytes:
    return name.decode().encode("ascii", "replace")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % TAR_BLOCK)


def gzip_stored(data: bytes) -> bytes:
    """Return a gzip stream of stored blocks (RFC 1951, 3.2.4), independent of any compressor."""
    blocks = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff"]
    for start in range(0, max(len(data), 1), 0xFFFF):
        part = data[start : start + 0xFFFF]
        last = start + 0xFFFF >= len(data)
        blocks += [struct.pack("<BHH", last, len(part), len(part) ^ 0xFFFF), part]
    blocks.append(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(blocks)
