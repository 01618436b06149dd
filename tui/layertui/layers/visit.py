"""Visit the contents of a layer while it is decompressed to be indexed, so that no question decompresses it again.

What a visit finds is an addition: files that were not visited (of layers that are cached, not compressed, or
damaged; with holes; or that a visit had no room for) are read when they are needed, and must give the same answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from layertui.model.errors import LayertuiError
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import EntryNumber
from layertui.model.typed import Generic, NamedTuple, Protocol, TypeVar

MAX_READ = 4 << 20
"""Bytes of files that are visited or read together; a larger file comes alone, in pieces."""
VISITED_PIECE = 1 << 20
"""Bytes of each piece of such a file, but of the last."""

Key = TypeVar("Key", bound=int)
"""Identifies a file: its event in a union, or its entry in the layer that is scanned."""
Visited = TypeVar("Visited")


class ContentBatch(NamedTuple, Generic[Key]):
    """The contents of several files of a layer."""

    data: bytes
    files: list[tuple[Key, int, int]]
    """Each file, and start and end of its content in ``data``; in the order of the tar."""


class LargeVisit(Protocol):
    """Is given one large file."""

    def add(self, piece: bytes) -> None:
        """Take the next :data:`VISITED_PIECE` bytes of the file, less only at its end."""

    def end(self) -> None:
        """Take note that the file is complete."""


class LayerVisit(Protocol):
    """Is given contents of one layer, in the thread that scans it; those of files that are empty or have holes are not."""

    def among(self, keys: Sequence[bytes]) -> Iterable[int] | None:
        """Return the positions of the files that it wants among these keys; ``None`` for all.

        An element of ``keys`` is one key, or several joined by slashes, each of which counts.
        """

    def batch(self, batch: ContentBatch[EntryNumber]) -> None:
        """Take the contents of some files, each at most :data:`MAX_READ` bytes."""

    def large(self, entry: EntryNumber, size: int) -> LargeVisit | None:
        """Return what takes the content of a larger file; ``None`` if it is not wanted."""

    def end(self, index: LayerIndex) -> None:
        """Leave in the index what was found: the layer has been read completely, and is what it claims to be.

        Not called for a damaged layer.
        """


Visitor = Callable[[], LayerVisit]
"""Begins a visit; called once for each layer that is scanned, in several threads."""


def visit_of(index: LayerIndex, kind: type[Visited]) -> Visited | None:
    """Return the visit of a kind that left what it found in an index; ``None`` without."""
    return next((visit for visit in index.visits if isinstance(visit, kind)), None)


def in_pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of :data:`VISITED_PIECE` bytes, so that no answer depends on how they are read.

    Before an error, the bytes that came before it are yielded.
    """
    waiting = bytearray()
    try:
        for part in parts:
            waiting += part
            while len(waiting) >= VISITED_PIECE:
                yield bytes(waiting[:VISITED_PIECE])
                del waiting[:VISITED_PIECE]
    except LayertuiError:
        if waiting:
            yield bytes(waiting)
        raise
    if waiting:
        yield bytes(waiting)


class Room:
    """Bytes of memory for what the visits of an image keep; safe to share between threads."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    def takes(self, size: int) -> bool:
        """Reserve some bytes; return whether they fit."""
        with self._lock:
            fits = size <= self._left
            self._left -= size if fits else 0
            return fits
