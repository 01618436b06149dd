"""Writes files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

from layertui.model.errors import LayertuiError


def save(path: Path, data: bytes) -> None:
    """Write a file, in place of one that is there; what is no file (``/dev/stdout``) is written to.

    Raises :class:`LayertuiError`; an earlier file is then as it was.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        target = path.resolve()  # a link stays one
        part = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with part.open("xb") as file:
                file.write(data)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise LayertuiError(f"cannot write {path}", error.strerror or str(error)) from error
