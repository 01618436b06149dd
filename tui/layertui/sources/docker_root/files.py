"""Small files of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from layertui.blob import FileBlob
from layertui.errors import LayertuiError
from layertui.sources.files import parse_object


def read_text(path: Path) -> str:
    """A file of one short text; empty where it is not there or cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4096).decode("utf-8", "surrogateescape").strip()
    except OSError:
        return ""


def read_object(path: Path) -> dict[str, Any]:
    """A file that is a JSON object. Raises :class:`LayertuiError`."""
    if not path.exists():
        raise LayertuiError(f"{path} is not there", "the store is incomplete")
    return parse_object(FileBlob(path), str(path))[0]
