"""The changes of one layer as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from layertui.model.layer_index import Kind
from layertui.model.numbers import BASE, NO_EVENT, ROOT, Event, LayerNumber, Node
from layertui.union.changes import UNDECIDED, Mark, SameContent, mark_of
from layertui.union.model import LayerUnion


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """Number of paths that a layer added, modified and deleted below some path, and what it hides there."""

    added: int
    modified: int
    """Paths whose content, type, link target or device differs."""
    attributes: int
    """Paths of which nothing but attributes differs."""
    deleted: int
    repeated: int
    undecided: int
    """Paths stored again with the same size: one of the above once their contents are compared."""
    hidden: int
    """Files, symlinks and other non-directories of lower layers that this layer overwrites or deletes."""
    hidden_bytes: int
    """Bytes of those files that no remaining hardlink shows."""
    hidden_event: Event
    """One of the hidden versions; -1 if there are none."""

    @property
    def by_mark(self) -> dict[Mark, int]:
        """The number of paths by each mark of :data:`~layertui.union.merged_tree.COUNTED_MARKS`, as far as decided."""
        return {
            Mark.ADDED: self.added,
            Mark.MODIFIED: self.modified,
            Mark.ATTRIBUTES: self.attributes,
            Mark.DELETED: self.deleted,
        }


def summarize_layer(
    union: LayerUnion, layer: LayerNumber, same: SameContent | None = None, top: Node = ROOT
) -> LayerSummary:
    """Sum up the changes of a layer below the path ``top``; without ``same`` no contents are compared.

    Takes time for paths that lower layers have too, hardly any for new ones.
    """
    lower = LayerNumber(layer - 1)
    start, stop = union.starts[layer - 1], union.starts[layer]
    inside: Sequence[Event] = union.events_of(layer)
    if top:
        low, high = top + 1, union.end[top]
        inside = [event for event in inside if low <= union.ev_node[event] < high]
        firsts = sum(union.ev_prev[event] < 0 for event in inside)
    else:
        # In C code. The base layer has the root's event, which adds nothing.
        firsts = sum(map((0).__gt__, union.ev_prev[start:stop])) - (layer == BASE)
    marks = [0] * len(Mark)
    hidden, hidden_event = 0, NO_EVENT
    inodes = set()
    again = {union.ev_node[event] for event in inside if union.ev_prev[event] >= 0} - {top}
    for node in again:
        before, after = union.at(node, lower), union.at(node, layer)
        if union.last_by(node, lower) < 0:
            firsts -= 1
        if after >= 0:
            marks[mark_of(union, before, after, same)] += 1
        elif before >= 0:
            marks[Mark.DELETED] += 1
        if before >= 0 and before != after and union.ev_kind[before] != Kind.DIRECTORY:
            hidden, hidden_event = hidden + 1, before
            inodes.add(union.ev_inode[before])
    lost = (inode for inode in inodes if union.at(union.ev_node[inode], layer) != inode)
    return LayerSummary(
        added=firsts + marks[Mark.ADDED],
        modified=marks[Mark.MODIFIED],
        attributes=marks[Mark.ATTRIBUTES],
        deleted=marks[Mark.DELETED],
        repeated=marks[Mark.REPEATED],
        undecided=sum(marks[mark] for mark in UNDECIDED),
        hidden=hidden,
        hidden_bytes=sum(map(union.size, lost)),
        hidden_event=hidden_event,
    )
