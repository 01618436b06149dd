"""Databases of installed packages: dpkg's, apk's and rpm's, and what Python and npm keep of each package."""

from __future__ import annotations

import json
import re
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from layertui.errors import LayertuiError

MAX_STEPS = 10_000
"""Times a thousand steps of sqlite's machine: many times what the largest real database takes."""


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
    """Empty where the kind has none."""
    size: int
    """Bytes that it takes installed, as the database says; -1 where it does not."""
    key: str
    """The same for other versions of the package."""
    database: str
    """The path of what tells of it."""


Parser = Callable[[str, bytes], list[Package]]
"""From the path and content of a database to its packages. Raises :class:`LayertuiError`."""


def dpkg(path: str, data: bytes) -> list[Package]:
    """``/var/lib/dpkg/status`` (deb-control(5)), or a file of ``status.d`` as distroless has it."""
    found = []
    for stanza in _stanzas(data):
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
    """``lib/apk/db/installed`` (apk-tools, ``doc/apk-v2.5.scd``: fields of one letter)."""
    found = []
    for stanza in _stanzas(data):
        fields = {line[0]: line[2:] for line in reversed(stanza) if line[1:2] == ":"}
        if "P" not in fields:
            continue
        found.append(
            Package(
                "apk",
                fields["P"],
                fields.get("V", ""),
                fields.get("A", ""),
                _bytes(fields.get("I", "")),
                fields["P"],
                path,
            )
        )
    return found


def rpm(path: str, data: bytes) -> list[Package]:
    """``rpmdb.sqlite``: a table of headers (rpm 4.16 and later, ``lib/backend/sqlite.c``)."""
    steps = iter(range(MAX_STEPS))
    found = []
    with tempfile.TemporaryDirectory(prefix="layertui-") as directory:
        file = Path(directory, "rpmdb.sqlite")
        file.write_bytes(data)
        connection = sqlite3.connect(file)
        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_BLOB)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.set_progress_handler(lambda: next(steps, None) is None, 1000)
            for (header,) in connection.execute("SELECT blob FROM Packages"):
                if isinstance(header, bytes) and (package := _rpm_package(path, header)) is not None:
                    found.append(package)
        except sqlite3.Error as error:
            raise LayertuiError(f"cannot read {path}", f"as an sqlite database: {error}") from error
        finally:
            connection.close()
    return found


def rpm_journal(path: str, data: bytes) -> list[Package]:
    """``rpmdb.sqlite-wal``: what is in there and not yet in the database is not shown."""
    if data:
        raise LayertuiError(f"packages of {path} are not shown", "the database was not closed")
    return []


def rpm_older(path: str, data: bytes) -> list[Package]:
    """``Packages``, as Berkeley DB, and ``Packages.db``, as ndb."""
    raise LayertuiError(f"packages of {path} are not shown", "of rpm's databases only sqlite's are read")


_NAME, _VERSION, _RELEASE, _EPOCH, _SIZE, _ARCH, _LONG_SIZE = 1000, 1001, 1002, 1003, 1009, 1022, 5009
_INT32, _INT64, _STRING, _I18N_STRING = 4, 5, 6, 9


def _rpm_package(path: str, header: bytes) -> Package | None:
    """What a header tells (rpm, ``docs/manual/format_header.md``, without its magic); ``None`` if it is none."""
    if len(header) < 8:
        return None
    count, length = struct.unpack_from(">II", header)
    if 8 + 16 * count + length > len(header):
        return None
    data = header[8 + 16 * count :]
    tags: dict[int, str | int] = {}
    for number in range(count):
        tag, kind, offset, _ = struct.unpack_from(">IIII", header, 8 + 16 * number)
        if kind in (_STRING, _I18N_STRING):
            tags[tag] = data[offset : data.find(b"\0", offset)].decode("utf-8", "surrogateescape")
        elif kind == _INT32 and offset + 4 <= len(data):
            (tags[tag],) = struct.unpack_from(">I", data, offset)
        elif kind == _INT64 and offset + 8 <= len(data):
            (tags[tag],) = struct.unpack_from(">Q", data, offset)
    if _NAME not in tags:
        return None
    epoch = f"{tags[_EPOCH]}:" if _EPOCH in tags else ""
    size = tags.get(_LONG_SIZE, tags.get(_SIZE, -1))
    return Package(
        "rpm",
        str(tags[_NAME]),
        f"{epoch}{tags.get(_VERSION, '')}-{tags.get(_RELEASE, '')}",
        str(tags.get(_ARCH, "")),
        size if isinstance(size, int) else -1,
        str(tags[_NAME]),
        path,
    )


def python(path: str, data: bytes) -> list[Package]:
    """``METADATA`` of a ``.dist-info`` or ``PKG-INFO`` of an ``.egg-info`` (core metadata)."""
    fields: dict[str, str] = {}
    for line in next(_stanzas(data), []):
        name, _, value = line.partition(": ")
        fields.setdefault(name, value)
    if "Name" not in fields or "Version" not in fields:
        raise LayertuiError(f"cannot read {path}", "it names no package")
    place = path.rsplit("/", 2)[0]
    normal = re.sub(r"[-_.]+", "-", fields["Name"]).lower()  # as PyPI compares names
    return [Package("python", fields["Name"], fields["Version"], "", -1, f"{place}/{normal}", path)]


def npm(path: str, data: bytes) -> list[Package]:
    """``package.json`` of a directory in ``node_modules``."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise LayertuiError(f"cannot read {path}", f"it is no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise LayertuiError(f"cannot read {path}", "it is no JSON object")
    name, version = fields.get("name"), fields.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        return []  # of a part of a package, to say how its modules are loaded
    return [Package("npm", name, version, "", -1, path.rpartition("/")[0], path)]


def record_size(data: bytes) -> int:
    """Bytes of a Python package's files by its ``RECORD`` (PyPA, "Recording installed projects"): path,hash,size."""
    sizes = (line.rpartition(b",")[2].strip().decode("ascii", "replace") for line in data.split(b"\n"))
    return sum(max(_bytes(size), 0) for size in sizes)


def _bytes(text: str, unit: int = 1) -> int:
    """A number that a database holds, in bytes; -1 if it is none."""
    return int(text) * unit if text.isdecimal() and len(text) < 20 else -1


def _stanzas(data: bytes) -> Iterator[list[str]]:
    """Runs of lines between empty ones."""
    lines: list[str] = []
    for line in data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n"):
        if line:
            lines.append(line)
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines
