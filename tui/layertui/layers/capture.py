"""Capture selected contents during the scan of a layer, for the analysis that follows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from layertui.layers.visit import ContentBatch, Room
from layertui.model.layer_index import LayerIndex, keys_ending
from layertui.model.numbers import EntryNumber

CAPTURE_ROOM = 64 << 20
"""Bytes of contents captured of one image. Anything beyond is read when it is needed."""


class Keep:
    """Selects the files of an image whose contents are captured: a visitor that leaves them in the index."""

    def __init__(self, patterns: Sequence[bytes], room: int = CAPTURE_ROOM) -> None:
        """``patterns`` tell how the keys of the files end, as in :meth:`layertui.union.model.LayerUnion.matching`."""
        self._pattern = keys_ending(patterns)
        self._room = Room(room)

    def __call__(self) -> CaptureVisit:
        return CaptureVisit(self)

    def among(self, keys: Sequence[bytes]) -> Iterator[int]:
        """Yield the positions of the selected files among these keys."""
        text, number, at = b"/" + b"/".join(keys), -1, 0
        for match in self._pattern.finditer(text):
            number += text.count(b"/", at, match.end())
            at = match.end()
            yield number

    def takes(self, size: int) -> bool:
        """Reserve room for a content; return whether it fits."""
        return self._room.takes(size)


class CaptureVisit:
    """Captures contents of one layer."""

    def __init__(self, keep: Keep) -> None:
        self.among = keep.among
        self._takes = keep.takes
        self._contents: dict[int, bytes] = {}

    def batch(self, batch: ContentBatch[EntryNumber]) -> None:
        for entry, start, end in batch.files:
            if self._takes(end - start):
                self._contents[entry] = batch.data[start:end]

    def large(self, entry: EntryNumber, size: int) -> _Captured | None:
        return _Captured(self._contents, entry) if self._takes(size) else None

    def end(self, index: LayerIndex) -> None:
        index.contents |= self._contents


class _Captured:
    def __init__(self, contents: dict[int, bytes], entry: EntryNumber) -> None:
        self._contents = contents
        self._entry = entry
        self._pieces: list[bytes] = []
        self.add = self._pieces.append

    def end(self) -> None:
        self._contents[self._entry] = b"".join(self._pieces)
