"""Blobs: bytes in memory, in a file or elsewhere, read from any offset."""

import os
import threading
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from layertui.model.errors import LayertuiError
from layertui.model.job import Job


class Blob(ABC):
    """Immutable bytes, read by position; safe to share between threads."""

    digest: str = ""
    """The digest that was verified when the bytes arrived; empty if none was."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Length in bytes."""

    @property
    @abstractmethod
    def location(self) -> str:
        """Human-readable location: ``app.tar at 10752``."""

    @property
    def file(self) -> tuple[Path, int] | None:
        """The local file that contains the bytes in one piece, and their offset in it; ``None`` if there is none."""
        return None

    @property
    def is_local(self) -> bool:
        """Whether any part can be read without fetching it.

        A blob that is not local verifies its digest when it is read front to back.
        """
        return True

    @property
    def not_kept(self) -> str:
        """Why fetched bytes are not cached; empty if they are, or nothing is fetched."""
        return ""

    def fetching(self, job: Job = Job.NONE) -> AbstractContextManager[None]:
        """Hold while reading front to back what is not local: waits while another thread or process does.

        Raises :class:`Cancelled`.
        """
        return nullcontext()

    @abstractmethod
    def pread(self, length: int, offset: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; fewer only at the end.

        Raises :class:`LayertuiError` if the bytes cannot be read.
        """


class BytesBlob(Blob):
    """A blob in memory."""

    location = ""

    def __init__(self, data: bytes, location: str) -> None:
        self.data = data
        self.location = location

    @property
    def size(self) -> int:
        return len(self.data)

    def pread(self, length: int, offset: int) -> bytes:
        return self.data[offset : offset + length]


class FileBlob(Blob):
    """A range of a local file: a whole file, or a member of an uncompressed tar archive."""

    size = 0

    def __init__(self, path: Path, offset: int = 0, size: int | None = None) -> None:
        """The file is opened by the first read; ``size`` is by default that of the rest of the file.

        Raises :class:`LayertuiError` if the size has to be determined and cannot be.
        """
        self.path = path
        self.offset = offset
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

    @property
    def file(self) -> tuple[Path, int]:
        return self.path, self.offset

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
                    break  # the file was truncated meanwhile: the reader gets fewer bytes
                data += more
            return data
        except OSError as error:
            raise LayertuiError(f"cannot read {self.path}", error.strerror or str(error)) from error

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)
