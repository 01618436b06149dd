"""Apply layers to a union, base first.

Each layer is applied in two phases (OCI layer, "Whiteouts"): its whiteouts and opaque
whiteouts hide paths of the layers *below*, then its entries are laid over what is left, the
last of duplicates winning. An entry below a symlink is placed where the link leads inside
the image, as in umoci.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from typing import cast

from layertui.model.layer_index import MAX_PATH, Kind, LayerIndex, positions
from layertui.model.numbers import NO_EVENT, NO_NODE, ROOT, EntryNumber, Event, LayerNumber, Node
from layertui.union.arrays import column, ends, offsets
from layertui.union.merge_warnings import MergeWarnings
from layertui.union.model import Absence, LayerUnion

MAX_PARENT_LINKS = 255
"""Symlinks followed for one path before it counts as a loop, as in umoci's securejoin."""

MAX_DETOURS = 1 << 25
"""Bytes of the paths of implied directories and of symlink targets followed, for all layers together.

Real images use less than a tenth of it; without a limit, a small hostile layer could take
hours and all memory.
"""

_SIMPLE = frozenset(map(int, (Kind.FILE, Kind.DIRECTORY, Kind.CHAR, Kind.BLOCK, Kind.FIFO)))
"""Kinds that need nothing but an event where the path had the same kind before."""

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
    return replace(builder.freeze(), warnings=[], is_alone=True)


class UnionBuilder:
    """Applies layers one by one; :meth:`freeze` returns the union of those applied so far.

    Nodes are numbered in the order of their first appearance here, and renumbered depth first
    by :meth:`freeze`; events have their final numbers from the start.
    """

    def __init__(self) -> None:
        self._indexes: list[LayerIndex] = []
        self._warnings = MergeWarnings()
        # Nodes; node 0 is the root.
        self._ids: dict[bytes, Node] = {b"": ROOT}
        self._keys: list[bytes] = [b""]
        self._parents: list[Node] = [ROOT]  # the root is its own parent, as with ".."
        # Children by directory, for deletions. Most images delete few directories, so this is
        # not kept up to date by the hot path, but by _clear from node _children_known on.
        self._children: defaultdict[Node, list[Node]] = defaultdict(list)
        self._children_known = 1
        self._last: list[Event] = [NO_EVENT]
        # Events.
        self._ev_node = array("I")
        self._ev_entry = array("i")
        self._ev_prev = array("i")
        self._ev_inode = array("I")
        self._ev_kind = bytearray()
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
        keys = index.entry_keys()
        if self._last[0] < 0:
            self._event(ROOT, Absence.IMPLIED, Kind.DIRECTORY)
        self._whiteouts = {keys[number] for number in positions(index.kind, Kind.WHITEOUT)}
        opaques = {keys[number] for number in positions(index.kind, Kind.OPAQUE)}
        self._warn_of_repeated_whiteouts(index, keys)
        self._own = None
        hidden_kinds = {key: self._opaque(key) for key in sorted(opaques)}
        for key in sorted(self._whiteouts):
            self._whiteout(key)
            self._warn_of_double_whiteout(key, opaques)
        self._own = set()
        self._landings = {}
        self._lay(index, keys)
        for key, kind in hidden_kinds.items():
            self._warn_of_idle_opaque(key, kind)
        self._warnings.finish()
        self._starts.append(len(self._ev_node))

    def leave_out(self, layers: int) -> None:
        """Count some more layers, with nothing in them."""
        self._indexes += [LayerIndex()] * layers
        self._starts += [len(self._ev_node)] * layers

    def freeze(self) -> LayerUnion:
        """Return the union of the layers applied so far; more may be added afterwards."""
        # Loops inside the interpreter's C code: an image may have a million paths.
        count = len(self._keys)
        order = sorted(range(count), key=self._keys.__getitem__)
        rank = [0] * count
        deque(map(rank.__setitem__, order, range(count)), maxlen=0)
        keys = list(map(self._keys.__getitem__, order))
        parent = array("i", map(rank.__getitem__, map(self._parents.__getitem__, order)))
        parent[0] = -1
        return LayerUnion(
            indexes=list(self._indexes),
            warnings=list(self._warnings.listed),
            keys=b"/".join(keys),
            offsets=offsets(keys),
            parent=column(parent),
            end=column(ends(parent)),
            last=column(array("i", map(self._last.__getitem__, order))),
            ev_node=column(array("I", map(rank.__getitem__, self._ev_node))),
            ev_layer=column(self._layers_of_events()),
            ev_entry=column(self._ev_entry[:]),
            ev_prev=column(self._ev_prev[:]),
            ev_inode=column(self._ev_inode[:]),
            ev_kind=bytes(self._ev_kind),
            starts=list(self._starts),
        )

    def _layers_of_events(self) -> array[int]:
        layers = array("H")
        for layer, (start, stop) in enumerate(zip(self._starts, self._starts[1:], strict=False), 1):
            layers.extend(array("H", [layer]) * (stop - start))
        return layers

    # The tree as of the layer being applied

    def _kind(self, node: Node) -> int:
        """Return the kind of what a node is now; -1 if it does not exist."""
        last = self._last[node]
        if last < 0 or self._ev_entry[last] < Absence.IMPLIED:
            return -1
        return self._ev_kind[last]

    def _event(self, node: Node, entry: int, kind: int, inode: Event = NO_EVENT) -> None:
        """Append an event; ``entry`` is an entry's number or an :class:`Absence`."""
        event = Event(len(self._ev_node))
        self._ev_node.append(node)
        self._ev_entry.append(entry)
        self._ev_prev.append(self._last[node])
        self._ev_inode.append(event if inode < 0 else inode)
        self._ev_kind.append(kind)
        self._last[node] = event

    def _node(self, parent: Node, key: bytes) -> Node:
        """Return the node of a key below a directory, added if it is new."""
        node = self._ids.get(key, NO_NODE)
        if node < 0:
            node = self._ids[key] = Node(len(self._keys))
            self._keys.append(key)
            self._parents.append(parent)
            self._last.append(NO_EVENT)
        return node

    def _child(self, parent: Node, name: bytes) -> bytes:
        return self._keys[parent] + b"\0" + name if parent else name

    def _clear(self, directory: Node, deletion: Absence, kind: int) -> None:
        """Delete everything that exists below a directory."""
        for node in cast("Sequence[Node]", range(self._children_known, len(self._keys))):
            self._children[self._parents[node]].append(node)
        self._children_known = len(self._keys)
        waiting = [directory]
        while waiting:
            for child in self._children[waiting.pop()]:
                if (was := self._kind(child)) >= 0:
                    self._event(child, deletion, kind)
                    if was == Kind.DIRECTORY:
                        waiting.append(child)

    # Phase one: whiteouts

    def _opaque(self, key: bytes) -> int:
        """Hide the contents of a directory of lower layers; return the kind of what the key is there, or -1."""
        node = self._walk(key, make=False)
        if node < 0:
            node = self._find(key)
            return -1 if node < 0 else self._kind(node)
        self._clear(node, Absence.OPAQUE, Kind.OPAQUE)
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
        if node <= 0 or (kind := self._kind(node)) < 0:
            return
        if kind == Kind.DIRECTORY:
            self._clear(node, Absence.WHITEOUT, Kind.WHITEOUT)
        self._event(node, Absence.WHITEOUT, Kind.WHITEOUT)

    def _warn_of_repeated_whiteouts(self, index: LayerIndex, keys: list[bytes]) -> None:
        for kind in (Kind.WHITEOUT, Kind.OPAQUE):
            found = positions(index.kind, kind)
            if len(found) > len({keys[number] for number in found}):
                for key, count in Counter(keys[number] for number in found).items():
                    if count > 1:
                        self._warnings.repeated_whiteout(key)

    def _warn_of_double_whiteout(self, key: bytes, opaques: set[bytes]) -> None:
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
        return NO_NODE if parent < 0 else self._ids.get(self._child(parent, name), NO_NODE)

    # Phase two: entries

    def _lay(self, index: LayerIndex, keys: list[bytes]) -> None:
        """Lay a layer's entries over the tree.

        The hot path of every image. Entries that need nothing but an event of their own are
        collected in a run, whose columns :meth:`_flush` fills at once; an entry of the run
        gets the event ``number + shift``. Until then the event exists only in ``last``.
        """
        kinds, first, whiteouts = index.kind, self._starts[-1], self._whiteouts
        # Plain numbers here: wrapping each, or comparing with members of an enum, would cost more
        # than everything else.
        ids = cast("dict[bytes, int]", self._ids)
        last, parents = cast("list[int]", self._last), cast("list[int]", self._parents)
        all_keys, ev_kind = self._keys, self._ev_kind
        whiteout, hardlink, is_directory = int(Kind.WHITEOUT), int(Kind.HARDLINK), int(Kind.DIRECTORY)
        run: list[int] = []
        before: list[int] = []
        shift = len(ev_kind)
        directory: bytes | None = None
        parent, aliased = 0, False
        for number, key in enumerate(keys):
            kind = kinds[number]
            if kind >= whiteout:
                self._flush(run, before, kinds, number)
                shift = len(ev_kind) - number - 1
                continue
            above, _, name = key.rpartition(b"\0")
            if above != directory:
                parent = ids.get(above, -1)
                event = last[parent] if parent >= 0 else -1
                # All parents of an existing directory exist and are directories.
                if event >= 0:
                    event = kinds[event - shift] if event >= len(ev_kind) else ev_kind[event]
                if event != is_directory:
                    self._flush(run, before, kinds, number)
                    parent = self._landing(above)
                    shift = len(ev_kind) - number
                    if parent < 0:
                        shift -= 1
                        directory = None
                        self._warnings.out_of_reach(key)
                        continue
                directory = above
                aliased = all_keys[parent] != above
            if aliased:
                key = self._child(Node(parent), name)
            node = ids.get(key, -1)
            if node < 0 and kind != hardlink and key not in whiteouts:
                node = ids[key] = len(all_keys)
                all_keys.append(key)
                parents.append(parent)
                run.append(node)
                before.append(-1)
                last.append(number + shift)
            elif node > 0 and last[node] < first and ev_kind[last[node]] == kind and kind in _SIMPLE:
                run.append(node)
                before.append(last[node])
                last[node] = number + shift
            else:
                self._flush(run, before, kinds, number)
                if self._lay_one(index, EntryNumber(number), self._node(Node(parent), key), first):
                    directory = None
                shift = len(ev_kind) - number - 1
        self._flush(run, before, kinds, len(keys))

    def _flush(self, run: list[int], before: list[int], kinds: bytearray, stop: int) -> None:
        """Append the events of a run that ends before the entry ``stop``, and clear it."""
        if run:
            start, event = stop - len(run), len(self._ev_kind)
            self._ev_node.extend(run)
            self._ev_entry.extend(range(start, stop))
            self._ev_prev.extend(before)
            self._ev_inode.extend(range(event, event + len(run)))
            self._ev_kind += kinds[start:stop]
            run.clear()
            before.clear()

    def _lay_one(self, index: LayerIndex, number: EntryNumber, node: Node, first: int) -> bool:
        """Lay one entry where something may exist already; return whether parents must be looked up again."""
        kind, key, was = index.kind[number], self._keys[node], self._kind(node)
        if not node and kind != Kind.DIRECTORY:
            self._warnings.root_not_directory(key)
            return False
        if key in self._whiteouts:
            self._warnings.own_whiteout(key, kind == Kind.DIRECTORY)
        if was == Kind.DIRECTORY and kind != Kind.DIRECTORY:
            self._clear(node, Absence.REPLACED, REPLACED_KIND)
        is_itself = kind == Kind.HARDLINK and index.links[index.link[number]] == key
        if self._last[node] >= first and self._ev_entry[self._last[node]] >= 0 and not is_itself:
            self._warnings.duplicate(key)
        inode = NO_EVENT
        if kind == Kind.HARDLINK:
            inode, kind = self._linked(index, number, key)
        self._event(node, number, kind, inode)
        moved = was == Kind.SYMLINK or (was == Kind.DIRECTORY and kind != Kind.DIRECTORY)
        if moved:
            self._landings.clear()
        return moved

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
        kind = self._kind(node) if node >= 0 else -1
        if kind < 0 or kind == Kind.DIRECTORY:
            self._warnings.hardlink_dangling(key, target)
            return NO_EVENT, Kind.HARDLINK
        last = self._last[node]
        if self._keys[node] == key:
            self._warnings.hardlink_to_itself(key)
        elif last < self._starts[-1]:
            self._warnings.hardlink_below(key, target)
        return Event(self._ev_inode[last]), kind

    # Paths through symlinks

    def _walk(self, key: bytes, make: bool) -> Node:
        """Return the directory that a key leads to inside the image, following symlinks.

        With ``make``, a missing component becomes an implied directory, and one that is no
        directory is replaced by one; without, either returns -1. So do a path longer than
        :data:`MAX_PATH`, and any once :data:`MAX_DETOURS` are used up.

        The loop keeps these invariants: ``node`` is an existing directory that the components
        taken so far lead to, ``todo`` are the components left, in reverse; a symlink is
        replaced in ``todo`` by its target, and ``..`` of the root is the root.
        """
        node = self._ids.get(key, NO_NODE)
        if node >= 0 and self._kind(node) == Kind.DIRECTORY:
            return node  # all parents of an existing directory exist and are directories
        todo = key.split(b"\0")[::-1] if key else []
        node = ROOT
        links = 0
        while todo:
            name = todo.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                node = self._parents[node]
                continue
            child_key = self._child(node, name)
            child = self._ids.get(child_key, NO_NODE)
            kind = self._kind(child) if child >= 0 else -1
            if kind == Kind.DIRECTORY:
                node = child
            elif (
                len(child_key) > MAX_PATH
                or self._detours > MAX_DETOURS
                or (kind == Kind.SYMLINK and self._replaces(child_key))
            ):
                return NO_NODE
            elif kind == Kind.SYMLINK and links < MAX_PARENT_LINKS:
                links += 1
                target = self._target(child)
                self._detours += len(target)
                if self._last[child] < self._starts[-1]:
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
                child = self._node(node, child_key)
                self._event(child, Absence.IMPLIED, Kind.DIRECTORY)
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
        event = self._ev_inode[self._last[node]]
        layer = next(number for number, start in enumerate(self._starts[::-1]) if start <= event)
        index = self._indexes[len(self._starts) - 1 - layer]
        return index.links[index.link[self._ev_entry[event]]]
