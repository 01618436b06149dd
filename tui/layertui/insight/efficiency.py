"""dive's figures by dive's own rules, so that numbers and CI limits stay comparable.

The rules are those of dive 0.13 (``dive/filetree/efficiency.go``, ``dive/image/analysis.go``),
oddities included: only leaves of a layer's own tree count; a whiteout of a file, or of an implicit
directory, counts 0, one of another directory the bytes that dive's stack of the layers below has
there; the contents of a replaced directory stay; opaque whiteouts hide nothing; and a whiteout of
a missing path ends the count of its layer. For the actual waste see
:mod:`layertui.insight.waste`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
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
        tree = _Tree(index)
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
_WHITEOUT = bytes(kind == Kind.WHITEOUT for kind in range(256))
_SPECIAL = bytes(kind in (Kind.WHITEOUT, Kind.OPAQUE, Kind.METADATA) for kind in range(256))
_ORDINARY = bytes(not special for special in _SPECIAL)
"""Of each kind, whether it is one of them: a column translated by this selects entries."""
_DROPPED = b".wh..wh.."
"""dive adds all but these (``file_tree.go``, doubleWhiteoutPrefix): AUFS' own files are whiteouts to it."""


def entries_of(index: LayerIndex) -> dict[bytes, int]:
    """Return the entry of each path as dive adds them to the layer's tree, whiteouts by their names in the tar.

    The directory of a marker that dive drops has :data:`NO_ENTRY`, if nothing else adds it.
    """
    keys = index.entry_keys()
    nodes = {key: entry for entry, key in compress(enumerate(keys), index.kind.translate(_ORDINARY))}
    for entry in compress(range(index.count), index.kind.translate(_SPECIAL)):
        above, slash, name = keys[entry].rpartition(b"\0")
        match index.kind[entry]:
            case Kind.WHITEOUT:
                nodes[above + slash + whiteout_name(name)] = entry
            case Kind.OPAQUE:
                nodes.setdefault(keys[entry], NO_ENTRY)
            case _ if name.startswith(_DROPPED):
                nodes.setdefault(above, NO_ENTRY)
            case _:
                nodes[keys[entry]] = entry
    nodes.pop(b"", None)
    return nodes


_IMPLIED = (0, False)
"""Bytes of a directory that no entry adds, and that it is one: dive takes it for a file."""


class _Tree:
    """A layer's paths in dive's order."""

    def __init__(self, index: LayerIndex) -> None:
        entries = entries_of(index)
        self.keys = sorted(entries)
        self.entries = list(map(entries.__getitem__, self.keys))
        self.sizes = [index.size[entry] if entry != NO_ENTRY else 0 for entry in self.entries]
        self.hidden = [
            (position, hidden)
            for position, key in enumerate(self.keys)
            if WHITEOUT_PREFIX in key and (hidden := _hidden_by(key)) is not None
        ]
        """Positions of whiteouts, and the keys that they hide."""
        self._kind = index.kind

    def leaf(self, position: int) -> tuple[int, bool]:
        """Return the bytes of a path, and whether it is a directory."""
        entry = self.entries[position]
        return _IMPLIED if entry == NO_ENTRY else (self.sizes[position], self._kind[entry] == Kind.DIRECTORY)

    def leaves(self, start: int, end: int) -> dict[bytes, int]:
        """Return the bytes of the paths in a stretch that have none below them."""
        keys, following = self.keys[start:end], [*self.keys[start + 1 : end + 1], b""]
        return {
            key: size
            for key, size, after in zip(keys, self.sizes[start:end], following, strict=False)
            if not after.startswith(key + b"\0")
        }


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

    def add(self, leaves: dict[bytes, int]) -> None:
        smallest = self.smallest
        known = [key for key in leaves if key in smallest]
        sizes = [(key, leaves.pop(key)) for key in known]
        smallest |= leaves
        new = sum(leaves.values())
        self.total += new
        self.least += new
        for key, size in sizes:
            self.total += size
            before = smallest[key]
            if before >= 0:
                times, taken = self.again.get(key, (1, before))
                self.again[key] = (times + 1, taken + size)
            if before < 0 or size < before:
                smallest[key] = size
                self.least += size - before


def _visit(tree: _Tree, stack: _Stack, count: _Count) -> None:
    """Count the leaves of a layer."""
    start = 0
    for position, hidden in tree.hidden:
        count.add(tree.leaves(start, position))
        start = position + 1
        if not tree.leaves(position, start):
            continue
        below = stack.size(hidden)
        if below is None:
            count.miss(hidden)
            return
        count.add({hidden: below})
    count.add(tree.leaves(start, len(tree.keys)))


def _hidden_by(key: bytes) -> bytes | None:
    """Return the key that a whiteout's name hides; ``None`` for all other names."""
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
        for index in indexes:
            self._hidden.update(compress(index.entry_keys(), index.kind.translate(_WHITEOUT)))
        for key in self._hidden:
            while (key := key.rpartition(b"\0")[0]) and key not in self._above:
                self._above.add(key)

    def size(self, key: bytes) -> int | None:
        """Return the bytes that a whiteout of a path counts; ``None`` if the path does not exist."""
        node = self._root
        for name in key.split(b"\0"):
            if name not in node.kids:
                return None
            node = node.kids[name]
        return node.total() if node.is_directory else 0

    def lay(self, tree: _Tree, has_whiteouts: bool = True) -> None:
        if not self._hidden:
            return
        own = set(tree.keys)
        hides = dict(tree.hidden)
        for position in sorted({*hides, *self._needed(tree.keys)}):
            if position in hides:
                if has_whiteouts:
                    self._remove(hides[position])
            else:
                node = self._make(tree.keys[position], own)
                node.size, node.is_directory = tree.leaf(position)

    def _needed(self, keys: Sequence[bytes]) -> Iterator[int]:
        """Yield the positions of what whiteouts hide, of all below it, and of the directories above it."""
        for key in self._hidden:
            yield from range(bisect_left(keys, key), bisect_left(keys, key + b"\1"))
        for key in self._above:
            position = bisect_left(keys, key)
            if position < len(keys) and keys[position] == key:
                yield position

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

    def _remove(self, key: bytes) -> None:
        node = self._root
        *above, name = key.split(b"\0")
        for part in above:
            if part not in node.kids:
                return
            node = node.kids[part]
        node.kids.pop(name, None)
