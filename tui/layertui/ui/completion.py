"""What a half-typed reference could become: transports, and paths in the file system."""

from itertools import islice
from pathlib import Path

from layertui.reference import FILES, TRANSPORTS
from layertui.safe import visible

_MANY = 5000
"""Names of a directory that are looked at: a directory may hold millions."""


def complete(text: str, limit: int = 200) -> list[str]:
    """Continuations of ``text``, directories with a slash, at most ``limit``.

    ``~`` stands for the home directory. Hidden names come only once their dot is typed.
    A directory that cannot be read has none.
    """
    named, colon, path = text.partition(":")
    transport = f"{named}:" if colon and named in TRANSPORTS else ""
    if not transport:
        path = text
    elif named not in FILES:
        return []
    found = [] if transport else [f"{name}:" for name in TRANSPORTS if f"{name}:".startswith(text)]
    folder, slash, name = path.rpartition("/")
    start = transport + folder + slash
    paths = []
    try:
        for entry in islice(Path(folder + slash or ".").expanduser().iterdir(), _MANY):
            if entry.name.startswith(name) and (name or not entry.name.startswith(".")):
                paths.append(start + entry.name + ("/" if entry.is_dir() else ""))
    except (OSError, ValueError, RuntimeError):  # not there, a NUL was pasted, ~nobody
        paths = []
    paths.sort(key=lambda found: (not found.endswith("/"), found.lower()))
    return [*paths, *found][:limit]


def common(texts: list[str]) -> str:
    """What all ``texts`` begin with, as far as a field can show it.

    Nothing makes what is typed visible: names with characters that a terminal would obey
    are completed up to the first of these.
    """
    if not texts:
        return ""
    first, last = min(texts), max(texts)
    pairs = enumerate(zip(first, last, strict=False))
    same = next((at for at, (one, other) in pairs if one != other or visible(one) != one), len(first))
    return first[:same]
