"""Blobs: bytes in memory, in a file or elsewhere, read from any offset."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from layertui.model import system
from layertui.model.errors import ImageChanged, LayertuiError
from layertui.model.job import Job
from layertui.model.typed import NamedTuple


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
    def file(self) -> tuple[LocalFile, int] | None:
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

    def ranged(self) -> Blob:
        """Return the same bytes, to read a few parts of them, wherever these are."""
        return self

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


class FileState(NamedTuple):
    """Distinguishes a local file from others at its path, and from earlier states of itself."""

    device: int
    inode: int
    size: int
    """Bytes."""
    mtime_ns: int

    @classmethod
    def of(cls, facts: os.stat_result) -> FileState:
        return cls(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)


class LocalFile:
    """A local file as it was when this was made, opened at the first read; safe to share between threads."""

    def __init__(self, path: Path, is_cached: bool = False, size: int | None = None) -> None:
        """``is_cached``: a file of layertui's cache, which is never rewritten with other bytes and not checked.

        ``size``: bytes of it that are read at most; what follows them in the cache is no part of the content.
        Raises :class:`LayertuiError` if the file cannot be looked at.
        """
        try:
            facts = path.stat()
        except OSError as error:
            raise _unreadable(path, error) from error
        self.path = path
        self.state = FileState.of(facts)
        self._size = size
        self.ctime_ns = 0 if is_cached else facts.st_ctime_ns
        """Also distinguishes files that have been given the same modification time, but changes with each rename
        and, of a cached file, each use, and so is 0 there."""
        self._is_cached = is_cached
        self._is_same = False  # whether the path still led to it when it was opened
        self._fd = -1
        self._lock = threading.Lock()

    def pread(self, length: int, offset: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; fewer only at the end.

        Raises :class:`LayertuiError`; :class:`ImageChanged` if they are not those of the file as it was.
        """
        if self._size is not None:
            length = max(min(length, self._size - offset), 0)
        try:
            if self._fd < 0:
                with self._lock:
                    if self._fd < 0:
                        opened = os.open(self.path, system.READ)
                        self._is_same = self._is_cached or FileState.of(os.fstat(opened)) == self.state
                        self._fd = opened  # last: other threads do not wait once it is there
            data = system.pread(self._fd, length, offset)
            while 0 < len(data) < length:  # the kernel returns at most 2 GiB a call
                more = system.pread(self._fd, length - len(data), offset + len(data))
                if not more:
                    break
                data += more
            if not self._is_cached:  # after reading: a write sets the time before it
                facts = os.fstat(self._fd)
                if not self._is_same or (facts.st_size, facts.st_mtime_ns) != self.state[2:]:
                    raise ImageChanged(str(self.path))
            return data
        except FileNotFoundError as error:
            if self._is_cached:
                raise _unreadable(self.path, error) from error
            raise ImageChanged(str(self.path), is_removed=True) from error
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)


class FileBlob(Blob):
    """A range of a local file: a whole file, or a member of an uncompressed tar archive."""

    size = 0

    def __init__(self, file: Path | LocalFile, offset: int = 0, size: int | None = None) -> None:
        """``size``: up to the end of the file by default. Raises :class:`LayertuiError` as :class:`LocalFile`."""
        self.offset = offset
        self._file = LocalFile(file) if isinstance(file, Path) else file
        self.size = self._file.state.size - offset if size is None else size

    @property
    def path(self) -> Path:
        return self._file.path

    @property
    def file(self) -> tuple[LocalFile, int]:
        return self._file, self.offset

    @property
    def location(self) -> str:
        return f"{self.path} at {self.offset}" if self.offset else str(self.path)

    def pread(self, length: int, offset: int) -> bytes:
        wanted = min(length, self.size - offset)
        return self._file.pread(wanted, self.offset + offset) if wanted > 0 else b""


def _unreadable(path: Path, error: OSError) -> LayertuiError:
    return LayertuiError(f"cannot read {path}", error.strerror or str(error))
