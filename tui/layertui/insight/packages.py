"""Find the packages that each layer added, upgraded and removed, by the databases that it changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from layertui.content.read import Contents
from layertui.insight.databases import npm, python, record_size
from layertui.insight.package import DatabaseParser, Package
from layertui.insight.package_databases import MAX_TEXT_DATABASE, RECORD_FILE, databases_of, read_files
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import NO_EVENT, Event, LayerNumber, Node
from layertui.union.model import LayerUnion


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package that a layer added, upgraded or removed."""

    layer: LayerNumber
    before: Package | None
    after: Package | None

    @property
    def change(self) -> str:
        """``added``, ``upgraded`` (to any other version, even a lower one) or ``removed``."""
        return "added" if self.before is None else "removed" if self.after is None else "upgraded"

    @property
    def package(self) -> Package:
        """The package after the layer; before it if it was removed."""
        package = self.after or self.before
        assert package is not None
        return package

    def to_json(self) -> dict[str, Any]:
        """Return the row as the command line prints it."""
        package = self.package
        return {
            "layer": self.layer,
            "change": self.change,
            "kind": package.kind,
            "name": package.name,
            "architecture": package.architecture,
            "version": self.after and self.after.version,
            "version_before": self.before and self.before.version,
            "size": None if package.size < 0 else package.size,
        }


@dataclass(frozen=True, slots=True)
class Packages:
    """The packages of an image."""

    changes: Sequence[PackageChange]
    """By layer, then the largest first."""
    installed: Counter[str]
    """Packages of each kind in the final tree."""
    unread: Sequence[LayertuiError]
    """Why databases could not be read."""

    def lasting(self) -> set[int]:
        """Return the positions of the changes whose packages are installed in the final tree, as they left them."""
        newest: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, change in enumerate(self.changes):
            if change.before is not None and (brought := newest[_which(change.before)]):
                brought.pop()
            if change.after is not None:
                newest[_which(change.after)].append(number)
        return {number for brought in newest.values() for number in brought}


def _which(package: Package) -> tuple[str, ...]:
    return package.kind, package.key, package.architecture, package.version


def packages(union: LayerUnion, contents: Contents, job: Job = Job.NONE) -> Packages:
    """Return the package changes of all layers. Reads every version of the databases.

    Raises :class:`Cancelled`.
    """
    databases = databases_of(union)
    reader = _Reader(union, contents, job)
    reader.read(
        {
            event: parser
            for node, parser in databases.items()
            for event in union.versions(node)
            if union.shows(event) and union.ev_kind[event] == Kind.FILE
        }
    )
    touched: defaultdict[LayerNumber, set[Node]] = defaultdict(set)
    for node in databases:
        for event in union.versions(node):
            touched[union.ev_layer[event]].add(node)
    changes = [change for layer in sorted(touched) for change in reader.changes(layer, touched[layer])]
    top = [package for node in databases for package in reader.at(node, union.layers)]
    return Packages(changes, Counter(package.kind for package in top), reader.unread)


def layer_packages(
    union: LayerUnion, contents: Contents, layer: LayerNumber, job: Job = Job.NONE
) -> tuple[Sequence[PackageChange], Sequence[LayertuiError]]:
    """Return the package changes of one layer, and why databases could not be read; reads only those it changed.

    Raises :class:`Cancelled`.
    """
    databases = {
        node: parser
        for node, parser in databases_of(union).items()
        if (event := union.last_by(node, layer)) >= 0 and union.ev_layer[event] == layer
    }
    reader = _Reader(union, contents, job)
    reader.read(
        {
            event: parser
            for node, parser in databases.items()
            for event in (union.at(node, LayerNumber(layer - 1)), union.at(node, layer))
            if event >= 0 and union.ev_kind[event] == Kind.FILE
        }
    )
    return reader.changes(layer, databases), reader.unread


def _differences(layer: LayerNumber, old: Counter[Package], new: Counter[Package]) -> list[PackageChange]:
    """Return the changes, pairing the old and new versions of a package."""
    pairs: defaultdict[tuple[str, str, str], tuple[list[Package], list[Package]]]
    pairs = defaultdict(lambda: ([], []))
    for side, found in enumerate((old, new)):
        for package in sorted(found.elements(), key=lambda package: package.version):
            pairs[package.kind, package.key, package.architecture][side].append(package)
    changes = [
        PackageChange(layer, before, after)
        for befores, afters in pairs.values()
        for before, after in zip_longest(befores, afters)
        if not (before and after and before.version == after.version)
    ]
    return sorted(changes, key=lambda change: (-change.package.size, change.package.name))


class _Reader:
    """Reads and caches the packages of each version of a database."""

    def __init__(self, union: LayerUnion, contents: Contents, job: Job) -> None:
        self._union = union
        self._contents = contents
        self._job = job
        self._known: dict[Event, list[Package]] = {}
        self.unread: Sequence[LayertuiError] = ()

    def read(self, parsers: Mapping[Event, DatabaseParser]) -> None:
        """Read databases, and the file lists of Python packages for their sizes."""
        union = self._union
        records = {event: self._record(event) for event, parser in parsers.items() if parser is python}
        wanted = [*parsers, *(record for record in records.values() if record >= 0)]
        sizes: dict[Event, int] = {}
        errors: dict[Event, LayertuiError] = {}
        for found in read_files(union, self._contents, wanted, self._job):
            for event, content in found.items():
                try:
                    if isinstance(content, LayertuiError):
                        raise content
                    if event in parsers:
                        path = union.path(union.ev_node[event])
                        self._known[event] = parsers[event](path, content)
                    else:
                        sizes[event] = record_size(content)
                except LayertuiError as error:
                    errors[event] = error
        self.unread = [errors[event] for event in sorted(errors)]
        for event, known in self._known.items():
            if parsers[event] is python:
                size = sizes.get(records[event], -1)
            elif parsers[event] is npm:
                size = self._npm_size(event)
            else:
                continue
            self._known[event] = [replace(package, size=size) for package in known]

    def _record(self, event: Event) -> Event:
        """Return the event of a Python package's file list; -1 if there is none to read."""
        union = self._union
        directory = union.parent[union.ev_node[event]]
        record = union.find_key(union.key(directory) + b"\0" + RECORD_FILE)
        shown = union.at(record, union.ev_layer[event]) if record >= 0 else NO_EVENT
        if shown < 0 or union.ev_kind[shown] != Kind.FILE or union.size(shown) > MAX_TEXT_DATABASE:
            return NO_EVENT
        return shown

    def _npm_size(self, event: Event) -> int:
        """Return the bytes of an npm package's files."""
        union = self._union
        layer, directory = union.ev_layer[event], union.parent[union.ev_node[event]]
        total, node = 0, Node(directory + 1)
        while node < union.end[directory]:
            if union.name(node) == "node_modules":  # packages of their own
                node = union.end[node]
                continue
            if (shown := union.at(node, layer)) >= 0:
                total += union.size(shown)
            node = Node(node + 1)
        return total

    def changes(self, layer: LayerNumber, databases: Iterable[Node]) -> list[PackageChange]:
        """Return the package changes of a layer, in the databases that it changed."""
        before, after = Counter[Package](), Counter[Package]()
        lower = LayerNumber(layer - 1)
        for node in databases:
            if self.knows(node, lower) and self.knows(node, layer):
                before.update(self.at(node, lower))
                after.update(self.at(node, layer))
        return _differences(layer, before - after, after - before)

    def knows(self, node: Node, layer: LayerNumber) -> bool:
        """Return whether a database of a layer's merged tree could be read, or does not exist."""
        event = self._union.at(node, layer)
        return event < 0 or self._union.ev_kind[event] != Kind.FILE or event in self._known

    def at(self, node: Node, layer: LayerNumber) -> list[Package]:
        """Return the packages of a database in a layer's merged tree; none if it could not be read."""
        return self._known.get(self._union.at(node, layer), [])
