"""Find the packages that own a path, by the databases of a layer's merged tree."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from layertui.content.read import Contents
from layertui.insight.databases import apk, dpkg, npm, python
from layertui.insight.file_lists import (
    apk_files,
    diversions,
    dpkg_list,
    installed_files,
    md5sums,
    record,
    rpm_files,
)
from layertui.insight.package import DatabaseParser, Package
from layertui.insight.package_databases import (
    MAX_DATABASES,
    MAX_TEXT_DATABASE,
    databases_of,
    read_files,
    too_many,
)
from layertui.insight.rpm import rpm
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import Kind, key_of
from layertui.model.numbers import NO_EVENT, ROOT, Event, LayerNumber, Node
from layertui.union.model import LayerUnion

_LISTS = (
    rb"/var\0lib\0dpkg\0(?:info\0[^\0/]+\.list|status\.d\0[^\0/]+\.md5sums|diversions)",
    rb"\.dist-info\0RECORD",
    rb"\.egg-info\0installed-files\.txt",
)
"""Patterns of the ends of file lists' keys (see :meth:`layertui.union.model.LayerUnion.matching`)."""
_DIVERSIONS = "/dpkg/diversions"
_DPKG = "/var/lib/dpkg"


@dataclass(frozen=True, slots=True)
class PackageOwners:
    """The packages that own a path, and what is unknown."""

    packages: Sequence[Package]
    """Owners; a directory may have many."""
    kinds: Sequence[str]
    """Kinds of packages whose databases were searched."""
    unlisted: int
    """Packages without a file list."""
    unread: Sequence[LayertuiError]
    """Why databases could not be read."""


@dataclass(slots=True)
class _Lists:
    """The file lists of all packages as one text, searched for a path."""

    text: bytes = b""
    starts: list[int] = field(default_factory=list)
    """Offset of each package's files in the text."""
    packages: list[Package] = field(default_factory=list)
    unlisted: int = 0
    unread: list[LayertuiError] = field(default_factory=list)

    def paths(self) -> Iterator[tuple[Package, Sequence[bytes]]]:
        """Yield each package with its absolute paths."""
        stops = (*self.starts, len(self.text))[1:]
        for package, start, stop in zip(self.packages, self.starts, stops, strict=True):
            yield package, [path for path in self.text[start:stop].split(b"\n") if path]

    def owners(self, path: bytes) -> list[Package]:
        needle, found = b"\n%b\n" % path, []
        at = self.text.find(needle)
        while at >= 0:
            found.append(self.packages[bisect_right(self.starts, at) - 1])
            at = self.text.find(needle, at + 1)
        return found


class PackageFiles:
    """Finds owners in one union; caches the lists that it read last. Safe to share between threads."""

    def __init__(self, union: LayerUnion, contents: Contents) -> None:
        self._union = union
        self._contents = contents
        databases = databases_of(union)
        self._databases = {node: parser for node, parser in databases.items() if parser is not npm}
        lists = [node for node, _ in union.matching(*_LISTS)]
        self._lists = list(dict.fromkeys([*lists, *_lists_beside(union, self._databases)]))
        self._has_npm = any(parser is npm for parser in databases.values())
        self._known: tuple[Sequence[int], _Lists] = ((), _Lists())
        self._lock = threading.Lock()

    def owners(self, path: str, layer: LayerNumber, job: Job = Job.NONE) -> PackageOwners:
        """Return the packages that own a path of the merged tree of layers 1 to ``layer``.

        Reads the databases of that tree unless they are those of the last call. Raises
        :class:`Cancelled`.
        """
        with self._lock:
            lists = self._read(layer, job)
        found = [package for name in self._names(path, layer) for package in lists.owners(name)]
        unread = list(lists.unread)
        if self._has_npm:
            try:
                found += self._npm(path, layer, job)
            except LayertuiError as error:
                unread.append(error)
        kinds = {package.kind for package in lists.packages} | ({"npm"} if self._has_npm else set())
        return PackageOwners(list(dict.fromkeys(found)), sorted(kinds), lists.unlisted, unread)

    def installed(
        self, layer: LayerNumber, job: Job = Job.NONE
    ) -> tuple[list[tuple[Package, list[Node]]], PackageOwners]:
        """Return the packages of the merged tree of layers 1 to ``layer`` with the nodes of their paths in it.

        Paths that the tree lacks are left out, and so are npm packages, which have no lists. The second
        value says what is unknown. Raises :class:`Cancelled`.
        """
        with self._lock:
            lists = self._read(layer, job)
        aliases = dict(self._root_links(layer))
        found = []
        for package, paths in lists.paths():
            job.check()
            nodes = (self._union.find_key(_aliased(path, aliases)) for path in paths)
            found.append(
                (package, [node for node in nodes if node >= 0 and self._union.at(node, layer) >= 0])
            )
        kinds = sorted({package.kind for package in lists.packages})
        return found, PackageOwners((), kinds, lists.unlisted, list(lists.unread))

    def _names(self, path: str, layer: LayerNumber) -> list[bytes]:
        """Return a path and its aliases through symlinks in the root: databases may list it as /bin/sh."""
        key = key_of(path)
        names = [b"/" + key.replace(b"\0", b"/")]
        for link, target in self._root_links(layer):
            if key.startswith(target + b"\0"):
                names.append(b"/%b%b" % (link, key.removeprefix(target).replace(b"\0", b"/")))
        return names

    def _root_links(self, layer: LayerNumber) -> Iterator[tuple[bytes, bytes]]:
        """Yield name and target's key of each symlink in the root (``bin`` to ``usr/bin``)."""
        union = self._union
        for node in union.children(ROOT):
            event = union.at(node, layer)
            if event >= 0 and union.ev_kind[event] == Kind.SYMLINK:
                with suppress(LayertuiError):  # a dangling symlink
                    yield union.key(node), union.key(union.resolve(union.path(node), layer))

    def _npm(self, path: str, layer: LayerNumber, job: Job) -> list[Package]:
        """Return the innermost package in a ``node_modules`` that contains a path."""
        union, parts = self._union, path.split("/")
        for end in range(len(parts), 1, -1):
            above = parts[: end - 1]
            if above[-1] != "node_modules" and not (
                above[-1].startswith("@") and above[-2:-1] == ["node_modules"]
            ):
                continue
            manifest = "/".join([*parts[:end], "package.json"])
            node = union.find(manifest)
            event = union.at(node, layer) if node >= 0 else NO_EVENT
            if event >= 0 and union.ev_kind[event] == Kind.FILE and union.size(event) <= MAX_TEXT_DATABASE:
                return npm(manifest, self._contents.read(event, job=job))
        return []

    def _read(self, layer: LayerNumber, job: Job) -> _Lists:
        union = self._union
        events = [
            event
            for event in (union.at(node, layer) for node in (*self._databases, *self._lists))
            if event >= 0 and union.ev_kind[event] == Kind.FILE
        ]
        if self._known[0] == events:
            return self._known[1]
        lists = _Lists()
        data: dict[str, tuple[Node, bytes]] = {}
        """Node and content of files by path."""
        found: dict[Event, bytes | LayertuiError] = {}
        left = MAX_DATABASES
        for part in read_files(union, self._contents, events, job):
            for event, content in part.items():
                left -= len(content) if isinstance(content, bytes) else 0
                found[event] = content if left >= 0 else too_many(union.path(union.ev_node[event]))
        for event in events:
            content, node = found[event], union.ev_node[event]
            if isinstance(content, LayertuiError):
                lists.unread.append(content)
            else:
                data[union.path(node)] = (node, content)
        text = bytearray()
        for package, paths in self._listed(data, lists):
            lists.starts.append(len(text))
            lists.packages.append(package)
            text += b"\n%b\n" % b"\n".join(paths)
        lists.text = bytes(text)
        self._known = (events, lists)
        return lists

    def _listed(
        self, data: Mapping[str, tuple[Node, bytes]], lists: _Lists
    ) -> Iterable[tuple[Package, Sequence[bytes]]]:
        """Yield every package with its paths; counts those without a list."""
        diverted = [
            diversion
            for path, (_, content) in data.items()
            if path.endswith(_DIVERSIONS)
            for diversion in diversions(content)
        ]
        for path, (node, content) in data.items():
            parser = self._databases.get(node)
            try:
                if parser is apk or parser is rpm:
                    yield from (apk_files if parser is apk else rpm_files)(path, content)
                    continue
                packages = parser(path, content) if parser is not None else []
            except LayertuiError as error:
                lists.unread.append(error)
                continue
            for package in packages:
                paths = _python_files(path, data) if parser is python else _dpkg_files(path, package, data)
                if paths is None:
                    lists.unlisted += 1
                    paths = []
                elif parser is dpkg:
                    paths = _after(diverted, package, paths)
                yield package, paths


def _aliased(path: bytes, aliases: Mapping[bytes, bytes]) -> bytes:
    """Return the key of an absolute path whose first component may be a symlink."""
    key = path[1:].replace(b"/", b"\0")
    first, slash, rest = key.partition(b"\0")
    return aliases.get(first, first) + slash + rest


def _lists_beside(union: LayerUnion, databases: Mapping[Node, DatabaseParser]) -> Iterable[Node]:
    """Yield the file lists of dpkg's databases that are elsewhere, and reached through a symlink."""
    for node, parser in databases.items():
        if parser is dpkg and union.name(node) == "status":
            directory = union.parent[node]
            for child in union.children(directory):
                if union.name(child) == "info":
                    yield from (each for each in union.children(child) if union.name(each).endswith(".list"))
                elif union.name(child) == "diversions":
                    yield child


def _dpkg_files(path: str, package: Package, data: Mapping[str, tuple[Node, bytes]]) -> list[bytes] | None:
    """Return the files of a dpkg package; ``None`` if it has no list."""
    if (sums := f"{path}.md5sums") in data:  # distroless
        return md5sums(data[sums][1])
    for directory in (path.rpartition("/")[0], _DPKG):  # the database alone may be elsewhere
        info = f"{directory}/info/{package.name}"
        for name in (f"{info}:{package.architecture}.list", f"{info}.list"):
            if name in data:
                return dpkg_list(data[name][1])
    return None


def _python_files(path: str, data: Mapping[str, tuple[Node, bytes]]) -> list[bytes] | None:
    """Return the files of a Python package by the list beside its metadata; ``None`` if it has none."""
    directory = path.rpartition("/")[0]
    if f"{directory}/RECORD" in data:
        return record(directory.rpartition("/")[0] or "/", data[f"{directory}/RECORD"][1])
    listed = f"{directory}/installed-files.txt"
    return installed_files(directory, data[listed][1]) if listed in data else None


def _after(diverted: Sequence[tuple[bytes, bytes, str]], package: Package, paths: list[bytes]) -> list[bytes]:
    """Return the paths of a package's files after diversions by other packages (dpkg-divert(1))."""
    away = {before: after for before, after, keeper in diverted if keeper != package.name}
    return [away.get(path, path) for path in paths] if away else paths
