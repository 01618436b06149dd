"""Parse the file lists of package databases."""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Iterable, Iterator

from layertui.insight.databases import apk_package, stanzas
from layertui.insight.package import Package
from layertui.insight.rpm import rpm_headers, rpm_package, rpm_values

_BASENAMES, _DIRNAMES, _DIRINDEXES = 1117, 1118, 1116

Listed = tuple[Package, list[bytes]]
"""A package with the absolute paths of its files and directories."""


def dpkg_list(data: bytes) -> list[bytes]:
    """Parse a ``.list`` of dpkg: one path per line, the root as ``/.``."""
    return [path for path in data.split(b"\n") if path.startswith(b"/") and path != b"/."]


def md5sums(data: bytes) -> list[bytes]:
    """Parse a ``.md5sums``, the only list in distroless: digest and path without its slash; no directories."""
    return [b"/" + line[34:] for line in data.split(b"\n") if line[32:34] == b"  "]


def diversions(data: bytes) -> list[tuple[bytes, bytes, str]]:
    """Parse ``/var/lib/dpkg/diversions``: original path, diverted path, and the package whose file stays.

    Three lines each (dpkg, ``lib/dpkg/db-fsys-divert.c``); the package is ``:`` for all of them.
    """
    lines = data.split(b"\n")
    return [
        (lines[number], lines[number + 1], lines[number + 2].decode("utf-8", "surrogateescape"))
        for number in range(0, len(lines) - 2, 3)
    ]


def apk_files(path: str, data: bytes) -> list[Listed]:
    """Parse the files in ``lib/apk/db/installed``: ``F:`` a directory, ``R:`` a name in it."""
    found: list[Listed] = []
    for stanza in stanzas(path, data):
        package = apk_package(path, stanza)
        if package is None:
            continue
        paths: list[bytes] = []
        directory = b""
        for line in stanza:
            if line.startswith("F:"):
                directory = b"/" + line[2:].encode("utf-8", "surrogateescape")
                paths.append(directory)
            elif line.startswith("R:"):
                paths.append(directory.rstrip(b"/") + b"/" + line[2:].encode("utf-8", "surrogateescape"))
        found.append((package, paths))
    return found


def rpm_files(path: str, data: bytes) -> list[Listed]:
    """Parse the files in a database of rpm: names, each with the index of its directory."""
    found: list[Listed] = []
    for header in rpm_headers(path, data):
        package = rpm_package(path, header)
        if package is None:
            continue
        directories = [str(name) for name in rpm_values(header, _DIRNAMES)]
        paths: list[str] = []
        names, numbers = rpm_values(header, _BASENAMES), rpm_values(header, _DIRINDEXES)
        for name, number in zip(names, numbers, strict=False):
            if isinstance(number, int) and number < len(directories):
                paths.append(f"{directories[number]}{name}")
        found.append((package, [name.encode("utf-8", "surrogateescape") for name in paths]))
    return found


def record(site: str, data: bytes) -> list[bytes]:
    """Parse ``RECORD`` of a Python package (PyPA, "Recording installed projects"): paths relative to ``site``."""
    text = data.decode("utf-8", "surrogateescape").replace("\0", "")
    try:
        rows = list(csv.reader(text.splitlines()))
    except csv.Error:
        return []
    return _joined(site, (row[0] for row in rows if row))


def installed_files(directory: str, data: bytes) -> list[bytes]:
    """Parse ``installed-files.txt`` of an ``.egg-info``: paths relative to that directory."""
    return _joined(directory, data.decode("utf-8", "surrogateescape").splitlines())


def _joined(directory: str, paths: Iterable[str]) -> list[bytes]:
    def absolute() -> Iterator[str]:
        for path in paths:
            yield posixpath.normpath(posixpath.join(directory, path))

    return [path.encode("utf-8", "surrogateescape") for path in absolute()]
