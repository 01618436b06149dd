"""Files that layers store and the final tree lacks: how many bytes, why, and which layer hides them."""

from __future__ import annotations

import operator
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress, count
from typing import Any, Protocol

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import NO_EVENT, ROOT, Event, LayerNumber
from layertui.union.arrays import assign
from layertui.union.changes import difference
from layertui.union.directory_summary import directory_sums
from layertui.union.merged_tree import MergedTree
from layertui.union.model import Absence, LayerUnion


class Reason(StrEnum):
    """Why a stored file is not in the final tree; the values are those of the JSON."""

    REWRITTEN = "rewritten"
    """A later version has other content."""
    METADATA = "mode or owner only"
    """A later version differs only in mode, owner or extended attributes, and perhaps in its time."""
    TOUCHED = "touched only"
    """A later version differs only in its time."""
    REPEATED = "repeated unchanged"
    DELETED = "deleted"
    REPLACED = "replaced"
    """The file, or a directory above it, was replaced by another type."""
    MOVED = "moved"
    """Deleted, and the same layer stores the same content, with the same name or mtime, at another path."""
    UNKNOWN = "unknown"
    """A content that decides it cannot be read."""

    @property
    def words(self) -> str:
        """Its name in tables; the value is that of the JSON output."""
        return _WORDS.get(self, self.value)


_WORDS = {
    Reason.METADATA: "chmod/chown only",
    Reason.TOUCHED: "mtime only",
    Reason.REPEATED: "identical copy",
}


class Comparing(Protocol):
    """Compares files' contents by events, as :class:`layertui.content.read.Contents` does."""

    def same(self, one: Event, other: Event, /) -> bool: ...
    def digest(self, event: Event, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Hidden:
    """A file's content that is stored, but not in the final tree."""

    event: Event
    """The event that stores it."""
    path: str
    layer: LayerNumber
    """The layer that stores it."""
    size: int
    """Bytes."""
    reason: Reason
    by: LayerNumber
    """The layer that hid it."""
    moved_to: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the row as the command line prints it."""
        return {
            "path": self.path,
            "layer": self.layer,
            "size": self.size,
            "reason": str(self.reason),
            "by": self.by,
            "moved_to": self.moved_to,
        }


@dataclass(frozen=True, slots=True)
class Waste:
    """The wasted bytes of an image."""

    reclaimable_bytes: int
    """File bytes stored in all layers minus those of the final tree."""
    paths: Sequence[Hidden]
    """Largest first."""

    def by_reason(self) -> dict[Reason, int]:
        """Return bytes by reason, largest first."""
        return dict(self._sums(operator.attrgetter("reason")))

    def by_layer(self) -> dict[LayerNumber, int]:
        """Return bytes by the layer that hid them, largest first."""
        return dict(self._sums(operator.attrgetter("by")))

    def by_directory(self) -> dict[str, int]:
        """Return bytes at and below every directory, largest first; a directory whose bytes are all in one below is left out."""
        return directory_sums((row.path, row.size) for row in self.paths)

    def _sums(self, key: operator.attrgetter[Any]) -> list[tuple[Any, int]]:
        sums: Counter[Any] = Counter()
        for row in self.paths:
            sums[key(row)] += row.size
        return sorted(sums.items(), key=lambda item: (-item[1], str(item[0])))

    def to_json(self) -> dict[str, Any]:
        """Return the sums and rows as the command line prints them."""
        return {
            "reclaimable_bytes": self.reclaimable_bytes,
            "reasons": [{"reason": str(reason), "size": size} for reason, size in self.by_reason().items()],
            "layers": [{"by": layer, "size": size} for layer, size in self.by_layer().items()],
            "directories": [{"path": path, "size": size} for path, size in self.by_directory().items()],
            "paths": [row.to_json() for row in self.paths],
        }


def waste(union: LayerUnion, contents: Comparing, job: Job = Job.NONE) -> Waste:
    """Find the files that the layers of a union store and the final tree lacks.

    Reads only the contents of events that :func:`undecided` yields.
    Raises :class:`Cancelled`.
    """
    moves: _Moves = {}
    rows: list[Hidden] = []
    check = job.check
    for loss in _losses(union):
        check()
        rows.append(_explain(union, loss, contents, moves))
    rows.sort(key=lambda row: (-row.size, row.path, row.layer))
    return Waste(union.stored_bytes() - MergedTree(union, union.layers).subtree_size(ROOT), rows)


def undecided(union: LayerUnion) -> Iterator[Event]:
    """Yield the events whose contents decide why files are hidden; some repeatedly."""
    seen: set[_Bucket] = set()
    for loss in _losses(union):
        if loss.after >= 0:
            if union.size(loss.after) == union.size(loss.event):
                yield loss.link
                yield loss.after
        elif loss.candidates:
            yield loss.event
            for bucket, candidates in loss.candidates.items():
                if bucket not in seen:
                    seen.add(bucket)
                    yield from candidates


_Bucket = tuple[int, int, "bytes | int"]
"""Files that may be a moved one: their layer, size, and name or mtime."""
_Moves = dict[_Bucket, dict[str, Event]]
"""Events by the digests of their contents."""


@dataclass(frozen=True, slots=True)
class _Loss:
    event: Event
    """The event that stores the content."""
    link: Event
    """Its last name: the event itself, or a hardlink to it."""
    cause: Event
    """The event that hid that name."""
    after: Event
    """The file that the same layer put there; -1 for none."""
    candidates: Mapping[_Bucket, Sequence[Event]]
    """Files of the same size, and name or mtime, that the hiding layer stores at other paths."""


def _losses(union: LayerUnion) -> Iterator[_Loss]:
    """Yield every file whose stored bytes the final tree lacks."""
    links: defaultdict[Event, list[Event]] = defaultdict(list)
    for event in compress(union.events, map(operator.ne, union.ev_inode, count())):
        links[union.ev_inode[event]].append(event)
    is_last = bytearray(len(union.ev_node))
    assign(is_last, array("I", (event for event in union.last if event >= 0)), iter(b"\1" * union.nodes))
    found: list[tuple[Event, Event, Event, Event]] = []
    sizes: defaultdict[LayerNumber, set[int]] = defaultdict(set)  # of what each layer hid and may have moved
    for event in compress(union.events, map((0).__eq__, is_last)):
        if union.ev_kind[event] != Kind.FILE or union.ev_inode[event] != event or not union.size(event):
            continue
        if any(is_last[link] for link in links[event]):
            continue  # visible under another name
        # The last of its names to be hidden decides when, and why, the content was.
        cause, link = max((_next(union, link), link) for link in (event, *links[event]))
        layer = union.ev_layer[cause]
        after = union.at(union.ev_node[link], layer)
        if after >= 0 and union.ev_kind[after] != Kind.FILE:
            after = NO_EVENT
        if after < 0:
            sizes[layer].add(union.size(event))
        found.append((event, link, cause, after))
    added = {layer: _stored(union, layer, wanted) for layer, wanted in sizes.items()}
    for event, link, cause, after in found:
        candidates: dict[_Bucket, Sequence[Event]] = {}
        if after < 0:
            layer = union.ev_layer[cause]
            alike = added[layer]
            candidates = {
                bucket: alike[bucket] for bucket in _buckets(union, event, layer) if bucket in alike
            }
        yield _Loss(event, link, cause, after, candidates)


def _next(union: LayerUnion, event: Event) -> Event:
    """Return the next event of the same path."""
    later = union.last[union.ev_node[event]]
    while union.ev_prev[later] != event:
        later = union.ev_prev[later]
    return later


def _stored(union: LayerUnion, layer: LayerNumber, sizes: Set[int]) -> dict[_Bucket, list[Event]]:
    """Return the files of some sizes that a layer stores where no file of that size was before."""
    found: defaultdict[_Bucket, list[Event]] = defaultdict(list)
    entries, size_of = union.ev_entry, union.indexes[layer - 1].size
    for event in union.events_of(layer):
        if entries[event] < 0 or size_of[entries[event]] not in sizes:  # most
            continue
        if union.ev_kind[event] != Kind.FILE or union.ev_inode[event] != event:
            continue
        node, size = union.ev_node[event], union.size(event)
        before = union.at(node, LayerNumber(layer - 1))
        if union.at(node, layer) == event and (before < 0 or union.size(before) != size):
            for bucket in _buckets(union, event, layer):
                found[bucket].append(event)
    return found


def _buckets(union: LayerUnion, event: Event, layer: LayerNumber) -> tuple[_Bucket, _Bucket]:
    """Return where to look in a layer for a moved file: mv keeps the mtime, most copies keep the name."""
    size = union.size(event)
    index = union.indexes[union.ev_layer[event] - 1]
    name = union.key(union.ev_node[event]).rpartition(b"\0")[2]
    return (layer, size, name), (layer, size, index.mtime[union.ev_entry[event]])


def _explain(union: LayerUnion, loss: _Loss, contents: Comparing, moves: _Moves) -> Hidden:
    moved_to = NO_EVENT
    try:
        if loss.after >= 0:
            reason = _reason(difference(union, loss.link, loss.after, contents.same))
        else:
            is_there = union.at(union.ev_node[loss.link], union.ev_layer[loss.cause]) >= 0
            is_replaced = is_there or int(union.ev_entry[loss.cause]) == Absence.REPLACED
            reason = Reason.REPLACED if is_replaced else Reason.DELETED
            moved_to = _moved_to(loss, contents, moves)
    except LayertuiError:
        reason = Reason.UNKNOWN
    return Hidden(
        event=loss.event,
        path=union.path(union.ev_node[loss.link]),
        layer=union.ev_layer[loss.event],
        size=union.size(loss.event),
        reason=Reason.MOVED if moved_to >= 0 else reason,
        by=union.ev_layer[loss.cause],
        moved_to=union.path(union.ev_node[moved_to]) if moved_to >= 0 else None,
    )


def _moved_to(loss: _Loss, contents: Comparing, moves: _Moves) -> Event:
    """Return the event that stores the same content again; -1 for none. ``moves`` caches digests."""
    for bucket, candidates in loss.candidates.items():
        if bucket not in moves:
            moves[bucket] = {contents.digest(event): event for event in reversed(candidates)}
        if (found := moves[bucket].get(contents.digest(loss.event))) is not None:
            return found
    return NO_EVENT


def _reason(what: Sequence[str]) -> Reason:
    if not what:
        return Reason.REPEATED
    if "content" in what:
        return Reason.REWRITTEN
    return Reason.TOUCHED if what == ["mtime"] else Reason.METADATA
