"""Layers and documents out of the one stream in which an engine sends an image (``docker save``)."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Collection, Mapping
from typing import Any

from layertui.cache.blobs import BlobCache, BlobWriter
from layertui.layers.compression.format import Damaged
from layertui.layers.compression.stream import DecompressedStream
from layertui.model.blob import Blob, FileBlob
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.sources.engine.client import ENGINE_CHUNK, ByteStream, Engine
from layertui.sources.files import parse_object


class SaveStream:
    """Keeps the parts of an image in the cache, by their digests, as they pass.

    The parts are uncompressed layers, known by their diff IDs, and JSON documents: indexes,
    manifests, the config, statements. An engine has no other way to hand out a layer, and sends all
    of them: the stream is read to its end once, whichever part is wanted. Safe to share between
    threads; two processes that want the same image take turns, and the second finds all in the cache.
    """

    def __init__(
        self,
        engine: Engine,
        image: str,
        layers: Collection[str],
        estimate: int = -1,
        query: Mapping[str, Any] | None = None,
    ) -> None:
        """``layers`` are diff IDs; ``estimate`` is about how many bytes will come, -1 if unknown.

        ``query`` are parameters of the request, which restrict it to a platform.
        """
        self.engine = engine
        self._image = image
        self._query = dict(query or {})
        self._layers = frozenset(layers)
        self._wanted = set(layers)
        self._estimate = estimate
        self._cache = BlobCache()
        self._job = Job.NONE
        self._changed = threading.Condition()
        self._running = False
        self._complete = False
        self._error: LayertuiError | None = None

    @property
    def name(self) -> str:
        return f"{self.engine.endpoint.engine}'s {self._image}"

    def watch(self, job: Job) -> None:
        """Report to ``job`` the bytes received, and the estimated total, from another thread."""
        self._job = job

    def kept(self, digest: str) -> FileBlob | None:
        """Return a part, if it has come already."""
        return self._cache.get(digest)

    def wait(self, digest: str) -> FileBlob:
        """Return a part, once it is there. Raises :class:`LayertuiError` if it does not come."""
        with self._changed:
            self._wanted.add(digest)
            while (kept := self._cache.get(digest)) is None:
                if self._error is not None:
                    raise self._error
                if self._complete:
                    raise LayertuiError(
                        f"{self.name} came without {digest}",
                        "the cache may be too small to hold the image",
                        f"look at {self._cache.directory}",
                    )
                if not self._running:
                    self._running = True
                    threading.Thread(target=self._run, name="save", daemon=True).start()
                self._changed.wait()
            return kept

    def settle(self) -> None:
        """Wait for the end of the stream, if one is being read: all documents are kept then."""
        with self._changed:
            while self._running and not self._complete and self._error is None:
                self._changed.wait()

    def _run(self) -> None:
        error = None
        try:
            with self._cache.lock(f"{self._image}{''.join(self._query.values())}"):
                if any(self._cache.get(digest) is None for digest in tuple(self._wanted)):
                    self._receive()
        except LayertuiError as raised:
            error = raised
        with self._changed:
            self._error, self._complete = error, error is None
            self._changed.notify_all()

    def _receive(self) -> None:
        stream = self.engine.stream("/images/{0}/get", self._image, **self._query)
        source = ByteStream(stream, lambda done: self._job.report(done, self._estimate))
        try:
            with tarfile.open(fileobj=source, mode="r|", bufsize=ENGINE_CHUNK) as archive:
                for member in archive:
                    if member.isfile():
                        self._take(archive, member)
        except tarfile.TarError as error:
            raise LayertuiError(f"cannot read {self.name}", f"its stream broke off: {error}") from error
        finally:
            stream.close()

    def _take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        content = archive.extractfile(member)
        assert content is not None
        with self._cache.writer() as writer:
            while data := content.read(ENGINE_CHUNK):
                writer.write(data)
            if writer.digest in self._layers:
                writer.keep()
            elif writer.size == member.size:  # unless the stream broke off
                self._take_other(writer)
        with self._changed:
            self._changed.notify_all()

    def _take_other(self, stored: BlobWriter) -> None:
        """Keep a document as it is, and as the tar it contains a layer that came compressed, as containerd's do."""
        stored.flush()
        blob = FileBlob(stored.path)
        if _is_document(blob):
            stored.keep()
            return
        stream = DecompressedStream(blob)
        try:
            if not stream.compression:
                return
            with self._cache.writer() as writer:
                while data := stream.read(ENGINE_CHUNK):
                    writer.write(data)
                if writer.digest in self._layers:
                    writer.keep()
        except Damaged:
            return  # not a layer then; a caller that waits for one gets an error
        finally:
            stream.close()


def _is_document(blob: FileBlob) -> bool:
    """Return whether a blob is a JSON object."""
    if blob.pread(1, 0) != b"{":
        return False
    try:
        parse_object(blob, "the document")
    except LayertuiError:
        return False
    return True


class SavedBlob(Blob):
    """A layer that an engine sends when it is first read."""

    def __init__(self, stream: SaveStream, digest: str) -> None:
        self.digest = digest
        self._stream = stream
        self._kept: FileBlob | None = None

    @property
    def size(self) -> int:
        return self._file().size

    @property
    def location(self) -> str:
        return self._stream.name

    @property
    def is_local(self) -> bool:
        return self._kept is not None or self._stream.kept(self.digest) is not None

    def pread(self, length: int, offset: int) -> bytes:
        return self._file().pread(length, offset)

    def _file(self) -> FileBlob:
        if self._kept is None:
            self._kept = self._stream.wait(self.digest)
        return self._kept
