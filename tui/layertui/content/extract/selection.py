"""What of an image is extracted: a path of a merged tree with all below it, or what one layer changed there."""

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
from layertui.union.arrays import STRETCH, Column, column
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
    """What is not there afterwards, or not as it is in the image."""

    path: str
    why: str
    is_usual: bool = False
    """Whether that is how it is meant to be: sockets, and devices unless owners are kept."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Paths with what they are at one layer; see :func:`tree` and :func:`changeset`.

    A **key** is relative here: it begins with the name of what was selected, and below the
    root with the names of what is in it. The root itself is not extracted.
    """

    union: LayerUnion
    prefix: bytes
    """What the union's keys begin with and these do not."""
    events: Column[int, Event]
    """In the order of the tree: directories before what is in them, each file once."""
    links: Sequence[tuple[Event, Event]]
    """Further names of these: the event of each, and the one among ``events`` that it links to."""
    whiteouts: Sequence[bytes]
    """Keys of the empty files that stand for what a layer deleted (OCI layer, "Whiteouts")."""
    types: Mapping[str, int]
    """How many of each type, links counted where they are, and ``whiteout``."""
    size: int
    """Bytes of the files, linked ones once."""

    @property
    def files(self) -> int:
        return self.types.get("file", 0)

    @property
    def summary(self) -> str:
        """``3 files, 1,204 bytes, 2 symlinks``."""
        named: Counter[tuple[str, str]] = Counter()
        for kind, nouns in _NOUNS.items():
            named[nouns] += self.types.get(kind, 0)
        others = [f"{number:,} {nouns[number != 1]}" for nouns, number in named.items() if number]
        return ", ".join([count_text(self.files, "file"), exact_size(self.size), *others])

    def key(self, event: Event) -> bytes:
        return self.union.key(self.union.ev_node[event])[len(self.prefix) :]

    def path(self, key: bytes) -> str:
        """Its path in the image."""
        return path_of(self.prefix + key)


def tree(union: LayerUnion, layer: LayerNumber, top: Node = ROOT, job: Job = Job.NONE) -> Selection:
    """What the merged tree of layers 1 to ``layer`` shows at and below ``top``."""
    return _selection(union, layer, top, union.subtree(top) if top else union.descendants(ROOT), [], job)


def changeset(union: LayerUnion, layer: LayerNumber, top: Node = ROOT, job: Job = Job.NONE) -> Selection:
    """What a layer stored at and below ``top``, and whiteouts for what it deleted there.

    Laid over the layers below it makes what the layer makes of them. Directories above what
    the layer stored come along.
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
            # What hides a directory hides all below it.
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
    """The events that other events share content and metadata with."""
    differ = map(int.__ne__, union.ev_inode, count())
    return compress(union.ev_inode, differ)


def _watched(numbers: Iterable[Number], job: Job) -> Iterator[Number]:
    for position, number in enumerate(numbers):
        if position % STRETCH == 0:
            job.check()
        yield number
