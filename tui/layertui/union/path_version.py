"""What each layer did to a path, as objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from layertui.model.entry import Entry
from layertui.model.numbers import LayerNumber, Node
from layertui.union.lookup import versions
from layertui.union.model import WHITEOUT_NAMES, Absence, LayerUnion


@dataclass(frozen=True, slots=True)
class PathVersion:
    """What one layer did to a path: stored it (``entry``) or deleted it (``deleted``)."""

    path: str
    layer: LayerNumber
    entry: Entry | None
    """``None`` if the layer deleted the path."""
    deleted: str | None
    """How: ``file`` (by a whiteout), ``opaque`` (by an opaque whiteout above it) or ``replaced`` (a directory above
    it became something else)."""


def path_versions(union: LayerUnion, node: Node) -> Sequence[PathVersion]:
    """Return the versions of a path, base first; raises as :func:`versions`."""
    return [
        PathVersion(
            union.path(node),
            union.ev_layer[event],
            union.entry(event) if union.shows(event) else None,
            None if union.shows(event) else WHITEOUT_NAMES[Absence(union.ev_entry[event])],
        )
        for event in versions(union, node)
    ]
