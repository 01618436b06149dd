"""Live and dead bytes: what the final tree shows of the files in the layers, and what it does not.

A file's bytes are *live* if the final merged tree shows it, and *dead* if a higher layer overrides or
deletes it: then they are still stored and transferred. Sums of live bytes are those of the merged tree,
sums of dead bytes those of :func:`layertui.insight.waste.waste`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from heapq import nlargest
from itertools import accumulate, compress, count
from operator import eq
from typing import NamedTuple, cast

from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import NO_EVENT, ROOT, Event, LayerNumber, Node
from layertui.model.sizes import Bytes, total_of
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion


class SizedFile(NamedTuple):
    """A file's bytes in a layer."""

    event: Event
    path: str
    layer: LayerNumber
    """The layer that stores them."""
    size: int
    is_live: bool


class SizeMap:
    """The live and dead bytes of an image by layer and by path."""

    def __init__(self, union: LayerUnion, job: Job = Job.NONE) -> None:
        """Walk all files once. Raises :class:`Cancelled`."""
        self.union = union
        top = MergedTree(union, union.layers)
        live = top.own_sizes()
        dead = array("Q", bytes(8 * union.nodes))
        self.live_files = [
            (node, union.ev_inode[union.last[node]])
            for node in cast("Iterator[Node]", compress(range(union.nodes), live))
        ]
        """Node and storing event of each file with content in the final tree; a hardlinked file once."""
        shown = {event for _, event in self.live_files}
        self.dead_files: list[Event] = []
        """Storing event of each file with content that the final tree does not show."""
        for event in compress(union.events, map(eq, union.ev_inode, count())):
            if event not in shown and union.ev_kind[event] == Kind.FILE and (size := union.size(event)):
                self.dead_files.append(event)
                dead[union.ev_node[event]] += size
            if not event & 0xFFF:
                job.check()
        self.layers = layer_sizes(top)
        """By layer, base first."""
        self._live = array("Q", accumulate(live, initial=0))
        self._dead = array("Q", accumulate(dead, initial=0))

    @property
    def total(self) -> Bytes:
        """All bytes of the image."""
        return total_of(self.layers)

    def below(self, node: Node) -> Bytes:
        """Return the bytes of the files at and below a path."""
        end = self.union.end[node]
        return Bytes(self._live[end] - self._live[node], self._dead[end] - self._dead[node])

    def children(self, node: Node) -> list[tuple[Node, Bytes]]:
        """Return the children of a directory that have bytes, largest first."""
        found = [(child, self.below(child)) for child in self.union.children(node)]
        return sorted((row for row in found if row[1].size), key=lambda row: (-row[1].size, row[0]))

    def files(self, node: Node = ROOT, is_live: bool = True) -> list[SizedFile]:
        """Return the live or dead files at and below a path, largest first."""
        union = self.union
        rows = self.live_files if is_live else [(union.ev_node[event], event) for event in self.dead_files]
        return sorted(
            (
                SizedFile(event, union.path(place), union.ev_layer[event], union.size(event), is_live)
                for place, event in rows
                if node <= place < union.end[node]
            ),
            key=lambda file: (-file.size, file.path, file.layer),
        )

    def by_layer(self, node: Node = ROOT) -> list[Bytes]:
        """Return the bytes at and below a path by the layer that stores them, base first."""
        if node == ROOT:
            return self.layers
        sums = [[0, 0] for _ in range(self.union.layers)]
        for is_dead in (0, 1):
            for file in self.files(node, not is_dead):
                sums[file.layer - 1][is_dead] += file.size
        return [Bytes(*each) for each in sums]

    def by_type(self, node: Node = ROOT) -> dict[str, Bytes]:
        """Return the bytes at and below a path by file type (:func:`type_of`), largest first."""
        sums: dict[str, list[int]] = {}
        for is_dead in (0, 1):
            for file in self.files(node, not is_dead):
                entry = self.union.entry(file.event)
                sums.setdefault(type_of(file.path, entry.mode), [0, 0])[is_dead] += file.size
        found = {name: Bytes(*each) for name, each in sums.items()}
        return dict(sorted(found.items(), key=lambda row: (-row[1].size, row[0])))


def layer_sizes(top: MergedTree) -> list[Bytes]:
    """Return the bytes of each layer, base first; ``top`` is the final tree."""
    union, own = top.union, top.own_sizes()
    live = [0] * (union.layers + 1)
    nodes = cast("Iterator[Node]", compress(range(union.nodes), own))
    inodes = map(union.ev_inode.__getitem__, map(union.last.__getitem__, nodes))
    for layer, size in zip(map(union.ev_layer.__getitem__, inodes), compress(own, own), strict=True):
        live[layer] += size
    return [Bytes(part, sum(index.size) - part) for part, index in zip(live[1:], union.indexes, strict=True)]


def largest_files(union: LayerUnion, layer: LayerNumber, most: int) -> list[SizedFile]:
    """Return the largest files that a layer stores, live and dead; looks at that layer alone."""
    stored = (
        event
        for event in union.events_of(layer)
        if union.ev_kind[event] == Kind.FILE and union.ev_inode[event] == event and union.size(event)
    )
    found = []
    for event in nlargest(most, stored, key=lambda event: (union.size(event), -event)):
        names = (event, *union.hardlinks.links.get(event, ()))
        shown = next(
            (name for name in names if union.at(union.ev_node[name], union.layers) == name), NO_EVENT
        )
        path = union.path(union.ev_node[shown if shown >= 0 else event])
        found.append(SizedFile(event, path, layer, union.size(event), shown >= 0))
    return found


def type_of(path: str, mode: int) -> str:
    """Return the type of a file: its suffix, of shared libraries ``.so``; else whether it is executable."""
    name = path.rpartition("/")[2].lower()
    stem, dot, suffix = name.rpartition(".")
    if ".so." in name:
        return ".so"
    if stem and dot and suffix.isalnum() and not suffix.isdecimal() and len(suffix) <= 8:
        return f".{suffix}"
    return "executable" if mode & 0o111 else "other"
