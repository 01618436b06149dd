"""The size of each instruction, and advice to save bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from layertui.dockerfile import Instruction
from layertui.dockerfile.advice import Advice, advice, saved
from layertui.dockerfile.remedies import COPYING
from layertui.insight.waste import Reason, Waste
from layertui.model.image import Image
from layertui.model.numbers import LayerNumber
from layertui.model.sizes import Bytes, total_of
from layertui.text.format import count_text, size_text
from layertui.union.model import LayerUnion

_COPYING = (Reason.METADATA, Reason.TOUCHED, Reason.REPEATED, Reason.MOVED)
"""Reasons for which a layer stores contents that lower layers have."""
_NOTABLE = 0.01
"""Share of the image's bytes from which a remark is made."""


@dataclass(frozen=True, slots=True)
class Bill:
    """The sizes and advice from the layers; empty if these have not been read."""

    sizes: Sequence[Bytes] = ()
    """By layer, base first."""
    pieces: Sequence[Advice] | None = None
    """Largest first; None if unknown."""
    remarks: Mapping[LayerNumber, str] = field(default_factory=dict)
    """By layer, the wasted work of its step, a clause."""

    @property
    def total(self) -> Bytes:
        """All bytes of the image."""
        return total_of(self.sizes)

    @property
    def saved(self) -> int:
        """Bytes that all the advice together saves."""
        return saved(self.pieces or ())

    def size_of(self, each: Instruction) -> Bytes | None:
        """Return the bytes that an instruction stores; None if unknown."""
        if each.layer is None:
            return Bytes(0, 0)
        return self.sizes[each.layer - 1] if each.layer <= len(self.sizes) else None


def bill_of(
    image: Image,
    union: LayerUnion,
    sizes: Sequence[Bytes],
    wasted: Waste,
    found: Sequence[Instruction],
) -> Bill:
    """Return the bill of all layers' instructions; ``sizes`` are :func:`layertui.insight.sizes.layer_sizes`."""
    pieces = advice(union, wasted, found, image.platform.os == "windows")
    return Bill(sizes, pieces, _remarks(wasted, found, total_of(sizes).size))


def _remarks(wasted: Waste, found: Sequence[Instruction], total: int) -> dict[LayerNumber, str]:
    """Return a remark by layer: its step deletes what stays stored, or stores again what is stored."""
    deleted: dict[LayerNumber, int] = {}
    copied: dict[LayerNumber, tuple[int, int]] = {}  # files and bytes
    for row in wasted.paths:
        if row.layer == row.by:
            continue  # a layer that stores a path twice
        if row.reason == Reason.DELETED:
            deleted[row.by] = deleted.get(row.by, 0) + row.size
        elif row.reason in _COPYING:
            files, size = copied.get(row.by, (0, 0))
            copied[row.by] = files + 1, size + row.size
    remarks = {}
    for each in found:
        if each.layer is None:
            continue
        clauses = []
        if (size := deleted.get(each.layer, 0)) and size >= total * _NOTABLE:
            clauses.append(f"frees 0 of {size_text(size)}")
        files, size = copied.get(each.layer, (0, 0))
        if size and size >= total * _NOTABLE:
            many = count_text(files, "file")
            clauses.append(f"stores {many} again" if each.keyword in COPYING else f"copies {many}")
        if clauses:
            remarks[each.layer] = ", ".join(clauses)
    return remarks
