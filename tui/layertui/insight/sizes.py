"""Live and dead bytes: what the final tree shows of the files in the layers, and what it does not.

A file's bytes are *live* if the final merged tree shows it, and *dead* if a later layer overwrites or
deletes it: then they are still stored and transferred. Sums of live bytes are those of the merged tree,
sums of dead bytes those of :func:`layertui.insight.waste.waste`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from heapq import nlargest
from itertools import compress
from typing import cast

from layertui.insight.size_rows import Labels, SizedFile, SizeRows
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import NO_EVENT, ROOT, LayerNumber, Node
from layertui.model.sizes import Bytes, total_of
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion


class SizeMap:
    """The live and dead bytes of an image by layer and by path."""

    def __init__(self, union: LayerUnion, job: Job = Job.NONE) -> None:
        """Walk all files once. Raises :class:`Cancelled`."""
        self.union = union
        top = MergedTree(union, union.layers)
        self.layers = layer_sizes(top)
        """By layer, base first."""
        self.rows = _rows(top, job)
        """All files with content; a hardlinked file once."""

    @property
    def total(self) -> Bytes:
        """All bytes of the image."""
        return total_of(self.layers)

    def below(self, node: Node) -> Bytes:
        """Return the bytes of the files at and below a path."""
        return self.rows.bytes_of(self.rows.span(node))

    def children(self, node: Node) -> list[tuple[Node, Bytes]]:
        """Return the children of a directory that have bytes, largest first."""
        found = [(item.node, item.size) for item in self.rows.item(node).children() if item.node != node]
        return sorted(found, key=lambda row: (-row[1].size, row[0]))

    def files(self, node: Node = ROOT, is_live: bool = True) -> list[SizedFile]:
        """Return the live or dead files at and below a path, largest first."""
        rows = self.rows
        found = [rows.file(row) for row in rows.span(node) if rows.is_live(row) == is_live]
        return sorted(found, key=lambda file: (-file.size, file.path, file.layer))

    def by_layer(self, node: Node = ROOT) -> list[Bytes]:
        """Return the bytes at and below a path by the layer that stores them, base first."""
        if node == ROOT:
            return self.layers
        return self._sums(self.layer_labels(), node)[1:]

    def by_type(self, node: Node = ROOT) -> dict[str, Bytes]:
        """Return the bytes at and below a path by file type (:func:`type_of`), largest first."""
        labels = self.type_labels()
        found = [row for row in zip(labels.names, self._sums(labels, node), strict=True) if row[1].size]
        return dict(sorted(found, key=lambda row: (-row[1].size, row[0])))

    def layer_labels(self) -> Labels:
        """Return the layers that store the files, by their numbers."""
        layers = array("I", (self.rows.layer(row) for row in range(len(self.rows))))
        return Labels(layers, [str(number) for number in range(self.union.layers + 1)])

    def type_labels(self, job: Job = Job.NONE) -> Labels:
        """Return the types of the files. Raises :class:`Cancelled`."""
        union, known, found = self.union, dict[str, int](), array("I")
        for row in range(len(self.rows)):
            event = self.rows.event(row)
            mode = union.indexes[union.ev_layer[event] - 1].mode[union.ev_entry[event]]
            name = type_of(union.name(self.rows.node(row)), mode)
            found.append(known.setdefault(name, len(known)))
            if not row & 0xFFF:
                job.check()
        return Labels(found, list(known))

    def _sums(self, labels: Labels, node: Node) -> list[Bytes]:
        sums = [[0, 0] for _ in labels.names]
        for row in self.rows.span(node):
            sums[labels.of[row]][not self.rows.is_live(row)] += self.rows.size(row)
        return [Bytes(*each) for each in sums]


def _rows(top: MergedTree, job: Job) -> SizeRows:
    """Return a row for each file with content: of the final tree where it shows it, else where it was stored."""
    union, own = top.union, top.own_sizes()
    shown = bytearray(len(union.events))
    for node in cast("Iterator[Node]", compress(range(union.nodes), own)):
        shown[union.ev_inode[union.last[node]]] = 1
    rows = SizeRows(union)
    for node in union.subtree(ROOT):
        if own[node]:
            rows.add(node, union.ev_inode[union.last[node]], own[node], True)
        event = union.last[node]
        while event >= 0:
            is_stored = union.ev_inode[event] == event and union.ev_kind[event] == Kind.FILE
            if is_stored and not shown[event] and (size := union.size(event)):
                rows.add(node, event, size, False)
            event = union.ev_prev[event]
        if not node & 0xFFF:
            job.check()
    return rows


def layer_sizes(top: MergedTree) -> list[Bytes]:
    """Return the bytes of each layer, base first; ``top`` is the final tree."""
    union, own = top.union, top.own_sizes()
    live = [0] * (union.layers + 1)
    nodes = cast("Iterator[Node]", compress(range(union.nodes), own))
    inodes = map(union.ev_inode.__getitem__, map(union.last.__getitem__, nodes))
    for layer, size in zip(map(union.ev_layer.__getitem__, inodes), compress(own, own), strict=True):
        live[layer] += size
    return [Bytes(part, sum(index.size) - part) for part, index in zip(live[1:], union.indexes, strict=True)]


def known_sizes(union: LayerUnion) -> list[Bytes | None]:
    """Return the bytes of each layer, base first; ``None`` for one that could not be read completely."""
    found = layer_sizes(MergedTree(union, union.layers))
    return [None if index.damage else size for size, index in zip(found, union.indexes, strict=True)]


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
