"""The tree that layers are laid over: every path so far, and what each layer did to it."""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence, Set
from typing import Any, Protocol, cast

from layertui.layers import native
from layertui.model.layer_index import Kind, LayerIndex
from layertui.model.numbers import NO_EVENT, NO_NODE, ROOT, Event, Node
from layertui.union.arrays import ends, offsets
from layertui.union.model import Absence

_SIMPLE = frozenset(map(int, (Kind.FILE, Kind.DIRECTORY, Kind.CHAR, Kind.BLOCK, Kind.FIFO)))
"""Kinds that need nothing but an event where the path had the same kind before."""


class Tree(Protocol):
    """Nodes, numbered in the order of their first appearance, and events. The root is always there.

    The rules of :mod:`layertui.union.builder` change it path by path; what needs no rule is laid at once.
    """

    def events(self) -> int:
        """Return the number of events."""
        ...

    def find(self, key: bytes) -> Node:
        """Return the node of a key; -1 if there is none."""
        ...

    def key(self, node: Node) -> bytes: ...

    def parent(self, node: Node) -> Node:
        """Return the directory of a node; the root is its own, as with ``..``."""
        ...

    def kind(self, node: Node) -> int:
        """Return the kind of what a node is now; -1 if it does not exist."""
        ...

    def last(self, node: Node) -> Event:
        """Return the last event of a node; -1 if there is none."""
        ...

    def entry(self, event: Event) -> int:
        """Return the entry's number, or an :class:`~layertui.union.model.Absence`."""
        ...

    def inode(self, event: Event) -> Event: ...

    def node(self, parent: Node, key: bytes) -> Node:
        """Return the node of a key below a directory, added if it is new."""
        ...

    def event(self, node: Node, entry: int, kind: int, inode: Event) -> None:
        """Append an event; -1 as ``inode`` stands for itself."""
        ...

    def clear(self, directory: Node, deletion: int, kind: int) -> None:
        """Delete everything that exists below a directory."""
        ...

    def lay(self, index: LayerIndex, whiteouts: Set[bytes], first: int) -> Iterable[tuple[int, bytes]]:
        """Lay the entries of a layer whose events start at ``first``; yield those that need rules, number and key.

        Such an entry may be one whose directory does not exist under its own key, one where something else
        exists or existed, a hardlink, or one in ``whiteouts``. The caller lays it before it takes the next.
        """
        ...

    def columns(self) -> Sequence[bytes]:
        """Return the columns of a :class:`~layertui.union.model.LayerUnion`: ``keys``, ``COLUMNS``, ``ev_kind``."""
        ...


def new_tree() -> Tree:
    core = native.core()
    return PythonTree() if core is None else cast(Tree, core.Tree())


class PythonTree:
    """The reference of the native core's."""

    def __init__(self) -> None:
        # Plain numbers here: wrapping each, or comparing with members of an enum, would cost more
        # than everything else.
        self._ids: dict[bytes, int] = {b"": ROOT}
        self._keys: list[bytes] = [b""]
        self._parents: list[int] = [ROOT]
        self._last: list[int] = [NO_EVENT]
        # Children by directory, for deletions. Most images delete few directories, so this is
        # not kept up to date by the hot path, but by clear() from node _children_known on.
        self._children: defaultdict[int, list[int]] = defaultdict(list)
        self._children_known = 1
        self._ev_node = array("I")
        self._ev_entry = array("i")
        self._ev_prev = array("i")
        self._ev_inode = array("I")
        self._ev_kind = bytearray()

    def events(self) -> int:
        return len(self._ev_kind)

    def find(self, key: bytes) -> Node:
        return Node(self._ids.get(key, NO_NODE))

    def key(self, node: Node) -> bytes:
        return self._keys[node]

    def parent(self, node: Node) -> Node:
        return Node(self._parents[node])

    def kind(self, node: Node) -> int:
        last = self._last[node]
        if last < 0 or self._ev_entry[last] < Absence.IMPLIED:
            return -1
        return self._ev_kind[last]

    def last(self, node: Node) -> Event:
        return Event(self._last[node])

    def entry(self, event: Event) -> int:
        return self._ev_entry[event]

    def inode(self, event: Event) -> Event:
        return Event(self._ev_inode[event])

    def node(self, parent: Node, key: bytes) -> Node:
        node = self._ids.get(key, NO_NODE)
        if node < 0:
            node = self._ids[key] = len(self._keys)
            self._keys.append(key)
            self._parents.append(parent)
            self._last.append(NO_EVENT)
        return Node(node)

    def event(self, node: Node, entry: int, kind: int, inode: Event) -> None:
        event = len(self._ev_kind)
        self._ev_node.append(node)
        self._ev_entry.append(entry)
        self._ev_prev.append(self._last[node])
        self._ev_inode.append(event if inode < 0 else inode)
        self._ev_kind.append(kind)
        self._last[node] = event

    def clear(self, directory: Node, deletion: int, kind: int) -> None:
        for node in range(self._children_known, len(self._keys)):
            self._children[self._parents[node]].append(node)
        self._children_known = len(self._keys)
        waiting: list[int] = [directory]
        while waiting:
            for child in cast("list[Node]", self._children[waiting.pop()]):
                if (was := self.kind(child)) >= 0:
                    self.event(child, deletion, kind, NO_EVENT)
                    if was == Kind.DIRECTORY:
                        waiting.append(child)

    def lay(self, index: LayerIndex, whiteouts: Set[bytes], first: int) -> Iterable[tuple[int, bytes]]:
        """See :meth:`Tree.lay`. The hot path of every image.

        Entries that need nothing but an event of their own are collected in a run, whose columns
        :meth:`_flush` fills at once; an entry of the run gets the event ``number + shift``. Until then the
        event exists only in ``last``.
        """
        kinds = index.kind
        ids, last, parents = self._ids, self._last, self._parents
        all_keys, ev_kind = self._keys, self._ev_kind
        whiteout, hardlink, is_directory = int(Kind.WHITEOUT), int(Kind.HARDLINK), int(Kind.DIRECTORY)
        run: list[int] = []
        before: list[int] = []
        shift = len(ev_kind)
        directory: bytes | None = None
        parent = 0
        for number, key in enumerate(index.entry_keys()):
            kind = kinds[number]
            if kind >= whiteout:
                self._flush(run, before, kinds, number)
                shift = len(ev_kind) - number - 1
                continue
            above = key.rpartition(b"\0")[0]
            if above != directory:
                parent = ids.get(above, -1)
                event = last[parent] if parent >= 0 else -1
                # All parents of an existing directory exist and are directories.
                if event >= 0:
                    event = kinds[event - shift] if event >= len(ev_kind) else ev_kind[event]
                directory = above if event == is_directory else None
            node = ids.get(key, -1)
            if directory is None:
                pass
            elif node < 0 and kind != hardlink and key not in whiteouts:
                node = ids[key] = len(all_keys)
                all_keys.append(key)
                parents.append(parent)
                run.append(node)
                before.append(-1)
                last.append(number + shift)
                continue
            elif node > 0 and last[node] < first and ev_kind[last[node]] == kind and kind in _SIMPLE:
                run.append(node)
                before.append(last[node])
                last[node] = number + shift
                continue
            self._flush(run, before, kinds, number)
            yield number, key
            directory = None
            shift = len(ev_kind) - number - 1
        self._flush(run, before, kinds, len(kinds))

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

    def columns(self) -> Sequence[bytes]:
        # Loops inside the interpreter's C code: an image may have a million paths.
        count = len(self._keys)
        order = sorted(range(count), key=self._keys.__getitem__)
        rank = [0] * count
        deque(map(rank.__setitem__, order, range(count)), maxlen=0)
        keys = list(map(self._keys.__getitem__, order))
        parent = array("i", map(rank.__getitem__, map(self._parents.__getitem__, order)))
        parent[0] = -1
        columns: tuple[array[Any], ...] = (
            offsets(keys), parent, ends(parent), array("i", map(self._last.__getitem__, order)),
            array("I", map(rank.__getitem__, self._ev_node)), self._ev_entry, self._ev_prev, self._ev_inode,
        )  # fmt: skip
        return [b"/".join(keys), *(column.tobytes() for column in columns), bytes(self._ev_kind)]
