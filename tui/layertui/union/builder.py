"""Apply layers to a union, base first.

Each layer is applied in two phases (OCI layer, "Whiteouts"): its whiteouts and opaque
whiteouts hide paths of the layers *below*, then its entries are laid over what is left, the
last of duplicates winning. An entry below a symlink is placed where the link leads inside
the image, as in umoci.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import compress
from typing import Any

from layertui.layers import native
from layertui.layers.codec import column_of
from layertui.model.layer_index import MAX_PATH, Kind, LayerIndex, positions
from layertui.model.numbers import NO_EVENT, NO_NODE, ROOT, EntryNumber, Event, LayerNumber, Node
from layertui.union.arrays import column, layers_of
from layertui.union.merge_warnings import MergeWarnings
from layertui.union.model import COLUMNS, Absence, LayerUnion
from layertui.union.tree import new_tree

MAX_PARENT_LINKS = 255
"""Symlinks followed for one path before it counts as a loop, as in umoci's securejoin."""

MAX_DETOURS = 1 << 25
"""Bytes of the paths of implied directories and of symlink targets followed, for all layers together.

Real images use less than a tenth of it; without a limit, a small hostile layer could take
hours and all memory.
"""

REPLACED_KIND = 255
"""The ``ev_kind`` of an event that deletes a path below a replaced directory."""


def union_alone(number: LayerNumber, index: LayerIndex | None) -> LayerUnion:
    """Return what layer ``number`` stores, before those below it are known: see :attr:`LayerUnion.is_alone`.

    Without an index there is nothing in it, not even the root. Nothing is deleted or warned of: that depends on the layers below.
    """
    builder = UnionBuilder()
    builder.leave_out(number - (index is not None))
    if index is not None:
        builder.add(index)
    union = builder.freeze()
    union.warnings, union.is_alone = [], True
    return union


def _keys_of(index: LayerIndex, kind: Kind) -> list[bytes]:
    """Return the keys of the entries of a kind, in tar order."""
    if kind not in index.kind:
        return []
    if (core := native.core()) is not None:
        return core.keys_of_kind(index.keys, bytes(index.kind), kind)
    keys = index.entry_keys()
    return [keys[number] for number in positions(index.kind, kind)]


class UnionBuilder:
    """Applies layers one by one; :meth:`freeze` returns the union of those applied so far.

    Nodes are numbered in the order of their first appearance here, and renumbered depth first
    by :meth:`freeze`; events have their final numbers from the start.
    """

    def __init__(self) -> None:
        self._indexes: list[LayerIndex] = []
        self._warnings = MergeWarnings()
        self._tree = new_tree()
        self._starts = [0]
        self._detours = 0
        # Of the layer being applied.
        self._whiteouts: set[bytes] = set()
        self._own: set[bytes] | None = None  # keys of its directories and whiteouts; None before needed
        self._landings: dict[bytes, Node] = {}  # where its entries below a (symlinked) directory are placed

    def add(self, index: LayerIndex) -> None:
        """Apply one more layer on top."""
        self._indexes.append(index)
        self._warnings.start(LayerNumber(len(self._indexes)), index)
        if self._tree.last(ROOT) < 0:
            self._tree.event(ROOT, Absence.IMPLIED, Kind.DIRECTORY, NO_EVENT)
        whiteouts, opaques = (_keys_of(index, kind) for kind in (Kind.WHITEOUT, Kind.OPAQUE))
        self._whiteouts = set(whiteouts)
        for found in (whiteouts, opaques):
            if len(found) > len(set(found)):
                self._warn_of_repeated_whiteouts(found)
        self._own = None
        hidden_kinds = {key: self._opaque(key) for key in sorted(set(opaques))}
        for key in sorted(self._whiteouts):
            self._whiteout(key)
            self._warn_of_double_whiteout(key, hidden_kinds)
        self._own = set()
        self._landings = {}
        for number, key in self._tree.lay(index, self._whiteouts, self._starts[-1]):
            self._lay(index, EntryNumber(number), key)
        for key, kind in hidden_kinds.items():
            self._warn_of_idle_opaque(key, kind)
        self._warnings.finish()
        self._starts.append(self._tree.events())

    def leave_out(self, layers: int) -> None:
        """Count some more layers, with nothing in them."""
        self._indexes += [LayerIndex()] * layers
        self._starts += [self._tree.events()] * layers

    def freeze(self) -> LayerUnion:
        """Return the union of the layers applied so far; more may be added afterwards."""
        keys, *columns, kinds = self._tree.columns()
        # Each column is dropped once its array is made: together they are as large as the union.
        arrays: dict[str, Any] = {name: column_of(code, columns.pop(0)) for name, code in COLUMNS.items()}
        return LayerUnion(
            indexes=list(self._indexes),
            warnings=list(self._warnings.listed),
            keys=keys,
            ev_layer=column(layers_of(self._starts)),
            ev_kind=kinds,
            starts=list(self._starts),
            **arrays,
        )

    def _child(self, parent: Node, name: bytes) -> bytes:
        return self._tree.key(parent) + b"\0" + name if parent else name

    # Phase one: whiteouts

    def _opaque(self, key: bytes) -> int:
        """Hide the contents of a directory of lower layers; return the kind of what the key is there, or -1."""
        node = self._walk(key, make=False)
        if node < 0:
            node = self._find(key)
            return -1 if node < 0 else self._tree.kind(node)
        self._tree.clear(node, Absence.OPAQUE, Kind.OPAQUE)
        if node == 0:
            self._warnings.opaque_root(key)
        return Kind.DIRECTORY

    def _warn_of_idle_opaque(self, key: bytes, lower_kind: int) -> None:
        """Warn of an opaque whiteout without a directory in lower layers, unless the layer itself creates one."""
        if lower_kind == Kind.DIRECTORY or self._walk(key, make=False) >= 0:
            return
        if lower_kind >= 0:
            self._warnings.opaque_on_file(key)
        else:
            self._warnings.opaque_missing(key)

    def _whiteout(self, key: bytes) -> None:
        node = self._find(key)
        if node <= 0 or (kind := self._tree.kind(node)) < 0:
            return
        if kind == Kind.DIRECTORY:
            self._tree.clear(node, Absence.WHITEOUT, Kind.WHITEOUT)
        self._tree.event(node, Absence.WHITEOUT, Kind.WHITEOUT, NO_EVENT)

    def _warn_of_repeated_whiteouts(self, found: list[bytes]) -> None:
        for key, count in Counter(found).items():
            if count > 1:
                self._warnings.repeated_whiteout(key)

    def _warn_of_double_whiteout(self, key: bytes, opaques: Collection[bytes]) -> None:
        above = key.rpartition(b"\0")[0]
        if above in opaques:
            self._warnings.whiteout_in_opaque(key)
        while above:
            if above in self._whiteouts:
                self._warnings.whiteout_below_whiteout(key, above)
                return
            above = above.rpartition(b"\0")[0]

    def _find(self, key: bytes) -> Node:
        """Return the node of a key below its (perhaps symlinked) parent, itself not followed; -1 if there is none."""
        above, _, name = key.rpartition(b"\0")
        if not name:
            return ROOT
        parent = self._walk(above, make=False)
        return NO_NODE if parent < 0 else self._tree.find(self._child(parent, name))

    # Phase two: entries

    def _lay(self, index: LayerIndex, number: EntryNumber, key: bytes) -> None:
        """Lay one entry, whatever there is in its place."""
        above, _, name = key.rpartition(b"\0")
        parent = self._landing(above)
        if parent < 0:
            self._warnings.out_of_reach(key)
            return
        tree, first, kind = self._tree, self._starts[-1], index.kind[number]
        key = self._child(parent, name)
        node = tree.node(parent, key)
        was = tree.kind(node)
        if not node and kind != Kind.DIRECTORY:
            self._warnings.root_not_directory(key)
            return
        if key in self._whiteouts:
            self._warnings.own_whiteout(key, kind == Kind.DIRECTORY)
        if was == Kind.DIRECTORY and kind != Kind.DIRECTORY:
            self._tree.clear(node, Absence.REPLACED, REPLACED_KIND)
        is_itself = kind == Kind.HARDLINK and index.links[index.link[number]] == key
        last = tree.last(node)
        if last >= first and tree.entry(last) >= 0 and not is_itself:
            self._warnings.duplicate(key)
        inode = NO_EVENT
        if kind == Kind.HARDLINK:
            inode, kind = self._linked(index, number, key)
        tree.event(node, number, kind, inode)
        if was == Kind.SYMLINK or (was == Kind.DIRECTORY and kind != Kind.DIRECTORY):
            self._landings.clear()

    def _landing(self, directory: bytes) -> Node:
        """Return the directory in which the layer's entries below a key are placed; -1 if out of reach."""
        node = self._landings.get(directory, NO_NODE)
        if node < 0:
            node = self._landings[directory] = self._walk(directory, make=True)
        return node

    def _linked(self, index: LayerIndex, number: EntryNumber, key: bytes) -> tuple[Event, int]:
        """Return the event whose metadata and content a hardlink shares (-1 for none), and its kind."""
        target = index.links[index.link[number]]
        node = self._find(target)
        kind = self._tree.kind(node) if node >= 0 else -1
        if kind < 0 or kind == Kind.DIRECTORY:
            is_deleted_here = node >= 0 and self._tree.last(node) >= self._starts[-1]
            self._warnings.hardlink_dangling(key, target, is_deleted_here)
            return NO_EVENT, Kind.HARDLINK
        last = self._tree.last(node)
        if self._tree.key(node) == key:
            self._warnings.hardlink_to_itself(key)
        elif last < self._starts[-1]:
            self._warnings.hardlink_below(key, target)
        return self._tree.inode(last), kind

    # Paths through symlinks

    def _walk(self, key: bytes, make: bool) -> Node:
        """Return the directory that a key leads to inside the image, following symlinks.

        With ``make``, a missing component becomes an implied directory, and one that is no
        directory is replaced by one; without, either returns -1. So do a symlink loop, which every
        engine refuses, a path longer than :data:`MAX_PATH`, and any once :data:`MAX_DETOURS` are used up.

        The loop keeps these invariants: ``node`` is an existing directory that the components
        taken so far lead to, ``todo`` are the components left, in reverse; a symlink is
        replaced in ``todo`` by its target, and ``..`` of the root is the root.
        """
        tree = self._tree
        node = tree.find(key)
        if node >= 0 and tree.kind(node) == Kind.DIRECTORY:
            return node  # all parents of an existing directory exist and are directories
        todo = key.split(b"\0")[::-1] if key else []
        node = ROOT
        links = 0
        while todo:
            name = todo.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                node = tree.parent(node)
                continue
            child_key = self._child(node, name)
            child = tree.find(child_key)
            kind = tree.kind(child) if child >= 0 else -1
            if kind == Kind.DIRECTORY:
                node = child
            elif (
                len(child_key) > MAX_PATH
                or self._detours > MAX_DETOURS
                or (kind == Kind.SYMLINK and (links == MAX_PARENT_LINKS or self._replaces(child_key)))
            ):
                return NO_NODE
            elif kind == Kind.SYMLINK:
                links += 1
                target = self._target(child)
                self._detours += len(target)
                if tree.last(child) < self._starts[-1]:
                    self._warnings.symlink_parent(key, child_key)
                if target.startswith(b"/"):
                    node = ROOT
                todo += target.split(b"/")[::-1]
            elif not make:
                return NO_NODE
            else:
                if kind >= 0:
                    self._warnings.below_file(child_key)
                if child_key in self._whiteouts:
                    self._warnings.own_whiteout(child_key, is_directory=True)
                child = tree.node(node, child_key)
                tree.event(child, Absence.IMPLIED, Kind.DIRECTORY, NO_EVENT)
                self._detours += len(child_key)
                node = child
        return node

    def _replaces(self, key: bytes) -> bool:
        """Return whether the layer itself has a directory where its whiteouts meet a symlink.

        Layers of Docker have one where a directory replaced a symlink to another directory.
        The opaque whiteout inside it is meant for the new directory, and must not be followed
        to what the symlink pointed to: that would delete files nobody deleted.
        """
        if self._own is None:
            index = self._indexes[-1]
            directories = map(int(Kind.DIRECTORY).__eq__, index.kind)
            self._own = self._whiteouts.union(compress(index.entry_keys(), directories))
        return key in self._own

    def _target(self, node: Node) -> bytes:
        """Return the target of the symlink that a node is now, as stored."""
        event = self._tree.inode(self._tree.last(node))
        layer = next(number for number, start in enumerate(self._starts[::-1]) if start <= event)
        index = self._indexes[len(self._starts) - 1 - layer]
        return index.links[index.link[self._tree.entry(event)]]
