"""Parse databases of installed packages: dpkg, apk and rpm, and the metadata of Python and npm packages.

No library reads all of these from bytes; rpm's own needs the database on disk, and rpm installed.
"""

from __future__ import annotations

import json
import re
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from layertui.model.errors import LayertuiError

MAX_STEPS = 10_000
"""Thousands of steps of sqlite's virtual machine: many times what the largest real database takes."""


MAX_BLOB = 1 << 28
"""Bytes of a header in rpm's database; its own limit (``lib/header.c``)."""


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package."""

    kind: str
    """``dpkg``, ``apk``, ``rpm``, ``python`` or ``npm``."""
    name: str
    version: str
    architecture: str
    """Empty if the kind has none."""
    size: int
    """Installed size in bytes according to the database; -1 if unknown."""
    key: str
    """Identifies the package across versions."""
    database: str
    """Path of the database that lists it."""


DatabaseParser = Callable[[str, bytes], list[Package]]
"""Returns the packages of a database, given its path and content. Raises :class:`LayertuiError`."""


def dpkg(path: str, data: bytes) -> list[Package]:
    """Parse ``/var/lib/dpkg/status`` (deb-control(5)), or a file of distroless' ``status.d``."""
    found = []
    for stanza in stanzas(data):
        fields = dict(line.split(": ", 1) for line in stanza if ": " in line and not line.startswith(" "))
        state = fields.get("Status", "install ok installed").split()[-1:]
        if "Package" not in fields or state in (["not-installed"], ["config-files"]):
            continue
        found.append(
            Package(
                "dpkg",
                fields["Package"],
                fields.get("Version", ""),
                fields.get("Architecture", ""),
                _bytes(fields.get("Installed-Size", ""), 1024),
                fields["Package"],
                path,
            )
        )
    return found


def apk(path: str, data: bytes) -> list[Package]:
    """Parse ``lib/apk/db/installed`` (apk-tools, ``doc/apk-v2.5.scd``: fields of one letter)."""
    return list(filter(None, (apk_package(path, stanza) for stanza in stanzas(data))))


def apk_package(path: str, stanza: list[str]) -> Package | None:
    """Return the package of a stanza; ``None`` if it names none."""
    fields = {line[0]: line[2:] for line in reversed(stanza) if line[1:2] == ":"}
    if "P" not in fields:
        return None
    name = fields["P"]
    size = _bytes(fields.get("I", ""))
    return Package("apk", name, fields.get("V", ""), fields.get("A", ""), size, name, path)


def rpm(path: str, data: bytes) -> list[Package]:
    """Parse ``rpmdb.sqlite``, a table of headers (rpm 4.16 and later, ``lib/backend/sqlite.c``)."""
    return list(filter(None, (rpm_package(path, header) for header in rpm_headers(path, data))))


def rpm_headers(path: str, data: bytes) -> Iterator[bytes]:
    """Yield the headers of an ``rpmdb.sqlite``."""
    steps = iter(range(MAX_STEPS))
    with tempfile.TemporaryDirectory(prefix="layertui-") as directory:
        file = Path(directory, "rpmdb.sqlite")
        file.write_bytes(data)
        connection = sqlite3.connect(file)
        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_BLOB)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.set_progress_handler(lambda: next(steps, None) is None, 1000)
            for (header,) in connection.execute("SELECT blob FROM Packages"):
                if isinstance(header, bytes):
                    yield header
        except sqlite3.Error as error:
            raise LayertuiError(f"cannot read {path}", f"as an sqlite database: {error}") from error
        finally:
            connection.close()


def rpm_journal(path: str, data: bytes) -> list[Package]:
    """Refuse a nonempty ``rpmdb.sqlite-wal``: its changes are not in the database yet."""
    if data:
        raise LayertuiError(f"packages of {path} are not shown", "the database was not closed")
    return []


def rpm_older(path: str, data: bytes) -> list[Package]:
    """Refuse ``Packages`` (Berkeley DB) and ``Packages.db`` (ndb)."""
    raise LayertuiError(f"packages of {path} are not shown", "only SQLite databases of rpm are supported")


_NAME, _VERSION, _RELEASE, _EPOCH, _SIZE, _ARCH, _LONG_SIZE = 1000, 1001, 1002, 1003, 1009, 1022, 5009
_INT32, _INT64, _STRING, _STRINGS, _I18N_STRING = 4, 5, 6, 8, 9
_MOST_STRINGS = 1 << 20
"""Maximum number of strings read of a tag; the largest packages have a tenth as many files."""


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
    """Return the values of a tag (rpm, ``docs/manual/format_header.md``, without its magic); none if it is absent."""
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


def python(path: str, data: bytes) -> list[Package]:
    """Parse ``METADATA`` of a ``.dist-info`` or ``PKG-INFO`` of an ``.egg-info`` (PyPA, core metadata)."""
    fields: dict[str, str] = {}
    for line in next(stanzas(data), []):
        name, _, value = line.partition(": ")
        fields.setdefault(name, value)
    if "Name" not in fields or "Version" not in fields:
        raise LayertuiError(f"cannot read {path}", "it names no package")
    place = path.rsplit("/", 2)[0]
    normal = re.sub(r"[-_.]+", "-", fields["Name"]).lower()  # as PyPI compares names
    return [Package("python", fields["Name"], fields["Version"], "", -1, f"{place}/{normal}", path)]


def npm(path: str, data: bytes) -> list[Package]:
    """Parse ``package.json`` of a directory in ``node_modules``."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise LayertuiError(f"cannot read {path}", f"invalid JSON: {error}") from error
    if not isinstance(fields, dict):
        raise LayertuiError(f"cannot read {path}", "it is not a JSON object")
    name, version = fields.get("name"), fields.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        return []  # part of a package: it only says how its modules are loaded
    return [Package("npm", name, version, "", -1, path.rpartition("/")[0], path)]


def record_size(data: bytes) -> int:
    """Return the bytes of a Python package's files by its ``RECORD`` (PyPA, "Recording installed projects"): path,hash,size."""
    sizes = (line.rpartition(b",")[2].strip().decode("ascii", "replace") for line in data.split(b"\n"))
    return sum(max(_bytes(size), 0) for size in sizes)


def _bytes(text: str, unit: int = 1) -> int:
    """Parse a size in a database, in bytes; -1 if it is not a number."""
    return int(text) * unit if text.isdecimal() and len(text) < 20 else -1


def stanzas(data: bytes) -> Iterator[list[str]]:
    """Yield the runs of lines between empty ones."""
    lines: list[str] = []
    for line in data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n"):
        if line:
            lines.append(line)
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines
