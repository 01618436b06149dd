"""Capture selected file contents during the scan of a layer, for the analysis that follows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from layertui.layers.tar.window import Window
from layertui.model.layer_index import Kind, LayerIndex, keys_ending

CAPTURE_ROOM = 64 << 20
"""Bytes of contents captured of one image. Anything beyond is read when it is needed."""
CAPTURE_CHUNK = 1 << 18
"""Bytes of a content read at once."""


class Keep:
    """Selects the files of an image whose contents are captured; safe to share between threads."""

    def __init__(self, patterns: Sequence[bytes], room: int = CAPTURE_ROOM) -> None:
        """``patterns`` tell how the keys of the files end, as in :meth:`layertui.union.model.LayerUnion.matching`."""
        self._pattern = keys_ending(patterns)
        self._room = room
        self._lock = threading.Lock()

    def among(self, keys: Sequence[bytes]) -> Iterator[int]:
        """Yield the positions of the selected files among these keys."""
        text, number, at = b"/" + b"/".join(keys), -1, 0
        for match in self._pattern.finditer(text):
            number += text.count(b"/", at, match.end())
            at = match.end()
            yield number

    def takes(self, size: int) -> bool:
        """Reserve room for a content; return whether it fits."""
        with self._lock:
            fits = size <= self._room
            self._room -= size if fits else 0
            return fits


class Keeper:
    """Captures contents of one layer into its index, in step with the scan that fills it."""

    def __init__(self, keep: Keep, index: LayerIndex) -> None:
        self._keep = keep
        self._index = index
        self._looked = 0
        self._seen = 0

    def look(self, keys: Sequence[bytes], tar: Window, chunk: bytes, base: int) -> None:
        """Capture the selected files among the new ``keys``, each element one key or several joined by slashes.

        Their headers are in ``chunk``, which starts at ``base`` of the tar; contents beyond it are read
        from ``tar``. Raises the errors of reading it.
        """
        index, first = self._index, self._seen
        new_keys = keys[self._looked :]
        self._looked, self._seen = len(keys), len(index.kind)
        for new in self._keep.among(new_keys) if new_keys else ():
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
    """Return the bytes of a tar from ``offset`` on; fewer if it ends before."""
    pieces = [chunk[offset - base : offset - base + size]]
    position, end = offset + len(pieces[0]), offset + size
    while position < end:
        data, start = tar.at(position, min(end - position, CAPTURE_CHUNK))
        piece = data[start : start + end - position]
        if not piece:
            break
        pieces.append(piece)
        position += len(piece)
    return b"".join(pieces)
