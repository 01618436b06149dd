"""The rows of a comparison: what differs, or the tree of B with the paths that only A has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from layertui.model.numbers import ROOT, Node
from layertui.union.changes import Mark
from layertui.union.merged_tree import MergedTree
from layertui.union.tree_rows import Sort, TreeRows, View


class ComparedRows(TreeRows):
    """Rows of a comparison's union (:mod:`layertui.compare.trees`), with the growth of each path."""

    views: Sequence[View] = ("changes", "merged")
    sorts: Sequence[Sort] = ("name", "growth", "size", "time")

    def __init__(self, merged: MergedTree, before: MergedTree) -> None:
        """Show ``merged``, the union at B with its contents compared; ``before`` is the union at A.

        Directories that lead to a difference are open.
        """
        super().__init__(merged)
        self._before = before
        self.view = "changes"
        self._open_changes()
        self._reopen(ROOT)
        self._refresh()

    def growth(self, node: Node) -> int:
        """Return the bytes by which a path and its descendants are larger in B; negative if smaller."""
        return self.merged.subtree_size(node) - self._before.subtree_size(node)

    def _measure(self) -> None:
        """Sizes are those of B in both views: the growth says what differs."""

    def _open_changes(self) -> None:
        marks, parent = self.merged.marks, self.merged.union.parent
        for node, mark in zip(self.merged.union.subtree(ROOT), marks, strict=True):
            above = parent[node]
            if mark and not (mark in (Mark.ADDED, Mark.DELETED) and marks[above] == mark):
                while above > 0 and self._collapsed[above]:
                    self._collapsed[above] = 0
                    above = parent[above]

    def _key(self) -> Callable[[Node], tuple[int, int]]:
        if self.sort == "growth":  # or shrinking
            return lambda node: (-abs(self.growth(node)), node)
        return super()._key()
