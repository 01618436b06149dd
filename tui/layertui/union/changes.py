"""What a layer changed in the merged tree, and the differences of two merged trees."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from layertui.model.entry import ENTRY_TYPES, Entry
from layertui.model.layer_index import NO_EXTRA, Kind
from layertui.model.numbers import Event, LayerNumber, Node
from layertui.union.model import WHITEOUT_NAMES, Absence, LayerUnion

SameContent = Callable[[Event, Event], bool]
"""Returns whether two events have the same content."""

ATTRIBUTES = frozenset({"mode", "owner", "mtime", "xattrs"})
"""What may differ between versions of a path with the same content: chmod, chown, touch, setfattr change it."""


class Mark(IntEnum):
    """What a layer did to a path, as one byte of a column."""

    NONE = 0
    ADDED = 1
    MODIFIED = 2
    """Content, type, link target or device differ."""
    DELETED = 3
    REPEATED = 4
    REWRITTEN = 5
    """Stored again with the same metadata and size: MODIFIED or REPEATED once the content is compared."""
    ATTRIBUTES = 6
    """Nothing but :data:`ATTRIBUTES` differs."""
    ATTRIBUTES_AT_LEAST = 7
    """Stored again with other attributes and the same size: MODIFIED or ATTRIBUTES once the content is compared."""
    STORED = 8
    """Stored by a layer whose changes are not known, as those below it are not."""


UNDECIDED = (Mark.REWRITTEN, Mark.ATTRIBUTES_AT_LEAST)
"""Marks that the contents decide."""


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one path."""

    path: str
    change: str
    """``added``, ``modified``, ``deleted`` or ``repeated``."""
    layer: LayerNumber
    """The layer that made the change."""
    what: Sequence[str]
    """What differs, of ``type``, ``content``, ``mode``, ``owner``, ``mtime``, ``linkname``, ``xattrs``, ``device``."""
    whiteout: str | None
    """How it was deleted: ``file``, ``opaque`` or ``replaced``."""
    before: Entry | None
    after: Entry | None
    hidden_paths: int = 0
    """Number of descendants deleted with a directory."""
    hidden_bytes: int = 0
    """Bytes of the files among them."""

    def to_json(self) -> dict[str, Any]:
        """Return the change as in the JSON output."""
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


def changes(union: LayerUnion, layer: LayerNumber, same: SameContent) -> Iterator[Change]:
    """Yield the changes of a layer, one for each path, depth first."""
    for node in _changed_nodes(union, layer, layer):
        before = union.at(node, LayerNumber(layer - 1))
        after = union.at(node, layer)
        if before >= 0 or after >= 0:
            change = _change_of(union, node, before, after, layer, layer, same)
            if _is_news(node, change):
                yield change


def differences(
    union: LayerUnion, start: LayerNumber, stop: LayerNumber, same: SameContent
) -> Iterator[Change]:
    """Yield the differences of the merged tree at layer ``stop`` to the one at ``start``.

    Either may be the lower layer; 0 is the empty tree. Equal paths are left out.
    """
    for node in _changed_nodes(union, LayerNumber(min(start, stop) + 1), max(start, stop)):
        before = union.at(node, start)
        after = union.at(node, stop)
        if before >= 0 or after >= 0:
            change = _change_of(union, node, before, after, LayerNumber(start + 1), stop, same)
            if change.change != "repeated" and _is_news(node, change):
                yield change


def _is_news(node: Node, change: Change) -> bool:
    return node != 0 or change.change == "modified"  # every image has a root: nothing was added


def undecided_pairs(
    union: LayerUnion, start: LayerNumber, stop: LayerNumber
) -> Iterator[tuple[Event, Event]]:
    """Yield the pairs of events whose contents must be compared to know :func:`differences`."""
    for node in _changed_nodes(union, LayerNumber(min(start, stop) + 1), max(start, stop)):
        before, after = union.at(node, start), union.at(node, stop)
        if before >= 0 and after >= 0 and _contents_matter(union, before, after):
            yield before, after


def difference(union: LayerUnion, before: Event, after: Event, same: SameContent | None = None) -> list[str]:
    """Return what differs between two versions of a path, in the order documented for :class:`Change`.

    Without ``same``, files of equal size count as equal in content.
    """
    one, other = _entry_facts(union, before), _entry_facts(union, after)
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


class _EntryFacts(NamedTuple):
    """The fields of :class:`Entry` in which two versions of a path may differ.

    Comparing these takes a fraction of the time of making two entries.
    """

    type: str
    mode: int
    owner: tuple[int, int]
    mtime: tuple[int, int]
    linkname: bytes | None
    xattrs: Mapping[str, bytes]
    device: tuple[int, int] | None


def _entry_facts(union: LayerUnion, event: Event) -> _EntryFacts:
    if union.ev_entry[event] < 0:
        return _IMPLIED_FACTS
    inode = union.ev_inode[event]
    index, number = union.indexes[union.ev_layer[inode] - 1], union.ev_entry[inode]
    extra = index.extra.get(number, NO_EXTRA)
    return _EntryFacts(
        ENTRY_TYPES[union.ev_kind[event]],
        index.mode[number] & 0o7777,
        (index.uid[number], index.gid[number]),
        (index.mtime[number], index.mtime_ns[number]),
        union.linkname(event),
        extra.xattrs,
        extra.device,
    )


_IMPLIED_FACTS = _EntryFacts("directory", 0o755, (0, 0), (0, 0), None, {}, None)


def mark_of(union: LayerUnion, before: Event, after: Event, same: SameContent | None = None) -> Mark:
    """Return the mark of a path that exists after the layer's event; ``before`` may be -1."""
    if before < 0:
        return Mark.ADDED
    mark = mark_of_facts(difference(union, before, after, same))
    if mark != Mark.MODIFIED and same is None and _contents_matter(union, before, after):
        return Mark.ATTRIBUTES_AT_LEAST if mark == Mark.ATTRIBUTES else Mark.REWRITTEN
    return mark


def mark_of_facts(what: Collection[str]) -> Mark:
    """Return the mark of a path that exists before and after, by what differs."""
    if not what:
        return Mark.REPEATED
    return Mark.ATTRIBUTES if ATTRIBUTES.issuperset(what) else Mark.MODIFIED


def _contents_matter(union: LayerUnion, before: Event, after: Event) -> bool:
    """Return whether two versions can only be distinguished by reading their contents."""
    return (
        union.ev_kind[before] == union.ev_kind[after] == Kind.FILE
        and union.ev_inode[before] != union.ev_inode[after]
        and union.size(before) == union.size(after) > 0
    )


def _changed_nodes(union: LayerUnion, low: LayerNumber, high: LayerNumber) -> list[Node]:
    """Return the nodes with an event in layers ``low`` to ``high``, depth first."""
    return sorted(set(union.ev_node[union.starts[low - 1] : union.starts[high]]))


def _change_of(
    union: LayerUnion,
    node: Node,
    before: Event,
    after: Event,
    first: LayerNumber,
    layer: LayerNumber,
    same: SameContent,
) -> Change:
    path = union.path(node)
    old = union.entry(before, LayerNumber(first - 1)) if before >= 0 else None
    new = union.entry(after, layer) if after >= 0 else None
    hidden = (0, 0)
    if before >= 0 and union.is_directory(before) and not (after >= 0 and union.is_directory(after)):
        hidden = _count_hidden(union, node, LayerNumber(first - 1), layer)
    if old is None:
        return Change(path, "added", layer if new is None else new.layer, (), None, None, new)
    if new is None:
        deleting = union.last_by(node, layer)
        deletion = union.ev_entry[deleting] if deleting >= 0 else None
        return Change(
            path,
            "deleted",
            union.ev_layer[deleting] if deleting >= 0 else layer,
            (),
            WHITEOUT_NAMES.get(Absence(deletion)) if deletion is not None else None,
            old,
            None,
            *hidden,
        )
    what = difference(union, before, after, same)
    return Change(path, "modified" if what else "repeated", new.layer, what, None, old, new, *hidden)


def _count_hidden(union: LayerUnion, node: Node, before: LayerNumber, after: LayerNumber) -> tuple[int, int]:
    """Count the descendants of a node that exist at one layer and not at another, and the bytes of their files."""
    paths = 0
    inodes = set()
    for descendant in union.descendants(node):
        event = union.at(descendant, before)
        if event >= 0 and union.at(descendant, after) < 0:
            paths += 1
            inodes.add(union.ev_inode[event])
    return paths, sum(map(union.size, inodes))
