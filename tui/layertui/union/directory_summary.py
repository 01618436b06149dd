"""Sums by directory: what a directory contains, and where a number of bytes belongs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from layertui.model.entry import ENTRY_TYPES
from layertui.model.job import Job
from layertui.model.numbers import Event, LayerNumber, Node
from layertui.union.arrays import STRETCH
from layertui.union.model import LayerUnion


@dataclass(frozen=True, slots=True)
class DirectorySummary:
    """The descendants of a directory in a merged tree, by type, and its children with their sizes."""

    types: dict[str, int]
    """Number of descendants of each type, see :data:`layertui.model.entry.ENTRY_TYPES`."""
    size: int
    """Bytes of the files; a hardlinked file counts once."""
    children: list[tuple[Node, int]]
    """Node of each child and the bytes of the files at and below it, largest first."""


def summarize_directory(
    union: LayerUnion, directory: Node, layer: LayerNumber, job: Job = Job.NONE
) -> DirectorySummary:
    """Summarize a directory in the merged tree of layers 1 to ``layer``. Raises :class:`Cancelled`."""
    types: Counter[str] = Counter()
    counted: set[Event] = set()
    children: list[tuple[Node, int]] = []
    total = 0
    check = job.check
    for child in union.children(directory):
        if union.at(child, layer) < 0:
            continue
        size = 0
        for node in union.subtree(child):
            if node % STRETCH == 0:
                check()
            event = union.at(node, layer)
            if event < 0:
                continue
            types[ENTRY_TYPES[union.ev_kind[event]]] += 1
            inode = union.ev_inode[event]
            if inode != event:  # counted with the file that it links to if that is below too, else once
                target = union.ev_node[inode]
                if inode in counted or (
                    directory <= target < union.end[directory] and union.at(target, layer) == inode
                ):
                    continue
                counted.add(inode)
            size += union.size(event)
        children.append((child, size))
        total += size
    children.sort(key=lambda item: (-item[1], item[0]))
    return DirectorySummary(dict(types), total, children)


def directory_sums(sizes: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sum (path, bytes) pairs by directory, reduced as by :func:`distinct_sums`."""
    sums: Counter[str] = Counter()
    for path, size in sizes:
        directory = path
        while directory := directory.rpartition("/")[0]:
            sums[directory] += size
    return distinct_sums(sums)


def distinct_sums(sums: Mapping[str, int]) -> dict[str, int]:
    """Return the directories' sums, largest first, without those that say nothing new.

    A directory is left out if a single subdirectory accounts for its whole sum, or if the
    sum is 0. Sums may be negative.
    """
    explained = {parent for path, size in sums.items() if sums.get(parent := path.rpartition("/")[0]) == size}
    kept = {path: size for path, size in sums.items() if size and path not in explained}
    return dict(sorted(kept.items(), key=lambda item: (-abs(item[1]), item[0])))
