"""Select what to extract: a path of a merged tree and its descendants, or the changes of a layer there."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, count
from typing import NamedTuple, TypeVar

from layertui.layers.whiteout import OPAQUE_WHITEOUT, whiteout_name
from layertui.model.entry import ENTRY_TYPES
from layertui.model.job import Job
from layertui.model.layer_index import Kind, path_of
from layertui.model.numbers import NO_EVENT, ROOT, Event, LayerNumber, Node
from layertui.text.format import count_text, exact_size
from layertui.union.arrays import STRETCH, ArrayColumn, column
from layertui.union.model import Absence, LayerUnion

Number = TypeVar("Number", Node, Event)

_NOUNS = {
    "directory": ("directory", "directories"),
    "symlink": ("symlink", "symlinks"),
    "char": ("device", "devices"),
    "block": ("device", "devices"),
    "fifo": ("named pipe", "named pipes"),
    "socket": ("socket", "sockets"),
    "whiteout": ("whiteout", "whiteouts"),
}


class LeftOut(NamedTuple):
    """A path that was not extracted, or not completely."""

    path: str
    why: str
    is_usual: bool = False
    """Whether that is expected: sockets, and devices unless owners are kept."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Paths at one layer, to extract; see :func:`tree` and :func:`changeset`.

    A **key** is relative here: it starts with the name of the path selected. The root itself
    is not extracted, so that keys below it start with the names of its children.
    """

    union: LayerUnion
    prefix: bytes
    """The start of the union's keys that is removed."""
    events: ArrayColumn[int, Event]
    """The events to extract, depth first: directories before their contents, each file once."""
    links: Sequence[tuple[Event, Event]]
    """Hardlinks: the event of each, and the one in ``events`` that it is a link to."""
    whiteouts: Sequence[bytes]
    """Keys of the whiteout files for what a layer deleted (OCI layer, "Whiteouts")."""
    types: Mapping[str, int]
    """Number of paths of each type, hardlinks included, and of ``whiteout``."""
    size: int
    """Bytes of the files; a hardlinked file counts once."""

    @property
    def files(self) -> int:
        return self.types.get("file", 0)

    @property
    def summary(self) -> str:
        """Counts and size: ``3 files, 1,204 bytes, 2 symlinks``."""
        named: Counter[tuple[str, str]] = Counter()
        for kind, nouns in _NOUNS.items():
            named[nouns] += self.types.get(kind, 0)
        others = [f"{number:,} {nouns[number != 1]}" for nouns, number in named.items() if number]
        return ", ".join([count_text(self.files, "file"), exact_size(self.size), *others])

    def key(self, event: Event) -> bytes:
        return self.union.key(self.union.ev_node[event])[len(self.prefix) :]

    def path(self, key: bytes) -> str:
        """Return the path in the image of a key."""
        return path_of(self.prefix + key)


def tree(union: LayerUnion, layer: LayerNumber, top: Node = ROOT, job: Job = Job.NONE) -> Selection:
    """Select ``top`` and its descendants in the merged tree of layers 1 to ``layer``."""
    return _selection(union, layer, top, union.subtree(top) if top else union.descendants(ROOT), [], job)


def changeset(union: LayerUnion, layer: LayerNumber, top: Node = ROOT, job: Job = Job.NONE) -> Selection:
    """Select what a layer stored at and below ``top``, and whiteouts for what it deleted there.

    Applied to the lower layers, the result has the same effect as the layer. Includes the
    parents of what the layer stored.
    """
    nodes: set[Node] = set()
    gone: dict[int, set[Node]] = {Absence.WHITEOUT: set(), Absence.OPAQUE: set()}
    for event in _watched(union.events_of(layer), job):
        node = union.ev_node[event]
        if not top <= node < union.end[top]:
            continue
        if union.ev_entry[event] >= Absence.IMPLIED:
            if union.at(node, layer) >= 0:
                nodes.add(node)
        elif union.ev_entry[event] in gone:
            gone[union.ev_entry[event]].add(node)
    whiteouts: set[tuple[Node, bytes]] = set()
    for deletion, deleted in gone.items():
        for node in deleted:
            above = union.parent[node]
            directory = union.at(above, layer) if above >= top else NO_EVENT
            # A whiteout of a directory covers its descendants.
            if above not in deleted and directory >= 0 and union.is_directory(directory):
                is_opaque = deletion == Absence.OPAQUE
                name = union.key(node).rpartition(b"\0")[2]
                whiteouts.add((above, OPAQUE_WHITEOUT if is_opaque else whiteout_name(name)))
    nodes |= {directory for directory, _ in whiteouts}
    for node in list(nodes):
        while node > top and (node := union.parent[node]) not in nodes:
            nodes.add(node)
    return _selection(union, layer, top, sorted(nodes - {ROOT}), sorted(whiteouts), job)


def _selection(
    union: LayerUnion,
    layer: LayerNumber,
    top: Node,
    nodes: Iterable[Node],
    whiteouts: Sequence[tuple[Node, bytes]],
    job: Job,
) -> Selection:
    shared = set(_linked(union))
    first: dict[Event, Event] = {}
    events = array("I")
    links: list[tuple[Event, Event]] = []
    types: Counter[str] = Counter()
    size = 0
    for node in _watched(nodes, job):
        event = union.at(node, layer)
        if event < 0:
            continue
        types[ENTRY_TYPES[union.ev_kind[event]]] += 1
        inode = union.ev_inode[event]
        if inode in shared and first.setdefault(inode, event) != event:
            links.append((event, first[inode]))
            continue
        events.append(event)
        if union.ev_kind[event] == Kind.FILE:
            size += union.size(event)
    if whiteouts:
        types["whiteout"] = len(whiteouts)
    above = union.parent[top]
    prefix = union.key(above) + b"\0" if above > 0 else b""
    keys = [(union.key(node) + b"\0" if node else b"") + name for node, name in whiteouts]
    keys = [key[len(prefix) :] for key in keys]
    return Selection(union, prefix, column(events), links, keys, dict(types), size)


def _linked(union: LayerUnion) -> Iterator[Event]:
    """Yield the events whose content and metadata hardlinks share."""
    differ = map(int.__ne__, union.ev_inode, count())
    return compress(union.ev_inode, differ)


def _watched(numbers: Iterable[Number], job: Job) -> Iterator[Number]:
    for position, number in enumerate(numbers):
        if position % STRETCH == 0:
            job.check()
        yield number
