"""Opens, scans and merges an image in a process of its own, or looks into its files.

``python -m layertui.worker.main`` reads one request from standard input, JSON, and writes frames to
standard output: four bytes of length (little endian), one byte that says what it is, the
payload. Whoever has heard enough kills it, so the screen stays quick and nothing goes on in vain.

===== ==================================================================
``p`` progress: msgpack ``[layer, bytes read, bytes in all]``; layer 0 is a stream that brings all
``x`` a layer's index: msgpack ``[layer, packed index]``, any order
``u`` the union of layers 1 to k: msgpack ``[k, encoded union]``
``d`` all is done: msgpack ``[paths of the merged tree, bytes stored that it does not show]``; the last frame
``l`` progress of looking into a part, or of a search: msgpack ``[bytes behind, bytes in all]``
``f`` some of its findings: JSON, as texts may hold lone surrogates
``s`` the rest of its survey: JSON; the last frame
``m`` some of the lines that a search finds: a JSON array
``n`` all has been searched: msgpack ``[what was left out]``; the last frame
``e`` it failed: msgpack ``[what, why, remedy]``; the last frame
===== ==================================================================
"""

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from layertui.layers.codec import IndexCache, pack
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.sources import open_image
from layertui.union.load import ImageReader
from layertui.union.merged_tree import MergedTree

if TYPE_CHECKING:
    from layertui.content.read import Contents
    from layertui.union.model import LayerUnion

PAUSE = 0.25
"""Seconds until the first union while layers still arrive, at least; the next waits as long as all has taken so far."""
TICK = 0.05
"""Seconds between two reports of how far looking into files has come, at least."""
AT_ONCE = 500
"""Findings or lines in a frame: what takes them apart must not hold up the screen."""


class Request(msgspec.Struct):
    """What to open."""

    reference: str
    """With lone surrogates where a path is not UTF-8."""
    platform: str | None = None
    cache: bool = True
    part: str = ""
    """The part of the insight to look into (see :mod:`layertui.insight.survey`); empty to read the image."""
    query: dict[str, Any] | None = None
    """What to search for (see :class:`layertui.content.search.Query`), in place of either."""


class Frames:
    """Writes frames, from several threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, tag: bytes, *values: Any) -> None:
        self.write(tag, msgspec.msgpack.encode(values))

    def send_json(self, tag: bytes, value: Any) -> None:
        self.write(tag, json.dumps(msgspec.to_builtins(value)).encode())

    def write(self, tag: bytes, payload: bytes) -> None:
        frame = memoryview(len(payload).to_bytes(4, "little") + tag + payload)
        with self._lock:
            while frame:
                frame = frame[os.write(self._descriptor, frame) :]


def load(image: Image, cache: IndexCache | None, frames: Frames) -> None:
    """Send the image's indexes as they are read, unions of the layers that are complete, and the sums.

    A union of some layers is sent only while others still load, and ever more seldom: to merge
    them takes time here, and to show them there.
    """
    reader = ImageReader(image, cache)
    total = len(image.layers)
    begun = time.monotonic()
    next_union = begun + PAUSE

    def progress(layer: int, done: int, size: int) -> None:
        frames.send(b"p", layer, done, size)

    if image.arrival is not None:
        image.arrival.watch(lambda done, size: progress(0, done, size))
    for number, index in reader.layers(progress):
        frames.send(b"x", number, pack(index))
        merged = len(reader.indexes)
        if number <= merged < total and not reader.is_kept and time.monotonic() >= next_union:
            frames.send(b"u", merged, reader.union().encode())
            now = time.monotonic()
            next_union = now + (now - begun)
    union = reader.union()
    frames.send(b"u", total, union.encode())
    top = MergedTree(union, total)
    frames.send(b"d", top.paths(), union.stored_bytes() - top.subtree_size(0))


def read(
    image: Image, cache: IndexCache | None, frames: Frames, keep: Sequence[bytes] = ()
) -> "tuple[LayerUnion, Contents]":
    """The union of all layers and their contents, to look into; for ``keep`` see :class:`ImageReader`."""
    from layertui.content.read import Contents

    reader = ImageReader(image, cache, keep)
    for _ in reader.layers(lambda layer, done, size: frames.send(b"p", layer, done, size)):
        pass
    union = reader.union()
    return union, Contents(image, union.indexes, union)


def look(part: str, image: Image, cache: IndexCache | None, frames: Frames) -> None:
    """Send what there is to tell of a part of the insight."""
    from layertui.insight.survey import KEEP, survey

    told = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TICK:
            told = time.monotonic()
            frames.send(b"l", done, total)

    found = survey(part, image, *read(image, cache, frames, KEEP.get(part, ())), progress)
    for start in range(0, len(found.findings), AT_ONCE):
        frames.send_json(b"f", found.findings[start : start + AT_ONCE])
    frames.send_json(b"s", replace(found, findings=()))


def search(query: dict[str, Any], image: Image, cache: IndexCache | None, frames: Frames) -> None:
    """Send the lines that match as they are found."""
    from layertui.content.search import LineMatch, Query, Search

    searched = Search(*read(image, cache, frames), Query(**query))
    waiting: list[LineMatch] = []
    told = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TICK:
            told = time.monotonic()
            send()
            frames.send(b"l", done, total)

    def send() -> None:
        if waiting:
            frames.send_json(b"m", waiting)
            waiting.clear()

    for match in searched.matches(progress):
        waiting.append(match)
        if len(waiting) == AT_ONCE:
            send()
    send()
    frames.send(b"n", ", ".join(searched.left_out))


def main() -> None:
    gc.disable()  # nothing here makes cycles, and millions of small objects come and stay
    frames = Frames(os.dup(sys.stdout.fileno()))
    try:
        request = msgspec.convert(json.loads(sys.stdin.buffer.read()), Request)
        os.nice(10)  # the process that draws the screen goes first
        image = open_image(request.reference, request.platform)
        cache = IndexCache() if request.cache else None
        if request.query is not None:
            search(request.query, image, cache, frames)
        elif request.part:
            look(request.part, image, cache, frames)
        else:
            load(image, cache, frames)
    except LayertuiError as error:
        parts = (error.what, error.why, error.remedy)
        frames.send(b"e", *(part.encode("utf-8", "surrogateescape") for part in parts))
    except (BrokenPipeError, KeyboardInterrupt):
        pass  # nobody listens any more


if __name__ == "__main__":
    main()
