"""Find and read the package databases of an image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from layertui.content.read import Contents
from layertui.insight.databases import DatabaseParser, apk, dpkg, npm, python, rpm, rpm_journal, rpm_older
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import keys_ending
from layertui.model.numbers import Event, LayerNumber, Node
from layertui.union.model import LayerUnion

MAX_PACKAGE_DATABASE = 1 << 29
"""Size of the largest database that is read."""
READ_THREADS = 2
"""Layers read at once."""

_RPM = rb"/(?:var\0lib\0rpm|usr\0lib\0sysimage\0rpm)\0"
_RPM_OLDER = _RPM + rb"Packages(?:\.db)?"
_DATABASES: Sequence[tuple[bytes, DatabaseParser]] = (
    (rb"/var\0lib\0dpkg\0status(?:\.d\0[^\0/]+(?<!\.md5sums))?", dpkg),
    (rb"/(?:usr\0)?lib\0apk\0db\0installed", apk),
    (_RPM + rb"rpmdb\.sqlite", rpm),
    (_RPM + rb"rpmdb\.sqlite-wal", rpm_journal),
    (_RPM_OLDER, rpm_older),
    (rb"\.dist-info\0METADATA", python),
    (rb"\.egg-info\0PKG-INFO", python),
    (rb"node_modules(?<=[\0/]node_modules)\0(?:@[^\0/]+\0)?[^\0/@][^\0/]*\0package\.json", npm),
)
"""Patterns of the ends of databases' keys (of whole keys after a slash), and their parsers."""
RECORD_FILE = b"RECORD"
"""The file list of a Python package, beside its metadata."""
PACKAGE_FILES: Sequence[bytes] = (
    *(pattern for pattern, _ in _DATABASES if pattern != _RPM_OLDER),
    rb"\.dist-info\0" + RECORD_FILE,
)
"""Patterns of all files that are read for packages, for :class:`layertui.layers.tar.capture.Keep`."""
_UNREAD = keys_ending([_RPM_OLDER])
"""Databases whose parser ignores the content."""

FileContents = Mapping[Event, bytes | LayertuiError]
"""Contents of files by event, or why they cannot be read."""


def databases_of(union: LayerUnion) -> dict[Node, DatabaseParser]:
    """Return the nodes of databases with their parsers."""
    found = union.matching(*(pattern for pattern, _ in _DATABASES))
    return {node: _DATABASES[number][1] for node, number in found}


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


def _read(union: LayerUnion, contents: Contents, events: Sequence[Event], job: Job) -> FileContents:
    """Read files of one layer."""
    found: dict[Event, bytes | LayertuiError] = {}
    wanted = []
    for event in events:
        node, size = union.ev_node[event], union.size(event)
        if _UNREAD.search(b"/" + union.key(node)):
            found[event] = b""
        elif size > MAX_PACKAGE_DATABASE:
            found[event] = LayertuiError(
                f"{union.path(node)} was not read", f"its {size:,} bytes exceed the limit"
            )
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
