"""Blobs that came from far away, kept in the user's cache directory by their digest."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import _TemporaryFileWrapper

from layertui.layers.codec import cache_directory
from layertui.model.blob import FileBlob
from layertui.model.errors import LayertuiError

MAX_BYTES = 16 << 30
"""What all blobs may take together; those just written always stay."""
STALE = 60
"""Seconds after which a file that was not finished, and that nobody holds, counts as left behind."""


class BlobCache:
    """Blobs by digest; what is in it had that digest when it was written.

    Safe to share between processes: a blob appears whole, under its name, or not at all.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or cache_directory() / "blobs"

    def get(self, digest: str) -> FileBlob | None:
        """The blob of a digest, ``sha256:…``; ``None`` if it is not kept."""
        path = self._path(digest)
        try:
            os.utime(path)  # was used now
            return FileBlob(path)
        except (OSError, LayertuiError):
            return None

    def put(self, digest: str, data: bytes) -> None:
        """Keep a small blob that has this digest, if that can be."""
        with contextlib.suppress(LayertuiError), self.writer(digest.partition(":")[0]) as writer:
            writer.write(data)
            writer.keep()

    @contextmanager
    def writer(self, algorithm: str = "sha256") -> Iterator[Writer]:
        """A new blob; unless :meth:`Writer.keep` was called in the end, nothing of it stays.

        Raises :class:`LayertuiError` where nothing can be written.
        """
        with self._said(), tempfile.NamedTemporaryFile(dir=self._folder(), prefix=".", delete=False) as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)  # shows that someone is at it
            writer = Writer(file, algorithm)
            try:
                yield writer
                if writer.kept:
                    file.close()
                    target = self._path(writer.kept)
                    writer.path.replace(target)
                    shrink(self.directory, MAX_BYTES, target)
            finally:
                writer.path.unlink(missing_ok=True)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Held by one process at a time, for work that two need not do twice."""
        with self._said():
            path = self._folder() / f".lock-{hashlib.sha256(name.encode()).hexdigest()}"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _path(self, digest: str) -> Path:
        return self.directory / digest.replace(":", "-").replace("/", "-")

    def _folder(self) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.directory

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LayertuiError(
                f"cannot keep a layer in {self.directory}",
                error.strerror or str(error),
                "make room there, or set XDG_CACHE_HOME",
            ) from error


class Writer:
    """A blob that is being written, hashed on the way."""

    def __init__(self, file: _TemporaryFileWrapper[bytes], algorithm: str) -> None:
        self.path = Path(file.name)
        self.size = 0
        self.kept = ""
        """The digest under which it will be kept."""
        self._file = file
        self._algorithm = algorithm
        self.hash = hashlib.new(algorithm)

    def write(self, data: bytes) -> None:
        self.hash.update(data)
        self._file.write(data)
        self.size += len(data)

    def flush(self) -> None:
        """Let those who read the file see what has been written so far."""
        self._file.flush()

    @property
    def digest(self) -> str:
        """Of what has been written so far."""
        return f"{self._algorithm}:{self.hash.hexdigest()}"

    def keep(self) -> None:
        """What was written is whole and wanted."""
        self.kept = self.digest


def shrink(folder: Path, limit: int, keep: Path | None = None) -> None:
    """Remove the longest unused files of a cache until the rest takes ``limit`` bytes at most.

    Files that begin with a dot are still being written, unless whoever did it was killed.
    """
    files, total = [], 0
    for entry in _entries(folder):
        with contextlib.suppress(OSError):  # another process removed it
            facts = entry.stat()
            if entry.name.startswith("."):
                if time.time() - facts.st_mtime >= STALE and not _is_held(entry.path):
                    Path(entry.path).unlink()
                continue
            files.append((facts.st_mtime, facts.st_size, Path(entry.path)))
            total += facts.st_size
    for _used, size, path in sorted(files):
        if total <= limit:
            break
        if path != keep:
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size


def _is_held(path: str) -> bool:
    """Whether a process has a lock on a file; one that is killed loses it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _entries(folder: Path) -> Iterable[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)
