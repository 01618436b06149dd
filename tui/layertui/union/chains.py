"""Directories of a filtered tree that share a row with the only directory in them: ``/opt/venv/lib/``."""

from __future__ import annotations

from itertools import compress

from layertui.model.numbers import ROOT, Node
from layertui.union.masks import both, only
from layertui.union.model import LayerUnion


class Chains:
    """Which directories have no row of their own: those that match nothing and lead to one directory alone.

    A closed directory has a row: what it leads to is not shown.
    """

    def __init__(self, union: LayerUnion, parents: bytes, candidates: bytes, found: bytes) -> None:
        """``candidates``: all that is in view and filter, ``found``: the matches among them."""
        self._union = union
        self._candidates = candidates
        self._leading = both(parents, only(candidates, both(candidates, found)))
        self._parents = parents
        self.joined = bytearray(union.nodes)
        """1 for each directory without a row."""

    def join_all(self, collapsed: bytearray) -> None:
        """Find all chains."""
        for node in compress(self._union.subtree(ROOT), self._leading):
            self.join(node, collapsed)

    def join(self, node: Node, collapsed: bytearray) -> None:
        """Find out again whether a directory is part of a chain, after it was opened or closed."""
        end, candidates = self._union.end, self._candidates
        joins = False
        if node and self._leading[node] and not collapsed[node]:
            only_one = Node(candidates.find(1, node + 1, end[node]))
            joins = bool(self._parents[only_one]) and candidates.find(1, end[only_one], end[node]) < 0
        self.joined[node] = joins

    def last(self, node: Node) -> Node:
        """Return the directory that has the row of a node."""
        while self.joined[node]:
            node = Node(self._candidates.find(1, node + 1))
        return node

    def above(self, node: Node) -> list[Node]:
        """Return the directories on the row of a node before it, the topmost first."""
        found = []
        parent = self._union.parent
        while node and self.joined[parent[node]]:
            node = parent[node]
            found.append(node)
        return found[::-1]

    def depth(self, node: Node) -> int:
        """Return the number of rows of directories above the row of a node."""
        depth, above = 0, self._union.parent[node]
        while above >= 0:
            depth += not self.joined[above]
            above = self._union.parent[above]
        return depth
