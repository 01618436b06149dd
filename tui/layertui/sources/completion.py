"""Completions of a reference: paths, names of engines' images, transports."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from layertui.model.reference import FILE_TRANSPORTS, TRANSPORTS
from layertui.text.sanitize import visible

_STARTS = ["docker://" if name == "docker" else f"{name}:" for name in TRANSPORTS]
_MANY = 5000
"""Most names of a directory that are considered: it may contain millions."""


def complete(text: str, names: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the completions of ``text``, directories with a slash.

    ``names`` are those of each engine's images, by transport.
    ``~`` stands for the home directory. Hidden names come only once their dot is typed.
    A directory that cannot be read has none.
    """
    named, colon, path = text.partition(":")
    transport = f"{named}:" if colon and named in TRANSPORTS else ""
    if not transport:
        path = text
    elif named not in FILE_TRANSPORTS:
        return [f"{transport}{name}" for name in names.get(named, ()) if name.startswith(path)]
    found = []
    if not transport:
        bare = dict.fromkeys(name for each in names.values() for name in each)  # in several engines, once
        found = [name for name in bare if text and name.startswith(text)]
        found += [start for start in _STARTS if start.startswith(text)]
    paths = complete_path(path, directories=False)
    return [*(transport + path for path in paths), *found]


def complete_path(text: str, directories: bool = True) -> list[str]:
    """Name of files and directories, or of these alone, that ``text`` could become; see :func:`complete`."""
    folder, slash, name = text.rpartition("/")
    paths = []
    try:
        for entry in islice(Path(folder + slash or ".").expanduser().iterdir(), _MANY):
            if entry.name.startswith(name) and (name or not entry.name.startswith(".")):
                is_directory = entry.is_dir()
                if is_directory or not directories:
                    paths.append(folder + slash + entry.name + ("/" if is_directory else ""))
    except (OSError, ValueError, RuntimeError):  # not there, a NUL was pasted, ~nobody
        return []
    paths.sort(key=lambda found: (not found.endswith("/"), found.lower()))
    return paths


def expanded(text: str) -> str:
    """Return the typed text, as a shell would read it."""
    text = text.strip()
    if text.startswith("~"):
        with suppress(RuntimeError):  # ~nobody
            return str(Path(text).expanduser())
    return text


def common(texts: list[str]) -> str:
    """Return the common prefix of ``texts``, as far as a field can show it.

    Nothing makes what is typed visible: names with characters that a terminal would obey
    are completed up to the first of these.
    """
    if not texts:
        return ""
    first, last = min(texts), max(texts)
    pairs = enumerate(zip(first, last, strict=False))
    same = next((at for at, (one, other) in pairs if one != other or visible(one) != one), len(first))
    return first[:same]
