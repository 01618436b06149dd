"""Extents of file contents in a layer, and which of them are read together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from layertui.layers.visit import MAX_READ
from layertui.model.numbers import EntryNumber, Event, LayerNumber

MAX_GAP = 1 << 16
"""Bytes between two files beyond which they are read separately: reading the gap would take longer."""


@dataclass(frozen=True, slots=True)
class FileExtent:
    """The location of a file's content."""

    path: str
    layer: LayerNumber
    entry: EntryNumber
    size: int
    offset: int
    """Offset of the stored bytes in the layer's uncompressed tar; 0 in an unpacked layer."""
    sparse: tuple[tuple[int, int], ...] | None
    """The sparse map, see :class:`layertui.model.layer_index.Extra`; ``None`` if the file is not sparse."""

    @property
    def stored_ranges(self) -> Sequence[tuple[int, int]]:
        """The ranges of the file that are stored, as (offset, length); the rest reads as zeros."""
        return ((0, self.size),) if self.sparse is None else self.sparse

    @property
    def end(self) -> int:
        """End of the content in the tar, of a file that is not sparse."""
        return self.offset + self.size


class LargeFile(NamedTuple):
    """A file that is larger than a batch."""

    event: Event
    size: int
    pieces: Iterator[bytes]
    """Its bytes, each hole as one zero, in pieces as of :func:`~layertui.layers.visit.in_pieces`.

    To be read before the next batch is asked for, or not at all.
    """


def coalesce(files: Iterable[tuple[FileExtent, Event]]) -> Iterator[list[tuple[FileExtent, Event]]]:
    """Group files of one tar, given in the order of their offsets, by what is read together."""
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
