"""The rows of a tree view, over flat columns.

The view, the filter and the open directories are masks over the nodes; the rows are the nodes
in all three (:mod:`layertui.union.masks`).
"""

from __future__ import annotations

import copy
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, compress, repeat
from typing import Literal

from layertui.model.job import Job
from layertui.model.numbers import NO_NODE, ROOT, Event, LayerNumber, Node
from layertui.union.arrays import ArrayColumn, assign, column
from layertui.union.chains import Chains
from layertui.union.changes import Mark, SameContent
from layertui.union.masks import both, either, nodes_in, only, parents_in, with_parents
from layertui.union.merged_tree import MergedTree, StoredSizes
from layertui.union.model import LayerUnion
from layertui.union.path_filter import matching_nodes
from layertui.union.path_ranking import best_match

View = Literal["merged", "changes", "all"]
"""``merged``: the merged tree and what the layer deleted; ``changes``: only what the layer
changed; ``all``: every path that this layer or a lower one has, hidden or not."""

VIEWS: tuple[View, ...] = ("merged", "changes", "all")

Sort = Literal["name", "size", "layer", "time", "growth"]

SORTS: tuple[Sort, ...] = ("name", "size", "layer", "time")


class TreeRows:
    """The visible rows of one tree view. Row 0 is always the root.

    Changes that take long with many nodes (all but :meth:`toggle` and :meth:`reveal`) can be
    made to a :meth:`copy` in a thread.
    """

    views: Sequence[View] = VIEWS
    """The views, in the order in which the user cycles through them."""
    sorts: Sequence[Sort] = SORTS

    def __init__(self, merged: MergedTree) -> None:
        self.merged = merged
        self.view: View = "merged"
        self.sort: Sort = "name"
        self.is_reversed = False
        """Whether siblings are in the reverse order."""
        self.query = ""
        """The filter, see :mod:`layertui.union.path_filter`; empty for none."""
        self.found = 0
        """Number of paths in the view that match the filter, without the directories that lead to them."""
        self.best = NO_NODE
        """The best match of the filter; -1 without a filter, or without matches."""
        self.elsewhere = 0
        """Number of matches that are in no row because the view leaves them out."""
        self._nodes = array("I")
        union = merged.union
        self._parents = parents_in(union)
        self._collapsed = bytearray(self._parents)
        self._collapsed[0] = 0
        self._set_aside: bytearray | None = None  # the collapsed directories without the filter
        self._is_expanded = False  # everything, also what other unions add
        self._elsewhere: Sequence[bytes] = ()  # keys of open directories that are none in this union
        self._open = bytearray(union.nodes)  # 1 if all directories above are open
        self._matches: bytes | None = None
        self._found = b""  # in view and filter
        self._candidates = b""  # in view and filter, or a directory that leads there
        self._changed = b""  # nodes in view and filter that the layer changed
        self._chains: Chains | None = None  # of a filter
        self._order: ArrayColumn[int, Node] | None = None  # all nodes in the order shown; None by name
        self._rank: ArrayColumn[Node, int] | None = None  # the place of each node in that order
        self._stored: StoredSizes | None = None  # of the layer, in the view of its changes
        self._reopen(ROOT)
        self._refresh()

    @property
    def nodes(self) -> ArrayColumn[int, Node]:
        """The node of each row."""
        return column(self._nodes)

    def copy(self) -> TreeRows:
        """Return a copy that can be changed without changing these rows."""
        other = copy.copy(self)
        other.merged = self.merged.copy()
        other._nodes = self._nodes[:]
        other._collapsed, other._open = self._collapsed[:], self._open[:]
        if self._chains is not None:
            other._chains = copy.copy(self._chains)
            other._chains.joined = self._chains.joined[:]
        return other

    def adopt(self, before: TreeRows) -> None:
        """Take over view, sort, filter and open directories from the rows of another union of the image."""
        union, old = self.merged.union, before.merged.union
        collapsed = before._collapsed if before._set_aside is None else before._set_aside
        self._is_expanded, self._elsewhere = before._is_expanded, ()
        if self._is_expanded:
            self._collapsed = bytearray(union.nodes)
        else:
            self._collapsed = bytearray(self._parents)
            opened = map(old.key, compress(old.subtree(ROOT), only(before._parents, collapsed)))
            missing = []
            for key in chain((b"",), opened, before._elsewhere):
                there = union.find_key(key)
                if there >= 0 and self._parents[there]:
                    self._collapsed[there] = 0
                else:
                    missing.append(key)
            self._elsewhere = missing
            self._collapsed[0] = 0
        self.view, self.sort, self.is_reversed = before.view, before.sort, before.is_reversed
        self._measure()
        self._order, self._rank = self._sorted()
        self._reopen(ROOT)
        if before.query:
            self.filter(before.query)
        else:
            self._refresh()

    # View, order, layer, filter

    def show(self, view: View) -> None:
        """Show another view."""
        self.view = view
        self._measure()
        if self.sort == "size":
            self._order, self._rank = self._sorted()
        self._refresh()
        self._find_best()

    def show_next(self) -> None:
        """Show the next view; if the filter finds nothing in this one, the next in which it does."""
        at, is_sought = self.views.index(self.view), bool(self.elsewhere) and not self.found
        for view in (*self.views[at + 1 :], *self.views[:at]):
            self.show(view)
            if self.found or not is_sought:
                return

    def order_by(self, sort: Sort, is_reversed: bool = False) -> None:
        """Sort siblings; by size, layer and time, the largest and latest come first, unless reversed."""
        self.sort, self.is_reversed = sort, is_reversed
        self._order, self._rank = self._sorted()
        self._refresh()

    def move(self, layer: LayerNumber) -> None:
        """Move to another layer; at the same one, what is known of its changes stays."""
        if layer == self.merged.layer:
            return
        self.merged.move(layer)
        self._measure()
        self._order, self._rank = self._sorted()
        if self.query:
            self._matches = matching_nodes(self.merged, self.query)
        self._refresh()
        self._find_best()

    def settle(self, layer: LayerNumber, same: SameContent) -> None:
        """Compare the contents that ``layer`` stored again, see :meth:`MergedTree.settle`.

        Does nothing if another layer is shown by now.
        """
        if self.merged.layer == layer:
            self.merged.settle(same)
            if self.query:
                self._matches = matching_nodes(self.merged, self.query)
            self._refresh()

    def filter(self, query: str, job: Job = Job.NONE) -> None:
        """Show only the matches of a query and the directories that lead to them, opened.

        An empty query shows everything again, as it was before the filter. On an exception of
        :func:`layertui.union.path_filter.matching_nodes` the rows stay unchanged.
        """
        self._matches = matching_nodes(self.merged, query, job) if query.strip() else None
        self.query = query
        if self._matches is not None:
            if self._set_aside is None:
                self._set_aside = self._collapsed
            self._collapsed = bytearray(len(self._collapsed))
        elif self._set_aside is not None:
            self._collapsed, self._set_aside = self._set_aside, None
        self._reopen(ROOT)
        self._refresh()
        self._find_best()

    def _find_best(self) -> None:
        shown = self._in_order(self._found) if self._matches is not None else ()
        self.best = best_match(self.merged.union, self.query, shown)

    def subtree_size(self, node: Node) -> int:
        """Return the bytes at and below a path: of the merged tree; in the view of changes, what the layer stores."""
        return self.merged.subtree_size(node) if self._stored is None else self._stored.below(node)

    def hidden(self) -> int:
        """Return the number of paths in the view that do not exist in the merged tree."""
        return self._candidates.count(1) - both(self._candidates, self.merged.visible).count(1)

    def is_found(self, node: Node) -> bool:
        """Return whether the path itself matches the filter, not only a descendant."""
        return self._matches is None or bool(self._matches[node])

    # Open and closed directories

    def has_children(self, node: Node) -> bool:
        """Return whether the view has anything below a path."""
        return self._candidates.find(1, node + 1, self.merged.union.end[node]) >= 0

    def is_open(self, node: Node) -> bool:
        """Return whether a directory is open."""
        return bool(self._parents[node]) and not self._collapsed[node]

    def descendant_rows(self, node: Node) -> int:
        """Return the largest number of rows that opening or closing a directory can add or remove."""
        end, found = self.merged.union.end, 0
        at, stop = Node(node + 1), self.merged.union.end[node]
        closed = Node(self._collapsed.find(1, at, stop))
        while closed >= 0:
            found += closed + 1 - at
            at = end[closed]
            closed = Node(self._collapsed.find(1, at, stop))
        return found + stop - at

    def toggle(self, node: Node) -> None:
        """Open or close one directory; the root stays open."""
        if self._parents[node] and node:
            row = self.row_of(node)
            self._collapsed[node] ^= 1
            if self._set_aside is None:
                self._is_expanded = False
            self._reopen(node)
            self._splice(node, row, [node])

    def expand_all(self) -> None:
        """Open every directory."""
        self._collapsed = bytearray(len(self._collapsed))
        if self._set_aside is None:
            self._is_expanded = True
        self._reopen(ROOT)
        self._refresh()

    def collapse_all(self) -> None:
        """Close every directory but the root."""
        self._collapsed = bytearray(self._parents)
        if self._set_aside is None:
            self._is_expanded, self._elsewhere = False, ()
        self._collapsed[0] = 0
        self._reopen(ROOT)
        self._refresh()

    def reveal(self, node: Node) -> int:
        """Open the directories above a node and return its row, or -1 if it is not in view and filter."""
        if not self._candidates[node]:
            return -1
        parent = self.merged.union.parent
        opened, above = [], parent[node]
        while above > 0:
            if self._collapsed[above]:
                opened.append(above)
            above = parent[above]
        if opened:
            topmost = opened[-1]
            row = self.row_of(topmost)
            for each in opened:
                self._collapsed[each] = 0
            self._reopen(topmost)
            self._splice(topmost, row, opened)
        return self.row_of(node)

    def row_of(self, node: Node) -> int:
        """Return the row of a node; -1 if it has none."""
        if self._chains is not None:
            node = self._chains.last(node)
        if self._rank is None:
            row = bisect_left(self._nodes, node)
        else:
            row = bisect_left(self.nodes, self._rank[node], key=self._rank.__getitem__)
        return row if row < len(self._nodes) and self._nodes[row] == node else -1

    def nearest(self, node: Node) -> int:
        """Return the row of a node, or of the nearest directory above it that has one."""
        while (row := self.row_of(node)) < 0 and node > 0:
            node = self.merged.union.parent[node]
        return max(row, 0)

    def above(self, node: Node) -> Sequence[Node]:
        """Return the directories that share the row of a node: with a filter, those that lead to it alone."""
        return self._chains.above(node) if self._chains is not None else ()

    def parent(self, node: Node) -> Node:
        """Return the directory whose row is above that of a node."""
        return self.merged.union.parent[next(iter(self.above(node)), node)]

    def depth(self, node: Node) -> int:
        """Return how many directories have the row of a node below theirs."""
        return self._chains.depth(node) if self._chains is not None else self.merged.union.depth(node)

    def next_change(self, node: Node, step: Literal[1, -1]) -> Node:
        """Return the next path that the layer changed, in the order shown, wrapping around; -1 for none.

        Includes paths in closed directories, but not those outside view or filter.
        """
        return self._next(self._changed, node, step)

    def next_found(self, node: Node, step: Literal[1, -1]) -> Node:
        """Return the next path that matches the filter, in the order shown, wrapping around; -1 for none."""
        return self._next(self._found, node, step)

    def _next(self, mask: bytes, node: Node, step: Literal[1, -1]) -> Node:
        if 1 not in mask:
            return NO_NODE
        order, rank, place = self._order, self._rank, int(node)
        if order is not None and rank is not None:
            mask, place = bytes(map(mask.__getitem__, order)), rank[node]
        if step > 0:
            found = mask.find(1, place + 1)
            found = found if found >= 0 else mask.find(1)
        else:
            found = mask.rfind(1, 0, place)
            found = found if found >= 0 else mask.rfind(1)
        return Node(found) if order is None else order[found]

    def _in_order(self, mask: bytes) -> Iterable[Node]:
        """Return the nodes of a mask in the order shown."""
        if self._order is not None:
            return (node for node in self._order if mask[node])
        return compress(self.merged.union.subtree(ROOT), mask)

    # Masks

    def _refresh(self) -> None:
        """Compute the rows again."""
        view = self._view()
        if self._matches is None:
            found, mask = view, bytearray(view)
        else:
            found = both(view, self._matches)
            mask = with_parents(self.merged.union, self._parents, found)
        self._found = b"\0" + bytes(found[1:])
        self.found = self._found.count(1)
        self.elsewhere = 0
        if self._matches is not None:
            self.elsewhere = both(self._all(), self._matches).count(1, 1) - self.found
        mask[0] = 1
        self._candidates = bytes(mask)
        self._changed = b"\0" + both(self.merged.marks.translate(_CHANGED), found)[1:]
        self._chains = None
        if self._matches is not None:
            self._chains = Chains(self.merged.union, self._parents, self._candidates, self._found)
            self._chains.join_all(self._collapsed)
        self._nodes = nodes_in(self._shown(0, len(mask)), 0, self._order)

    def _shown(self, start: int, stop: int) -> bytes:
        """Return which of the nodes from ``start`` to ``stop`` have rows."""
        mask = both(self._candidates[start:stop], self._open[start:stop])
        joined = self._chains.joined[start:stop] if self._chains is not None else b""
        return only(mask, both(mask, joined)) if joined else mask

    def _splice(self, node: Node, row: int, turned: Iterable[Node]) -> None:
        """Compute again only the rows at and below a node, whose row was ``row``, after directories were turned.

        With a million rows, all of them take too long for one key.
        """
        if row < 0:
            return
        if self._chains is not None:
            for each in turned:
                self._chains.join(each, self._collapsed)
        stop = self.merged.union.end[node]
        mask = self._shown(node, stop)
        if self._order is None or self._rank is None:
            last = bisect_left(self._nodes, stop, row)
            self._nodes[row:last] = nodes_in(mask, node, None)
        else:
            first = self._rank[node]
            part = self._order[first : first + stop - node]
            last = bisect_left(self.nodes, first + stop - node, row, key=self._rank.__getitem__)
            shown = (mask[each - node] for each in part)
            self._nodes[row:last] = array("I", compress(part, shown))

    def _view(self) -> bytes:
        merged = self.merged
        if self.view == "merged":
            deleted = merged.marks.translate(_ONLY_DELETED)
            return either(merged.visible, deleted) if 1 in deleted else bytes(merged.visible)
        if self.view == "changes":
            return bytes(with_parents(merged.union, self._parents, merged.marks.translate(_ANY)))
        return self._all()

    def _all(self) -> bytes:
        """Return which paths this layer or a lower one has."""
        union = self.merged.union
        mask = bytearray(union.nodes)
        assign(mask, union.ev_node[: union.starts[self.merged.layer]], repeat(1))
        return bytes(mask)

    def _reopen(self, node: Node) -> None:
        """Compute again which nodes below a directory have only open directories above them."""
        end = self.merged.union.end
        start, stop = node + 1, end[node]
        if self._collapsed[node]:
            self._open[start:stop] = bytes(stop - start)
            return
        self._open[start:stop] = b"\1" * (stop - start)
        if not node:
            self._open[0] = 1
        closed = Node(self._collapsed.find(1, start, stop))
        while closed >= 0:
            self._open[closed + 1 : end[closed]] = bytes(end[closed] - closed - 1)
            closed = Node(self._collapsed.find(1, end[closed], stop))

    # Order

    def _sorted(self) -> tuple[ArrayColumn[int, Node] | None, ArrayColumn[Node, int] | None]:
        """Return all nodes depth first with siblings sorted, and each node's place in that order."""
        if self.sort == "name" and not self.is_reversed:
            return None, None
        union = self.merged.union
        key = self._key()
        order = array("I")
        waiting = [ROOT]
        while waiting:
            node = waiting.pop()
            order.append(node)
            if self._parents[node]:
                waiting += sorted(union.children(node), key=key, reverse=not self.is_reversed)
        rank = array("I", bytes(4 * union.nodes))
        assign(rank, order, iter(range(union.nodes)))
        return column(order), column(rank)

    def _measure(self) -> None:
        """Sum up what the layer stores, if that is what is shown."""
        is_layer = self.view == "changes" and self.merged.layer
        self._stored = self.merged.stored_sizes() if is_layer else None

    def _key(self) -> Callable[[Node], tuple[int, int]]:
        """Return the sort key of siblings: a fact of the version that stands for each, then the name."""
        merged = self.merged
        union = merged.union
        if self.sort == "name":
            return lambda node: (node, node)
        if self.sort == "size":
            return lambda node: (-self.subtree_size(node), node)
        if self.sort == "layer":
            return lambda node: (-union.ev_layer[max(merged.version(node), Event(0))], node)
        return lambda node: (-_mtime(union, merged.version(node)), node)


def _mtime(union: LayerUnion, event: Event) -> int:
    """Return the mtime in seconds since 1970; 0 for an implied directory."""
    if event < 0:
        return 0
    inode = union.ev_inode[event]
    entry = union.ev_entry[inode]
    return union.indexes[union.ev_layer[inode] - 1].mtime[entry] if entry >= 0 else 0


_ANY = bytes(bool(mark) for mark in range(256))
_CHANGED = bytes(mark not in (Mark.NONE, Mark.REPEATED) for mark in range(256))
_ONLY_DELETED = bytes(mark == Mark.DELETED for mark in range(256))
