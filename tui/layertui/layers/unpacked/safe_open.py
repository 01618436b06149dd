"""Open paths below a directory without following symlinks (like openat2(2) RESOLVE_NO_SYMLINKS)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from layertui.layers.unpacked.change_detection import stamp_of
from layertui.model import system
from layertui.model.blob import Blob
from layertui.model.errors import ChangedWhileRead, LayertuiError
from layertui.model.layer_index import path_of

_DIRECTORY = system.READ | system.DIRECTORY | system.NO_LINK | system.NO_WAITING
_ELSEWHERE = {b"", b".", b".."}


def descend(start: int, names: Iterable[bytes]) -> int:
    """Open the directory at a path of ``names`` below an open one; return its descriptor. Raises ``OSError``."""
    at = os.dup(start)
    try:
        for name in names:
            below = os.open(name, _DIRECTORY, dir_fd=at)
            os.close(at)
            at = below
    except BaseException:
        os.close(at)
        raise
    return at


class Beneath:
    """Opens directories below a root by keys (:class:`layertui.model.layer_index.LayerIndex`)."""

    def __init__(self, root: Path) -> None:
        """``root`` may be a symlink. Raises ``OSError`` if it is not a directory or cannot be opened."""
        self._root = os.open(root, system.READ | system.DIRECTORY)
        self._at = os.dup(self._root)
        self._key = b""

    def place(self, key: bytes) -> tuple[int, bytes]:
        """Return the directory of a key, open until the next call, and the name in it.

        Raises ``OSError`` if it does not exist or a symlink is on the way, ``ValueError`` for a
        name that would lead elsewhere.
        """
        above, _, name = key.rpartition(b"\0")
        if b"/" in key or not _ELSEWHERE.isdisjoint(key.split(b"\0")):
            raise ValueError(name)
        if above != self._key:
            if self._key and above.startswith(self._key + b"\0"):
                at = descend(self._at, above[len(self._key) + 1 :].split(b"\0"))
            else:
                at = descend(self._root, above.split(b"\0") if above else ())
            os.close(self._at)
            self._at, self._key = at, above
        return self._at, name

    def open(self, key: bytes) -> int:
        """Open the directory of a key; return its descriptor."""
        directory, name = self.place(key)
        return descend(directory, [name])

    def close(self) -> None:
        os.close(self._at)
        os.close(self._root)


class DirectoryBlob(Blob):
    """A regular file in a directory, never one outside it: symlinks are not followed.

    Reading raises :class:`LayertuiError` where the file cannot be read, and
    :class:`ChangedWhileRead` where its size or stamp differs from the listing's, even if it changed
    only now: a running container goes on writing.
    """

    size = 0

    def __init__(self, root: Path, key: bytes, size: int, stamp: int = 0) -> None:
        """``stamp`` is that of the listing (:func:`stamp_of`); if 0, that of the first read is used."""
        self._root = root
        self._key = key
        self.size = size
        self._fd = -1
        self._stamp = stamp
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        return f"{self._root}{path_of(self._key)}"

    def pread(self, length: int, offset: int) -> bytes:
        try:
            with self._lock:
                if self._fd < 0:
                    self._fd = _open_beneath(self._root, self._key)
                    self._stamp = self._stamp or stamp_of(os.fstat(self._fd))
            data = system.pread(self._fd, max(min(length, self.size - offset), 0), offset)
            status = os.fstat(self._fd)  # after pread, so that changes during it are noticed too
        except OSError as error:
            raise LayertuiError(f"cannot read {self.location}", error.strerror or str(error)) from error
        if status.st_size != self.size or stamp_of(status) != self._stamp:
            raise ChangedWhileRead(self.location, self.size, status.st_size)
        return data

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)


def _open_beneath(root: Path, key: bytes) -> int:
    *above, name = key.split(b"\0")
    start = os.open(root, system.READ | system.DIRECTORY)
    try:
        at = descend(start, above)
    finally:
        os.close(start)
    try:
        return os.open(name, system.READ | system.NO_LINK | system.NO_WAITING, dir_fd=at)
    finally:
        os.close(at)
