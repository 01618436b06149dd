"""Location of the system's store (containers-storage.conf(5)).

Podman 6 changed the rules (container-libs: storage/types/options.go, storage/pkg/configfile):
it merges files of ``storage.conf.d``, and applies the system's file to users too. The rules up
to Podman 5 are in containers/storage, types/options.go.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layertui.model.errors import LayertuiError
from layertui.sources.files import listed

ROOTFUL = "/var/lib/containers/storage"
CONFIGURATIONS = ("/etc/containers/storage.conf", "/usr/share/containers/storage.conf")
"""Of the administrator and of the distribution; only the first that exists is used."""
NAMED = "CONTAINERS_STORAGE_CONF"
"""The environment variable that names a file to use instead of all others."""
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


@dataclass(frozen=True, slots=True)
class StoreLocation:
    """Location of a store."""

    root: Path
    driver: str
    """The configured driver, which is listed first; empty if none is configured."""
    additional: tuple[Path, ...] = ()
    """Read-only stores whose images are available too."""
    images: Path | None = None
    """Directory of images, if not the root (``imagestore``)."""


def system_place() -> StoreLocation:
    """Return the store that Podman and Buildah would use. Raises :class:`LayertuiError` for a broken file.

    If the current and the former rules give different stores, it is the current one if that exists,
    else the former.
    """
    today, before = _today(), _up_to_podman_5()
    return today if today.root == before.root or has_store(today.root) else before


def has_store(root: Path) -> bool:
    """Return whether a root has images of a driver; false if it cannot be listed."""
    try:
        return any(name.endswith("-images") for name in listed(root))
    except LayertuiError:
        return False


def image_stores(options: str) -> list[str]:
    """Return the additional stores in a driver's options, ``overlay.imagestore=DIR,…``."""
    pairs = (option.partition("=") for option in options.split(","))
    named = [
        value for name, _, value in pairs if name.rpartition(".")[2] in ("imagestore", "additionalimagestore")
    ]
    return [value for value in named if value]


def _today() -> StoreLocation:
    table: dict[str, Any] = {}
    for path in _files():
        table = merged(table, _table(path))
    root = table.get("graphroot")
    if _is_user():
        root = root or table.get("rootless_storage_path")
    return _place(table, root)


def _files() -> Iterator[Path]:
    """Yield the files to merge, each overriding those before it (pkg/configfile, ``Read``)."""
    if named := os.environ.get(NAMED):
        yield Path(named)
    else:
        places = [_own(), *map(Path, CONFIGURATIONS)]
        yield from _first(places)
        # Of files with the same name, only the one closest to the user is used.
        dropped = {path.name: path for place in reversed(places) for path in _dropped_in(place)}
        yield from (dropped[name] for name in sorted(dropped))
    if last := os.environ.get(f"{NAMED}_OVERRIDE"):
        yield Path(last)


def _dropped_in(file: Path) -> Iterator[Path]:
    """Yield the drop-in files of a file. Raises :class:`LayertuiError`."""
    folders = [file.with_name(f"{file.name}.d")]
    if file != _own():
        for_whom = "rootless" if _is_user() else "rootful"
        folders.append(file.with_name(f"{file.stem}.{for_whom}{file.suffix}.d"))
        folders += [folders[-1] / str(os.geteuid())] if _is_user() else []
    for folder in folders:
        for name in listed(folder):
            path = folder / name
            if path.suffix == ".conf" and path.is_file() and not path.is_symlink():
                yield path


def merged(table: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return a table overridden by another; a list that ends in ``{append=true}`` is extended (pkg/configfile, ``Slice``)."""
    found = dict(table)
    for name, value in above.items():
        known = found.get(name)
        if isinstance(value, dict) and isinstance(known, dict):
            found[name] = merged(known, value)
        elif isinstance(value, list) and isinstance(known, list):
            marks = [
                each["append"] for each in (*known, *value) if isinstance(each, dict) and "append" in each
            ]
            found[name] = [*known, *value] if marks and marks[-1] is True else value
        else:
            found[name] = value
    return found


def _up_to_podman_5() -> StoreLocation:
    named = os.environ.get(NAMED)
    system = next(map(_table, [Path(named)] if named else _first([*map(Path, CONFIGURATIONS)])), {})
    if not _is_user():
        return _place(system, system.get("graphroot"))
    # A user's store takes the driver and the path for users from the system's file.
    root = system.get("rootless_storage_path")
    own = next(map(_table, _first([Path(named) if named else _own()])), None)
    if own is None:
        return _place({"driver": system.get("driver")}, root)
    return _place(own, own.get("graphroot") or own.get("rootless_storage_path") or root)


def _place(table: dict[str, Any], root: object) -> StoreLocation:
    if not root:
        root = _home("XDG_DATA_HOME", ".local/share") / "containers/storage" if _is_user() else ROOTFUL
    driver = os.environ.get("STORAGE_DRIVER") or table.get("driver")
    if driver == "overlay2":
        driver = "overlay"
    options = table.get("options")
    listed_stores = options.get("additionalimagestores") if isinstance(options, dict) else None
    if (given := os.environ.get("STORAGE_OPTS")) is not None:  # replaces the options of the file
        listed_stores = image_stores(given)
    stores = listed_stores if isinstance(listed_stores, list) else []
    images = table.get("imagestore")
    return StoreLocation(
        _path(root),
        driver if isinstance(driver, str) else "",
        tuple(Path(each) for each in stores if isinstance(each, str) and each),
        Path(images) if images and isinstance(images, str) else None,
    )


def _first(paths: list[Path]) -> list[Path]:
    return [path for path in paths if os.path.isfile(path)][:1]  # noqa: PTH113 (no error if the directory cannot be searched)


def _table(path: Path) -> dict[str, Any]:
    """Return the table ``storage`` of a file. Raises :class:`LayertuiError`."""
    try:
        table = tomllib.loads(path.read_text("utf-8", "surrogateescape")).get("storage", {})
    except OSError as error:
        raise LayertuiError(f"cannot read {path}", error.strerror or str(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise LayertuiError(f"{path} is not valid TOML", str(error)) from error
    return table if isinstance(table, dict) else {}


def _is_user() -> bool:
    return os.geteuid() != 0


def _own() -> Path:
    """Return the user's own file."""
    return _home("XDG_CONFIG_HOME", ".config") / "containers/storage.conf"


def _home(variable: str, below: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / below)


def _path(text: object) -> Path:
    plain = str(text).replace("$UID", str(os.geteuid()))
    return Path(VARIABLE.sub(lambda match: os.environ.get(match[1] or match[2], ""), plain))
