"""Confinement of the process that reads images, so that the kernel contains a bug in a decoder (landlock(7)).

It is for good, and for the whole process: the programs that are not layertui's own never call it. It needs the native
core; without it, and on kernels without Landlock, nothing changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from layertui.cache.directory import cache_directory
from layertui.layers.native import core
from layertui.model.errors import LayertuiError
from layertui.model.reference import STORE_TRANSPORTS, parse_reference
from layertui.sources.piped import STANDARD_INPUT


def can_confine(references: Iterable[str]) -> bool:
    """Return whether the process can be confined: none of the images needs more than files, and there is a core."""
    return all(map(_is_in_files, references)) and core() is not None


def confine(outputs: Iterable[Path] = ()) -> None:
    """Let this process do only what reading images in files needs (:func:`can_confine`), as far as the kernel can.

    It can write to the cache, and to the directories that the outputs are in or have to be created in, and it can start
    no program and connect to nothing. Call it before threads are started: those that run already are not confined.
    """
    native = core()
    assert native is not None
    folder = cache_directory()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(OSError):
        native.confine([str(folder), os.devnull, *map(str, map(_written_to, outputs))])


def _is_in_files(reference: str) -> bool:
    """Return whether reading an image needs files only: no engine, registry or other program.

    A path below ``/proc`` may be a file that another process has open, which a confined process cannot reach.
    """
    try:
        name = parse_reference(reference)
    except LayertuiError:
        return False
    if name.transport in STORE_TRANSPORTS or name.transport == "demo":
        return True
    is_there = name.location == STANDARD_INPUT or os.path.exists(name.location)  # noqa: PTH110 (may be no path)
    return is_there and not name.location.startswith("/proc/")


def _written_to(output: Path) -> Path:
    """Return the directory, or the device, that has to be writable for an output."""
    place = Path(os.path.realpath(output))
    if place.exists() and not place.is_file():
        return place
    return next(folder for folder in place.parents if folder.exists())
