"""Where the system's store lies (containers-storage.conf(5); containers/storage, types/options.go)."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layertui.errors import LayertuiError

ROOTFUL = "/var/lib/containers/storage"
CONFIGURATIONS = ("/etc/containers/storage.conf", "/usr/share/containers/storage.conf")
"""The first that exists counts alone."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store lies."""

    root: Path
    driver: str
    """The driver that is in use, first of those that have left something; empty if it is not named."""
    additional: tuple[Path, ...] = ()
    """Stores whose images are offered too, and which nothing is written to."""


def system_place() -> Place:
    """The store that Podman and Buildah would use. Raises :class:`LayertuiError` for a broken file."""
    named = os.environ.get("CONTAINERS_STORAGE_CONF")
    system = _table(Path(named)) if named else _first(CONFIGURATIONS)
    driver, root, options = system.get("driver"), system.get("graphroot"), system
    if os.geteuid() != 0:
        # Of the system's file, a user's store takes the driver and its path for users.
        root = system.get("rootless_storage_path")
        own = Path(named) if named else _home("XDG_CONFIG_HOME", ".config") / "containers/storage.conf"
        if own.is_file():
            options = _table(own)
            driver = options.get("driver")
            root = options.get("graphroot") or options.get("rootless_storage_path")
        root = root or str(_home("XDG_DATA_HOME", ".local/share") / "containers/storage")
    return Place(
        _path(root or ROOTFUL),
        os.environ.get("STORAGE_DRIVER") or (driver if isinstance(driver, str) else ""),
        tuple(map(_path, _additional(options))),
    )


def _additional(table: dict[str, Any]) -> list[str]:
    """Stores of images beside the one that is written to: of the file, then of ``STORAGE_OPTS``."""
    options = table.get("options")
    options = options if isinstance(options, dict) else {}
    found = [table.get("imagestore"), options.get("imagestore")]
    listed = options.get("additionalimagestores")
    found += listed if isinstance(listed, list) else []
    for option in os.environ.get("STORAGE_OPTS", "").split(","):
        name, _, value = option.partition("=")
        if name.rpartition(".")[2] in ("imagestore", "additionalimagestore"):
            found.append(value)
    return [each for each in found if isinstance(each, str) and each]


def _first(paths: tuple[str, ...]) -> dict[str, Any]:
    return next((_table(Path(path)) for path in paths if os.path.isfile(path)), {})  # noqa: PTH113


def _table(path: Path) -> dict[str, Any]:
    """The table ``storage`` of a file."""
    try:
        table = tomllib.loads(path.read_text("utf-8", "surrogateescape")).get("storage", {})
    except OSError as error:
        raise LayertuiError(f"cannot read {path}", error.strerror or str(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise LayertuiError(f"{path} is not valid TOML", str(error)) from error
    return table if isinstance(table, dict) else {}


def _home(variable: str, below: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / below)


def _path(text: object) -> Path:
    expanded = os.path.expandvars(str(text).replace("$UID", str(os.geteuid())))
    return Path(expanded)
