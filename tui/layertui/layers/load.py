"""Index an image's layers: from the cache, or by scanning them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from queue import SimpleQueue
from typing import TYPE_CHECKING

from layertui.cache.indexes import IndexCache
from layertui.layers.cache_keys import cache_key, file_key, is_claim, points_key
from layertui.layers.codec import pack_index, unpack_index_checked
from layertui.layers.compression.format import Damaged, compression_of
from layertui.layers.compression.stream import DecompressedStream, StoredBytes
from layertui.layers.tar.window import PlainWindow, StreamWindow
from layertui.layers.visit import Visitor
from layertui.model.blob import Blob
from layertui.model.digest import algorithm_of, is_known, wrong_digest
from layertui.model.errors import ImageChanged, LayertuiError
from layertui.model.image import Image, Layer, Unpacked
from layertui.model.job import Cancelled, Job
from layertui.model.layer_index import LayerIndex, LayerWarning
from layertui.model.numbers import LayerNumber
from layertui.model.system import usable_processors
from layertui.text.format import count_text

if TYPE_CHECKING:
    from layertui.layers.compression.gzip_points import PointFinder

MAX_INDEX_THREADS = 8
"""Layers read at once at most: each needs some MB of memory for what is decompressed or hashed ahead."""

DOWNLOADS = 6
"""Layers that are downloaded at once at least: as many as Podman's (containers/image: copy, ``maxParallelDownloads``)."""

MAX_TAIL = 1 << 21
"""Bytes that are read after the end of a tar in its compressed stream; writers pad it to some KiB."""

REFUSED_COMPRESSIONS = ("bzip2", "xz")
"""What containerd does not decompress (pkg/archive/compression)."""

NOT_KEPT = "not-kept"
"""Code of the warning that a remote layer could not be cached."""


def index_layer(
    layer: Layer, cache: IndexCache | None, job: Job = Job.NONE, visitors: Sequence[Visitor] = ()
) -> LayerIndex:
    """Return a layer's entries; if it has to be decompressed to list them, ``visitors`` are given its contents.

    Reports stored bytes; of an unpacked layer entries. What is wrong with a layer is in the
    index's ``damage``, next to what could be read. Raises :class:`Cancelled`, :class:`ImageChanged`.
    """
    if layer.unpacked is not None:
        return _scan_unpacked(layer.unpacked, job)
    if layer.blob is None:
        return LayerIndex(damage=layer.missing)
    kept = _KeptIndex(layer, layer.blob, cache) if cache is not None and cache_key(layer) else None
    try:
        if kept and (index := kept.read(job)) is not None:
            return index
        # Waiting for another reader of the layer is faster than reading it twice at once.
        with kept.lock(job) if kept else nullcontext():
            if kept and (index := kept.read(job)) is not None:
                return index
            with layer.blob.fetching(job):
                finder = _finder(layer.blob) if kept else None
                index = _scan(layer, layer.blob, job, visitors, finder)
            if layer.descriptor.digest and not is_known(layer.descriptor.digest):
                text = f"its digest {layer.descriptor.digest} cannot be verified: unsupported algorithm"
                index.warnings.append(LayerWarning("digest-unsupported", b"", text))
            if index.compression in REFUSED_COMPRESSIONS:
                text = (
                    f"compressed with {index.compression}: Docker and Podman decompress it; containerd and the "
                    "containerd store of Docker 29 refuse the layer"
                )
                index.warnings.append(LayerWarning("compression", b"", text))
            if kept and not index.damage:
                kept.write(index, finder.pack() if finder is not None else b"")
    except ImageChanged:
        raise
    except LayertuiError as error:
        return LayerIndex(damage=str(error))
    if layer.blob.not_kept:
        index.warnings.append(LayerWarning(NOT_KEPT, b"", layer.blob.not_kept))
    return index


def index_layers(
    image: Image, cache: IndexCache | None, job: Job = Job.NONE, visitors: Sequence[Visitor] = ()
) -> Iterator[tuple[LayerNumber, LayerIndex]]:
    """Yield number and index of every layer as each is done; for the order see :class:`_Queue`.

    Reports each layer by its number, from several threads, and what a stream that brings all of
    them has received. For ``visitors`` see :func:`index_layer`. Ends early, without an error, when cancelled.
    """
    if image.arrival is not None:
        image.arrival.watch(job)
    parts = {layer.number: job.layer(layer.number) for layer in image.layers}
    queue, lanes = _Queue(image), _lanes(image)
    done: SimpleQueue[tuple[LayerNumber, LayerIndex] | BaseException] = SimpleQueue()

    def work(is_spare: bool) -> None:
        try:
            if is_spare:
                queue.wait_for_last(lanes)
            for layer in queue.layers():
                parts[layer.number].check()
                done.put((layer.number, index_layer(layer, cache, parts[layer.number], visitors)))
        except BaseException as problem:
            done.put(problem)

    # Not of concurrent.futures, which takes as long to import as an image of a few layers takes to load.
    threads = [
        threading.Thread(target=work, args=(number >= lanes,), name=f"layer_{number}")
        for number in range(min(2 * lanes, MAX_INDEX_THREADS, len(image.layers)))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in image.layers:
            found = done.get()
            if isinstance(found, BaseException):
                raise found
            yield found
    except Cancelled:
        return
    finally:
        for part in parts.values():
            part.cancel()
        queue.end()
        for thread in threads:
            thread.join()


def _lanes(image: Image) -> int:
    """Return how many layers are read at once until few are left: at least two, and one per processor.

    The last ones begin together, on up to twice as many threads: one alone keeps no two processors
    busy, as decompressing takes longer than all else. More of those that a network brings are read at
    once: while one waits for its answer, others arrive.
    """
    is_remote = image.arrival is None and any(
        layer.blob is not None and not layer.blob.is_local for layer in image.layers
    )
    return min(max(usable_processors(), DOWNLOADS if is_remote else 2), MAX_INDEX_THREADS)


class _Queue:
    """The layers that are still to be read, shared by threads.

    One thread reads them base first, the order in which they are merged; the others the smallest first, so that
    none waits for a large one. A stream brings them in its own order: of such an image the base comes first.
    """

    def __init__(self, image: Image) -> None:
        self._count = len(image.layers)
        self._upwards = deque(image.layers)
        self._by_size = deque(
            image.layers if image.arrival is not None else sorted(image.layers, key=_weight)
        )
        self._begun: set[LayerNumber] = set()
        self._is_climbing = False  # whether a thread reads a layer because it is the lowest
        self._changed = threading.Condition()
        self._has_ended = False

    def layers(self) -> Iterator[Layer]:
        """Yield layers to a thread, which reads each before it asks for the next, until all are taken."""
        while True:
            with self._changed:
                climbs, self._is_climbing = not self._is_climbing, True
                waiting = self._upwards if climbs else self._by_size
                while waiting and waiting[0].number in self._begun:
                    waiting.popleft()
                if not waiting:
                    return
                layer = waiting.popleft()
                self._begun.add(layer.number)
                self._changed.notify_all()
            yield layer
            if climbs:
                self._is_climbing = False

    def wait_for_last(self, count: int) -> None:
        """Wait until at most ``count`` layers have not begun, or :meth:`end` is called."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended or self._count - len(self._begun) <= count)

    def end(self) -> None:
        """Stop those that wait: nothing is to be read any more."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()


def _weight(layer: Layer) -> tuple[bool, int]:
    """Return the stored bytes of a layer, to sort by; unknown ones last."""
    return layer.descriptor.size < 0, layer.descriptor.size


def is_lasting(index: LayerIndex) -> bool:
    """Return whether reading the same layer again would give the same index."""
    return not index.damage and all(warning.code != NOT_KEPT for warning in index.warnings)


class _KeptIndex:
    """The cached index of a layer, shared by all sources of the same bytes.

    A local file may have changed since its digest was verified, so which file had it, and in which state, is
    cached too. The digest of any other is verified before the index is used.
    """

    def __init__(self, layer: Layer, blob: Blob, cache: IndexCache) -> None:
        self._blob = blob
        self._cache = cache
        self._key = cache_key(layer)
        self._file_key = file_key(layer)
        self._digest = layer.descriptor.digest
        self._is_claim = is_claim(layer, self._key, self._file_key)

    def lock(self, job: Job) -> AbstractContextManager[None]:
        return self._cache.lock(self._key, job)

    def read(self, job: Job) -> LayerIndex | None:
        """Return the index; ``None`` if it has to be made. Raises :class:`LayertuiError`, :class:`Cancelled`."""
        index = self._cache.read(self._key, unpack_index_checked)
        if index is None:
            return None
        index.blob_digest = ""  # not read now, so not verified now
        if self._is_claim and not (self._file_key and self._cache.has(self._file_key)):
            stored = StoredBytes(self._blob, algorithm_of(self._digest), job)
            try:
                if stored.digest() != self._digest:
                    return None
            finally:
                stored.stop()
            index.blob_digest = self._digest
            self._remember()
        return index

    def write(self, index: LayerIndex, points: bytes) -> None:
        """Store an index that was made of bytes with the digest, and what points were found in these."""
        if points:
            self._cache.write(points_key(self._blob.digest), points)
        self._cache.write(self._key, pack_index(index))
        self._remember()

    def _remember(self) -> None:
        if self._is_claim and self._file_key:
            self._cache.write(self._file_key, self._digest.encode())


def _finder(blob: Blob) -> PointFinder | None:
    """Return what finds the points of a gzip layer that has to be fetched, to fetch only a part another time."""
    if blob.is_local or not blob.digest or compression_of(blob.pread(6, 0)) != "gzip":
        return None
    from layertui.layers.compression.gzip_points import point_finder

    return point_finder(blob.size)


def _scan(
    layer: Layer, blob: Blob, job: Job, visitors: Sequence[Visitor], finder: PointFinder | None
) -> LayerIndex:
    from layertui.layers.tar.scanner import scan

    watcher = finder.feed if finder is not None else None
    stream = DecompressedStream(blob, algorithm_of(layer.descriptor.digest), job, watcher)
    try:
        if not stream.compression and blob.is_local:
            index = scan(PlainWindow(blob, job), job.part(lambda offset, _: job.report(offset, blob.size)))
            index.diff_id = blob.digest
            return index
        # What is not compressed can be read in place, at any time.
        visits = [visitor() for visitor in visitors] if stream.compression else []
        index = scan(
            StreamWindow(stream),
            job.part(lambda *_: job.report(stream.stored.position, blob.size)),
            visits,
        )
        index.compression = stream.compression
        try:
            if stream.compression and not index.damage:
                _read_tail(stream, index)
            index.blob_digest = stream.digest()
        except LayertuiError as error:
            index.damage = index.damage or str(error)
            return index
    finally:
        stream.close()
    expected = layer.descriptor.digest
    if not index.compression and not index.damage:
        index.diff_id = index.blob_digest
    if is_known(expected) and index.blob_digest != expected:
        wrong = wrong_digest(expected, index.blob_digest)
        index.damage = f"{wrong}; {index.damage}" if index.damage else wrong
    if not index.damage:
        for visit in visits:
            visit.end(index)
    return index


def _read_tail(stream: DecompressedStream, index: LayerIndex) -> None:
    """Decompress what follows the tar's end, mostly zeros, for what is wrong with it."""
    try:
        left = MAX_TAIL
        while left > 0 and (piece := stream.read(left)):
            left -= len(piece)
    except Damaged as damage:
        index.damage = f"{damage}; all {index.count:,} entries were read"
    else:
        if count := stream.trailing():
            follow = f"{count_text(count, 'byte')} {'follows' if count == 1 else 'follow'}"
            engines = (
                "ignored here and by containerd 2, Docker's overlay2, Podman and umoci refuse the layer"
                if stream.compression == "gzip"
                else "ignored here, engines refuse the layer"
            )
            text = f"{follow} the {stream.compression} stream: {engines}"
            index.warnings.append(LayerWarning("trailing-bytes", b"", text))


def _scan_unpacked(unpacked: Unpacked, job: Job) -> LayerIndex:
    try:
        return unpacked.scan(job)
    except LayertuiError as error:
        return LayerIndex(damage=str(error))
