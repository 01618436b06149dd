"""Duplicate contents: stored at several paths, or in several layers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from layertui.content.read import Contents
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import Event, LayerNumber
from layertui.union.model import LayerUnion


class Copy(NamedTuple):
    """A file that stores a content."""

    event: Event
    path: str
    layer: LayerNumber
    is_visible: bool
    """Whether the final tree has this copy at this path."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A content that is stored more than once; hardlinks are not copies."""

    digest: str
    size: int
    """Bytes of one copy."""
    copies: Sequence[Copy]
    """By layer, then path: not every store keeps the order of the tar."""

    @property
    def surplus_bytes(self) -> int:
        """Bytes of all copies but one."""
        return self.size * (len(self.copies) - 1)

    @property
    def hardlink_bytes(self) -> int:
        """Bytes that hardlinks would save: all copies but one per layer, which hardlinks cannot cross."""
        return self.size * (len(self.copies) - len({copy.layer for copy in self.copies}))

    def to_json(self) -> dict[str, Any]:
        """Return the group as the command line prints it."""
        return {
            "digest": self.digest,
            "size": self.size,
            "surplus_bytes": self.surplus_bytes,
            "hardlink_bytes": self.hardlink_bytes,
            "copies": [
                {"path": copy.path, "layer": copy.layer, "visible": copy.is_visible} for copy in self.copies
            ],
        }


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The duplicate contents of an image."""

    groups: Sequence[Duplicate]
    """Largest surplus first."""
    unreadable: int
    """Files that may be duplicates and cannot be read."""


def candidates(union: LayerUnion) -> list[Event]:
    """Return the events of files whose size occurs more than once."""
    events = list(chain.from_iterable(_sizes(union).values()))
    return sorted(events)


def duplicates(union: LayerUnion, contents: Contents, job: Job = Job.NONE) -> Duplicates:
    """Find every content that layers store more than once, except empty files.

    Needs the digests of :func:`candidates`, which the caller should have prepared.
    Raises :class:`Cancelled`.
    """
    groups: list[Duplicate] = []
    unreadable = 0
    check = job.check
    for size, events in _sizes(union).items():
        by_digest: defaultdict[str, list[Event]] = defaultdict(list)
        for event in events:
            check()
            try:
                by_digest[contents.digest(event, job)].append(event)
            except LayertuiError:
                unreadable += 1
        groups += [
            Duplicate(digest, size, sorted((_copy(union, event) for event in same), key=_place))
            for digest, same in by_digest.items()
            if len(same) > 1
        ]
    groups.sort(key=lambda group: (-group.surplus_bytes, group.copies[0].path))
    return Duplicates(groups, unreadable)


def _copy(union: LayerUnion, event: Event) -> Copy:
    node = union.ev_node[event]
    return Copy(event, union.path(node), union.ev_layer[event], union.last[node] == event)


def _place(copy: Copy) -> tuple[int, str]:
    return copy.layer, copy.path


def _sizes(union: LayerUnion) -> dict[int, list[Event]]:
    """Return the events of files by size, for sizes that occur more than once."""
    times = Counter(chain.from_iterable(index.size for index in union.indexes))
    times[0] = 0
    found: defaultdict[int, list[Event]] = defaultdict(list)
    for event, kind, inode in zip(union.events, union.ev_kind, union.ev_inode, strict=True):
        if kind == Kind.FILE and inode == event and times[size := union.size(event)] > 1:
            found[size].append(event)
    return found
