"""Extended headers (POSIX.1-2017, pax: "pax Extended Header")."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_to_bytes

MAX_DIGITS = 20


@dataclass(slots=True)
class Pax:
    """What extended headers say about the entry that follows; ``None`` where they say nothing."""

    path: bytes | None = None
    linkpath: bytes | None = None
    size: int | None = None
    uid: int | None = None
    gid: int | None = None
    mtime: tuple[int, int] | None = None
    """Seconds and nanoseconds."""
    xattrs: dict[str, bytes] = field(default_factory=dict)
    sparse: list[tuple[int, int]] = field(default_factory=list)
    sparse_name: bytes | None = None
    sparse_real: int | None = None
    sparse_in_data: bool = False
    """The sparse map stands before the content (GNU.sparse 1.0)."""

    def under(self, other: Pax) -> Pax:
        """This, overridden by what another says: a global header under an entry's own."""
        merged = replace(other, xattrs={**self.xattrs, **other.xattrs})
        for name in ("path", "linkpath", "size", "uid", "gid", "mtime"):
            if getattr(merged, name) is None:
                setattr(merged, name, getattr(self, name))
        return merged


def parse_pax(data: bytes, pax: Pax) -> None:
    """Read ``LENGTH KEY=VALUE\\n`` records into ``pax``; the rest from the first broken one is ignored."""
    position = 0
    pending = -1
    while position < len(data):
        space = data.find(b" ", position, position + MAX_DIGITS)
        digits = data[position:space] if space > 0 else b""
        if not digits.isdigit():
            return
        end = position + int(digits)
        if end > len(data) or end <= space + 1:
            return
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        position = end
        if not equals:
            continue
        if key == b"GNU.sparse.offset":
            pending = _number(value)
        elif key == b"GNU.sparse.numbytes":
            if pending >= 0:
                pax.sparse.append((pending, _number(value)))
        else:
            _record(pax, key, value)


def _record(pax: Pax, key: bytes, value: bytes) -> None:
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
        pax.mtime = _time(value)
    elif key.startswith(b"SCHILY.xattr."):
        pax.xattrs[_text(key[13:])] = value
    elif key.startswith(b"LIBARCHIVE.xattr."):
        # Base 64 without padding, the name percent-encoded; SCHILY's form is written beside it.
        name = _text(unquote_to_bytes(key[17:]))
        try:
            pax.xattrs.setdefault(name, base64.b64decode(value + b"=" * (-len(value) % 4)))
        except (binascii.Error, ValueError):
            return
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
    return int(value) if value.isdigit() and len(value) <= MAX_DIGITS else 0


def _time(value: bytes) -> tuple[int, int] | None:
    """Seconds, with a fraction, perhaps negative."""
    negative = value.startswith(b"-")
    seconds, _, fraction = value.lstrip(b"-").partition(b".")
    if not seconds.isdigit() or len(seconds) > MAX_DIGITS or not (fraction.isdigit() or not fraction):
        return None
    nanoseconds = int(fraction[:9].ljust(9, b"0")) if fraction else 0
    whole = int(seconds)
    if not negative:
        return whole, nanoseconds
    return (-whole - 1, 10**9 - nanoseconds) if nanoseconds else (-whole, 0)
