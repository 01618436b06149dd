"""What a directory holds."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from layertui.model.entry import TYPES
from layertui.union.model import Union

_BETWEEN = 4096
"""Nodes between two looks at whether the answer is still wanted."""


@dataclass(frozen=True, slots=True)
class Below:
    """The paths below a directory of a merged tree, by type, and the children with their sums."""

    types: dict[str, int]
    size: int
    """Bytes of its files, a hardlinked file once."""
    children: list[tuple[int, int]]
    """Nodes of its children and the bytes at and below each, the largest first."""


def below(union: Union, node: int, layer: int, cancelled: Callable[[], bool]) -> Below:
    """Sums up a directory in the merged tree of layers 1 to ``layer``; stops short once ``cancelled``."""
    types: Counter[str] = Counter()
    counted: set[int] = set()
    children: list[tuple[int, int]] = []
    total = 0
    for child in union.children(node):
        if union.at(child, layer) < 0:
            continue
        size = 0
        for path in range(child, union.end[child]):
            if path % _BETWEEN == 0 and cancelled():
                break
            event = union.at(path, layer)
            if event < 0:
                continue
            types[TYPES[union.ev_kind[event]]] += 1
            inode = union.ev_inode[event]
            if inode != event:  # counted at what it links to if that is below too, else once
                target = union.ev_node[inode]
                if inode in counted or (
                    node <= target < union.end[node] and union.at(target, layer) == inode
                ):
                    continue
                counted.add(inode)
            size += union.size(event)
        children.append((child, size))
        total += size
    children.sort(key=lambda item: (-item[1], item[0]))
    return Below(dict(types), total, children)
