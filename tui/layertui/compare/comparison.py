"""Compare two images, or two layers of one: layers, config, packages and files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from layertui.compare.config import ConfigChange, config_changes
from layertui.compare.contents import PooledContents
from layertui.compare.trees import A, B, SideTree, TreePair
from layertui.insight.packages import PackageChange, layer_packages
from layertui.model.entry import Entry
from layertui.model.errors import LayertuiError
from layertui.model.image import Image, Layer
from layertui.model.job import Job
from layertui.model.numbers import ROOT, Event, LayerNumber, Node
from layertui.model.sizes import Bytes
from layertui.union.changes import difference, mark_of_facts, undecided_pairs
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: an image up to one of its layers; 0 is the empty tree."""

    image: Image
    union: LayerUnion
    layer: LayerNumber

    @property
    def layers(self) -> Sequence[Layer]:
        """Layers 1 to ``layer``."""
        return self.image.layers[: self.layer]

    @property
    def size(self) -> int:
        """Bytes of the layers as stored; -1 if one is unknown."""
        return stored_size(self.layers)


@dataclass(frozen=True, slots=True)
class SharedLayers:
    """Numbers of the layers that both sides have, and of the others, base first."""

    common: Sequence[tuple[LayerNumber, LayerNumber]]
    """The numbers in A and in B of each layer with the same digest."""
    only_a: Sequence[LayerNumber]
    only_b: Sequence[LayerNumber]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A path that differs."""

    node: Node
    path: str
    change: str
    """``added`` (only B has it), ``deleted`` (only A has it) or ``modified``."""
    what: Sequence[str]
    """What differs, as in :class:`layertui.union.changes.Change`."""
    before: Entry | None
    after: Entry | None
    growth: int
    """Bytes by which it is larger in B, including ``descendants``; negative if smaller."""
    descendants: int = 0
    """Number of paths below it that are folded into this change."""

    def to_json(self) -> dict[str, Any]:
        """Return the change as in the JSON output."""
        return {
            "path": self.path,
            "change": self.change,
            "what": list(self.what),
            "before": self.before and self.before.to_json(),
            "after": self.after and self.after.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Sums:
    """Number and bytes of the paths that differ; a hardlinked file counts once."""

    added: int
    deleted: int
    modified: int
    """Without ``touched``."""
    touched: int
    """Paths whose mtime is the only difference."""
    added_bytes: int
    deleted_bytes: int
    size_a: Bytes
    """Live and dead bytes of A."""
    size_b: Bytes
    """Live and dead bytes of B."""

    @property
    def growth(self) -> int:
        """Bytes by which the files in B's merged tree are larger; negative if smaller."""
        return self.size_b.live - self.size_a.live

    @property
    def modified_bytes(self) -> int:
        """Bytes by which paths of both sides are larger in B."""
        return self.growth - self.added_bytes + self.deleted_bytes

    def to_json(self) -> dict[str, int]:
        """Return the sums as in the JSON output."""
        return {
            "added": self.added,
            "deleted": self.deleted,
            "modified": self.modified,
            "touched": self.touched,
            "added_bytes": self.added_bytes,
            "deleted_bytes": self.deleted_bytes,
            "modified_bytes": self.modified_bytes,
            "growth_bytes": self.growth,
        }


class Comparison:
    """The differences of B to A."""

    def __init__(
        self,
        a: Side,
        b: Side,
        ignored: Collection[str] = (),
        job: Job = Job.NONE,
        known: Comparison | None = None,
    ) -> None:
        """Compare; read the files of equal size that nothing else distinguishes. Reports bytes.

        ``ignored`` are facts (``mtime``, ``owner``) whose differences do not count. ``known`` is
        another comparison of the same sides, whose contents and packages are used again: they
        do not depend on ``ignored``. Raises :class:`Cancelled`.
        """
        self.a, self.b = a, b
        self._ignored = frozenset(ignored)
        pair = self._pair = TreePair(
            *(SideTree(side.union, side.layer, list(map(_digest, side.layers))) for side in (a, b))
        )
        draft = pair.union(pair.candidates)
        self.contents = PooledContents((a.image, b.image), pair.pool, draft)
        """Contents of the events of ``union``."""
        self.unread: dict[str, LayertuiError] = {}
        """Why contents could not be compared, by path; those paths count as equal."""
        pairs = undecided_pairs(draft, A, B)
        self.contents.prepare((event for both in pairs for event in both), job)
        self.ignored = 0
        """Paths in which only what is ignored differs."""
        self._what: dict[Node, list[str]] = {}
        for node in pair.candidates:
            what = self._differs(draft, node, job)
            if what is not None:
                self._what[node] = what
        self.union = draft if len(self._what) == len(pair.candidates) else pair.union(list(self._what))
        """The tree of A as layer 1, the differences of B as layer 2."""
        self.contents.grow(pair.pool.layers, self.union)
        self.merged_a, self.merged_b = MergedTree(self.union, A), MergedTree(self.union, B)
        for node, what in self._what.items():
            if what:  # of both sides
                self.merged_b.marks[node] = mark_of_facts(what)
        self.layers = shared_layers(a.layers, b.layers)
        self.config: Sequence[ConfigChange] = () if a.image is b.image else self._config()
        self.packages: Sequence[PackageChange]
        self.unread_packages: Sequence[LayertuiError]
        if known is None:
            self.packages, self.unread_packages = layer_packages(self.union, self.contents, B, job)
        else:
            self.packages, self.unread_packages = known.packages, known.unread_packages
        self.sums = self._sums()

    @property
    def are_equal(self) -> bool:
        """Whether config and files are equal, whatever the layers."""
        return self.has_same_files and not self.config

    @property
    def has_same_files(self) -> bool:
        """Whether no path differs, as far as contents could be read."""
        return not self._what

    # Files

    def changes(self, folded: bool = False) -> Iterator[FileChange]:
        """Yield the paths that differ, depth first; ``folded`` combines an added or deleted directory into one change."""
        union, end = self.union, ROOT
        for node, what in self._what.items():
            if node < end:
                continue
            one, other = self.entry(node, A), self.entry(node, B)
            whole = folded and (one is None or other is None)
            change = "added" if one is None else "deleted" if other is None else "modified"
            descendants = 0
            if whole:
                end = union.end[node]
                side = self.merged_a if other is None else self.merged_b
                descendants = side.visible.count(1, node + 1, end)
            yield FileChange(
                node, union.path(node), change, what, one, other, self._growth(node, whole), descendants
            )

    @property
    def nodes(self) -> Collection[Node]:
        """The paths that differ, depth first."""
        return self._what.keys()

    def what(self, node: Node) -> Sequence[str] | None:
        """Return what differs at a path, see :class:`FileChange`; ``None`` if nothing does."""
        return self._what.get(node)

    def event(self, node: Node, side: LayerNumber) -> Event:
        """Return the event of the side's own union that shows a path in A or B; -1 if it does not exist."""
        return self._pair.event(node, side)

    def growth(self, node: Node) -> int:
        """Return the bytes by which a path and its descendants are larger in B; negative if smaller."""
        return self.merged_b.subtree_size(node) - self.merged_a.subtree_size(node)

    def entry(self, node: Node, side: LayerNumber) -> Entry | None:
        """Return what a path is in A or B, with the layer of that image; ``None`` if it does not exist."""
        event = self._pair.event(node, side)
        union = (self.a, self.b)[side - A].union
        return None if event < 0 else union.entry(event, union.layers)

    # Inside

    def _differs(self, draft: LayerUnion, node: Node, job: Job) -> list[str] | None:
        """Return what differs at a candidate, empty if only one side has it; ``None`` if nothing does."""
        before, after = draft.at(node, A), draft.at(node, B)
        if before < 0 or after < 0:
            return []

        def same(one: Event, other: Event) -> bool:
            try:
                return self.contents.same(one, other, job)
            except LayertuiError as error:
                self.unread[draft.path(node)] = error
                return True

        differs = difference(draft, before, after, same)
        what = [fact for fact in differs if fact not in self._ignored]
        self.ignored += bool(differs) and not what
        return what or None

    def _growth(self, node: Node, whole: bool) -> int:
        if whole:
            return self.growth(node)
        union = self.union
        before, after = (union.at(node, side) for side in (A, B))
        return sum(
            sign * union.size(event)
            for sign, event in ((-1, before), (1, after))
            if event >= 0 and union.ev_inode[event] == event
        )

    def _sums(self) -> Sums:
        union = self.union
        counts = {"added": 0, "deleted": 0, "modified": 0, "touched": 0}
        sizes = dict.fromkeys(counts, 0)
        for node, what in self._what.items():
            if union.at(node, A) < 0:
                change = "added"
            elif union.at(node, B) < 0:
                change = "deleted"
            else:
                change = "touched" if what == ["mtime"] else "modified"
            counts[change] += 1
            sizes[change] += self._growth(node, False)
        return Sums(
            **counts,
            added_bytes=sizes["added"],
            deleted_bytes=-sizes["deleted"],
            size_a=self._size(self.a, A),
            size_b=self._size(self.b, B),
        )

    def _size(self, side: Side, number: LayerNumber) -> Bytes:
        live = self._pair.shown_bytes(number)
        return Bytes(live, sum(sum(index.size) for index in side.union.indexes[: side.layer]) - live)

    def _config(self) -> list[ConfigChange]:
        changes = config_changes(self.a.image.config, self.b.image.config)
        return [row for row in changes if row.field != "created" or "mtime" not in self._ignored]


def stored_size(layers: Iterable[Layer]) -> int:
    """Return the bytes of layers as stored; -1 if one is unknown."""
    sizes = [layer.descriptor.size for layer in layers]
    return -1 if any(size < 0 for size in sizes) else sum(sizes)


def shared_layers(a: Sequence[Layer], b: Sequence[Layer]) -> SharedLayers:
    """Return which layers two images have in common, at whatever position."""
    waiting: dict[str, list[LayerNumber]] = {}
    for layer in a:
        waiting.setdefault(_digest(layer), []).append(layer.number)
    common, only_b = [], []
    for layer in b:
        numbers = waiting.get(_digest(layer)) if _digest(layer) else None
        if numbers:
            common.append((numbers.pop(0), layer.number))
        else:
            only_b.append(layer.number)
    shared = {number for number, _ in common}
    return SharedLayers(common, [layer.number for layer in a if layer.number not in shared], only_b)


def _digest(layer: Layer) -> str:
    return layer.diff_id or layer.descriptor.digest
