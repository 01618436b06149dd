"""Contents that are kept while a layer is read, for a question that will be asked right afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from layertui.layers.tar.window import Window
from layertui.model.layer_index import Kind, LayerIndex, keys_ending

CAPTURE_ROOM = 64 << 20
"""Bytes of contents that are kept of one image. What would not fit is read when it is asked for."""
CAPTURE_CHUNK = 1 << 18
"""Bytes of a content that are taken at once."""


class Keep:
    """The files of one image whose contents are kept while they pass by; safe to share between threads."""

    def __init__(self, patterns: Sequence[bytes], room: int = CAPTURE_ROOM) -> None:
        """``patterns`` tell how the keys of the files end, as in :meth:`layertui.union.model.LayerUnion.matching`."""
        self._pattern = keys_ending(patterns)
        self._room = room
        self._lock = threading.Lock()

    def among(self, keys: Sequence[bytes]) -> Iterator[int]:
        """Which of these keys are those of such files."""
        text, number, at = b"/" + b"/".join(keys), -1, 0
        for match in self._pattern.finditer(text):
            number += text.count(b"/", at, match.end())
            at = match.end()
            yield number

    def takes(self, size: int) -> bool:
        """Whether so many bytes fit; they count from then on."""
        with self._lock:
            fits = size <= self._room
            self._room -= size if fits else 0
            return fits


class Keeper:
    """Keeps contents of one layer in its index, in step with the scan that fills it."""

    def __init__(self, keep: Keep, index: LayerIndex) -> None:
        self._keep = keep
        self._index = index
        self._seen = 0

    def look(self, keys: Sequence[bytes], tar: Window, chunk: bytes, base: int) -> None:
        """Keep what is wanted of the entries that are new among ``keys``.

        Their headers lie in ``chunk``, which starts at ``base`` of the tar. Goes on in ``tar`` where the last
        content does, and raises what reading it does.
        """
        index, first = self._index, self._seen
        self._seen = len(keys)
        for new in self._keep.among(keys[first:]) if self._seen > first else ():
            number = first + new
            size = index.size[number]
            extra = index.extra.get(number)
            if index.kind[number] != Kind.FILE or (extra and extra.sparse is not None):
                continue
            if self._keep.takes(size):
                content = _content(tar, chunk, base, index.offset[number], size)
                if len(content) == size:
                    index.contents[number] = content


def _content(tar: Window, chunk: bytes, base: int, offset: int, size: int) -> bytes:
    """The bytes of a tar from ``offset`` on; fewer if it ends before."""
    pieces = [chunk[offset - base : offset - base + size]]
    position, end = offset + len(pieces[0]), offset + size
    while position < end:
        piece = tar.at(position, min(end - position, CAPTURE_CHUNK))[: end - position]
        if not piece:
            break
        pieces.append(piece)
        position += len(piece)
    return b"".join(pieces)
