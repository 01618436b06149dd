"""dive's figures by dive's own rules, so that numbers and CI limits stay comparable.

The rules are those of dive 0.13 (``dive/filetree/efficiency.go``, ``dive/image/analysis.go``),
oddities included: only leaves of a layer's own tree count; a whiteout of a file, or of an implicit
directory, counts 0, one of another directory the bytes that dive's stack of the layers below has
there; the contents of a replaced directory stay; opaque whiteouts hide nothing; and a whiteout of
a missing path ends the count of its layer. For the actual waste see
:mod:`layertui.insight.waste`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from layertui.layers.whiteout import WHITEOUT_PREFIX, whiteout_name
from layertui.model.layer_index import Kind, LayerIndex, path_of


class Inefficiency(NamedTuple):
    """A path that several layers store or delete."""

    path: str
    times: int
    """Its entries and whiteouts that are leaves of their layers."""
    size: int
    """Bytes of all of them."""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """dive's figures of an image."""

    efficiency: float
    """Sum of the smallest size of each path, divided by the sum of all its sizes; 1 for no bytes."""
    size_bytes: int
    user_size_bytes: int
    """Without the first layer."""
    wasted_bytes: int
    """The sum of ``inefficient``."""
    inefficient: Sequence[Inefficiency]
    """Largest first, equal ones as dive sorts up to twelve: what was repeated last comes first."""

    @property
    def user_wasted_percent(self) -> float | None:
        """A ratio, despite its name; ``None`` if there are no bytes to divide by."""
        return self.wasted_bytes / self.user_size_bytes if self.user_size_bytes else None

    def to_json(self) -> dict[str, Any]:
        """Return the figures under dive's names."""
        return {
            "efficiency": self.efficiency,
            "size_bytes": self.size_bytes,
            "user_size_bytes": self.user_size_bytes,
            "wasted_bytes": self.wasted_bytes,
            "user_wasted_percent": self.user_wasted_percent,
            "inefficient_paths": [
                {"path": row.path, "count": row.times, "size": row.size} for row in self.inefficient
            ],
        }


def efficiency(indexes: Sequence[LayerIndex]) -> Efficiency:
    """Compute dive's figures of layers, base first."""
    stack = _Stack(index for index in indexes if Kind.WHITEOUT in index.kind)
    count = _Count()
    for number, index in enumerate(indexes):
        tree = _tree(index)
        if number == 0 and Kind.WHITEOUT in index.kind:  # dive looks these up in the layer itself
            stack.lay(tree, has_whiteouts=False)
        _visit(tree, stack, count)
        stack.lay(tree)
    sizes = [sum(index.size) for index in indexes]
    inefficient = [Inefficiency(path_of(key), *row) for key, row in reversed(count.again.items())]
    inefficient.sort(key=lambda row: -row.size)
    return Efficiency(
        efficiency=count.least / count.total if count.total else 1.0,
        size_bytes=sum(sizes),
        user_size_bytes=sum(sizes[1:]),
        wasted_bytes=sum(row.size for row in inefficient),
        inefficient=inefficient,
    )


NO_ENTRY = -1
_DROPPED = b".wh..wh.."
"""dive adds all but these (``file_tree.go``, doubleWhiteoutPrefix): AUFS' own files are whiteouts to it."""


def entries_of(index: LayerIndex) -> dict[bytes, int]:
    """Return the entry of each path as dive adds them to the layer's tree, whiteouts by their names in the tar.

    The directory of a marker that dive drops has :data:`NO_ENTRY`, if nothing else adds it.
    """
    nodes: dict[bytes, int] = {}
    for entry, (key, kind) in enumerate(zip(index.entry_keys(), index.kind, strict=True)):
        if kind == Kind.WHITEOUT:
            above, slash, name = key.rpartition(b"\0")
            nodes[above + slash + whiteout_name(name)] = entry
        elif kind == Kind.OPAQUE:
            nodes.setdefault(key, NO_ENTRY)
        elif kind == Kind.METADATA and key.rpartition(b"\0")[2].startswith(_DROPPED):
            nodes.setdefault(key.rpartition(b"\0")[0], NO_ENTRY)
        else:
            nodes[key] = entry
    nodes.pop(b"", None)
    return nodes


_Leaf = tuple[int, bool]
"""Bytes, and whether it is a directory."""
_IMPLIED = (0, False)


def _tree(index: LayerIndex) -> list[tuple[bytes, _Leaf]]:
    """Return a layer's paths in dive's order."""
    return [
        (key, _IMPLIED if entry == NO_ENTRY else (index.size[entry], index.kind[entry] == Kind.DIRECTORY))
        for key, entry in sorted(entries_of(index).items())
    ]


@dataclass(slots=True)
class _Count:
    """The totals over all layers."""

    total: int = 0
    least: int = 0
    """The sum of ``smallest``."""
    smallest: dict[bytes, int] = field(default_factory=dict)
    """The smallest size of each path; -1 for a whiteout of a missing path."""
    again: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Times and bytes of paths that were counted more than once."""

    def miss(self, key: bytes) -> None:
        if key not in self.smallest:
            self.smallest[key] = -1
            self.least -= 1

    def add(self, key: bytes, size: int) -> None:
        self.total += size
        smallest = self.smallest.get(key)
        if smallest is None or smallest < 0:
            self.smallest[key] = size
            self.least += size - (smallest or 0)
            return
        times, taken = self.again.get(key, (1, smallest))
        self.again[key] = (times + 1, taken + size)
        if size < smallest:
            self.smallest[key] = size
            self.least += size - smallest


def _visit(tree: list[tuple[bytes, _Leaf]], stack: _Stack, count: _Count) -> None:
    """Count the leaves of a layer."""
    for position, (key, (size, _)) in enumerate(tree):
        if position + 1 < len(tree) and tree[position + 1][0].startswith(key + b"\0"):
            continue
        hidden = _hidden_by(key)
        if hidden is None:
            count.add(key, size)
            continue
        below = stack.size(hidden)
        if below is None:
            count.miss(hidden)
            return
        count.add(hidden, below)


def _hidden_by(key: bytes) -> bytes | None:
    """Return the key that a whiteout's name hides; ``None`` for all other names."""
    if WHITEOUT_PREFIX not in key:
        return None
    above, slash, name = key.rpartition(b"\0")
    return above + slash + name.removeprefix(WHITEOUT_PREFIX) if name.startswith(WHITEOUT_PREFIX) else None


class _Node:
    __slots__ = ("is_directory", "kids", "size")

    def __init__(self) -> None:
        self.size, self.is_directory = _IMPLIED
        self.kids: dict[bytes, _Node] = {}

    def total(self) -> int:
        total, waiting = 0, [self]
        while waiting:
            node = waiting.pop()
            total += node.size
            waiting += node.kids.values()
        return total


class _Stack:
    """Layers stacked as dive does, as far as whiteouts need them."""

    def __init__(self, indexes: Iterable[LayerIndex]) -> None:
        self._root = _Node()
        self._hidden: set[bytes] = set()
        """Keys that whiteouts hide."""
        self._above: set[bytes] = set()
        """The directories above these keys."""
        self._inside: dict[bytes, bool] = {b"": False}
        for index in indexes:
            for key, kind in zip(index.entry_keys(), index.kind, strict=True):
                if kind == Kind.WHITEOUT:
                    self._hidden.add(key)
        for key in self._hidden:
            while key := key.rpartition(b"\0")[0]:
                self._above.add(key)

    def size(self, key: bytes) -> int | None:
        """Return the bytes that a whiteout of a path counts; ``None`` if the path does not exist."""
        node = self._root
        for name in key.split(b"\0"):
            if name not in node.kids:
                return None
            node = node.kids[name]
        return node.total() if node.is_directory else 0

    def lay(self, tree: list[tuple[bytes, _Leaf]], has_whiteouts: bool = True) -> None:
        if not self._hidden:
            return
        own = {key for key, _ in tree}
        for key, (size, is_directory) in tree:
            hidden = _hidden_by(key)
            if hidden is not None:
                if has_whiteouts:
                    self._remove(hidden)
            elif key in self._hidden or key in self._above or self._is_inside(key.rpartition(b"\0")[0]):
                node = self._make(key, own)
                node.size, node.is_directory = size, is_directory

    def _make(self, key: bytes, own: set[bytes]) -> _Node:
        """Return the node of a path; dive resets the directories above that are implicit in the layer."""
        node, end = self._root, 0
        while end < len(key):
            start, end = end, key.find(b"\0", end + 1)
            end = len(key) if end < 0 else end
            node = node.kids.setdefault(key[start:end].lstrip(b"\0"), _Node())
            if key[:end] not in own:
                node.size, node.is_directory = _IMPLIED
        return node

    def _is_inside(self, directory: bytes) -> bool:
        """Return whether a directory is, or is below, one that a whiteout hides."""
        known = self._inside.get(directory)
        if known is None:
            known = directory in self._hidden or self._is_inside(directory.rpartition(b"\0")[0])
            self._inside[directory] = known
        return known

    def _remove(self, key: bytes) -> None:
        node = self._root
        *above, name = key.split(b"\0")
        for part in above:
            if part not in node.kids:
                return
            node = node.kids[part]
        node.kids.pop(name, None)
