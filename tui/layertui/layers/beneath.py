"""Contents of files that lie unpacked."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from layertui.errors import LayertuiError
from layertui.layers.index import path_of


class DirectoryBlob:
    """A regular file of a directory, never one outside it: no symlink on the way is followed."""

    def __init__(self, root: Path, key: bytes, size: int) -> None:
        self._root = root
        self._key = key
        self.size = size
        self.digest = ""
        self._fd = -1
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        return f"{self._root}{path_of(self._key)}"

    def pread(self, length: int, offset: int) -> bytes:
        try:
            with self._lock:
                if self._fd < 0:
                    self._fd = _open_beneath(self._root, self._key)
            return os.pread(self._fd, max(min(length, self.size - offset), 0), offset)
        except OSError as error:
            raise LayertuiError(f"cannot read {self.location}", error.strerror or str(error)) from error

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)


def _open_beneath(root: Path, key: bytes) -> int:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    *above, name = key.split(b"\0")
    at = os.open(root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        for part in above:
            below = os.open(part, flags | os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, flags, dir_fd=at)
    finally:
        os.close(at)
