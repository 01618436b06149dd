"""Hand the contents of a layer to its visits, in step with the scan that fills its index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from layertui.layers.tar.window import Window
from layertui.layers.visit import MAX_READ, ContentBatch, LayerVisit, in_pieces
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import EntryNumber
from layertui.model.typed import cast

PASSING_CHUNK = 1 << 18
"""Bytes of a content read at once."""


class Passing:
    """The contents that pass while a layer is scanned, which otherwise are dropped."""

    def __init__(self, visits: Sequence[LayerVisit], index: LayerIndex) -> None:
        self._visits = visits
        self._index = index
        self._looked = 0
        self._seen = 0

    def look(self, keys: Sequence[bytes], tar: Window, chunk: bytes, base: int) -> None:
        """Hand over the contents of the new ``keys``, each element one key or several joined by slashes.

        Their headers are in ``chunk``, which starts at ``base`` of the tar. So are their contents, except that the
        last may end beyond it: the rest is read from ``tar``. Raises the errors of reading it.
        """
        first, new_keys = self._seen, keys[self._looked :]
        if not new_keys:
            return
        self._looked, self._seen = len(keys), len(self._index.kind)
        wanted = []
        for visit in self._visits:
            positions = visit.among(new_keys)
            entries = range(first, self._seen) if positions is None else map(first.__add__, positions)
            wanted.append((visit, self._files(cast("Iterable[EntryNumber]", entries), base)))
        last = max((files[-1] for _, files in wanted if files), default=None)
        if last is None:
            return
        entry, start, end = last
        is_large = end - start > MAX_READ
        if end > len(chunk) and not is_large:
            chunk = b"".join((chunk, *_between(tar, base + len(chunk), base + end)))
        large = []
        for visit, files in wanted:
            if is_large and files and files[-1] == last:
                files.pop()
                large.append(visit.large(entry, end - start))
            if files:
                visit.batch(ContentBatch(chunk, files))
        taking = [each for each in large if each is not None]
        if taking:
            rest = _between(tar, base + len(chunk), base + end)
            for piece in in_pieces(chain((chunk[start:end],), rest)):
                for each in taking:
                    each.add(piece)
            for each in taking:
                each.end()

    def _files(self, entries: Iterable[EntryNumber], base: int) -> list[tuple[EntryNumber, int, int]]:
        """Return those with content, and without holes, with start and end of the content from ``base`` on."""
        index = self._index
        kinds, sizes, offsets, extras = index.kind, index.size, index.offset, index.extra
        return [
            (entry, offsets[entry] - base, offsets[entry] - base + sizes[entry])
            for entry in entries
            if sizes[entry]
            and not kinds[entry]  # Kind.FILE
            and (entry not in extras or extras[entry].sparse is None)
        ]


def _between(tar: Window, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a tar between two offsets; fewer if it ends before."""
    while start < end:
        data, place = tar.at(start, min(end - start, PASSING_CHUNK))
        piece = data[place : place + end - start]
        if not piece:
            return
        yield piece
        start += len(piece)
