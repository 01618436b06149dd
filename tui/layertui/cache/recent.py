"""The references that were opened last, in the user's state directory; references alone, the last one first."""

import json
from pathlib import Path

from layertui.cache.directory import atomic_write, own_file

KEPT = 30
"""Most references that are kept."""
_MOST_CHARACTERS = 1000
"""Characters of a reference that is kept, at most."""
_MOST_BYTES = 1 << 20


def recent_file() -> Path:
    """Return where they are kept, ``$XDG_STATE_HOME/layertui/recent.json`` on Linux; it need not exist."""
    from platformdirs import user_state_path

    return user_state_path("layertui", appauthor=False) / "recent.json"


def recent_references() -> list[str]:
    """Return the references that were opened last; none where they cannot be read."""
    path = recent_file()
    facts = own_file(path)
    if facts is None or facts.st_size > _MOST_BYTES:
        return []
    try:
        read = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return [each for each in read if isinstance(each, str)][:KEPT] if isinstance(read, list) else []


def remember(reference: str) -> None:
    """Put a reference first. Not those of pipes; nor a long one, nor one that may have a password. Ignores errors."""
    is_web = "://" in reference and "@" in reference and "@sha" not in reference
    if (
        len(reference) > _MOST_CHARACTERS
        or is_web
        or reference == "-"
        or "/dev/" in reference
        or "/proc/" in reference
    ):
        return
    kept = [reference, *(each for each in recent_references() if each != reference)][:KEPT]
    path = recent_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_write(path, json.dumps(kept).encode())
    except OSError:
        pass  # a convenience
