"""Rank the paths that match a filter or query."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice

from layertui.model.job import Job
from layertui.model.numbers import NO_NODE, ROOT, Node
from layertui.text.matching import match_rank, text_rank
from layertui.union.arrays import STRETCH
from layertui.union.model import LayerUnion

_LOOKED_AT = 20_000
"""Paths that are ranked, at most: the first ones."""


def best_match(union: LayerUnion, query: str, found: Iterable[Node]) -> Node:
    """Return the best of the paths that match a filter, which are in the order shown; -1 for none.

    A name that equals what was typed comes first, then one that begins with it, then others; of these a file
    before a directory, the shorter name, and the path with fewer directories above it.
    """
    words = [word for word in query.split() if not any(char in word for char in "*?:~")]

    def rank(node: Node) -> tuple[int, bool, int, int]:
        texts = [union.path(node) if "/" in word else union.name(node) for word in words]
        quality = sum(map(text_rank, words, texts))
        return quality, union.end[node] > node + 1, sum(map(len, texts)), union.depth(node)

    return min(islice(found, _LOOKED_AT), key=rank, default=NO_NODE)


def find_paths(union: LayerUnion, query: str, limit: int, job: Job = Job.NONE) -> list[tuple[int, Node]]:
    """Return the paths of all layers that match a query, hidden ones too: rank and node, the best first.

    Each word is looked for in the name, with a slash in the path. Raises :class:`Cancelled`.
    """
    words = query.lower().split()
    if not words:
        return []

    def found() -> Iterator[tuple[int, int, Node]]:
        for node in union.subtree(ROOT):
            if not node % STRETCH:
                job.check()
            name, rank = union.name(node), 0
            for word in words:
                one = match_rank(word, union.path(node) if "/" in word else name)
                if one is None:
                    break
                rank += one
            else:
                if node:
                    yield rank, len(name), node

    return [(rank, node) for rank, _length, node in heapq.nsmallest(limit, found())]
