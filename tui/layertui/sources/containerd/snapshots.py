"""Snapshots of a namespace: what ``meta.db`` and a snapshotter's database record of them, and their directories.

Layout of the databases: containerd, core/metadata/buckets.go and core/snapshots/storage/bolt.go.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.model.errors import LayertuiError
from layertui.model.image import Unpacked
from layertui.sources.containerd.bolt import Bucket, read_bolt
from layertui.sources.containerd.values import uvarint, varint
from layertui.sources.store_usage import disk_usage

OVERLAYFS = "overlayfs"
READABLE = (OVERLAYFS, "erofs")
"""Snapshotters that write each snapshot to a directory of its own."""
EROFS_IMAGE = "layer.erofs"
"""What the erofs snapshotter makes of a committed layer (plugins/snapshots/erofs)."""
VIEW = 1
"""The kind of a snapshot that is never written to (core/snapshots, ``KindView``)."""
MAX_SNAPSHOTS = 1000


@dataclass(frozen=True, slots=True)
class Noted:
    """What is recorded of a snapshot."""

    parent: str
    """Key of the one below; empty for a base."""
    number: int
    """The name of its directory; -1 if unknown."""
    size: int
    """Disk usage in bytes; -1 if not recorded, as of one that is written to."""
    kind: int
    """As in containerd: 1 view, 2 active, 3 committed; -1 if unknown."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as a layer."""

    key: str
    parent: str
    """Key of the one below; empty for a base."""
    unpacked: Unpacked | None
    missing: str


class Snapshotter:
    """The files of a snapshotter, in a directory of containerd's root."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.directories = root / "snapshots"
        self._database = root / "metadata.db"

    @cached_property
    def recorded(self) -> Mapping[str, Bucket | bytes]:
        """What it records of each snapshot; nothing if its files are elsewhere, as those of proxies are.

        Raises :class:`LayertuiError` if it cannot be read.
        """
        if not self._database.parent.exists():
            return {}
        return read_bolt(self._database).bucket("v1", "snapshots").entries


class Snapshots:
    """The snapshots that a namespace has of one snapshotter."""

    def __init__(self, snapshotter: Snapshotter, place: str, bucket: Bucket) -> None:
        self.name = snapshotter.name
        self.directories = snapshotter.directories
        self._snapshotter = snapshotter
        self._place = place
        self._bucket = bucket

    @cached_property
    def noted(self) -> dict[str, Noted]:
        """All by their keys. Raises :class:`LayertuiError` for a damaged database."""
        recorded = self._snapshotter.recorded
        found = {}
        for key, bucket in self._bucket.buckets():
            known = recorded.get(bucket.text("name"))
            if not isinstance(known, Bucket):
                found[key] = Noted(bucket.text("parent"), -1, -1, -1)
                continue
            number, kind = (uvarint(known.value(name)) for name in ("id", "kind"))
            found[key] = Noted(bucket.text("parent"), number, varint(known.value("size")), kind)
        return found

    def down_from(self, key: str) -> Iterator[str]:
        """Yield the keys of a snapshot and of those below it, topmost first."""
        for _ in range(MAX_SNAPSHOTS):
            if not key:
                return
            yield key
            key = self.noted[key].parent if key in self.noted else ""

    def size(self, key: str) -> int:
        """Return the disk usage of a snapshot in bytes, as containerd does; -1 if unknown."""
        noted = self.noted[key]
        if noted.kind == VIEW:
            return 0
        if noted.size >= 0 or noted.number < 0 or self.name not in READABLE:
            return noted.size
        return disk_usage(self.directories / str(noted.number) / "fs")

    def total_size(self, key: str) -> int:
        """Return the bytes of a snapshot and of those below it, as far as they exist and are known."""
        return sum(max(self.noted[each].size, 0) for each in self.down_from(key) if each in self.noted)

    def snapshot(self, key: str) -> Snapshot:
        """Return a snapshot by its key, for an image's layer its chain ID. Raises :class:`LayertuiError`."""
        if key not in self.noted:
            raise LayertuiError(f"{self._place} has no snapshot {key} of {self.name}")
        noted = self.noted[key]
        unpacked, missing = self._unpacked(noted)
        return Snapshot(key, noted.parent, unpacked, missing)

    def stack(self, key: str, layers: Container[str] = ()) -> list[Snapshot]:
        """Return a snapshot and those below it as far as they are recorded, base first; without ``layers``.

        ``layers`` are the chain IDs of an image that it stands on. Raises :class:`LayertuiError`.
        """
        found: list[Snapshot] = []
        while key in self.noted and key not in layers:
            if len(found) == MAX_SNAPSHOTS:
                raise LayertuiError(f"the parents of a snapshot form a cycle in {self._place}")
            found.insert(0, self.snapshot(key))
            key = found[0].parent
        return found

    def _unpacked(self, noted: Noted) -> tuple[Unpacked | None, str]:
        """Return what a snapshot is read from, or why it cannot be read."""
        if self.name not in READABLE:
            return None, f"the snapshotter {self.name} is not read here"
        directory = self.directories / str(noted.number)
        if noted.number < 0:
            return None, "the name of its directory is not recorded"
        if (directory / EROFS_IMAGE).exists():
            return None, f"it is an EROFS file system, {directory / EROFS_IMAGE}, which is not read here"
        if not (directory / "fs").is_dir():
            return None, f"its directory {directory / 'fs'} is not there"
        return UnpackedDirectory(directory / "fs", below=self._below(noted.parent)), ""

    def _below(self, key: str) -> tuple[Path, ...]:
        """Return the directories of a snapshot and of those below it, topmost first; none where one is missing."""
        numbers = [self.noted[each].number if each in self.noted else -1 for each in self.down_from(key)]
        if self.name != OVERLAYFS or -1 in numbers:
            return ()
        return tuple(self.directories / str(each) / "fs" for each in numbers)
