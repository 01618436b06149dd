"""Reads an image in a process of its own: its tree, a part of its insight, or a search.

``python -m layertui.worker.main`` reads one request (:mod:`layertui.worker.protocol`) from standard
input and writes frames to standard output. The app kills it when it needs no more, so that a
screen stays responsive and no work is wasted.
"""

import gc
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from layertui.cache.directory import cache_directory
from layertui.cache.image_bytes import remember_bytes
from layertui.cache.indexes import IndexCache
from layertui.insight.sizes import layer_sizes
from layertui.layers.codec import pack_index
from layertui.layers.native import core
from layertui.model.errors import ImageChanged, LayertuiError
from layertui.model.identity import Identity
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.model.reference import CONNECTED_TRANSPORTS, parse_reference
from layertui.model.sizes import total_of
from layertui.model.unforeseen import unforeseen
from layertui.sources.pinned import explain, open_pinned
from layertui.union.codec import pack_union
from layertui.union.load import ImageReader
from layertui.union.merged_tree import MergedTree
from layertui.worker.protocol import (
    Changed,
    Failed,
    FilesRead,
    FindingsFound,
    LayerDone,
    LayerRead,
    LayersMerged,
    LinesFound,
    Request,
    SearchDone,
    SearchRequest,
    Sender,
    SurveyDone,
    SurveyRequest,
    TreeDone,
    receive,
)

if TYPE_CHECKING:
    from layertui.content.query import LineMatch
    from layertui.content.read import Contents
    from layertui.union.model import LayerUnion

PAUSE = 0.25
"""Seconds until the first union while layers still arrive, at least; the next waits as long as all has taken so far."""
TICK = 0.05
"""Seconds between reports of progress, at least."""
AT_ONCE = 500
"""Findings or lines in a frame, few enough that unpacking them does not delay the screen."""


def load(request: Request, image: Image, sender: Sender) -> None:
    """Send the image's indexes as they are read, unions of the layers that are complete, and the sums.

    A union of some layers is sent only while others still load, at growing intervals: merging
    takes time here, and showing takes time in the app.
    """
    cache = _cache(request)
    reader = ImageReader(image, cache)
    total = len(image.layers)
    begun = time.monotonic()
    next_union = begun + PAUSE

    def report(layer: LayerNumber, done: int, size: int) -> None:
        sender.send(LayerRead(layer, done, size))

    for number, index in reader.layers(Job(partial(report, EMPTY), layers=report)):
        sender.send(LayerDone(number, memoryview(pack_index(index))))
        merged = len(reader.indexes)
        if number <= merged < total and not reader.is_kept and time.monotonic() >= next_union:
            sender.send(LayersMerged(LayerNumber(merged), memoryview(pack_union(reader.union()))))
            now = time.monotonic()
            next_union = now + (now - begun)
    _check(reader, request.image)
    union = reader.union()
    sender.send(LayersMerged(LayerNumber(total), memoryview(pack_union(union))))
    top = MergedTree(union, union.layers)
    sizes = layer_sizes(top)
    if cache is not None and reader.is_lasting:
        remember_bytes(cache, request.image.reference, image.id, total_of(sizes))
    sender.send(TreeDone(top.paths(), sizes))  # the app ends this process then


def read(
    request: Request, image: Image, sender: Sender, keep: Sequence[bytes] = ()
) -> "tuple[LayerUnion, Contents]":
    """Return the union of all layers and their contents, to look into; for ``keep`` see :class:`ImageReader`."""
    from layertui.content.read import Contents

    reader = ImageReader(image, _cache(request), keep)
    for _ in reader.layers(Job(layers=lambda layer, done, size: sender.send(LayerRead(layer, done, size)))):
        pass
    _check(reader, request.image)
    union = reader.union()
    return union, Contents(image, union.indexes, union)


def look(request: SurveyRequest, image: Image, sender: Sender) -> None:
    """Send the result of a part of the insight."""
    from layertui.insight.survey import KEEP, survey

    told = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TICK:
            told = time.monotonic()
            sender.send(FilesRead(done, total))

    found = survey(
        request.part, image, *read(request, image, sender, KEEP.get(request.part, ())), Job(progress)
    )
    for start in range(0, len(found.findings), AT_ONCE):
        sender.send(FindingsFound(list(found.findings[start : start + AT_ONCE])))
    sender.send(SurveyDone(replace(found, findings=())))


def search(request: SearchRequest, image: Image, sender: Sender) -> None:
    """Send the lines that match as they are found."""
    from layertui.content.search import Search

    searched = Search(image, *read(request, image, sender), request.query)
    waiting: list[LineMatch] = []
    told = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TICK:
            told = time.monotonic()
            send()
            sender.send(FilesRead(done, total))

    def send() -> None:
        if waiting:
            sender.send(LinesFound(waiting.copy()))
            waiting.clear()

    for match in searched.matches(Job(progress)):
        waiting.append(match)
        if len(waiting) == AT_ONCE:
            send()
    send()
    sender.send(SearchDone(", ".join(searched.left_out)))


def answer(request: Request, sender: Sender) -> None:
    """Open the image of a request and send what it asks for."""
    try:
        image = open_pinned(request.image)
        match request:
            case SearchRequest():
                search(request, image, sender)
            case SurveyRequest():
                look(request, image, sender)
            case _:
                load(request, image, sender)
    except LayertuiError as error:
        raise explain(error, request.image) from error


def _cache(request: Request) -> IndexCache | None:
    return IndexCache() if request.cache else None


def _check(reader: ImageReader, identity: Identity) -> None:
    """Raise :class:`ImageChanged` if layers cannot be read because the image is no longer what it was."""
    damage = next((index.damage for index in reader.indexes if index.damage), "")
    if damage and isinstance(error := explain(LayertuiError(damage), identity), ImageChanged):
        raise error


def confine(identity: Identity) -> None:
    """Give up what the files of an image need not: the kernel then stops what a fault in a decoder could do."""
    native = core()
    if native is None or parse_reference(identity.pinned).transport in CONNECTED_TRANSPORTS:
        return
    folder = cache_directory()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(OSError):
        native.confine([str(folder)])


def main() -> None:
    gc.disable()  # nothing here makes cycles, and millions of small objects come and stay
    sender = Sender(os.dup(sys.stdout.fileno()))
    try:
        request = receive(sys.stdin.buffer)
        if request is None:
            return  # the app has closed the pipe
        if hasattr(os, "nice"):
            os.nice(10)  # the process that draws the screen goes first
        confine(request.image)
        answer(request, sender)
    except ImageChanged as error:
        sender.send(Changed(error.name, error.is_removed))
    except (BrokenPipeError, KeyboardInterrupt):
        pass  # the app has closed the pipe
    except Exception as error:
        shown = unforeseen(error)
        sender.send(Failed(shown.what, shown.why, shown.remedy))


if __name__ == "__main__":
    main()
