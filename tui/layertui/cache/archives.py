"""Plain copies of archives that are compressed as a whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from layertui.cache.directory import cache_directory, evict, lock, new_file, use
from layertui.model.blob import LocalFile
from layertui.model.errors import LayertuiError
from layertui.model.job import Job

MAX_ARCHIVE_BYTES = 16 << 30
"""Size of all copies together; the one just made always stays."""

MARK_MAGIC = b"\xfflayertui"
MARK_SIZE = len(MARK_MAGIC) + 8

Decompress = Callable[[LocalFile, Callable[[bytes], None]], str]
"""Called as ``decompress(file, write)``; returns what keeps it from being complete, else an empty string."""


class PlainCopy(NamedTuple):
    """The decompressed copy of a file."""

    path: Path
    size: int
    """Bytes of the copy; a mark follows them in the file."""
    damage: str
    """Why it is incomplete; empty if it is complete."""


def plain_copy(original: LocalFile, decompress: Decompress, job: Job = Job.NONE) -> PlainCopy:
    """Return the decompressed copy of a file.

    Waits while another thread or process decompresses the same file. Raises :class:`LayertuiError` if the
    file cannot be read or the copy cannot be written, :class:`Cancelled`.
    """
    folder = cache_directory() / "archives"
    try:
        target = folder / archive_key(original)
        if (size := _complete(target)) is not None:
            return PlainCopy(target, size, "")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with lock(folder, target.name, job):
            if (size := _complete(target)) is not None:
                return PlainCopy(target, size, "")
            with new_file(folder) as file:
                damage = decompress(original, file.write)
                if damage:  # not found again: who opens it next is to see the damage too
                    target = target.with_suffix(".damaged")
                size = file.size
                file.write(_mark(size))
                file.publish(target)
        evict(folder, MAX_ARCHIVE_BYTES, target)
    except OSError as error:
        raise LayertuiError(
            f"cannot decompress {original.path}",
            error.strerror or str(error),
            f"its plain copy goes to {folder}",
        ) from error
    return PlainCopy(target, size, damage)


def _mark(size: int) -> bytes:
    """Return the mark behind a copy of so many bytes: a power failure may truncate a file under its final name."""
    return MARK_MAGIC + size.to_bytes(8, "little")


def _complete(path: Path) -> int | None:
    """Return the size of a copy, and record its use; ``None`` if there is none, or only a part."""
    if not use(path):
        return None
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END) - MARK_SIZE
        file.seek(max(size, 0))
        return size if file.read() == _mark(max(size, 0)) else None


def archive_key(file: LocalFile) -> str:
    """Return a key of a file, another one for any other file at the same path.

    The time of change (``ctime``) distinguishes files that were given the same modification time, as by
    ``cp -p`` and reproducible builds.
    """
    identity = (os.path.realpath(file.path), *file.state, file.ctime_ns)
    return hashlib.sha256(repr(identity).encode("utf-8", "surrogateescape")).hexdigest()
