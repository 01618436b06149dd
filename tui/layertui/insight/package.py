"""A package, and what the parsers of databases share."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass

from layertui.model.errors import LayertuiError

MAX_PACKAGES = 200_000
"""Packages of one database, at most: a large distribution has half as many in all."""


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


def check_count(path: str, packages: Sized) -> None:
    """Raise :class:`LayertuiError` if a database lists more than :data:`MAX_PACKAGES`."""
    if len(packages) > MAX_PACKAGES:
        raise LayertuiError(f"cannot read {path}", f"it lists more than {MAX_PACKAGES:,} packages")


def installed_size(text: str, unit: int = 1) -> int:
    """Return a size in a database in bytes; -1 if it is not a number."""
    return int(text) * unit if text.isdecimal() and len(text) < 20 else -1
