"""Lays layers over one another, base first, and keeps what each did to every path.

Each layer goes on in two phases (OCI layer, "Whiteouts"): its whiteouts and opaque
whiteouts hide what the layers *below* have, then its entries are laid over what is left,
the last of duplicates winning. An entry below a symlink lands where the link leads inside
the image, as umoci and containerd place it.
"""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from itertools import compress

from layertui.model.layer_index import MAX_PATH, Kind, LayerIndex, path_of, positions
from layertui.union.arrays import ends, offsets
from layertui.union.model import Absence, LayerUnion, UnionWarning

MAX_PARENT_LINKS = 255
"""Symlinks followed for one path before it counts as a loop (as umoci's securejoin)."""

MAX_DETOURS = 1 << 27
"""Bytes of implied directories' paths and of symlinks followed, in all layers together.

Real images stay below a hundredth; a small hostile layer could otherwise take hours and all memory.
"""

_SIMPLE = frozenset(map(int, (Kind.FILE, Kind.DIRECTORY, Kind.CHAR, Kind.BLOCK, Kind.FIFO)))
"""Laid over their like, these need no more than an event."""

REPLACED_KIND = 255
"""Stands for the kind of an event that deletes a path below a replaced directory."""


class UnionBuilder:
    """Takes the layers one by one; :meth:`freeze` gives the union of those so far."""

    def __init__(self) -> None:
        self._indexes: list[LayerIndex] = []
        self._warnings: list[UnionWarning] = []
        # Nodes in the order of their first appearance; node 0 is the root.
        self._ids: dict[bytes, int] = {b"": 0}
        self._keys: list[bytes] = [b""]
        self._parents: list[int] = [0]  # the root is its own, as ``..`` has it
        self._kids: defaultdict[int, list[int]] = defaultdict(list)
        self._kids_known = 1  # nodes that ``_kids`` has; it is brought up to date when it is asked
        self._last: list[int] = [-1]
        # Events in the order in which the layers make them.
        self._ev_node = array("I")
        self._ev_entry = array("i")
        self._ev_prev = array("i")
        self._ev_inode = array("I")
        self._ev_kind = bytearray()
        self._starts = [0]
        self._detours = 0
        # For the layer being laid on: its whiteouts, and where its entries below a directory go.
        self._whiteouts: set[bytes] = set()
        self._own: set[bytes] | None = None
        self._landings: dict[bytes, int] = {}

    def add(self, index: LayerIndex) -> None:
        """Lay one more layer on top."""
        self._indexes.append(index)
        self._warnings += [
            UnionWarning(len(self._indexes), warning.code, path_of(warning.key), warning.text)
            for warning in index.warnings
        ]
        keys = index.entry_keys()
        if self._last[0] < 0:
            self._event(0, Absence.IMPLIED, Kind.DIRECTORY)
        self._whiteouts = {keys[number] for number in positions(index.kind, Kind.WHITEOUT)}
        opaques = {keys[number] for number in positions(index.kind, Kind.OPAQUE)}
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
        self._starts.append(len(self._ev_node))

    def freeze(self) -> LayerUnion:
        """The union of the layers so far; more may be added afterwards."""
        # Loops that run inside the interpreter's C code, for images of a million paths.
        count = len(self._keys)
        order = sorted(range(count), key=self._keys.__getitem__)
        rank = [0] * count
        deque(map(rank.__setitem__, order, range(count)), maxlen=0)
        keys = list(map(self._keys.__getitem__, order))
        parent = array("i", map(rank.__getitem__, map(self._parents.__getitem__, order)))
        parent[0] = -1
        return LayerUnion(
            indexes=list(self._indexes),
            warnings=list(self._warnings),
            keys=b"/".join(keys),
            offsets=offsets(keys),
            parent=parent,
            end=ends(parent),
            last=array("i", map(self._last.__getitem__, order)),
            ev_node=array("I", map(rank.__getitem__, self._ev_node)),
            ev_layer=self._layers_of_events(),
            ev_entry=self._ev_entry[:],
            ev_prev=self._ev_prev[:],
            ev_inode=self._ev_inode[:],
            ev_kind=bytes(self._ev_kind),
            starts=list(self._starts),
        )

    def _layers_of_events(self) -> array[int]:
        layers = array("H")
        for layer, (start, stop) in enumerate(zip(self._starts, self._starts[1:], strict=False), 1):
            layers.extend(array("H", [layer]) * (stop - start))
        return layers

    # What is visible now

    def _kind(self, node: int) -> int:
        """Kind of what is visible at a node now; -1 for nothing."""
        last = self._last[node]
        if last < 0 or self._ev_entry[last] < Absence.IMPLIED:
            return -1
        return self._ev_kind[last]

    def _event(self, node: int, entry: int, kind: int, inode: int = -1) -> None:
        event = len(self._ev_node)
        self._ev_node.append(node)
        self._ev_entry.append(entry)
        self._ev_prev.append(self._last[node])
        self._ev_inode.append(event if inode < 0 else inode)
        self._ev_kind.append(kind)
        self._last[node] = event

    def _node(self, parent: int, key: bytes) -> int:
        """The node of a key below a directory, made if it is new."""
        node = self._ids.get(key, -1)
        if node < 0:
            node = self._ids[key] = len(self._keys)
            self._keys.append(key)
            self._parents.append(parent)
            self._last.append(-1)
        return node

    def _child(self, parent: int, name: bytes) -> bytes:
        return self._keys[parent] + b"\0" + name if parent else name

    def _clear(self, directory: int, deletion: Absence, kind: int) -> None:
        """Delete all that is visible below a directory."""
        for node in range(self._kids_known, len(self._keys)):
            self._kids[self._parents[node]].append(node)
        self._kids_known = len(self._keys)
        waiting = [directory]
        while waiting:
            for child in self._kids[waiting.pop()]:
                if (was := self._kind(child)) >= 0:
                    self._event(child, deletion, kind)
                    if was == Kind.DIRECTORY:
                        waiting.append(child)

    def _warn(self, code: str, key: bytes, text: str) -> None:
        self._warnings.append(UnionWarning(len(self._indexes), code, path_of(key), text))

    # Phase one: whiteouts

    def _opaque(self, key: bytes) -> int:
        """Hide what the layers below have in a directory; the kind of what is there, or -1."""
        node = self._walk(key, make=False)
        if node < 0:
            node = self._find(key)
            return -1 if node < 0 else self._kind(node)
        self._clear(node, Absence.OPAQUE, Kind.OPAQUE)
        if node == 0:
            self._warn(
                "opaque-root",
                key,
                "opaque whiteout at the root: Docker's overlay2 and Podman ignore it "
                "and keep what the layers below have",
            )
        return Kind.DIRECTORY

    def _warn_of_idle_opaque(self, key: bytes, lower_kind: int) -> None:
        """Tell of an opaque whiteout that found no directory below, if the layer made none either."""
        if lower_kind == Kind.DIRECTORY or self._walk(key, make=False) >= 0:
            return
        if lower_kind >= 0:
            self._warn(
                "opaque-on-file",
                key,
                "opaque whiteout for a path that is no directory below: it stays as it is here "
                "and in umoci, Docker's overlay2 and Podman make it an empty directory",
            )
        else:
            self._warn(
                "opaque-missing",
                key,
                "opaque whiteout for a directory that no layer below has: Docker and Podman create it, empty",
            )

    def _whiteout(self, key: bytes) -> None:
        node = self._find(key)
        if node <= 0 or (kind := self._kind(node)) < 0:
            return
        if kind == Kind.DIRECTORY:
            self._clear(node, Absence.WHITEOUT, Kind.WHITEOUT)
        self._event(node, Absence.WHITEOUT, Kind.WHITEOUT)

    def _warn_of_double_whiteout(self, key: bytes, opaques: set[bytes]) -> None:
        above = key.rpartition(b"\0")[0]
        if above in opaques:
            self._warn(
                "whiteout-in-opaque",
                key,
                "deleted by name inside an opaque directory: Podman shows the whiteout as a device file",
            )
        while above:
            if above in self._whiteouts:
                self._warn(
                    "whiteout-below-whiteout",
                    key,
                    f"deleted below {path_of(above)}, which the same layer deletes: all of that is gone here "
                    "and in umoci and Podman, Docker leaves empty directories or refuses the layer",
                )
                return
            above = above.rpartition(b"\0")[0]

    def _find(self, key: bytes) -> int:
        """The node that a key names below its (perhaps symlinked) parent; -1 if none."""
        above, _, name = key.rpartition(b"\0")
        if not name:
            return 0
        parent = self._walk(above, make=False)
        return -1 if parent < 0 else self._ids.get(self._child(parent, name), -1)

    # Phase two: entries

    def _lay(self, index: LayerIndex, keys: list[bytes]) -> None:
        """Lay a layer's entries over the tree.

        This is the hot path of every image. Entries that need no more than an event of their
        own gather in a run, whose columns are then filled at once; ``shift`` leads from the
        number of an entry in the run to that of its event.
        """
        kinds, first, whiteouts = index.kind, self._starts[-1], self._whiteouts
        ids, last, ev_kind = self._ids, self._last, self._ev_kind
        all_keys, parents = self._keys, self._parents
        # Plain numbers: members of an enum cost more than all else here.
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
                # Above a directory that is there are only directories that are there.
                if event >= 0:
                    event = kinds[event - shift] if event >= len(ev_kind) else ev_kind[event]
                if event != is_directory:
                    self._flush(run, before, kinds, number)
                    parent = self._landing(above)
                    shift = len(ev_kind) - number
                    if parent < 0:
                        shift -= 1
                        directory = None
                        self._warn(
                            "out-of-reach",
                            key,
                            "its directory lies too deep or behind too many symlinks: left out here",
                        )
                        continue
                directory = above
                aliased = all_keys[parent] != above
            if aliased:
                key = self._child(parent, name)
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
                if self._lay_one(index, number, self._node(parent, key), first):
                    directory = None
                shift = len(ev_kind) - number - 1
        self._flush(run, before, kinds, len(keys))

    def _flush(self, run: list[int], before: list[int], kinds: bytearray, stop: int) -> None:
        """Write down the events of a run that ends before the entry ``stop``."""
        if run:
            start, event = stop - len(run), len(self._ev_kind)
            self._ev_node.extend(run)
            self._ev_entry.extend(range(start, stop))
            self._ev_prev.extend(before)
            self._ev_inode.extend(range(event, event + len(run)))
            self._ev_kind += kinds[start:stop]
            run.clear()
            before.clear()

    def _lay_one(self, index: LayerIndex, number: int, node: int, first: int) -> bool:
        """Lay one entry where something may lie already; whether paths must be looked up anew."""
        kind, key, was = index.kind[number], self._keys[node], self._kind(node)
        if not node and kind != Kind.DIRECTORY:
            self._warn("root-not-directory", key, "the root is not a directory here: ignored")
            return False
        if key in self._whiteouts:
            self._warn_of_own_whiteout(key, kind)
        if was == Kind.DIRECTORY and kind != Kind.DIRECTORY:
            self._clear(node, Absence.REPLACED, REPLACED_KIND)
        if was >= 0 and self._last[node] >= first and kind != Kind.DIRECTORY:
            self._warn(
                "duplicate",
                key,
                "stored twice in one layer: the last one counts here and in umoci, "
                "Docker and Podman refuse such a layer",
            )
        inode = -1
        if kind == Kind.HARDLINK:
            inode, kind = self._linked(index, number, key)
        self._event(node, number, kind, inode)
        moved = was == Kind.SYMLINK or (was == Kind.DIRECTORY and kind != Kind.DIRECTORY)
        if moved:
            self._landings.clear()
        return moved

    def _landing(self, directory: bytes) -> int:
        """The directory in which the layer's entries below a key land; -1 for out of reach."""
        node = self._landings.get(directory, -1)
        if node < 0:
            node = self._landings[directory] = self._walk(directory, make=True)
        return node

    def _warn_of_own_whiteout(self, key: bytes, kind: int) -> None:
        if kind == Kind.DIRECTORY:
            text = (
                "deleted and made again as a directory in one layer: Docker's overlay2 and Podman "
                "let what the layers below have in it show through"
            )
        else:
            text = (
                "stored and deleted in one layer: it stays here and in umoci, Docker and Podman "
                "delete it or refuse the layer, depending on the order"
            )
        self._warn("whiteout-of-own-entry", key, text)

    def _linked(self, index: LayerIndex, number: int, key: bytes) -> tuple[int, int]:
        """The event whose metadata and content a hardlink shares (-1: none), and its kind."""
        target = index.links[index.link[number]]
        node = self._find(target)
        kind = self._kind(node) if node >= 0 else -1
        if kind < 0 or kind == Kind.DIRECTORY:
            self._warn(
                "hardlink-dangling",
                key,
                f"hardlink to {path_of(target)}, which is not there: no engine can unpack this layer",
            )
            return -1, Kind.HARDLINK
        last = self._last[node]
        if last < self._starts[-1]:
            self._warn(
                "hardlink-below",
                key,
                f"hardlink to {path_of(target)} of a layer below: "
                "Docker's overlay2 and Podman cannot unpack this layer",
            )
        return self._ev_inode[last], kind

    # Paths through symlinks

    def _walk(self, key: bytes, make: bool) -> int:
        """The directory that a key leads to inside the image, symlinks followed.

        With ``make``, what is missing on the way becomes an implied directory, and what is no
        directory is replaced by one; without, -1 for either. -1 as well for a longer path than
        there can be, or once :data:`MAX_DETOURS` are used up.
        """
        node = self._ids.get(key, -1)
        if node >= 0 and self._kind(node) == Kind.DIRECTORY:
            return node  # above a directory that is there are only directories that are there
        todo = key.split(b"\0")[::-1] if key else []
        node = 0
        links = 0
        while todo:
            name = todo.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                node = self._parents[node]
                continue
            child_key = self._child(node, name)
            child = self._ids.get(child_key, -1)
            kind = self._kind(child) if child >= 0 else -1
            if kind == Kind.DIRECTORY:
                node = child
            elif (
                len(child_key) > MAX_PATH
                or self._detours > MAX_DETOURS
                or (kind == Kind.SYMLINK and self._replaces(child_key))
            ):
                return -1
            elif kind == Kind.SYMLINK and links < MAX_PARENT_LINKS:
                links += 1
                target = self._target(child)
                self._detours += len(target)
                if self._last[child] < self._starts[-1]:
                    self._warn(
                        "symlink-parent",
                        key,
                        f"lands where the symlink {path_of(child_key)} of a layer below leads, as in umoci "
                        "and containerd; Docker's overlay2 and Podman put a directory in its place",
                    )
                if target.startswith(b"/"):
                    node = 0
                todo += target.split(b"/")[::-1]
            elif not make:
                return -1
            else:
                if kind >= 0:
                    self._warn(
                        "below-file",
                        child_key,
                        "has entries below it but is no directory: it becomes one here and in Docker's "
                        "overlay2 and Podman, umoci refuses the layer",
                    )
                if child_key in self._whiteouts:
                    self._warn_of_own_whiteout(child_key, Kind.DIRECTORY)
                child = self._node(node, child_key)
                self._event(child, Absence.IMPLIED, Kind.DIRECTORY)
                self._detours += len(child_key)
                node = child
        return node

    def _replaces(self, key: bytes) -> bool:
        """Whether the layer has a directory in place of a symlink that its whiteouts meet.

        So have Docker's layers where a directory took the place of a symlink to another: the
        opaque whiteout in it is not about what the symlink led to.
        """
        if self._own is None:
            index = self._indexes[-1]
            directories = map(int(Kind.DIRECTORY).__eq__, index.kind)
            self._own = self._whiteouts.union(compress(index.entry_keys(), directories))
        return key in self._own

    def _target(self, node: int) -> bytes:
        """Where the visible symlink at a node points, as stored."""
        event = self._ev_inode[self._last[node]]
        layer = next(number for number, start in enumerate(self._starts[::-1]) if start <= event)
        index = self._indexes[len(self._starts) - 1 - layer]
        return index.links[index.link[self._ev_entry[event]]]
