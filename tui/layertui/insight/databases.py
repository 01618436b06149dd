"""Parse databases of installed packages: dpkg and apk, and the metadata of Python and npm packages.

No library reads these from bytes. For rpm see :mod:`layertui.insight.rpm`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from layertui.insight.package import Package, check_count, installed_size
from layertui.model.errors import LayertuiError
from layertui.sources.documents import json_problem

MAX_STANZA = 8 << 20
"""Bytes of a package's entry: in apk's database, which lists files, a hundred thousand of these."""
MAX_NPM_MANIFEST = 4 << 20
"""Bytes of a ``package.json``."""


def dpkg(path: str, data: bytes) -> list[Package]:
    """Parse ``/var/lib/dpkg/status`` (deb-control(5)), or a file of distroless' ``status.d``."""
    found: list[Package] = []
    names_any = False
    for stanza in stanzas(path, data):
        fields = _fields(stanza)
        state = fields.get("status", "install ok installed").split()[-1:]
        names_any = names_any or "package" in fields
        if "package" not in fields or state in (["not-installed"], ["config-files"]):
            continue
        found.append(
            Package(
                "dpkg",
                fields["package"],
                fields.get("version", ""),
                fields.get("architecture", ""),
                installed_size(fields.get("installed-size", ""), 1024),
                fields["package"],
                path,
            )
        )
        check_count(path, found)
    if not names_any:
        _check_empty(path, data)
    return found


def apk(path: str, data: bytes) -> list[Package]:
    """Parse ``lib/apk/db/installed`` (apk-tools, ``doc/apk-v2.5.scd``: fields of one letter)."""
    found: list[Package] = []
    for stanza in stanzas(path, data):
        if package := apk_package(path, stanza):
            found.append(package)
            check_count(path, found)
    if not found:
        _check_empty(path, data)
    return found


def apk_package(path: str, stanza: list[str]) -> Package | None:
    """Return the package of a stanza; ``None`` if it names none."""
    fields = {line[0]: line[2:] for line in reversed(stanza) if line[1:2] == ":"}
    if "P" not in fields:
        return None
    name = fields["P"]
    size = installed_size(fields.get("I", ""))
    return Package("apk", name, fields.get("V", ""), fields.get("A", ""), size, name, path)


def python(path: str, data: bytes) -> list[Package]:
    """Parse ``METADATA`` of a ``.dist-info``, or ``PKG-INFO`` of an ``.egg-info`` or one that is a file itself.

    See core metadata (PyPA).
    """
    fields = _fields(next(stanzas(path, data), []))
    if "name" not in fields or "version" not in fields:
        raise _names_none(path)
    place, name = path.rsplit("/", 1)
    if not name.endswith(".egg-info"):  # which distutils wrote as a file
        place = place.rpartition("/")[0]
    normal = re.sub(r"[-_.]+", "-", fields["name"]).lower()  # as PyPI compares names
    return [Package("python", fields["name"], fields["version"], "", -1, f"{place}/{normal}", path)]


def npm(path: str, data: bytes) -> list[Package]:
    """Parse ``package.json`` of a directory in ``node_modules``."""
    if len(data) > MAX_NPM_MANIFEST:
        raise LayertuiError(f"{path} was not read", f"its {len(data):,} bytes exceed the limit")
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise LayertuiError(f"cannot read {path}", f"invalid JSON: {json_problem(error)}") from error
    if not isinstance(fields, dict):
        raise LayertuiError(f"cannot read {path}", "it is not a JSON object")
    name, version = fields.get("name"), fields.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        return []  # part of a package: it only says how its modules are loaded
    return [Package("npm", name, version, "", -1, path.rpartition("/")[0], path)]


def record_size(data: bytes) -> int:
    """Return the bytes of a Python package's files by its ``RECORD`` (PyPA, "Recording installed projects"): path,hash,size."""
    sizes = (line.rpartition(b",")[2].strip().decode("ascii", "replace") for line in data.split(b"\n"))
    return sum(max(installed_size(size), 0) for size in sizes)


def _fields(stanza: list[str]) -> dict[str, str]:
    """Return the fields of a stanza by their names in lower case: these are in any case (deb822(5), RFC 822)."""
    fields: dict[str, str] = {}
    for line in stanza:
        name, colon, value = line.partition(":")
        if colon and not line.startswith((" ", "\t")):
            fields.setdefault(name.rstrip().lower(), value.strip())
    return fields


def _check_empty(path: str, data: bytes) -> None:
    """Raise :class:`LayertuiError` if a database without packages is not empty: it is not what its path says."""
    if data.strip():
        raise _names_none(path)


def _names_none(path: str) -> LayertuiError:
    return LayertuiError(f"cannot read {path}", "it names no package")


def stanzas(path: str, data: bytes) -> Iterator[list[str]]:
    """Yield the runs of lines between empty ones. Raises :class:`LayertuiError` if one is too long."""
    if b"\r\n" in data:
        data = data.replace(b"\r\n", b"\n")
    start = 0
    while start < len(data):
        end = data.find(b"\n\n", start)
        end = len(data) if end < 0 else end
        if end - start > MAX_STANZA:
            raise LayertuiError(f"cannot read {path}", f"it has an entry of {end - start:,} bytes")
        if lines := data[start:end].strip(b"\n"):
            yield lines.decode("utf-8", "surrogateescape").split("\n")
        start = end + 2
