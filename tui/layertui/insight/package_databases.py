"""Find and read the package databases of an image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from layertui.content.read import Contents
from layertui.insight.databases import apk, dpkg, npm, python
from layertui.insight.package import DatabaseParser
from layertui.insight.rpm import rpm, rpm_journal, rpm_manifest, rpm_names
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import NO_NODE, Event, LayerNumber, Node
from layertui.union.model import LayerUnion

MAX_TEXT_DATABASE = 64 << 20
"""Size of the largest database, manifest or file list that is read; a distribution's dpkg status takes a tenth."""
MAX_RPM_DATABASE = 1 << 28
"""Size of the largest database of rpm that is read; it is copied twice."""
MAX_DATABASES = 1 << 29
"""Bytes of databases and file lists that are in memory at once: of one layer, or of one merged tree."""
READ_THREADS = 2
"""Layers read at once."""

_RPM_DIRECTORIES = ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm")
"""Where rpm has its databases: by default, on SUSE and Fedora, and with rpm-ostree."""
_RPM_FILES = ("rpmdb.sqlite", "Packages", "Packages.db")
_RPM = rb"/(?:var\0lib|usr\0lib\0sysimage|usr\0share)\0rpm\0"
_DATABASES: Sequence[tuple[bytes, DatabaseParser]] = (
    (rb"/var\0lib\0dpkg\0status(?:\.d\0[^\0/]+(?<!\.md5sums))?", dpkg),
    (rb"/(?:usr\0)?lib\0apk\0db\0installed", apk),
    (_RPM + rb"(?:rpmdb\.sqlite|Packages(?:\.db)?)", rpm),
    (_RPM + rb"rpmdb\.sqlite-wal", rpm_journal),
    (rb"/var\0lib\0rpmmanifest\0container-manifest-2", rpm_manifest),
    (rb"/var\0lib\0rpmmanifest\0container-manifest-1", rpm_names),
    (rb"\.dist-info\0METADATA", python),
    (rb"\.egg-info(?:\0PKG-INFO)?", python),
    (rb"node_modules(?<=[\0/]node_modules)\0(?:@[^\0/]+\0)?[^\0/@][^\0/]*\0package\.json", npm),
)
"""Patterns of the ends of databases' keys (of whole keys after a slash), and their parsers."""
_KNOWN_PATHS: Sequence[tuple[str, DatabaseParser]] = (
    ("/var/lib/dpkg/status", dpkg),
    ("/lib/apk/db/installed", apk),
    ("/usr/lib/apk/db/installed", apk),
    ("/var/lib/rpmmanifest/container-manifest-2", rpm_manifest),
    ("/var/lib/rpmmanifest/container-manifest-1", rpm_names),
    *((f"{folder}/{name}", rpm) for folder in _RPM_DIRECTORIES for name in _RPM_FILES),
    *((f"{folder}/rpmdb.sqlite-wal", rpm_journal) for folder in _RPM_DIRECTORIES),
)
"""Paths that package managers open, through symlinks anywhere in them."""
_DISTROLESS = "/var/lib/dpkg/status.d"
RECORD_FILE = b"RECORD"
"""The file list of a Python package, beside its metadata."""
PACKAGE_FILES: Sequence[bytes] = (*(pattern for pattern, _ in _DATABASES), rb"\.dist-info\0" + RECORD_FILE)
"""Patterns of all files that are read for packages, for :class:`layertui.layers.capture.Keep`."""

FileContents = Mapping[Event, bytes | LayertuiError]
"""Contents of files by event, or why they cannot be read."""


def databases_of(union: LayerUnion) -> dict[Node, DatabaseParser]:
    """Return the nodes of databases with their parsers; those of symlinks on the way are not databases."""
    found = {
        node: _DATABASES[number][1] for node, number in union.matching(*(each for each, _ in _DATABASES))
    }
    for number in range(1, union.layers + 1):
        layer = LayerNumber(number)
        for path, parser in _KNOWN_PATHS:
            if (node := _resolved(union, path, layer)) >= 0:
                found.setdefault(node, parser)
        if (folder := _resolved(union, _DISTROLESS, layer)) >= 0:
            for node in union.children(folder):
                if not union.name(node).endswith(".md5sums"):
                    found.setdefault(node, dpkg)
    if rpm_manifest in found.values():  # the same packages, with more about each
        return {node: parser for node, parser in found.items() if parser is not rpm_names}
    return found


def _resolved(union: LayerUnion, path: str, layer: LayerNumber) -> Node:
    """Return the node that a path leads to in a merged tree; -1 if it does not exist."""
    try:
        return union.resolve(path, layer)
    except LayertuiError:
        return NO_NODE


def read_files(
    union: LayerUnion, contents: Contents, events: Iterable[Event], job: Job = Job.NONE
) -> Iterator[FileContents]:
    """Yield what each layer stores of some files, in any order of the layers.

    Reads each layer once, two at a time; holds no more than three. Raises :class:`Cancelled`.
    """
    layers: defaultdict[LayerNumber, set[Event]] = defaultdict(set)
    for event in events:
        layers[union.ev_layer[union.ev_inode[event]]].add(event)
    running: set[Future[FileContents]] = set()
    with ThreadPoolExecutor(READ_THREADS, thread_name_prefix="packages") as pool:
        for layer in sorted(layers):
            running.add(pool.submit(_read, union, contents, sorted(layers[layer]), job))
            if len(running) > READ_THREADS:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        yield from (future.result() for future in running)


def too_many(path: str) -> LayertuiError:
    """Return why a file is not read that is beyond :data:`MAX_DATABASES`."""
    return LayertuiError(f"{path} was not read", f"databases and file lists exceed {MAX_DATABASES:,} bytes")


def _read(union: LayerUnion, contents: Contents, events: Sequence[Event], job: Job) -> FileContents:
    """Read files of one layer."""
    found: dict[Event, bytes | LayertuiError] = {}
    wanted, total = [], 0
    for event in events:
        node, size = union.ev_node[event], union.size(event)
        limit = MAX_RPM_DATABASE if union.name(node) in _RPM_FILES else MAX_TEXT_DATABASE
        total += size
        if size > limit:
            why = f"its {size:,} bytes exceed the limit"
            found[event] = LayertuiError(f"{union.path(node)} was not read", why)
        elif total > MAX_DATABASES:
            found[event] = too_many(union.path(node))
        else:
            wanted.append(event)
    found |= contents.read_all(wanted, job)
    for event in wanted:
        if event not in found:
            try:
                found[event] = contents.read(event, job=job)
            except LayertuiError as error:
                found[event] = error
    return found
