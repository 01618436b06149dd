"""The files of an image with content, live and dead, as rows in the order of their paths.

Sums of any part of the tree are differences of two numbers, so it can be walked at any depth at once.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from heapq import nlargest
from typing import TYPE_CHECKING, NamedTuple, cast

from layertui.model.job import Job
from layertui.model.numbers import ROOT, Event, LayerNumber, Node
from layertui.model.sizes import Bytes

if TYPE_CHECKING:
    from layertui.union.model import LayerUnion


class SizedFile(NamedTuple):
    """A file's bytes in a layer."""

    event: Event
    path: str
    layer: LayerNumber
    """The layer that stores them."""
    size: int
    is_live: bool


class SizeItem(NamedTuple):
    """Rows that are shown as one: a path with everything below it, or a group of files."""

    name: str
    rows: SizeRows
    span: range
    node: Node
    """The path; of a group the root."""
    is_directory: bool
    """Whether there is something to go into."""

    @property
    def is_group(self) -> bool:
        """Whether it is a group, not a path."""
        return self.node == ROOT and self.rows.numbers is not None

    @property
    def size(self) -> Bytes:
        """The bytes of its files."""
        return self.rows.bytes_of(self.span)

    @property
    def files(self) -> Bytes:
        """The number of its live and of its dead files."""
        return self.rows.files_of(self.span)

    def shares(self, labels: Labels) -> dict[int, Bytes]:
        """Return its bytes by label."""
        return self.rows.shares(self.span, labels)

    def children(self) -> list[SizeItem]:
        """Return what is directly below it, in the order of the names."""
        return self.rows.children(self.node, self.span) if self.is_directory else []

    def unfolded(self) -> SizeItem:
        """Return the deepest directory that contains all its files, with the names on the way there."""
        item = self
        while item.is_directory:
            child = item.rows.child(item.node, item.span.start, item.span.stop)
            if child is None or child.span != item.span or not child.is_directory:
                break
            item = child._replace(name=f"{item.name}/{child.name}")
        return item


class Labels(NamedTuple):
    """What files have in common: their layer, type, package or kind of leftovers."""

    of: Sequence[int]
    """The position in ``names`` for each row of the whole; -1 for none."""
    names: Sequence[str]

    def groups(self, rows: SizeRows, job: Job = Job.NONE) -> list[SizeItem]:
        """Return the files of each label as an item; ``rows`` are the whole. Raises :class:`Cancelled`."""
        picked: dict[int, array[int]] = {}
        for row, label in enumerate(self.of):
            if label >= 0:
                picked.setdefault(label, array("I")).append(row)
            if not row & 0xFFF:
                job.check()
        found = []
        for label in sorted(picked):
            part = rows.picked(picked[label])
            found.append(SizeItem(self.names[label], part, range(len(part)), ROOT, True))
        return found


class SizeRows:
    """Rows in columns, as there may be a million. A row is a file that a layer stores."""

    def __init__(self, union: LayerUnion, numbers: Sequence[int] | None = None) -> None:
        """``numbers``: of the rows in the whole that they were picked from."""
        self.union = union
        self.numbers = numbers
        self._nodes = array("I")
        self._events = array("I")
        # Of the rows before each, and one more for the end.
        self._live = array("Q", [0])
        self._dead = array("Q", [0])
        self._live_files = array("I", [0])

    def __len__(self) -> int:
        return len(self._nodes)

    def add(self, node: Node, event: Event, size: int, is_live: bool) -> None:
        """Add a row behind those of lower nodes: the path where a file counts, and the event that stores it."""
        self._nodes.append(node)
        self._events.append(event)
        self._live.append(self._live[-1] + (size if is_live else 0))
        self._dead.append(self._dead[-1] + (0 if is_live else size))
        self._live_files.append(self._live_files[-1] + is_live)

    def picked(self, numbers: array[int]) -> SizeRows:
        """Return some of the rows of the whole, in their order."""
        found = SizeRows(self.union, numbers)
        for row in numbers:
            found.add(self.node(row), self.event(row), self.size(row), self.is_live(row))
        return found

    # One row

    def node(self, row: int) -> Node:
        return cast(Node, self._nodes[row])

    def event(self, row: int) -> Event:
        return cast(Event, self._events[row])

    def layer(self, row: int) -> LayerNumber:
        """Return the layer that stores the file."""
        return self.union.ev_layer[self.event(row)]

    def is_live(self, row: int) -> bool:
        """Return whether the final tree shows the file."""
        return self._live_files[row + 1] > self._live_files[row]

    def size(self, row: int) -> int:
        return self._live[row + 1] - self._live[row] + self._dead[row + 1] - self._dead[row]

    def number(self, row: int) -> int:
        """Return the number of the row in the whole."""
        return row if self.numbers is None else self.numbers[row]

    def file(self, row: int) -> SizedFile:
        """Return a row as a file: by the path in the final tree, of a dead one by that in its layer."""
        path = self.union.path(self.node(row))
        return SizedFile(self.event(row), path, self.layer(row), self.size(row), self.is_live(row))

    # Many rows

    def span(self, node: Node) -> range:
        """Return the rows at and below a path."""
        start = bisect_left(self._nodes, node)
        return range(start, bisect_left(self._nodes, self.union.end[node], start))

    def bytes_of(self, span: range) -> Bytes:
        """Return the bytes of successive rows."""
        start, stop = span.start, span.stop
        return Bytes(self._live[stop] - self._live[start], self._dead[stop] - self._dead[start])

    def files_of(self, span: range) -> Bytes:
        """Return the number of live and of dead files."""
        live = self._live_files[span.stop] - self._live_files[span.start]
        return Bytes(live, len(span) - live)

    def shares(self, span: range, labels: Labels) -> dict[int, Bytes]:
        """Return the bytes of successive rows by label."""
        of, numbers, sums = labels.of, self.numbers or range(len(self)), dict[int, list[int]]()
        live, dead = self._live, self._dead
        for row in span:
            label = of[numbers[row]]
            both = sums.get(label)
            if both is None:
                both = sums[label] = [0, 0]
            both[0] += live[row + 1] - live[row]
            both[1] += dead[row + 1] - dead[row]
        return {label: Bytes(*both) for label, both in sums.items()}

    def largest(self, span: range, most: int, with_dead: bool, job: Job = Job.NONE) -> list[int]:
        """Return the rows of the largest live files, or of all. Raises :class:`Cancelled`."""
        sums = self._live, self._dead

        def keys() -> Iterator[tuple[int, int]]:
            for column in sums[: 1 + with_dead]:
                for row in span:
                    if size := column[row + 1] - column[row]:
                        yield size, -row
                    if not row & 0xFFF:
                        job.check()

        return [-row for _, row in nlargest(most, keys())]

    # Directories

    def item(self, node: Node) -> SizeItem:
        """Return a path with everything below it."""
        return self._item(node, self.span(node))

    def children(self, node: Node, span: range) -> list[SizeItem]:
        """Return what is directly below a path, in the order of the names; ``span`` are its rows.

        A path that is a directory and was a file is among them itself, with the bytes of that file.
        """
        row, stop, found = span.start, span.stop, []
        while (child := self.child(node, row, stop)) is not None:
            found.append(child)
            row = child.span.stop
        return found

    def child(self, node: Node, row: int, stop: int) -> SizeItem | None:
        """Return the child of a path that the row ``row`` is in, ``None`` at the end ``stop`` of its rows."""
        if row >= stop:
            return None
        child, parent = self.node(row), self.union.parent
        if child == node:
            end = bisect_left(self._nodes, node + 1, row, stop)
            return SizeItem(self.union.name(node), self, range(row, end), node, False)
        while parent[child] != node:
            child = parent[child]
        return self._item(child, range(row, bisect_left(self._nodes, self.union.end[child], row, stop)))

    def _item(self, node: Node, span: range) -> SizeItem:
        is_directory = len(span) > 0 and self.node(span[-1]) != node
        return SizeItem(self.union.name(node), self, span, node, is_directory)
