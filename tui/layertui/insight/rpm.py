"""Parse rpm's databases: each is a collection of package headers (rpm, ``docs/manual/format_header.md``)."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

from layertui.insight.package import Package, check_count, installed_size
from layertui.insight.rpm_bdb import bdb_headers, is_bdb
from layertui.insight.rpm_ndb import is_ndb, ndb_headers
from layertui.model.errors import LayertuiError
from layertui.model.sqlite_table import SQLITE_ERRORS, rows_of, sqlite_reason

_NAME, _VERSION, _RELEASE, _EPOCH, _SIZE, _ARCH, _LONG_SIZE = 1000, 1001, 1002, 1003, 1009, 1022, 5009
_INT32, _INT64, _STRING, _STRINGS, _I18N_STRING = 4, 5, 6, 8, 9
_MOST_STRINGS = 1 << 20
"""Maximum number of strings read of a tag; the largest packages have a tenth as many files."""


def rpm(path: str, data: bytes) -> list[Package]:
    """Parse a database of rpm in any of its formats."""
    found: list[Package] = []
    for header in rpm_headers(path, data):
        if package := rpm_package(path, header):
            found.append(package)
            check_count(path, found)
    return found


def rpm_headers(path: str, data: bytes) -> Iterator[bytes]:
    """Yield the headers of a database, together no longer than the database. Raises :class:`LayertuiError`."""
    form = next((each for each in _FORMATS if each.begins(data)), None)
    if form is None:
        raise LayertuiError(f"cannot read {path}", "it is not a database of rpm: sqlite, Berkeley DB or ndb")
    left = len(data)
    try:
        for header in form.read(data):
            left -= len(header)
            if left < 0:
                raise ValueError("its headers are longer than itself")
            yield header
    except SQLITE_ERRORS as error:
        raise LayertuiError(
            f"cannot read {path}", f"as {form.name} database: {sqlite_reason(error)}"
        ) from error
    except (ValueError, struct.error, IndexError, OverflowError) as error:
        raise LayertuiError(f"cannot read {path}", f"as {form.name} database: {error}") from error


def _sqlite_headers(data: bytes) -> Iterator[bytes]:
    """Yield the headers of an ``rpmdb.sqlite`` (rpm 4.16 and later, ``lib/backend/sqlite.c``)."""
    image = bytearray(data)
    # Not in WAL mode, which an image in memory cannot be in: a nonempty WAL is an error of its own.
    image[18:20] = b"\1\1"  # file format versions (sqlite.org/c3ref/deserialize.html)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(image)
        del image
        connection.text_factory = bytes
        for (header,) in rows_of(connection, "Packages", "blob", len(data)):
            if isinstance(header, bytes):
                yield header


class _Format(NamedTuple):
    name: str
    begins: Callable[[bytes], bool]
    read: Callable[[bytes], Iterator[bytes]]


_FORMATS = (
    _Format("an sqlite", lambda data: data.startswith(b"SQLite format 3\0"), _sqlite_headers),
    _Format("a Berkeley DB", is_bdb, bdb_headers),
    _Format("an ndb", is_ndb, ndb_headers),
)


def rpm_journal(path: str, data: bytes) -> list[Package]:
    """Refuse a nonempty ``rpmdb.sqlite-wal``: its changes are not in the database yet."""
    if data:
        raise LayertuiError(f"packages of {path} are not shown", "the database was not closed")
    return []


def rpm_manifest(path: str, data: bytes) -> list[Package]:
    """Parse ``container-manifest-2`` of distroless CBL-Mariner and Azure Linux, which have no database.

    A line per package, of ten fields between tabs: name, version and release, times, vendor, epoch, size,
    architecture, epoch as a number, source (github.com/microsoft/marinara).
    """
    found = []
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        fields = line.split("\t")
        if not line:
            continue
        if len(fields) < 8:
            raise LayertuiError(f"cannot read {path}", "a line has fewer than 8 fields")
        name, version, epoch, size = fields[0], fields[1], fields[5], fields[6]
        version = version if epoch == "(none)" else f"{epoch}:{version}"
        found.append(Package("rpm", name, version, fields[7], installed_size(size), name, path))
        check_count(path, found)
    return found


def rpm_names(path: str, data: bytes) -> list[Package]:
    """Parse ``container-manifest-1``, the output of ``rpm -qa``: NAME-VERSION-RELEASE.ARCHITECTURE a line."""
    found = []
    for line in filter(None, data.decode("utf-8", "surrogateescape").splitlines()):
        label, _, architecture = line.rpartition(".") if "." in line else (line, "", "")  # keys have none
        name, *version = label.rsplit("-", 2)
        if len(version) < 2:
            raise LayertuiError(f"cannot read {path}", "a line is not NAME-VERSION-RELEASE.ARCHITECTURE")
        found.append(Package("rpm", name, "-".join(version), architecture, -1, name, path))
        check_count(path, found)
    return found


def rpm_package(path: str, header: bytes) -> Package | None:
    """Return the package of a header; ``None`` if it names none."""

    def first(tag: int) -> str | int | None:
        return next(iter(rpm_values(header, tag)), None)

    name, epoch, size = first(_NAME), first(_EPOCH), first(_LONG_SIZE)
    if name is None:
        return None
    version = f"{'' if epoch is None else f'{epoch}:'}{first(_VERSION) or ''}-{first(_RELEASE) or ''}"
    size = first(_SIZE) if size is None else size
    return Package(
        "rpm",
        str(name),
        version,
        str(first(_ARCH) or ""),
        size if isinstance(size, int) else -1,
        str(name),
        path,
    )


def rpm_values(header: bytes, tag: int) -> Sequence[str | int]:
    """Return the values of a tag of a header, which is stored without its magic; none if it is absent."""
    if len(header) < 8:
        return ()
    tags, length = struct.unpack_from(">II", header)
    start = 8 + 16 * tags
    if start + length > len(header):
        return ()
    for number in range(tags):
        found, kind, offset, count = struct.unpack_from(">IIII", header, 8 + 16 * number)
        if found != tag:
            continue
        if kind in (_STRING, _STRINGS, _I18N_STRING):
            count = 1 if kind != _STRINGS else min(count, _MOST_STRINGS)
            texts = header[start + offset : start + length].split(b"\0", count)[:count]
            return [text.decode("utf-8", "surrogateescape") for text in texts]
        size, letter = {_INT32: (4, "I"), _INT64: (8, "Q")}.get(kind, (0, ""))
        if size and offset + size * count <= length:
            return struct.unpack_from(f">{count}{letter}", header, start + offset)
    return ()
