"""How much is cached, and dropping it."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from layertui.cache.archives import MAX_ARCHIVE_BYTES
from layertui.cache.blobs import MAX_BLOB_BYTES
from layertui.cache.directory import cache_directory, evict
from layertui.cache.indexes import MAX_INDEX_BYTES

FOLDER_LIMITS = {"indexes": MAX_INDEX_BYTES, "archives": MAX_ARCHIVE_BYTES, "blobs": MAX_BLOB_BYTES}
"""The folders of the cache, and the bytes that each may take."""


class FolderUsage(NamedTuple):
    """What a folder of the cache contains."""

    name: str
    path: Path
    entries: int
    size: int
    """Bytes of all entries."""
    limit: int
    used: datetime | None
    """When an entry was last used; ``None`` without entries."""


def cache_usage() -> list[FolderUsage]:
    """Return what each folder of the cache contains; nothing where it cannot be listed."""
    return [_usage(name, cache_directory() / name, limit) for name, limit in FOLDER_LIMITS.items()]


def prune_cache() -> None:
    """Delete all entries but those that were used in the last minute; ignores what cannot be deleted."""
    for name in FOLDER_LIMITS:
        folder = cache_directory() / name
        evict(folder, 0, keep=folder)


def _usage(name: str, folder: Path, limit: int) -> FolderUsage:
    entries, size, used = 0, 0, 0.0
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            with contextlib.suppress(OSError):  # deleted by another process
                facts = entry.stat(follow_symlinks=False)
                if not entry.name.startswith("."):
                    entries, size, used = entries + 1, size + facts.st_size, max(used, facts.st_atime)
    return FolderUsage(
        name, folder, entries, size, limit, datetime.fromtimestamp(used, UTC) if entries else None
    )
