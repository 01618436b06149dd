"""Reads images in a process of its own: the tree of one, a part of its insight, a search in it or in many.

``python -m layertui.worker.main`` reads one request (:mod:`layertui.worker.protocol`) from standard
input and writes frames to standard output. The app kills it when it needs no more, so that a
screen stays responsive and no work is wasted.
"""

import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from layertui.cache.image_bytes import remember_bytes
from layertui.cache.indexes import IndexCache
from layertui.insight.layer_sums import remember_sums
from layertui.insight.sizes import layer_sizes
from layertui.layers.codec import narrow, pack_index
from layertui.layers.visit import Visitor
from layertui.model.errors import ImageChanged, LayertuiError
from layertui.model.history_step import step_text
from layertui.model.identity import Identity, identity_of
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.model.sizes import total_of
from layertui.model.system import return_free_memory
from layertui.model.unforeseen import unforeseen
from layertui.sources.confinement import can_confine, confine
from layertui.sources.pinned import explain, open_pinned
from layertui.union.codec import union_pieces
from layertui.union.load import ImageReader
from layertui.union.merged_tree import MergedTree
from layertui.worker.protocol import (
    Changed,
    Failed,
    FilesRead,
    FindDone,
    FindingsFound,
    FindRequest,
    ImageBegun,
    ImageDone,
    ImagePinned,
    ImageRequest,
    ItemsFound,
    LayerDone,
    LayerRead,
    LayersMerged,
    LinesFound,
    Message,
    SearchDone,
    SearchRequest,
    Sender,
    SurveyDone,
    SurveyRequest,
    TreeDone,
    receive,
)

if TYPE_CHECKING:
    from layertui.content.read import Contents
    from layertui.union.model import LayerUnion

PAUSE = 0.25
"""Seconds before the first union of some layers, at least; the next waits as long as everything before it took."""
TICK = 0.05
"""Seconds between reports of progress, at least."""
MANY_ENTRIES = 100_000
"""Entries from which on memory counts."""
AT_ONCE = 500
"""Findings or lines in a frame, few enough that unpacking them does not delay the screen."""


def load(request: ImageRequest, image: Image, sender: Sender) -> None:
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
        narrow(index)
        sender.send(LayerDone(number, memoryview(pack_index(index))))
        merged = len(reader.indexes)
        if number <= merged < total and not reader.is_kept and time.monotonic() >= next_union:
            _send_union(sender, reader)
            now = time.monotonic()
            next_union = now + (now - begun)
    _check(reader, request.image)
    union = _send_union(sender, reader)
    top = MergedTree(union, union.layers)
    sizes = layer_sizes(top)
    if cache is not None and reader.is_lasting:
        remember_bytes(cache, request.image.reference, image.id, total_of(sizes))
        remember_sums(image, union, sizes, cache)
    sender.send(TreeDone(top.paths(), sizes))  # the app ends this process then


def _send_union(sender: Sender, reader: ImageReader) -> "LayerUnion":
    """Send the union of the layers that have been read, and return it."""
    if sum(index.count for index in reader.indexes) >= MANY_ENTRIES:
        return_free_memory()  # what reading took: merging takes most
    union = reader.union()
    pieces = union_pieces(union)
    sender.send(LayersMerged(union.layers, list(map(len, pieces))), pieces)
    return union


def read(
    request: ImageRequest, image: Image, sender: Sender, visitors: Sequence[Visitor] = ()
) -> "tuple[LayerUnion, Contents]":
    """Return the union of all layers and their contents, to look into; for ``visitors`` see :class:`ImageReader`."""
    from layertui.content.read import Contents

    reader = ImageReader(image, _cache(request), visitors)
    for _ in reader.layers(Job(layers=lambda layer, done, size: sender.send(LayerRead(layer, done, size)))):
        pass
    _check(reader, request.image)
    union = reader.union()
    return union, Contents(image, union.indexes, union)


class Outbox:
    """Sends what is found in frames of many items, and progress a few times a second."""

    def __init__(self, sender: Sender, frame: Callable[[list[Any]], Message] | None = None) -> None:
        """``frame`` makes a frame of items."""
        self._sender = sender
        self._frame = frame
        self._waiting: list[Any] = []
        self._told = 0.0

    def put(self, item: object) -> None:
        """Send an item, at the latest with the next progress."""
        self._waiting.append(item)
        if len(self._waiting) == AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Send the items that wait."""
        if self._waiting and self._frame is not None:
            self._sender.send(self._frame(self._waiting))
            self._waiting = []

    def files(self, done: int, total: int) -> None:
        """Report the bytes of files; in the thread that finds items."""
        if self._is_time():
            self.flush()
            self._sender.send(FilesRead(done, total))

    def layer(self, layer: LayerNumber, done: int, total: int) -> None:
        """Report the bytes of a layer; in any thread, before items are found in it."""
        if self._is_time():
            self._sender.send(LayerRead(layer, done, total))

    def _is_time(self) -> bool:
        now = time.monotonic()
        is_time = now - self._told >= TICK
        if is_time:
            self._told = now
        return is_time


def look(request: SurveyRequest, image: Image, sender: Sender) -> None:
    """Send the result of a part of the insight."""
    from layertui.insight.survey import survey
    from layertui.insight.visiting import visitors_of

    read_image = read(request, image, sender, visitors_of([request.part]))
    found = survey(request.part, image, *read_image, Job(Outbox(sender).files))
    for start in range(0, len(found.findings), AT_ONCE):
        sender.send(FindingsFound(list(found.findings[start : start + AT_ONCE])))
    sender.send(SurveyDone(replace(found, findings=())))


def search(request: SearchRequest, image: Image, sender: Sender) -> None:
    """Send the lines that match as they are found."""
    from layertui.content.line_visit import line_visitor
    from layertui.content.search import Search

    searched = Search(image, *read(request, image, sender, [line_visitor(request.query)]), request.query)
    outbox = Outbox(sender, LinesFound)
    for match in searched.matches(Job(outbox.files)):
        outbox.put(match)
    outbox.flush()
    sender.send(SearchDone(", ".join(searched.left_out)))


def find_many(request: FindRequest, sender: Sender) -> None:
    """Send what matches in each image as it is found; what cannot be read of one does not end the search."""
    from layertui.find.asking import find_in, finder_of
    from layertui.sources import open_image

    finder = finder_of(request.kind, request.pattern, _cache(request))
    outbox = Outbox(sender, ItemsFound)
    job = Job(outbox.files, layers=outbox.layer)

    def opened(reference: str) -> Image:
        image = open_image(reference, request.platform, job)
        steps = {each.layer: step_text(each) for each in image.history}
        of_layers = [steps.get(layer.number, "") for layer in image.layers]
        sender.send(ImagePinned(identity_of(image), of_layers))
        return image

    for reference in request.images:
        sender.send(ImageBegun())
        problems: list[str] = []
        for item in find_in(finder, partial(opened, reference), problems, job):
            outbox.put(item)
        outbox.flush()
        sender.send(ImageDone(problems))
    sender.send(FindDone())


def answer(request: ImageRequest | FindRequest, sender: Sender) -> None:
    """Open the image of a request and send what it asks for."""
    if isinstance(request, FindRequest):
        find_many(request, sender)
        return
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


def _cache(request: ImageRequest | FindRequest) -> IndexCache | None:
    return IndexCache() if request.cache else None


def _check(reader: ImageReader, identity: Identity) -> None:
    """Raise :class:`ImageChanged` if layers cannot be read because the image is no longer what it was."""
    damage = next((index.damage for index in reader.indexes if index.damage), "")
    if damage and isinstance(error := explain(LayertuiError(damage), identity), ImageChanged):
        raise error


def main() -> None:
    gc.disable()  # nothing here makes cycles, and millions of small objects come and stay
    sender = Sender(os.dup(sys.stdout.fileno()))
    try:
        request = receive(sys.stdin.buffer)
        if request is None:
            return  # the app has closed the pipe
        if hasattr(os, "nice"):
            os.nice(10)  # the process that draws the screen goes first
        if can_confine(request.images if isinstance(request, FindRequest) else [request.image.pinned]):
            confine()
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
