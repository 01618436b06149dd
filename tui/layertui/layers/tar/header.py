"""Fields of a tar header: names, numbers, owners, the checksum.

Formats: ustar and pax (POSIX.1-2017, pax), v7, GNU.
"""

from __future__ import annotations

import struct
from zlib import adler32

from layertui.layers.tar.tar_warnings import TarWarnings
from layertui.model.layer_index import Kind
from layertui.model.typed import NamedTuple

TAR_BLOCK = 512

NAME_FIELD = slice(0, 100)
OWNER_FIELDS = slice(100, 124)
"""Mode, uid and gid, 8 bytes each."""
SIZE_FIELD = slice(124, 136)
MTIME_FIELD = slice(136, 148)
CHECKSUM_FIELD = slice(148, 156)
LINKNAME_FIELD = slice(157, 257)
MAGIC_FIELD = slice(257, 263)
DEVICE_FIELDS = slice(329, 345)
"""Major and minor number, 8 bytes each; not in v7."""
PREFIX_FIELD = slice(345, 500)
"""Directories before the name, if the magic is :data:`USTAR`."""
GNU_TIME_FIELDS = (slice(345, 357), slice(357, 369))
"""Times of access and change, if the magic is :data:`GNU`."""
USTAR = b"ustar\0"
GNU = b"ustar "
SCANNED_FIELDS = struct.Struct("100s 24s 12s 12s 8s B 172x 16s B 166x")
"""Name, owner, size, mtime, checksum, type flag, device numbers, and the first byte of the prefix."""

TYPEFLAG_V7_FILE = 0
"""A file; with a slash at the end of its name, a directory."""
TYPEFLAG_FILE = ord("0")
TYPEFLAG_PAX = ord("x")
TYPEFLAG_SUN_PAX = ord("X")
TYPEFLAG_PAX_GLOBAL = ord("g")
TYPEFLAG_GNU_LONG_NAME = ord("L")
TYPEFLAG_GNU_LONG_LINK = ord("K")
TYPEFLAG_GNU_SPARSE = ord("S")
TYPEFLAG_GNU_DIRECTORY = ord("D")
"""A directory whose content is a list of names (GNU tar, "Incremental Dumps")."""
TYPEFLAGS_IGNORED = b"VMN"
"""GNU: volume header, continuation, old long name."""
KIND_OF_TYPEFLAG = {TYPEFLAG_V7_FILE: 0} | {
    TYPEFLAG_FILE + kind: int(kind) for kind in Kind if kind <= Kind.FIFO
}
"""Types that need no more than their header."""

MAX_META = 1 << 20
"""Maximum size of a long name or of one header's pax records."""
MAX_UID = 2**32 - 1
MAX_FILE_SIZE = 2**63 - 1
MAX_TIME = 2**62
ADLER = 65521


def until_nul(field: bytes) -> bytes:
    """Return the text of a field."""
    return field.split(b"\0", 1)[0]


def padding(size: int) -> int:
    """Return the bytes that follow ``size`` bytes of content up to the next block."""
    return -size % TAR_BLOCK


def full_name(header: bytes) -> bytes:
    """Return the name with its prefix.

    Go before 1.8 wrote a prefix into GNU headers too, where one of its numbers needed base 256, and so did Docker
    up to 17.05. As in Go since (archive/tar, Reader.readHeader), it is one if the times in its place are not numbers.
    """
    name = until_nul(header[NAME_FIELD])
    if header[PREFIX_FIELD.start]:
        prefix, magic = until_nul(header[PREFIX_FIELD]), header[MAGIC_FIELD]
        if magic == USTAR or (
            magic == GNU
            and prefix.isascii()
            and not all(map(_is_number, map(header.__getitem__, GNU_TIME_FIELDS)))
        ):
            return prefix + b"/" + name
    return name


def _is_number(field: bytes) -> bool:
    try:
        return not field[0] or bool(field[0] & 0x80) or octal(field) >= 0
    except ValueError:
        return False


def octal(field: bytes) -> int:
    """Parse octal digits with NULs and blanks around them, as Go's archive/tar does. Raises :class:`ValueError`."""
    digits = until_nul(field.strip(b" \0")).rstrip(b" ")
    if digits.strip(b"01234567"):
        raise ValueError(digits)
    return int(digits, 8) if digits else 0


def resolved(path: bytes) -> tuple[bytes, bool]:
    """Return the key of a path, with ``/``, ``.``, ``..`` and repeated slashes resolved as every engine does.

    And whether it leads out of the image: it is kept inside.
    """
    if b"\0" in path:
        path = until_nul(path)
    parts: list[bytes] = []
    escapes = False
    for part in path.split(b"/"):
        if part == b"..":
            escapes |= not parts
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    return b"\0".join(parts), escapes


class Broken(Exception):
    """The tar cannot be read any further."""


class Owner(NamedTuple):
    """The part of a header that most entries of a layer share."""

    mode: int
    uid: int
    gid: int


class Fields:
    """Parses fields and caches the results: most entries of a layer share them with others."""

    def __init__(self, warnings: TarWarnings) -> None:
        """Anything malformed is added to ``warnings``."""
        self._warnings = warnings
        self.numbers: dict[bytes, int] = {}
        self.owner_of: dict[bytes, Owner] = {}
        self.device_of = {bytes(16): (0, 0)}

    def clean(self, path: bytes) -> bytes:
        """Return the key of a path, as :func:`resolved`; warn if it leads out of the image."""
        key, escapes = resolved(path)
        if escapes:
            self._warnings.name_escapes(key)
        return key

    def number(self, field: bytes, offset: int, what: str) -> int:
        """Parse a numeric field: octal digits, or base 256 if its first bit is set (GNU)."""
        known = self.numbers.get(field)
        if known is not None:
            return known
        if field[0] & 0x80:
            value = int.from_bytes(field, "big")
            if field[0] == 0xFF:
                value -= 1 << (8 * len(field))
            else:
                value -= 0x80 << (8 * len(field) - 8)
            value = self.clamp(value, MAX_FILE_SIZE if what == "size" else MAX_TIME, what, offset, -MAX_TIME)
        else:
            try:
                value = octal(field)
            except ValueError:
                place = f"in the header before byte {offset:,}"
                text = f"malformed {what} {place}: read as 0 here, engines refuse the layer"
                self._warnings.warn("bad-number", b"", text)
                value = 0
        if len(self.numbers) > 10_000:
            self.numbers.clear()
        self.numbers[field] = value
        return value

    def owner(self, part: bytes, offset: int) -> Owner:
        """Parse mode, uid and gid, 24 bytes of the header."""
        known = self.owner_of.get(part)
        if known is None:
            fields = zip(("mode", "uid", "gid"), (0, 8, 16), strict=True)
            mode, uid, gid = (self.number(part[at : at + 8], offset, what) for what, at in fields)
            known = Owner(
                mode & 0o7777,
                self.clamp(uid, MAX_UID, "uid", offset),
                self.clamp(gid, MAX_UID, "gid", offset),
            )
            if len(self.owner_of) > 10_000:
                self.owner_of.clear()
            self.owner_of[part] = known
        return known

    def device(self, header: bytes, offset: int) -> tuple[int, int]:
        """Parse the device numbers, which Go's archive/tar does in every header that has them, of whatever type."""
        if header[MAGIC_FIELD] not in (USTAR, GNU):
            return 0, 0
        part = header[DEVICE_FIELDS]
        major, minor = (self.number(field, offset, "device number") for field in (part[:8], part[8:]))
        if len(self.device_of) > 10_000:
            self.device_of.clear()
        self.device_of[part] = max(major, 0), max(minor, 0)
        return self.device_of[part]

    def clamp(self, value: int, high: int, what: str, offset: int, low: int = 0) -> int:
        if low <= value <= high:
            return value
        self._warnings.warn(
            "number-out-of-range", b"", f"{what} {value} in the header before byte {offset:,} is out of range"
        )
        return min(max(value, low), high)


def expected_sum(checksum: bytes) -> int:
    """Return the first Adler sum that a header with this checksum must have.

    The checksum counts its own eight bytes as spaces; the Adler sum is of bytes, modulo a prime.
    """
    try:
        value = octal(checksum)
    except ValueError:
        return -1
    return (value - 8 * 32 + sum(checksum)) % ADLER


def is_header(block: bytes) -> bool:
    """Return whether a block is a header, by its checksum."""
    return adler32(block, 0) & 0xFFFF == expected_sum(block[CHECKSUM_FIELD]) or signed_sum_fits(block)


def signed_sum_fits(header: bytes) -> bool:
    """Return whether the checksum fits if bytes are summed as signed ones, as in old tars."""
    try:
        value = octal(header[CHECKSUM_FIELD])
    except ValueError:
        return False
    rest = header[: CHECKSUM_FIELD.start] + header[CHECKSUM_FIELD.stop :]
    return value == 8 * 32 + sum(rest) - 256 * sum(byte > 127 for byte in rest)
