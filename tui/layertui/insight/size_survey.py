"""The size of an image as a part of insight: by directory, leftover, layer, type and package, largest files."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from heapq import nsmallest
from itertools import accumulate

from layertui.content.read import Contents
from layertui.insight.leftovers import LEFTOVER_RULES, leftovers
from layertui.insight.package_files import PackageFiles
from layertui.insight.package_sizes import package_sizes
from layertui.insight.sizes import SizeMap, type_of
from layertui.insight.tally import MAX_FINDINGS, Finding, Sum, Survey
from layertui.model.job import Job
from layertui.model.numbers import EMPTY, ROOT, Event, LayerNumber, Node
from layertui.text.format import count_text
from layertui.union.model import LayerUnion

MOST_LISTED = 10_000
"""Directories that are listed, the largest; a directory is never listed without those above it."""
OF_EACH = 10
"""Largest files that are listed of each layer, type, package and kind of leftovers at least."""

_SIZE_KINDS = ("directory", "leftover", "step", "type", "package")
_UNOWNED = -1
_Group = tuple[str, int | str]
"""A kind, and what files have in common: node, number of a rule, layer, type, number of a package."""


def size_survey(union: LayerUnion, contents: Contents, job: Job = Job.NONE) -> Survey:
    """Return live and dead bytes as sums, and the largest live and dead files. Raises :class:`Cancelled`.

    The first sum is that of the root. Sums of packages and leftovers count live files only.
    """
    return _SizeSurvey(union, contents, job).survey()


class _SizeSurvey:
    """Adds up all files once."""

    def __init__(self, union: LayerUnion, contents: Contents, job: Job) -> None:
        self._union = union
        self._job = job
        self._sizes = SizeMap(union, job)
        self._owned = package_sizes(PackageFiles(union, contents), self._sizes, job=job)
        self._rules = bytearray(union.nodes)
        for row in leftovers(self._sizes):
            rule = LEFTOVER_RULES.index(row.rule) + 1
            self._rules[row.node : union.end[row.node]] = bytes([rule]) * len(union.subtree(row.node))
        self._groups: dict[_Group, list[int]] = {}  # live and dead bytes, live and dead files
        self._numbers: dict[_Group, int] = {}  # the position of each sum

    def survey(self) -> Survey:
        union = self._union
        live = self._sizes.live_files
        dead = [(union.ev_node[event], event) for event in self._sizes.dead_files]
        listed: list[tuple[Node, Event, bool, list[_Group]]] = []
        for is_dead, files in enumerate((live, dead)):
            files = sorted(files, key=lambda row: (-union.size(row[1]), *row))
            for position, (node, event) in enumerate(files):
                groups = [*self._groups_of(node, event, bool(is_dead))]
                is_listed = position < MAX_FINDINGS
                for group in groups:
                    numbers = self._groups.setdefault(group, [0, 0, 0, 0])
                    is_listed = is_listed or numbers[2 + is_dead] < OF_EACH
                    numbers[is_dead] += union.size(event)
                    numbers[2 + is_dead] += 1
                if is_listed:
                    listed.append((node, event, bool(is_dead), groups))
                if not position & 0xFFF:
                    self._job.check()
        counts = [self._counts(files) for files in (live, dead)]
        for node in self._directories():
            size, end = self._sizes.below(node), union.end[node]
            self._groups["directory", node] = [*size, *(before[end] - before[node] for before in counts)]
        found = [(group, self._sum(group, *numbers)) for group, numbers in self._groups.items()]
        found.sort(key=lambda row: (_SIZE_KINDS.index(row[1].kind), -row[1].size))
        self._numbers = {group: number for number, (group, _) in enumerate(found)}
        findings = [self._finding(*row) for row in listed]
        return Survey(
            len(live) + len(dead),
            self._sizes.total.size,
            [row for _, row in found],
            findings,
            [str(error) for error in self._owned.unread],
        )

    def _groups_of(self, node: Node, event: Event, is_dead: bool) -> Iterator[_Group]:
        union, owned = self._union, self._owned
        layer = union.ev_layer[event]
        yield "step", layer
        mode = union.indexes[layer - 1].mode[union.ev_entry[event]]
        yield "type", type_of(union.name(node), mode)
        if is_dead:
            return
        if rule := self._rules[node]:
            yield "leftover", rule - 1
        if owned.packages:
            yield "package", owned.owners.get(node, _UNOWNED)

    def _sum(self, group: _Group, live: int, dead: int, files: int, dead_files: int) -> Sum:
        kind, which = group
        layer, name, path = EMPTY, str(which), "/"
        if kind == "step":
            layer = LayerNumber(int(which))
        elif kind == "leftover":
            name = LEFTOVER_RULES[int(which)].name
        elif which == _UNOWNED:
            unlisted = self._owned.unlisted
            name = "not owned by a package"
            name += f"; {count_text(unlisted, 'package')} without a list" if unlisted else ""
        elif kind == "package":
            package = self._owned.packages[int(which)][0]
            name = f"{package.name} {package.version}"
        elif kind == "directory":
            name = path = self._union.path(Node(int(which)))
        return Sum(kind, name, live + dead, files + dead_files, layer, path, dead, dead_files)

    def _counts(self, files: list[tuple[Node, Event]]) -> array[int]:
        """Return how many files are before each node."""
        own = array("Q", bytes(8 * self._union.nodes))
        for node, _ in files:
            own[node] += 1
        return array("Q", accumulate(own, initial=0))

    def _directories(self) -> list[Node]:
        """Return the largest directories, the root first."""
        union, sizes = self._union, self._sizes
        found = [
            (-size, node)
            for node in union.subtree(ROOT)
            if union.end[node] > node + 1 and (size := sizes.below(node).size)
        ]
        return [node for _, node in nsmallest(MOST_LISTED, found)]

    def _finding(self, node: Node, event: Event, is_dead: bool, groups: list[_Group]) -> Finding:
        """Return a file as a finding; it leads to the name under which its layer stores it."""
        union = self._union
        groups = groups.copy()
        at = node
        while at >= ROOT:
            groups.append(("directory", at))
            at = union.parent[at]
        sums = [self._numbers[group] for group in groups if group in self._numbers]
        stored, layer = union.path(union.ev_node[event]), union.ev_layer[event]
        return Finding(layer, stored, union.size(event), (), union.path(node), sums, is_dead)
