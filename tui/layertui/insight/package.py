"""A package, and what the parsers of databases share."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass

from layertui.model.errors import LayertuiError

PACKAGE_KINDS = ("dpkg", "apk", "rpm", "python", "npm")
"""Kinds of packages."""
MAX_PACKAGES = 200_000
"""Packages of one database, at most: a large distribution has half as many in all."""


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package."""

    kind: str
    """One of :data:`PACKAGE_KINDS`."""
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

    def is_any_of(self, patterns: Iterable[re.Pattern[str]]) -> bool:
        """Return whether one of :func:`package_pattern` matches."""
        names = list(package_names(self.kind, self.name, self.version))
        return any(pattern.match(name) for pattern in patterns for name in names)


def package_names(kind: str, name: str, version: str) -> Iterator[str]:
    """Yield what a pattern of packages may match."""
    for before in ("", f"{kind}:"):
        for behind in ("", f"={version}"):
            yield f"{before}{name}{behind}"


def package_pattern(text: str) -> re.Pattern[str]:
    """Compile a glob of ``[KIND:]NAME[=VERSION]``. Raises :class:`LayertuiError` if no kind matches."""
    kind, colon, _ = text.partition("=")[0].partition(":")
    if colon and not fnmatch.filter(PACKAGE_KINDS, kind):
        raise LayertuiError(
            f"{text} matches no package", f"the kinds are {', '.join(PACKAGE_KINDS)}, not {kind}"
        )
    return re.compile(fnmatch.translate(text), re.DOTALL)


DatabaseParser = Callable[[str, bytes], list[Package]]
"""Returns the packages of a database, given its path and content. Raises :class:`LayertuiError`."""


def check_count(path: str, packages: Sized) -> None:
    """Raise :class:`LayertuiError` if a database lists more than :data:`MAX_PACKAGES`."""
    if len(packages) > MAX_PACKAGES:
        raise LayertuiError(f"cannot read {path}", f"it lists more than {MAX_PACKAGES:,} packages")


def installed_size(text: str, unit: int = 1) -> int:
    """Return a size in a database in bytes; -1 if it is not a number."""
    return int(text) * unit if text.isdecimal() and len(text) < 20 else -1
