"""What a layer did to the tree below it, and how two merged trees differ."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from layertui.model.entry import ENTRY_TYPES, Entry
from layertui.model.layer_index import Extra, Kind
from layertui.union.model import Absence, LayerUnion

SameContent = Callable[[int, int], bool]
"""Tells whether the contents of two events are the same bytes."""

WHITEOUT_NAMES = {Absence.WHITEOUT: "file", Absence.OPAQUE: "opaque", Absence.REPLACED: "replaced"}


class Mark(IntEnum):
    """What a layer did to a path, for a column of them."""

    NONE = 0
    ADDED = 1
    MODIFIED = 2
    DELETED = 3
    REPEATED = 4
    REWRITTEN = 5
    """Stored again with the same metadata and size; whether the content differs is not known yet."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one path."""

    path: str
    change: str
    """``added``, ``modified``, ``deleted`` or ``repeated``."""
    layer: int
    """The layer that did it."""
    what: Sequence[str]
    """What differs: of type, content, mode, owner, mtime, linkname, xattrs, device."""
    whiteout: str | None
    """How it was deleted: ``file``, ``opaque`` or ``replaced``."""
    before: Entry | None
    after: Entry | None
    hidden_paths: int = 0
    """Where a directory went: the paths below it that went along."""
    hidden_bytes: int = 0
    """And the file bytes they store."""

    def to_json(self) -> dict[str, Any]:
        """The change as the command line prints it."""
        return {
            "path": self.path,
            "change": self.change,
            "layer": self.layer,
            "what": list(self.what),
            "whiteout": self.whiteout,
            "before": self.before and self.before.to_json(),
            "after": self.after and self.after.to_json(),
            "hidden_paths": self.hidden_paths,
            "hidden_bytes": self.hidden_bytes,
        }


def changes(union: LayerUnion, layer: int, same: SameContent) -> Iterator[Change]:
    """What a layer did, each path once, sorted by path as a tree is walked."""
    for node in _changed_nodes(union, layer, layer):
        before = union.at(node, layer - 1)
        after = union.at(node, layer)
        if before >= 0 or after >= 0:
            change = _change(union, node, before, after, layer, layer, same)
            if _is_news(node, change):
                yield change


def differences(union: LayerUnion, start: int, stop: int, same: SameContent) -> Iterator[Change]:
    """How the merged tree at layer ``stop`` differs from the one at ``start``.

    Either may be the lower; 0 is the empty tree. Paths that are alike in both are left out.
    """
    for node in _changed_nodes(union, min(start, stop) + 1, max(start, stop)):
        before = union.at(node, start)
        after = union.at(node, stop)
        if before >= 0 or after >= 0:
            change = _change(union, node, before, after, start + 1, stop, same)
            if change.change != "repeated" and _is_news(node, change):
                yield change


def _is_news(node: int, change: Change) -> bool:
    return node != 0 or change.change == "modified"  # every image has a root


def undecided_pairs(union: LayerUnion, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Pairs of events whose contents have to be compared to tell the trees at two layers apart."""
    for node in _changed_nodes(union, min(start, stop) + 1, max(start, stop)):
        before, after = union.at(node, start), union.at(node, stop)
        if before >= 0 and after >= 0 and _contents_matter(union, before, after):
            yield before, after


def difference(union: LayerUnion, before: int, after: int, same: SameContent | None = None) -> list[str]:
    """What differs between two versions of a path, in the contract's order.

    Without ``same``, files of one size count as alike in content.
    """
    one, other = _facts(union, before), _facts(union, after)
    alike = one.type == other.type
    what = []
    if not alike:
        what.append("type")
    elif one.type == "file":
        if union.size(before) != union.size(after) or (
            same is not None and _contents_matter(union, before, after) and not same(before, after)
        ):
            what.append("content")
    if one.mode != other.mode:
        what.append("mode")
    if one.owner != other.owner:
        what.append("owner")
    if one.mtime != other.mtime:
        what.append("mtime")
    if alike and one.linkname != other.linkname:
        what.append("linkname")
    if one.xattrs != other.xattrs:
        what.append("xattrs")
    if alike and one.device != other.device:
        what.append("device")
    return what


class _Facts(NamedTuple):
    """What :meth:`LayerUnion.entry` tells of a path that two versions may differ in, without its path."""

    type: str
    mode: int
    owner: tuple[int, int]
    mtime: tuple[int, int]
    linkname: bytes | None
    xattrs: Mapping[str, bytes]
    device: tuple[int, int] | None


def _facts(union: LayerUnion, event: int) -> _Facts:
    if union.ev_entry[event] < 0:
        return _IMPLIED_FACTS
    inode = union.ev_inode[event]
    index, number = union.indexes[union.ev_layer[inode] - 1], union.ev_entry[inode]
    extra = index.extra.get(number, _PLAIN)
    return _Facts(
        ENTRY_TYPES[union.ev_kind[event]],
        index.mode[number] & 0o7777,
        (index.uid[number], index.gid[number]),
        (index.mtime[number], index.mtime_ns[number]),
        union.linkname(event),
        extra.xattrs,
        extra.device,
    )


_IMPLIED_FACTS = _Facts("directory", 0o755, (0, 0), (0, 0), None, {}, None)
_PLAIN = Extra()


def mark_of(union: LayerUnion, before: int, after: int, same: SameContent | None = None) -> Mark:
    """The mark of a path that is there after the layer's event; ``before`` may be -1."""
    if before < 0:
        return Mark.ADDED
    if difference(union, before, after, same):
        return Mark.MODIFIED
    if same is None and _contents_matter(union, before, after):
        return Mark.REWRITTEN
    return Mark.REPEATED


def _contents_matter(union: LayerUnion, before: int, after: int) -> bool:
    """Whether only reading tells if two versions hold the same."""
    return (
        union.ev_kind[before] == union.ev_kind[after] == Kind.FILE
        and union.ev_inode[before] != union.ev_inode[after]
        and union.size(before) == union.size(after) > 0
    )


def _changed_nodes(union: LayerUnion, low: int, high: int) -> list[int]:
    """Nodes with an event in layers ``low`` to ``high``, in the order of the tree."""
    return sorted(set(union.ev_node[union.starts[low - 1] : union.starts[high]]))


def _change(
    union: LayerUnion, node: int, before: int, after: int, first: int, layer: int, same: SameContent
) -> Change:
    path = union.path(node)
    old = union.entry(before) if before >= 0 else None
    new = union.entry(after) if after >= 0 else None
    hidden = (0, 0)
    if before >= 0 and union.is_directory(before) and not (after >= 0 and union.is_directory(after)):
        hidden = _hidden(union, node, first - 1, layer)
    if old is None:
        return Change(path, "added", layer if new is None else new.layer, (), None, None, new)
    if new is None:
        gone = union.last_by(node, layer)
        deletion = union.ev_entry[gone] if gone >= 0 else None
        return Change(
            path,
            "deleted",
            union.ev_layer[gone] if gone >= 0 else layer,
            (),
            WHITEOUT_NAMES.get(Absence(deletion)) if deletion is not None else None,
            old,
            None,
            *hidden,
        )
    what = difference(union, before, after, same)
    return Change(path, "modified" if what else "repeated", new.layer, what, None, old, new, *hidden)


def _hidden(union: LayerUnion, node: int, before: int, after: int) -> tuple[int, int]:
    """Paths below a node that went between two layers, and the bytes of their files."""
    paths = 0
    inodes = set()
    for descendant in range(node + 1, union.end[node]):
        event = union.at(descendant, before)
        if event >= 0 and union.at(descendant, after) < 0:
            paths += 1
            inodes.add(union.ev_inode[event])
    return paths, sum(map(union.size, inodes))
