"""A container's read-write layer as its engine reports it."""

from __future__ import annotations

import tarfile
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import IO

from layertui.layers.codec import INDEX_COLUMNS
from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import PlainWindow, StreamWindow
from layertui.layers.unpacked.change_detection import changed_while_read
from layertui.model.blob import Blob, BytesBlob
from layertui.model.errors import ChangedWhileRead, LayertuiError, NotFound
from layertui.model.image import Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import Extra, Kind, LayerIndex, key_of, path_of
from layertui.sources.engine.client import ByteStream, Engine

MODIFIED, ADDED, DELETED = 0, 1, 2
"""``Kind`` of a path (Docker Engine API, "ContainerChanges")."""
HEAD_SIZE = 1 << 16
"""Bytes of an archive that contain its first entry's headers."""
FEW_CHANGES = 3
"""Paths that are fetched one by one: for more, the archive of their directory is."""
WORTH = 1 << 20
"""Bytes of a directory's archive that are read for each path in it, since a request costs about as much."""
OPEN_FILES = 8
"""Files of a container that are kept open."""

EntryIn = tuple[LayerIndex, int]
"""An index, and an entry in it."""


@dataclass(frozen=True)
class ContainerChanges(Unpacked):
    """A container's read-write layer as its engine reports it.

    The list is that of ``docker diff``. Metadata is read from the archives of directories in which many
    paths have changed, the rest path by path, and contents file by file.
    """

    engine: Engine
    container: str

    @property
    def location(self) -> str:
        return f"container {self.container[:12]}, read through {self.engine.endpoint.engine}"

    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        index = LayerIndex()
        keys: list[bytes] = []
        answer = self.engine.get_list("/containers/{0}/changes", self.container)
        kinds = {key_of(str(item.get("Path", ""))): item.get("Kind") for item in answer}
        kinds = dict(sorted(kinds.items()))
        found = self._entries({key: kind for key, kind in kinds.items() if kind != DELETED}, job)
        for key, kind in kinds.items():
            if kind == DELETED:
                _append(index, keys, key, Kind.WHITEOUT, LayerIndex(), -1)
            elif key in found:
                of, entry = found[key]
                _append(index, keys, key, of.kind[entry], of, entry)
        index.count = len(keys)
        index.keys = b"/".join(keys)
        index.warnings += changed_while_read(
            [key for key, kind in kinds.items() if kind != DELETED and key not in found]
        )
        return index

    def _entries(self, kinds: Mapping[bytes, object], job: Job) -> dict[bytes, EntryIn]:
        """Return where the entry of each path is that still exists; ``kinds`` are sorted by key."""
        found: dict[bytes, EntryIn] = {}
        removed: set[bytes] = set()
        keys, inside = list(kinds), _inside(kinds)
        for number, key in enumerate(keys, 1):
            job.check()
            below, near = inside.get(key, (0, 0))
            # All of an added directory is wanted, of another one perhaps little.
            if key not in removed and max(below if kinds[key] == ADDED else 0, near) > FEW_CHANGES:
                unknown = sum(each not in found for each in keys[number : number + below])
                if unknown > FEW_CHANGES:
                    try:
                        found |= self._directory(key, kinds, unknown, job)
                    except NotFound:
                        removed.update(keys[number - 1 : number + below])
            if key not in found and key not in removed:
                try:
                    found[key] = self._entry(key), 0
                except NotFound:
                    removed.add(key)
            job.report(len(found))
        return found

    def _directory(
        self, key: bytes, wanted: Mapping[bytes, object], count: int, job: Job
    ) -> dict[bytes, EntryIn]:
        """Return those of the wanted entries that the first part of a directory's archive has."""
        above = key.rpartition(b"\0")[0]
        prefix = above + b"\0" if above else b""
        with closing(self.archive(key)) as chunks:
            part = _first_bytes(chunks, count * WORTH, job)
            index = scan(StreamWindow(ByteStream(part)))
        names = index.keys.split(b"/") if index.count else []
        # The last entry may be cut.
        whole = index.count - bool(index.damage)
        index.links = [
            prefix + link if is_hard else link
            for link, is_hard in zip(index.links, _hardlinks(index), strict=True)
        ]
        found = {prefix + name: (index, number) for number, name in enumerate(names[:whole])}
        return {
            each: where
            for each, where in found.items()
            if each in wanted and _is_whole(*where, found, wanted)
        }

    def open(self, key: bytes, size: int, stamp: int = 0) -> FetchedFile:
        return _fetched(self, key, size, stamp)

    def _entry(self, key: bytes) -> LayerIndex:
        """Return an index whose first entry is that of a path; no more of its archive is fetched."""
        with closing(self.archive(key)) as chunks:
            return self.first_entry(key, head_of(chunks))

    def first_entry(self, key: bytes, head: bytes) -> LayerIndex:
        """Return the index of the beginning of a path's archive."""
        found = scan(PlainWindow(BytesBlob(head[:HEAD_SIZE], self.location)))
        if not found.count:
            raise LayertuiError(f"{self.engine.endpoint.engine} sends no {path_of(key)}", found.damage)
        return found

    def archive(self, key: bytes) -> Generator[bytes, None, None]:
        """Return the tar in which the engine sends a path and all below it."""
        path = path_of(key).encode("utf-8", "surrogateescape")
        return self.engine.stream("/containers/{0}/archive", self.container, path=path)


def head_of(chunks: Iterator[bytes]) -> bytes:
    """Return what comes first of an archive, ``HEAD`` bytes or more if there are as many."""
    head = b""
    while len(head) < HEAD_SIZE and (chunk := next(chunks, b"")):
        head += chunk
    return head


def _inside(keys: Mapping[bytes, object]) -> dict[bytes, tuple[int, int]]:
    """Return for each directory how many of the keys are below it, and directly in it."""
    inside: dict[bytes, tuple[int, int]] = {}
    for key in keys:
        above, near = key.rpartition(b"\0")[0], 1
        while above:
            below, directly = inside.get(above, (0, 0))
            inside[above] = below + 1, directly + near
            above, near = above.rpartition(b"\0")[0], 0
    return inside


def _first_bytes(chunks: Iterator[bytes], length: int, job: Job) -> Iterator[bytes]:
    """Yield the first chunks, of about ``length`` bytes."""
    for chunk in chunks:
        job.check()
        yield chunk
        length -= len(chunk)
        if length <= 0:
            return


def _hardlinks(index: LayerIndex) -> list[bool]:
    """Return of each link target of an index whether it is a hardlink's."""
    found = [False] * len(index.links)
    for kind, link in zip(index.kind, index.link, strict=True):
        if link >= 0:
            found[link] = kind == Kind.HARDLINK
    return found


def _is_whole(
    index: LayerIndex, entry: int, found: Mapping[bytes, EntryIn], wanted: Mapping[bytes, object]
) -> bool:
    """Return whether an entry says all of its path: not a hardlink to a path that has not changed."""
    if index.kind[entry] != Kind.HARDLINK:
        return True
    target = index.links[index.link[entry]]
    return target in found and target in wanted


def _stamp_of(found: LayerIndex, entry: int = 0) -> int:
    """Return 64 bits that differ once the file of an entry is of another type, size or time."""
    facts = (found.kind[entry], found.size[entry], found.mtime[entry], found.mtime_ns[entry])
    return hash(facts) & ((1 << 64) - 1)


class FetchedFile(Blob):
    """A file of a container, fetched whole when it is first read.

    Reading raises :class:`ChangedWhileRead` if it is not the one any more that was listed.
    """

    size = 0

    def __init__(self, changes: ContainerChanges, key: bytes, size: int, stamp: int) -> None:
        self.size = size
        self._stamp = stamp
        self._changes = changes
        self._key = key
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    @property
    def location(self) -> str:
        return f"{path_of(self._key)} of {self._changes.location}"

    @property
    def is_local(self) -> bool:
        return self._file is not None

    def pread(self, length: int, offset: int) -> bytes:
        with self._lock:
            if self._file is None:
                self._file = self._fetch()
            self._file.seek(offset)
            return self._file.read(length)

    def _fetch(self) -> IO[bytes]:
        spool = tempfile.SpooledTemporaryFile(1 << 22)  # noqa: SIM115 (open as long as this)
        with closing(self._changes.archive(self._key)) as chunks:
            head = head_of(chunks)
            found = self._changes.first_entry(self._key, head)
            if _stamp_of(found) != self._stamp:
                raise ChangedWhileRead(self.location, self.size, found.size[0])
            try:
                with tarfile.open(fileobj=ByteStream(chain((head,), chunks)), mode="r|") as archive:
                    member = archive.next()
                    content = archive.extractfile(member) if member is not None and member.isfile() else None
                    while content is not None and (data := content.read(1 << 20)):
                        spool.write(data)
            except tarfile.TarError as error:
                raise LayertuiError(f"cannot read {self.location}", str(error)) from error
        return spool


@lru_cache(OPEN_FILES)
def _fetched(changes: ContainerChanges, key: bytes, size: int, stamp: int) -> FetchedFile:
    return FetchedFile(changes, key, size, stamp)


def _append(
    index: LayerIndex, keys: list[bytes], key: bytes, kind: int, found: LayerIndex, entry: int
) -> None:
    """Add an entry under a key, with the columns that ``entry`` has in another index (-1: none)."""
    number = len(keys)
    keys.append(key)
    index.kind.append(kind)
    for name, _code in INDEX_COLUMNS:
        getattr(index, name).append(getattr(found, name)[entry] if entry >= 0 else 0)
    index.stamp.append(_stamp_of(found, entry) if entry >= 0 else 0)
    index.offset[number] = 0
    index.link[number] = -1
    if entry >= 0 and found.link[entry] >= 0:
        index.link[number] = len(index.links)
        index.links.append(found.links[found.link[entry]])
    if entry >= 0 and (extra := found.extra.get(entry)) is not None:
        index.extra[number] = Extra(extra.xattrs, extra.device)
