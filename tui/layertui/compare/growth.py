"""Where B is larger or smaller than A: directories whose sums do not overlap."""

from __future__ import annotations

from typing import NamedTuple

from layertui.compare.comparison import Comparison
from layertui.compare.trees import A, B
from layertui.model.numbers import ROOT, Node

_LEAST = 100
"""A directory is named if it accounts for more than this fraction of all that grew or shrank."""


class DirectoryGrowth(NamedTuple):
    """The growth of a directory."""

    node: Node
    path: str
    size: int
    """Bytes by which it is larger in B; negative if smaller."""
    is_rest: bool
    """Whether other rows count some of its subdirectories."""


def growth_by_directory(found: Comparison) -> list[DirectoryGrowth]:
    """Return the deepest directories that account for the growth, largest first; the sum is that of all files.

    A directory that only one side has is not divided further. What is too small for a row of its own is
    counted with the directory above.
    """
    union, parent = found.union, found.union.parent
    own = {node: found.growth(node) for node in _directories(found)}
    for node in sorted(own, reverse=True)[:-1]:
        own[parent[node]] -= found.growth(node)
    least = sum(map(abs, own.values())) // _LEAST
    rows: list[DirectoryGrowth] = []
    above_rows: set[Node] = set()
    for node in sorted(own, reverse=True):
        is_row = own[node] and (node == ROOT or abs(own[node]) > least)
        if is_row:
            rows.append(DirectoryGrowth(node, union.path(node), own[node], node in above_rows))
        elif node != ROOT:
            own[parent[node]] += own[node]
        if is_row or node in above_rows:
            above_rows.add(parent[node])
    return sorted(rows, key=lambda row: (-abs(row.size), row.path))


def _directories(found: Comparison) -> set[Node]:
    """Return the directories of the paths that differ, down to those that only one side has."""
    union, parent = found.union, found.union.parent
    directories, end = {ROOT}, ROOT
    for node in found.nodes:
        if node < end:
            continue
        above = parent[node]
        if union.end[node] - node > 1 and (found.event(node, A) < 0 or found.event(node, B) < 0):
            above, end = _deepest(found, node), union.end[node]
        while above not in directories:
            directories.add(above)
            above = parent[above]
    return directories


def _deepest(found: Comparison, node: Node) -> Node:
    """Return the deepest directory that contains all files of one that only one side has."""
    union, size = found.union, found.growth(node)
    inner: Node | None = node
    while size and inner is not None:
        node = inner
        inner = next(
            (
                child
                for child in union.children(node)
                if union.end[child] - child > 1 and found.growth(child) == size
            ),
            None,
        )
    return node
