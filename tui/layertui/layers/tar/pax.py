"""Extended headers (POSIX.1-2017, pax: "pax Extended Header")."""

from __future__ import annotations

import base64

MAX_DIGITS = 20
MAX_NUMBER = 2**63 - 1
NAMES = (b"path", b"linkpath", b"uname", b"gname")
"""Keys of values that end at a NUL for some and have none for others (Go, archive/tar, validPAXRecord)."""
LIBARCHIVE_XATTR = "LIBARCHIVE.xattr."
"""Prefix of libarchive's own records of extended attributes, which engines do not read."""


class Pax:
    """The extended headers of an entry; ``None`` where a record is absent."""

    def __init__(self, long_name: bytes | None = None, long_link: bytes | None = None) -> None:
        self.long_name = long_name
        """Of a GNU header; counts before ``path``, whichever came first (Go, archive/tar, Reader.next)."""
        self.long_link = long_link
        self.path: bytes | None = None
        self.linkpath: bytes | None = None
        self.size: int | None = None
        self.uid: int | None = None
        self.gid: int | None = None
        self.mtime: tuple[int, int] | None = None
        """Seconds and nanoseconds."""
        self.xattrs: dict[str, bytes] = {}
        self.sparse: list[tuple[int, int]] = []
        self.sparse_name: bytes | None = None
        self.sparse_real: int | None = None
        self.sparse_in_data = False
        """The sparse map precedes the content (GNU.sparse 1.0)."""

    @property
    def is_empty(self) -> bool:
        """Whether there is no record that means anything."""
        return vars(self) == vars(Pax())


def parse_pax(data: bytes, pax: Pax) -> list[str]:
    """Read ``LENGTH KEY=VALUE\\n`` records into ``pax``.

    Return what is malformed: the keys of records with an invalid value, which are ignored, and
    ``records`` if the rest cannot be parsed.
    """
    unreadable: list[str] = []
    position = 0
    pending = -1
    while position < len(data):
        if data[position] == 0 and not data[position:].strip(b"\0"):
            break  # padding that some writers include in the size
        space = data.find(b" ", position, position + MAX_DIGITS)
        digits = data[position : max(space, position)]
        end = position + int(digits) if digits.isdigit() else -1
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not space < end <= len(data) or data[end - 1] != 10 or not equals:
            return [*unreadable, "records"]
        position = end
        try:
            if key == b"GNU.sparse.offset":
                pending = _number(value)
            elif key == b"GNU.sparse.numbytes":
                if pending >= 0:
                    pax.sparse.append((pending, _number(value)))
            else:
                _record(pax, key, value)
        except ValueError:
            unreadable.append(_text(key[:100]))
    return unreadable


def _record(pax: Pax, key: bytes, value: bytes) -> None:
    """Store one record; an empty value removes it. Raises :class:`ValueError` if the value or key is invalid."""
    if b"\0" in (value if key in NAMES else key):
        raise ValueError
    if key == b"path":
        pax.path = value or None
    elif key == b"linkpath":
        pax.linkpath = value or None
    elif key == b"size":
        pax.size = _number(value) if value else None
    elif key == b"uid":
        pax.uid = _number(value) if value else None
    elif key == b"gid":
        pax.gid = _number(value) if value else None
    elif key == b"mtime":
        pax.mtime = _time(value) if value else None
    elif key.startswith(b"SCHILY.xattr."):
        if value:
            pax.xattrs[_text(key[13:])] = value
    elif key.startswith(LIBARCHIVE_XATTR.encode()):
        # Base 64 without padding, the name percent-encoded; libarchive writes SCHILY's form too.
        from urllib.parse import unquote_to_bytes  # few layers need it

        name = _text(unquote_to_bytes(key[17:]))
        pax.xattrs.setdefault(name, base64.b64decode(value + b"=" * (-len(value) % 4)))
    elif key == b"RHT.security.selinux":
        pax.xattrs.setdefault("security.selinux", value)
    elif key.startswith(b"GNU.sparse."):
        _sparse(pax, key[11:], value)


def _sparse(pax: Pax, key: bytes, value: bytes) -> None:
    if key == b"name":
        pax.sparse_name = value
    elif key in (b"size", b"realsize"):
        pax.sparse_real = _number(value)
    elif key == b"map":
        numbers = [_number(part) for part in value.split(b",")]
        pax.sparse = list(zip(numbers[::2], numbers[1::2], strict=False))
    elif key == b"major":
        pax.sparse_in_data = value == b"1"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _number(value: bytes) -> int:
    value = value.removeprefix(b"+")  # Go's numbers may have a sign
    if not value.isdigit() or len(value) > MAX_DIGITS or int(value) > MAX_NUMBER:
        raise ValueError
    return int(value)


def _time(value: bytes) -> tuple[int, int]:
    """Parse seconds, perhaps with a fraction and negative, into seconds and nanoseconds."""
    negative = value.startswith(b"-")
    seconds, _, fraction = value.removeprefix(b"-").partition(b".")
    if not (seconds.isdigit() and len(seconds) <= MAX_DIGITS and (fraction.isdigit() or not fraction)):
        raise ValueError
    nanoseconds = int(fraction[:9].ljust(9, b"0")) if fraction else 0
    whole = int(seconds)
    if not negative:
        return whole, nanoseconds
    return (-whole - 1, 10**9 - nanoseconds) if nanoseconds else (-whole, 0)
