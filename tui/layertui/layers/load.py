"""From an image's layers to their indexes: out of the cache, or by scanning."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from operator import itemgetter

from layertui.cache.indexes import IndexCache
from layertui.layers.codec import pack, unpack_checked
from layertui.layers.compression.format import compression_of
from layertui.layers.compression.stream import Cancelled, Stream
from layertui.layers.tar.capture import Keep
from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import PlainWindow, StreamWindow
from layertui.model.digest import algorithm_of, wrong_digest
from layertui.model.errors import LayertuiError
from layertui.model.image import Image, Layer, Unpacked
from layertui.model.layer_index import LayerIndex, LayerWarning

THREADS = 2
"""Layers read at once: inflating and hashing run beside the scan of another layer."""

NOT_KEPT = "not-kept"
"""Code of the warning that a layer from far away could not be kept here."""


def index_layer(
    layer: Layer,
    cache: IndexCache | None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
    keep: Keep | None = None,
) -> LayerIndex:
    """A layer's entries, and the contents in ``keep`` if it has to be inflated to tell them.

    ``progress`` is told the stored bytes read and how many there are. What is wrong with a
    layer stands in the index's ``damage``, which then holds what could be read. Raises
    :class:`Cancelled` once the event is set.
    """
    if layer.unpacked is not None:
        return _scan_unpacked(layer.unpacked, progress, cancelled)
    if layer.blob is None:
        return LayerIndex(damage=layer.missing)
    key = cache_key(layer)
    if cache is not None and key and (kept := cache.read(key, unpack_checked)) is not None:
        # Not read now, so not checked now.
        kept.blob_digest = ""
        return kept
    try:
        index = _scan(layer, progress, cancelled, keep)
    except LayertuiError as error:
        return LayerIndex(damage=str(error))
    if cache is not None and key and not index.damage:
        cache.write(key, pack(index))
    if layer.blob.not_kept:
        index.warnings.append(LayerWarning(NOT_KEPT, b"", layer.blob.not_kept))
    return index


def index_layers(
    image: Image,
    cache: IndexCache | None,
    progress: Callable[[int, int, int], None] | None = None,
    cancelled: threading.Event | None = None,
    keep: Keep | None = None,
) -> Iterator[tuple[int, LayerIndex]]:
    """Number and index of every layer as each is done, those at the base begun first.

    ``progress`` is told a layer's number, its stored bytes read and how many there are, from
    several threads; for ``keep`` see :func:`index_layer`. Ends early, without an error, once the
    event is set.
    """
    stop = cancelled or threading.Event()

    def work(layer: Layer) -> tuple[int, LayerIndex]:
        def report(done: int, total: int) -> None:
            if progress is not None:
                progress(layer.number, done, total)

        return layer.number, index_layer(layer, cache, report, stop, keep)

    # The daemon threads of a pool are joined at exit: without the event they would go on reading.
    with ThreadPoolExecutor(THREADS, thread_name_prefix="layer") as pool:
        running: set[Future[tuple[int, LayerIndex]]] = {pool.submit(work, layer) for layer in image.layers}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from sorted((future.result() for future in done), key=itemgetter(0))
        except Cancelled:
            return
        finally:
            if running:
                stop.set()
                for future in running:
                    future.cancel()


def cache_key(layer: Layer) -> str:
    """What a layer's index is kept under; empty if it cannot be.

    The blob digest where reading the layer checks it. Else the claimed diff ID together with
    the file's identity: the claim alone would let one image lie about the layers of another.
    """
    if layer.unpacked is not None:  # it may have changed since
        return ""
    if layer.blob is not None and layer.blob.digest:
        return layer.blob.digest.replace(":", "-").replace("/", "-")
    if layer.descriptor.digest and _is_compressed(layer):
        return layer.descriptor.digest.replace(":", "-").replace("/", "-")
    if layer.blob is None or layer.blob.file is None:
        return ""
    path, offset = layer.blob.file
    try:
        facts = path.stat()
        real_path = os.path.realpath(path)
    except OSError:
        return ""
    identity = (
        layer.descriptor.digest, layer.diff_id, real_path, offset, layer.blob.size,
        facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns,
    )  # fmt: skip
    return "file-" + hashlib.sha256(repr(identity).encode("utf-8", "surrogateescape")).hexdigest()


def is_lasting(index: LayerIndex) -> bool:
    """Whether reading the same layer again would give the same index."""
    return not index.damage and all(warning.code != NOT_KEPT for warning in index.warnings)


def _is_compressed(layer: Layer) -> bool:
    try:
        return layer.blob is not None and compression_of(layer.blob.pread(6, 0)) != ""
    except LayertuiError:
        return False


def _scan(
    layer: Layer,
    progress: Callable[[int, int], None] | None,
    cancelled: threading.Event | None,
    keep: Keep | None,
) -> LayerIndex:
    blob = layer.blob
    assert blob is not None
    stream = Stream(blob, algorithm_of(layer.descriptor.digest), cancelled)
    try:
        if not stream.compression and blob.is_local:
            index = scan(PlainWindow(blob, cancelled), lambda offset: _tell(progress, offset, blob.size))
            index.diff_id = blob.digest
            return index
        index = scan(
            StreamWindow(stream),
            lambda _: _tell(progress, stream.stored.position, blob.size),
            keep if stream.compression else None,  # else a content is read where it lies, at any time
        )
        index.compression = stream.compression
        try:
            index.blob_digest = stream.digest()
        except LayertuiError as error:
            index.damage = index.damage or str(error)
            return index
    finally:
        stream.close()
    expected = layer.descriptor.digest
    if not index.compression and not index.damage:
        index.diff_id = index.blob_digest
    if expected and index.blob_digest != expected:
        wrong = wrong_digest(expected, index.blob_digest)
        index.damage = f"{wrong}; {index.damage}" if index.damage else wrong
    return index


def _scan_unpacked(
    unpacked: Unpacked, progress: Callable[[int, int], None] | None, cancelled: threading.Event | None
) -> LayerIndex:
    try:
        return unpacked.scan(lambda entries: _tell(progress, entries, -1), cancelled)
    except LayertuiError as error:
        return LayerIndex(damage=str(error))


def _tell(progress: Callable[[int, int], None] | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)
