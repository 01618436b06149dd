"""Which paths a tree view shows, row by row, over flat columns.

A view is a mask over the nodes, a filter another, the open directories a third; the rows are
the nodes that all three let through. All of it runs inside the interpreter's C code, so that
a million rows take milliseconds, in stretches short enough that a thread which works here
leaves the others their turn.
"""

from __future__ import annotations

import copy
import operator
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import compress, repeat
from typing import Literal

from layertui.model.job import Job
from layertui.union.arrays import STRETCH, assign
from layertui.union.changes import Mark, SameContent
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion
from layertui.union.path_filter import matching_nodes

View = Literal["merged", "changes", "all"]
"""The merged tree with what the layer deleted; only what the layer did; all that any layer
so far stores, hidden or not."""

VIEWS: tuple[View, ...] = ("merged", "changes", "all")

Sort = Literal["name", "size", "layer", "time", "growth"]

SORTS: tuple[Sort, ...] = ("name", "size", "layer", "time")


class TreeRows:
    """The visible rows of one tree view. Row 0 is always the root.

    What takes long with many nodes (all but :meth:`toggle`, :meth:`reveal` and the questions)
    can be done to a :meth:`copy` in a thread.
    """

    views: Sequence[View] = VIEWS
    """Those that one goes through."""
    sorts: Sequence[Sort] = SORTS

    def __init__(self, merged: MergedTree) -> None:
        self.merged = merged
        self.view: View = "merged"
        self.sort: Sort = "name"
        self.query = ""
        """What the rows are filtered by, see :mod:`layertui.union.path_filter`; empty for nothing."""
        self.found = 0
        """Paths of the view that the filter lets through, without what leads to them."""
        self.nodes = array("I")
        """The node of each row."""
        union = merged.union
        self._parents = _parents(union)
        self._collapsed = bytearray(self._parents)
        self._collapsed[0] = 0
        self._set_aside: bytearray | None = None  # what was collapsed before the filter
        self._open = bytearray(union.nodes)  # 1 where all directories above are open
        self._matches: bytes | None = None
        self._candidates = b""  # what view and filter let through, with the way there
        self._changed = b""  # candidates that the layer did something to
        self._order: array[int] | None = None  # all nodes as they are sorted; None by name
        self._rank: array[int] | None = None  # where each node is in that order
        self._reopen(0)
        self._refresh()

    def copy(self) -> TreeRows:
        """The same rows, to be changed without changing these."""
        other = copy.copy(self)
        other.merged = self.merged.copy()
        other.nodes = self.nodes[:]
        other._collapsed, other._open = self._collapsed[:], self._open[:]
        return other

    def adopt(self, before: TreeRows) -> None:
        """Show of this union what ``before`` shows of its own: view, sort, filter, open directories."""
        union, old = self.merged.union, before.merged.union
        collapsed = before._collapsed if before._set_aside is None else before._set_aside
        if 1 not in collapsed:
            self._collapsed = bytearray(union.nodes)
        else:
            self._collapsed = bytearray(self._parents)
            self._collapsed[0] = 0
            for node in compress(_nodes_of(before._parents), _only(before._parents, collapsed)):
                there = union.find_key(old.key(node))
                if there >= 0:
                    self._collapsed[there] = 0
        self.view, self.sort = before.view, before.sort
        self._order, self._rank = self._sorted()
        self._reopen(0)
        if before.query:
            self.filter(before.query)
        else:
            self._refresh()

    # What is shown

    def show(self, view: View) -> None:
        """Show another view."""
        self.view = view
        self._refresh()

    def order_by(self, sort: Sort) -> None:
        """Sort siblings; by size, layer and time the largest and latest come first."""
        self.sort = sort
        self._order, self._rank = self._sorted()
        self._refresh()

    def move(self, layer: int) -> None:
        """Show the tree at another layer."""
        self.merged.move(layer)
        self._order, self._rank = self._sorted()
        if self.query:
            self._matches = matching_nodes(self.merged, self.query)
        self._refresh()

    def settle(self, layer: int, same: SameContent) -> None:
        """Tell what ``layer`` changed from what it only stored again, if it still is the one that is shown."""
        if self.merged.layer == layer:
            self.merged.settle(same)
            if self.query:
                self._matches = matching_nodes(self.merged, self.query)
            self._refresh()

    def filter(self, query: str, job: Job = Job.NONE) -> None:
        """Show only what the query finds, with the directories that lead to it; they start open.

        An empty query shows everything, as it was before the filter. Raises what
        :func:`layertui.union.path_filter.matching_nodes` raises and then leaves the rows as they are.
        """
        self._matches = matching_nodes(self.merged, query, job) if query.strip() else None
        self.query = query
        if self._matches is not None:
            if self._set_aside is None:
                self._set_aside = self._collapsed
            self._collapsed = bytearray(len(self._collapsed))
        elif self._set_aside is not None:
            self._collapsed, self._set_aside = self._set_aside, None
        self._reopen(0)
        self._refresh()

    def hidden(self) -> int:
        """How many paths of the view the merged tree does not have."""
        return self._candidates.count(1) - _both(self._candidates, self.merged.visible).count(1)

    def is_found(self, node: int) -> bool:
        """Whether the filter finds the path itself, and not only what is below it."""
        return self._matches is None or bool(self._matches[node])

    # Open and closed directories

    def has_children(self, node: int) -> bool:
        """Whether the view shows anything below a path, when it is open."""
        return self._candidates.find(1, node + 1, self.merged.union.end[node]) >= 0

    def is_open(self, node: int) -> bool:
        """Whether what is below a path shows, if there is anything."""
        return bool(self._parents[node]) and not self._collapsed[node]

    def descendant_rows(self, node: int) -> int:
        """How many rows come or go at most when a directory is opened or closed."""
        end, found = self.merged.union.end, 0
        at, stop = node + 1, self.merged.union.end[node]
        closed = self._collapsed.find(1, at, stop)
        while closed >= 0:
            found += closed + 1 - at
            at = end[closed]
            closed = self._collapsed.find(1, at, stop)
        return found + stop - at

    def toggle(self, node: int) -> None:
        """Open or close one directory; the root stays open."""
        if self._parents[node] and node:
            self._collapsed[node] ^= 1
            self._reopen(node)
            self._splice(node)

    def expand_all(self) -> None:
        """Open every directory."""
        self._collapsed = bytearray(len(self._collapsed))
        self._reopen(0)
        self._refresh()

    def collapse_all(self) -> None:
        """Close every directory but the root."""
        self._collapsed = bytearray(self._parents)
        self._collapsed[0] = 0
        self._reopen(0)
        self._refresh()

    def reveal(self, node: int) -> int:
        """Open what is above a node; its row, or -1 if view and filter do not have it."""
        if not self._candidates[node]:
            return -1
        parent = self.merged.union.parent
        topmost, above = 0, parent[node]
        while above > 0:
            if self._collapsed[above]:
                self._collapsed[above] = 0
                topmost = above
            above = parent[above]
        if topmost:
            self._reopen(topmost)
            self._splice(topmost)
        return self.row_of(node)

    def row_of(self, node: int) -> int:
        """The row of a node; -1 if it is not among them."""
        if self._rank is None:
            row = bisect_left(self.nodes, node)
        else:
            row = bisect_left(self.nodes, self._rank[node], key=self._rank.__getitem__)
        return row if row < len(self.nodes) and self.nodes[row] == node else -1

    def nearest(self, node: int) -> int:
        """The row of a node, or of the nearest directory above it that has one."""
        while (row := self.row_of(node)) < 0 and node > 0:
            node = self.merged.union.parent[node]
        return max(row, 0)

    def next_change(self, node: int, step: Literal[1, -1]) -> int:
        """The next path that the layer did something to, as they are sorted; after the last the first.

        Closed directories are looked into too; what view or filter leave out is not. -1 if
        there is none.
        """
        changed = self._changed
        if 1 not in changed:
            return -1
        order, rank = self._order, self._rank
        if order is not None and rank is not None:
            changed, node = bytes(map(changed.__getitem__, order)), rank[node]
        if step > 0:
            found = changed.find(1, node + 1)
            found = found if found >= 0 else changed.find(1)
        else:
            found = changed.rfind(1, 0, node)
            found = found if found >= 0 else changed.rfind(1)
        return found if order is None else order[found]

    # Masks

    def _refresh(self) -> None:
        """Work the rows out anew."""
        view = self._view()
        if self._matches is None:
            found, mask = view, bytearray(view)
        else:
            found = _both(view, self._matches)
            mask = self._with_parents(found)
        self.found = found.count(1) - found[0]
        mask[0] = 1
        self._candidates = bytes(mask)
        self._changed = b"\0" + _both(self.merged.marks.translate(_CHANGED), found)[1:]
        mask[:] = _both(mask, self._open)
        self.nodes = _chosen(mask, 0, self._order)

    def _splice(self, node: int) -> None:
        """Put in place anew only the rows below a node: at a million rows the rest is left alone."""
        row = self.row_of(node)
        if row < 0:
            return
        nodes = self.merged.union.end[node] - node
        if self._order is None or self._rank is None:
            start, stop = node + 1, node + nodes
            mask = _both(self._candidates[start:stop], self._open[start:stop])
            last = bisect_left(self.nodes, stop, row + 1)
            self.nodes[row + 1 : last] = _chosen(mask, start, None)
        else:
            stop = self._rank[node] + nodes
            part = self._order[stop - nodes + 1 : stop]
            last = bisect_left(self.nodes, stop, row + 1, key=self._rank.__getitem__)
            shown = map(
                operator.and_, map(self._candidates.__getitem__, part), map(self._open.__getitem__, part)
            )
            self.nodes[row + 1 : last] = array("I", compress(part, shown))

    def _view(self) -> bytes:
        merged = self.merged
        if self.view == "merged":
            deleted = merged.marks.translate(_ONLY_DELETED)
            return _either(merged.visible, deleted) if 1 in deleted else bytes(merged.visible)
        if self.view == "changes":
            return bytes(self._with_parents(merged.marks.translate(_ANY)))
        mask = bytearray(merged.union.nodes)
        assign(mask, merged.union.ev_node[: merged.union.starts[merged.layer]], repeat(1))
        return bytes(mask)

    def _with_parents(self, mask: bytes | bytearray) -> bytearray:
        union = self.merged.union
        parent, end = union.parent, union.end
        full = bytearray(mask)
        if mask.count(1) * 8 > len(mask):  # most directories lead somewhere
            for node in compress(_nodes_of(self._parents), self._parents):
                if mask.find(1, node, end[node]) >= 0:
                    full[node] = 1
            return full
        node = mask.find(1)
        while node >= 0:
            above = parent[node]
            while above >= 0 and not full[above]:
                full[above] = 1
                above = parent[above]
            node = mask.find(1, node + 1)
        return full

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

    # Order

    def _sorted(self) -> tuple[array[int] | None, array[int] | None]:
        """All nodes depth first with siblings in the order asked for, and each node's place there."""
        if self.sort == "name":
            return None, None
        union = self.merged.union
        key = self._key()
        order = array("I")
        waiting = [0]
        while waiting:
            node = waiting.pop()
            order.append(node)
            if self._parents[node]:
                waiting += sorted(union.children(node), key=key, reverse=True)
        rank = array("I", bytes(4 * union.nodes))
        assign(rank, order, iter(range(union.nodes)))
        return order, rank

    def _key(self) -> Callable[[int], tuple[int, int]]:
        """What siblings are sorted by: the entry that stands for each, then the name."""
        merged = self.merged
        union = merged.union
        if self.sort == "size":
            return lambda node: (-merged.subtree_size(node), node)
        if self.sort == "layer":
            return lambda node: (-union.ev_layer[max(merged.version(node), 0)], node)
        return lambda node: (-_mtime(union, merged.version(node)), node)


def _mtime(union: LayerUnion, event: int) -> int:
    """Seconds since 1970; 0 for a directory that no layer names."""
    if event < 0:
        return 0
    inode = union.ev_inode[event]
    entry = union.ev_entry[inode]
    return union.indexes[union.ev_layer[inode] - 1].mtime[entry] if entry >= 0 else 0


_ANY = bytes(bool(mark) for mark in range(256))
_CHANGED = bytes(mark not in (Mark.NONE, Mark.REPEATED) for mark in range(256))
_ONLY_DELETED = bytes(mark == Mark.DELETED for mark in range(256))


_SPARSE = 8
"""From one in so many on it is quicker to look at every value of a mask than to search for the ones."""


def _parents(union: LayerUnion) -> bytes:
    """1 for each node that has nodes below it."""
    end = union.end
    return b"".join(
        bytes(map(operator.lt, range(start + 1, union.nodes + 1), end[start : start + STRETCH]))
        for start in range(0, union.nodes, STRETCH)
    )


def _chosen(mask: bytes | bytearray, first: int, order: array[int] | None) -> array[int]:
    """The nodes that a mask, which starts at the node ``first``, lets through, in their order."""
    nodes = array("I")
    if order is None and mask.count(1) * _SPARSE < len(mask):
        at = mask.find(1)
        while at >= 0:
            nodes.append(first + at)
            at = mask.find(1, at + 1)
        return nodes
    for start in range(0, len(mask), STRETCH):
        stop = min(start + STRETCH, len(mask))
        if order is None:
            nodes.extend(compress(range(first + start, first + stop), mask[start:stop]))
        else:
            part = order[start:stop]
            nodes.extend(compress(part, map(mask.__getitem__, part)))
    return nodes


def _nodes_of(mask: Sequence[int]) -> Iterable[int]:
    return range(len(mask))


def _only(one: bytes, other: bytes | bytearray) -> bytes:
    """What is in ``one`` and not in ``other``, a subset of it."""
    return _combine(operator.xor, one, other)


def _both(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    return _combine(operator.and_, one, other)


def _either(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    return _combine(operator.or_, one, other)


def _combine(operation: Callable[[int, int], int], one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    # As two large numbers: the interpreter combines them a machine word at a time.
    result = operation(int.from_bytes(one, "little"), int.from_bytes(other, "little"))
    return result.to_bytes(len(one), "little")
