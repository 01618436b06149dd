"""What a layer did, in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from layertui.model.layer_index import Kind
from layertui.union.changes import Mark, SameContent, mark_of
from layertui.union.model import LayerUnion


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """How many paths a layer added, modified and deleted below some path, and what it hides there."""

    added: int
    modified: int
    deleted: int
    repeated: int
    undecided: int
    """Stored again with the same metadata and size; only reading tells whether they are modified."""
    hidden: int
    """Versions that were visible below the layer and no longer are, directories aside."""
    hidden_bytes: int
    """The bytes of their files."""
    hidden_event: int
    """One of them; -1 if there are none."""


def summarize_layer(
    union: LayerUnion, layer: int, same: SameContent | None = None, top: int = 0
) -> LayerSummary:
    """The sums of a layer below the path ``top``; without ``same`` no contents are compared.

    Takes time with what lies on paths of the layers below, hardly any with what is new.
    """
    start, stop = union.starts[layer - 1], union.starts[layer]
    inside: Sequence[int] = range(start, stop)
    if top:
        low, high = top + 1, union.end[top]
        inside = [event for event in inside if low <= union.ev_node[event] < high]
        firsts = sum(union.ev_prev[event] < 0 for event in inside)
    else:
        firsts = sum(map((0).__gt__, union.ev_prev[start:stop])) - (layer == 1)
    marks = [0] * len(Mark)
    hidden, event = 0, -1
    inodes = set()
    again = {union.ev_node[later] for later in inside if union.ev_prev[later] >= 0} - {top}
    for node in again:
        before, after = union.at(node, layer - 1), union.at(node, layer)
        if union.last_by(node, layer - 1) < 0:
            firsts -= 1
        if after >= 0:
            marks[mark_of(union, before, after, same)] += 1
        elif before >= 0:
            marks[Mark.DELETED] += 1
        if before >= 0 and before != after and union.ev_kind[before] != Kind.DIRECTORY:
            hidden, event = hidden + 1, before
            inodes.add(union.ev_inode[before])
    gone = (inode for inode in inodes if union.at(union.ev_node[inode], layer) != inode)
    return LayerSummary(
        added=firsts + marks[Mark.ADDED],
        modified=marks[Mark.MODIFIED],
        deleted=marks[Mark.DELETED],
        repeated=marks[Mark.REPEATED],
        undecided=marks[Mark.REWRITTEN],
        hidden=hidden,
        hidden_bytes=sum(map(union.size, gone)),
        hidden_event=event,
    )
