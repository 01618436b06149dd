"""Where contents lie in a layer, and which of them are read in one piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from layertui.model.numbers import EntryNumber, Event, LayerNumber

MAX_READ = 4 << 20
"""Bytes that are read in one piece, unless a single file has more."""
MAX_GAP = 1 << 16
"""Bytes between two files beyond which reading them too costs more than it saves."""


@dataclass(frozen=True, slots=True)
class FileExtent:
    """Where a file's content lies."""

    path: str
    layer: LayerNumber
    entry: EntryNumber
    size: int
    offset: int
    """In the layer's tar."""
    sparse: tuple[tuple[int, int], ...] | None
    """As in :class:`layertui.model.layer_index.Extra`."""

    @property
    def stored_ranges(self) -> Sequence[tuple[int, int]]:
        """Its parts that are stored, as (offset, length)."""
        return ((0, self.size),) if self.sparse is None else self.sparse

    @property
    def end(self) -> int:
        """Where it ends in the tar, of a file without holes."""
        return self.offset + self.size


class Batch(NamedTuple):
    """Contents of many files in one piece."""

    data: bytes
    files: list[tuple[Event, int, int]]
    """Event of each file, where its content starts in ``data`` and where it ends."""


def coalesce(files: Iterable[tuple[FileExtent, Event]]) -> Iterator[list[tuple[FileExtent, Event]]]:
    """Files of one tar, with their events, in the order they lie in: lists of what is read in one piece."""
    group: list[tuple[FileExtent, Event]] = []
    for file, event in files:
        if group:
            first, last = group[0][0], group[-1][0]
            is_near = 0 <= file.offset - last.end <= MAX_GAP and file.end - first.offset <= MAX_READ
            if not is_near or last.sparse is not None or file.sparse is not None:
                yield group
                group = []
        group.append((file, event))
    if group:
        yield group
