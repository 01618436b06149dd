"""Which paths a tree view shows, row by row, over flat columns.

A view is a mask over the nodes, the open directories are another, a filter a third; the
rows are the nodes that all three let through. All of it runs inside the interpreter's C
code, so that a million rows take milliseconds.
"""

from __future__ import annotations

import operator
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from itertools import compress, repeat
from typing import Literal

from layertui.union.changes import Mark
from layertui.union.merged import Merged

View = Literal["merged", "changes", "all"]
"""The merged tree with what the layer deleted; only what the layer did; all that any layer
so far stores, hidden or not."""

SORTS = ("name", "size", "layer", "time")
Sort = Literal["name", "size", "layer", "time"]


class Rows:
    """The visible rows of one tree view. Row 0 is always the root."""

    def __init__(self, merged: Merged) -> None:
        self.merged = merged
        union = merged.union
        self.view: View = "merged"
        self.sort: Sort = "name"
        self.nodes = array("I")
        """The node of each row."""
        self._parents = bytes(map(operator.lt, range(1, union.nodes + 1), union.end))
        self._collapsed = bytearray(self._parents)
        self._collapsed[0] = 0
        self._open = bytearray(union.nodes)  # 1 where all directories above are open
        self._view_mask = b""
        self._matches: bytes | None = None
        self._order: array[int] | None = None
        self._reopen(0)
        self.refresh()

    # What is shown

    def refresh(self) -> None:
        """Work the rows out anew, after the layer moved or a setting changed."""
        if self.sort != "name" and self._order is None:
            self._order = self._sorted()
        mask = self._visible()
        if self._order is None:
            self.nodes = array("I", compress(range(len(mask)), mask))
        else:
            self.nodes = array("I", compress(self._order, map(mask.__getitem__, self._order)))

    def show(self, view: View) -> None:
        self.view = view
        self.refresh()

    def order_by(self, sort: Sort) -> None:
        """Sort siblings; by size and time the largest and latest come first."""
        self.sort = sort
        self._order = None
        self.refresh()

    def move(self, layer: int) -> None:
        """Show the tree at another layer."""
        self.merged.move(layer)
        if self.sort != "name":
            self._order = None
        self.refresh()

    def filter(self, matches: bytes | None) -> None:
        """Show only these nodes (1 each), with the directories that lead to them; all of them open."""
        self._matches = matches
        self.refresh()

    # Open and closed directories

    def has_children(self, node: int) -> bool:
        return bool(self._parents[node])

    def is_open(self, node: int) -> bool:
        return bool(self._parents[node]) and not self._collapsed[node]

    def toggle(self, node: int) -> None:
        """Open or close one directory."""
        if not self._parents[node] or not node:
            return
        self._collapsed[node] ^= 1
        self._reopen(node)
        row = self.row_of(node)
        if row < 0 or self._order is not None or self._matches is not None:
            self.refresh()
            return
        # Only what is below it comes or goes: at a million rows the rest is left alone.
        start, stop = node + 1, self.merged.union.end[node]
        mask = _both(self._view_mask[start:stop], self._open[start:stop])
        last = bisect_left(self.nodes, stop, row + 1)
        self.nodes[row + 1 : last] = array("I", compress(range(start, stop), mask))

    def expand_all(self) -> None:
        self._collapsed = bytearray(len(self._collapsed))
        self._reopen(0)
        self.refresh()

    def collapse_all(self) -> None:
        self._collapsed = bytearray(self._parents)
        self._collapsed[0] = 0
        self._reopen(0)
        self.refresh()

    def reveal(self, node: int) -> int:
        """Open what is above a node; its row, or -1 if the view does not have it."""
        changed = False
        above = self.merged.union.parent[node]
        topmost = 0
        while above > 0:
            if self._collapsed[above]:
                self._collapsed[above] = 0
                topmost, changed = above, True
            above = self.merged.union.parent[above]
        if changed:
            self._reopen(topmost)
            self.refresh()
        return self.row_of(node)

    def row_of(self, node: int) -> int:
        """The row of a node; -1 if it is not among them."""
        if self._order is None:
            row = bisect_left(self.nodes, node)
            return row if row < len(self.nodes) and self.nodes[row] == node else -1
        try:
            return self.nodes.index(node)
        except ValueError:
            return -1

    def next_change(self, node: int, step: Literal[1, -1]) -> int:
        """The next node that the layer did something to, in the order of the tree; -1 if none is left."""
        marks = self.merged.marks
        if step < 0:
            return max((marks.rfind(mark, 1, node) for mark in CHANGED), default=-1)
        found = [position for mark in CHANGED if (position := marks.find(mark, node + 1)) > 0]
        return min(found, default=-1)

    # Masks

    def _visible(self) -> bytes:
        mask = self._view_mask = self._view()
        if self._matches is None:
            mask = _both(mask, self._open)
        else:
            mask = self._with_parents(_both(mask, self._matches))
        if not mask[0]:
            mask = b"\1" + mask[1:]
        return mask

    def _view(self) -> bytes:
        merged = self.merged
        union = merged.union
        if self.view == "merged":
            deleted = merged.marks.translate(_ONLY_DELETED)
            return _either(merged.visible, deleted) if 1 in deleted else bytes(merged.visible)
        if self.view == "changes":
            return self._with_parents(merged.marks.translate(_ANY))
        mask = bytearray(union.nodes)
        events = union.ev_node[: union.starts[merged.layer]]
        deque(map(mask.__setitem__, events, repeat(1)), maxlen=0)
        return bytes(mask)

    def _with_parents(self, mask: bytes | bytearray) -> bytes:
        parent = self.merged.union.parent
        full = bytearray(mask)
        node = mask.find(1)
        while node >= 0:
            above = parent[node]
            while above >= 0 and not full[above]:
                full[above] = 1
                above = parent[above]
            node = mask.find(1, node + 1)
        return bytes(full)

    def _reopen(self, node: int) -> None:
        """Work out anew which nodes of a subtree lie below open directories only."""
        end = self.merged.union.end
        start, stop = node + 1, end[node]
        if self._collapsed[node]:
            self._open[start:stop] = bytes(stop - start)
            return
        self._open[start:stop] = b"\1" * (stop - start)
        if not node:
            self._open[0] = 1
        closed = self._collapsed.find(1, start, stop)
        while closed >= 0:
            self._open[closed + 1 : end[closed]] = bytes(end[closed] - closed - 1)
            closed = self._collapsed.find(1, end[closed], stop)

    def _sorted(self) -> array[int]:
        """All nodes depth first, siblings in the order asked for."""
        union = self.merged.union
        key = self._key()
        order = array("I")
        waiting = [0]
        while waiting:
            node = waiting.pop()
            order.append(node)
            if self._parents[node]:
                waiting += sorted(union.children(node), key=key, reverse=True)
        return order

    def _key(self) -> Callable[[int], tuple[int, int]]:
        merged = self.merged
        union = merged.union
        if self.sort == "size":
            return lambda node: (-merged.size_below(node), node)
        if self.sort == "layer":
            return lambda node: (-union.ev_layer[max(union.last_by(node, merged.layer), 0)], node)
        return lambda node: (-_mtime(merged, node), node)


def _mtime(merged: Merged, node: int) -> int:
    event = merged.at(node)
    return merged.union.entry(event).mtime if event >= 0 else 0


CHANGED = (Mark.ADDED, Mark.MODIFIED, Mark.DELETED, Mark.REWRITTEN)
_ANY = bytes(bool(mark) for mark in range(256))
_ONLY_DELETED = bytes(mark == Mark.DELETED for mark in range(256))


def _both(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    return _combine(operator.and_, one, other)


def _either(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    return _combine(operator.or_, one, other)


def _combine(operation: Callable[[int, int], int], one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    # As two large numbers: the interpreter combines them a machine word at a time.
    result = operation(int.from_bytes(one, "little"), int.from_bytes(other, "little"))
    return result.to_bytes(len(one), "little")
