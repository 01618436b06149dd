"""What a half-typed reference could become: transports, and paths in the file system."""

from itertools import islice
from pathlib import Path

TRANSPORTS = ("docker-archive:", "oci:", "oci-archive:", "dir:", "demo:")
"""Prefixes of references that name something here."""
_MANY = 5000
"""Names of a directory that are looked at: a directory may hold millions."""


def complete(text: str, limit: int = 200) -> list[str]:
    """Continuations of ``text``, directories with a slash, at most ``limit``.

    ``~`` stands for the home directory. Hidden names come only once their dot is typed.
    A directory that cannot be read has none.
    """
    transport = next((name for name in TRANSPORTS if text.startswith(name)), "")
    path = text[len(transport) :]
    found = [] if transport else [name for name in TRANSPORTS if name.startswith(text)]
    if transport == "demo:":
        return found
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
    """What all ``texts`` begin with."""
    if not texts:
        return ""
    first, last = min(texts), max(texts)
    same = next(
        (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    return first[:same]
