"""The rows of two trees that are compared: what differs, or the tree of B with what A alone has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from layertui.union.changes import Mark
from layertui.union.merged_tree import MergedTree
from layertui.union.tree_rows import Sort, TreeRows, View


class ComparedRows(TreeRows):
    """Rows of the union of a comparison (:mod:`layertui.compare.trees`), with what each path grew by."""

    views: Sequence[View] = ("changes", "merged")
    sorts: Sequence[Sort] = ("name", "growth", "size", "time")

    def __init__(self, merged: MergedTree, before: MergedTree) -> None:
        """The union at B and at A, its contents compared. Directories that lead to what differs are open."""
        super().__init__(merged)
        self._before = before
        self.view = "changes"
        self._open_changes()
        self._reopen(0)
        self._refresh()

    def growth(self, node: int) -> int:
        """Bytes that a path takes more in B, with all that is below it."""
        return self.merged.subtree_size(node) - self._before.subtree_size(node)

    def _open_changes(self) -> None:
        marks, parent = self.merged.marks, self.merged.union.parent
        for node, mark in enumerate(marks):
            above = parent[node]
            if mark and not (mark in (Mark.ADDED, Mark.DELETED) and marks[above] == mark):
                while above > 0 and self._collapsed[above]:
                    self._collapsed[above] = 0
                    above = parent[above]

    def _key(self) -> Callable[[int], tuple[int, int]]:
        if self.sort == "growth":  # in either direction
            return lambda node: (-abs(self.growth(node)), node)
        return super()._key()
