"""Summarize the file changes of a build step."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from layertui.model.layer_index import Kind
from layertui.model.numbers import LayerNumber
from layertui.union.changes import SameContent
from layertui.union.layer_summary import LayerSummary, summarize_layer
from layertui.union.model import LayerUnion

LARGEST = 10
"""Files listed by name."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Changes of one layer against the layers below it."""

    layer: LayerNumber
    counts: LayerSummary
    size: int
    """Bytes of the files in the layer."""
    largest: Sequence[tuple[str, int]]
    """The largest files, with their bytes."""

    def to_json(self) -> dict[str, Any]:
        """Format for the command line."""
        counts = self.counts
        return {
            "added": counts.added,
            "modified": counts.modified + counts.attributes,
            "deleted": counts.deleted,
            "repeated": counts.repeated,
            "size": self.size,
            "hidden_bytes": counts.hidden_bytes,
            "largest": [{"path": path, "size": size} for path, size in self.largest],
        }


def effect_of(union: LayerUnion, layer: LayerNumber, same: SameContent | None = None) -> Effect:
    """Summarize a layer; without ``same`` no contents are compared."""
    files = [
        event
        for event in union.events_of(layer)
        if union.ev_kind[event] == Kind.FILE and union.ev_inode[event] == event
    ]
    largest = heapq.nlargest(LARGEST, files, key=union.size)
    return Effect(
        layer,
        summarize_layer(union, layer, same),
        sum(map(union.size, files)),
        [(union.path(union.ev_node[event]), union.size(event)) for event in largest if union.size(event)],
    )
