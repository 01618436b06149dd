"""Blobs from registries and engines, by digest."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from layertui.cache.directory import UnpublishedFile, cache_directory, evict, lock, new_file, use
from layertui.model.blob import FileBlob, LocalFile
from layertui.model.errors import LayertuiError
from layertui.model.job import Job

MAX_BLOB_BYTES = 16 << 30
"""Size of all blobs together; the one just written always stays."""


class BlobCache:
    """Blobs by digest; each had that digest when it was written.

    Safe to share between processes: a blob appears whole, under its name, or not at all.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or cache_directory() / "blobs"

    def get(self, digest: str) -> FileBlob | None:
        """Return the blob of a digest, ``sha256:…``; ``None`` if it is not stored."""
        path = self._path(digest)
        try:
            return FileBlob(LocalFile(path, is_cached=True)) if use(path) else None
        except LayertuiError:
            return None

    def put(self, digest: str, data: bytes) -> None:
        """Store a small blob that has this digest, if that is possible."""
        with contextlib.suppress(LayertuiError), self.writer(digest.partition(":")[0]) as writer:
            writer.write(data)
            writer.keep()

    @contextmanager
    def writer(self, algorithm: str = "sha256") -> Iterator[BlobWriter]:
        """Write a blob; nothing is stored unless :meth:`BlobWriter.keep` is called.

        Raises :class:`LayertuiError` where nothing can be written.
        """
        with self._reported(), new_file(self._folder()) as file:
            writer = BlobWriter(file, algorithm)
            yield writer
            if writer.kept:
                target = self._path(writer.kept)
                file.publish(target)
                evict(self.directory, MAX_BLOB_BYTES, target)

    @contextmanager
    def lock(self, name: str, job: Job = Job.NONE) -> Iterator[None]:
        """Hold while blobs are fetched, so that they are not fetched twice at once.

        Raises :class:`LayertuiError` where nothing can be written, :class:`Cancelled`.
        """
        with ExitStack() as held:
            with self._reported():
                held.enter_context(lock(self._folder(), name, job))
            yield

    def _path(self, digest: str) -> Path:
        return self.directory / digest.replace(":", "-").replace("/", "-")

    def _folder(self) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.directory

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LayertuiError(
                f"cannot keep a layer in {self.directory}",
                error.strerror or str(error),
                "make room there, or set XDG_CACHE_HOME",
            ) from error


class BlobWriter:
    """A blob that is being written, hashed on the way."""

    def __init__(self, file: UnpublishedFile, algorithm: str) -> None:
        self.path = file.path
        self.size = 0
        self.kept = ""
        """The digest under which it will be stored."""
        self._file = file
        self._algorithm = algorithm
        self.hash = hashlib.new(algorithm)

    def write(self, data: bytes) -> None:
        self.hash.update(data)
        self._file.write(data)
        self.size += len(data)

    def flush(self) -> None:
        """Let others who open the file read what has been written so far."""
        self._file.flush()

    @property
    def digest(self) -> str:
        """Of what has been written so far."""
        return f"{self._algorithm}:{self.hash.hexdigest()}"

    def keep(self) -> None:
        """Store what was written: it is complete and wanted."""
        self.kept = self.digest
