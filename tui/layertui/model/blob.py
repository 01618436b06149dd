"""Bytes that lie somewhere and can be read from any offset."""

import os
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple, Protocol

from layertui.model.errors import LayertuiError


class Blob(Protocol):
    """Immutable bytes, read by position; safe to share between threads."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    @property
    def location(self) -> str:
        """Where the bytes lie, for people: ``app.tar at 10752``."""
        ...

    @property
    def digest(self) -> str:
        """The digest that its bytes were checked to have when they came here; empty if they were not."""
        ...

    def pread(self, length: int, offset: int) -> bytes:
        """Up to ``length`` bytes from ``offset``; fewer only at the end.

        Raises :class:`LayertuiError` when the bytes cannot be had.
        """
        ...


class ArrivingBlob(ABC):
    """A :class:`Blob` from far away that is kept as it is read; reading it front to back checks it."""

    @property
    @abstractmethod
    def is_here(self) -> bool:
        """Whether all of it has arrived and has its digest, so that any part is at hand."""

    @property
    @abstractmethod
    def not_kept(self) -> str:
        """Why what arrives is not kept; empty if it is."""


class BytesBlob(NamedTuple):
    """A blob in memory."""

    data: bytes
    location: str
    digest: str = ""

    @property
    def size(self) -> int:
        return len(self.data)

    def pread(self, length: int, offset: int) -> bytes:
        return self.data[offset : offset + length]


class FileBlob:
    """A stretch of a local file: a whole file, or a member of a plain tar archive."""

    def __init__(self, path: Path, offset: int = 0, size: int | None = None) -> None:
        """Names the stretch; the file is opened at the first read.

        Raises :class:`LayertuiError` when ``size`` is left out and the file cannot be looked at.
        """
        self.path = path
        self.offset = offset
        self.digest = ""
        self._fd = -1
        self._lock = threading.Lock()
        if size is None:
            try:
                size = path.stat().st_size - offset
            except OSError as error:
                raise LayertuiError(f"cannot read {path}", error.strerror or str(error)) from error
        self.size = size

    @property
    def location(self) -> str:
        return f"{self.path} at {self.offset}" if self.offset else str(self.path)

    def pread(self, length: int, offset: int) -> bytes:
        wanted = min(length, self.size - offset)
        if wanted <= 0:
            return b""
        try:
            if self._fd < 0:
                with self._lock:
                    if self._fd < 0:
                        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            data = os.pread(self._fd, wanted, self.offset + offset)
            while len(data) < wanted:  # the kernel returns at most 2 GiB a call
                more = os.pread(self._fd, wanted - len(data), self.offset + offset + len(data))
                if not more:
                    break  # the file was cut since it was looked at: the reader sees the end
                data += more
            return data
        except OSError as error:
            raise LayertuiError(f"cannot read {self.path}", error.strerror or str(error)) from error

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)
