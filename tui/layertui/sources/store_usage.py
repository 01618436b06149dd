"""Usage of an on-disk store: its contents, their sizes, and which image needs which layer."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

from layertui.model.errors import LayertuiError, few
from layertui.model.job import Job
from layertui.model.reference import STORE_TRANSPORTS, TRANSPORTS, Reference
from layertui.sources.files import listed

SUBVOLUME = 256
"""The inode of a subvolume's root (btrfs, BTRFS_FIRST_FREE_OBJECTID)."""
OCTAL = re.compile(r"\\(\d{3})")


@dataclass(frozen=True, slots=True)
class RootEntry:
    """A file or directory in the root of a store."""

    name: str
    about: str
    """What it contains; empty if it is not known to belong to such a store."""
    size: int
    """Disk usage in bytes; hardlinks are counted once, btrfs subvolumes each in full."""
    entries: int | None
    """Number of its children; ``None`` for a file."""
    problem: str
    """Why its size may be larger; empty if everything could be read."""


@dataclass(frozen=True, slots=True)
class LayerUse:
    """A layer and the images that use it."""

    id: str
    size: int
    """Recorded bytes: in Docker of its files, in Podman of its tar, in containerd as stored; -1 if unknown."""
    directory: str
    images: Sequence[str]
    """References of the images that it is a layer of; empty if it is dangling."""
    parent: str
    """ID of the layer below; empty for a base layer, or if unknown."""
    reference: str
    """The reference that opens it with the layers below it."""
    held_by: str = ""
    """What keeps it if no image does: the build cache, a build record, a lease; empty if nothing does."""


@dataclass(frozen=True, slots=True)
class Held:
    """Data that an engine keeps for itself, and that is no image or container."""

    kind: str
    """``build cache``, ``build record``, ``container`` (that is not known otherwise), ``lease`` or ``label``."""
    id: str
    about: str
    """What it is, as the engine records it; empty if unknown."""
    size: int
    """Bytes of its own blobs and snapshots, some of which images and other records may have too; -1 if unknown."""
    reference: str = ""
    """The reference that opens it as a layer; empty if it is not one."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """An orphaned layer, image or container."""

    path: Path
    reference: str
    """The reference that opens it as a layer; empty if it is not one or cannot be read."""


@dataclass(frozen=True, slots=True)
class ImageUse:
    """An image and the space that removing it frees."""

    reference: str
    id: str
    names: Sequence[str]
    size: int
    """Bytes of its layers; -1 if one is unknown."""
    frees: int
    """Bytes of the layers that no other image has; -1 if unknown."""
    containers: Sequence[str]
    """Names of the containers that use it, which prevent its removal."""

    @property
    def tags(self) -> list[str]:
        """Its names without those by digest."""
        return [name for name in self.names if "@" not in name]


@dataclass(frozen=True, slots=True)
class StoreUsage:
    """The usage of a store."""

    root: Path
    parts: Sequence[RootEntry]
    images: Sequence[ImageUse]
    layers: Sequence[LayerUse]
    held: Sequence[Held]
    strays: Sequence[Orphan]
    """Unreferenced directories and blobs; with a graph driver, some may belong to BuildKit's cache."""
    links: Sequence[tuple[str, str]]
    """From ``linkgraph.db``: the path that names or links a container, and its ID."""
    problems: Sequence[str]
    """What could not be read."""


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer in a store."""

    id: str
    """Its ID in the store."""
    size: int
    """See :attr:`LayerUse.size`."""
    directory: str
    """Name of its directory."""
    parent: str = ""
    """See :attr:`LayerUse.parent`."""


@dataclass(frozen=True, slots=True)
class ImageNeeds:
    """An image and the layers and containers that depend on each other."""

    reference: str
    id: str
    names: Sequence[str]
    layers: Sequence[Hashable]
    """Keys of its layers, stored or missing."""
    containers: Sequence[str] = ()
    is_shown: bool = True
    """False for an intermediate image of a build, which is removed with the image made from it."""


class UsageBuilder:
    """Collects the usage of a store; what cannot be read becomes a problem in it."""

    def __init__(self) -> None:
        self.images: list[ImageUse] = []
        self.layers: list[LayerUse] = []
        self.held: list[Held] = []
        self.strays: list[Orphan] = []
        self.links: list[tuple[str, str]] = []
        self.problems: list[str] = []

    @contextmanager
    def noting_problems(self) -> Iterator[None]:
        """Turn a :class:`LayertuiError` into a problem."""
        try:
            yield
        except LayertuiError as error:
            self.problems.append(str(error))

    def build(self, root: Path, about: Callable[[str], str], job: Job) -> StoreUsage:
        """Return the usage with the sizes on disk; ``about`` describes an entry of the root by its name."""
        entries = list(_root_entries(root, about, job))
        problems = [*self.problems, *(f"{entry.name}: {entry.problem}" for entry in entries if entry.problem)]
        unique = list(dict.fromkeys(problems))
        return StoreUsage(root, entries, self.images, self.layers, self.held, self.strays, self.links, unique)


class StoreSource(Protocol):
    """What the module ``usage`` of a store's transport offers."""

    def usage_of(self, reference: Reference, job: Job) -> StoreUsage:
        """See :func:`usage_of`."""
        ...


def usage_of(reference: Reference, job: Job = Job.NONE) -> StoreUsage:
    """Return what a store contains, without writing to it. Reports the bytes counted.

    Raises :class:`LayertuiError` if it is not a store, and :class:`Cancelled`.
    """
    if reference.transport not in STORE_TRANSPORTS:
        raise LayertuiError(
            f"{reference} is not an on-disk store", "", "give docker-root:DIR, containers-storage: …"
        )
    module = import_module(f"layertui.sources.{TRANSPORTS[reference.transport]}.usage")
    return cast(StoreSource, module).usage_of(reference, job)


# Images and layers


def users(found: StoreUsage, layer: LayerUse) -> list[str]:
    """Return the names of the images that a layer is of; of one without a name, its shortened ID."""
    references = set(layer.images)
    return [
        next(iter(image.tags), image.id.removeprefix("sha256:")[:12])
        for image in found.images
        if image.reference in references
    ]


def unnamed(found: StoreUsage) -> list[LayerUse]:
    """Return the layers that nothing keeps, each directly after its parent if nothing keeps that either."""
    on: dict[str, list[LayerUse]] = {}
    rows = [layer for layer in found.layers if not layer.images and not layer.held_by]
    ids = {layer.id for layer in rows}
    for layer in rows:
        on.setdefault(layer.parent if layer.parent in ids else "", []).append(layer)
    ordered: list[LayerUse] = []
    waiting = on.pop("", [])[::-1]
    while waiting:
        ordered.append(waiting.pop())
        waiting += on.pop(ordered[-1].id, [])[::-1]
    return ordered + [layer for circle in on.values() for layer in circle]


def uses(
    images: Sequence[ImageNeeds],
    stored: Mapping[Hashable, StoredLayer],
    leads: Callable[[Hashable], str],
    held: Mapping[Hashable, str] = MappingProxyType({}),
) -> tuple[list[ImageUse], list[LayerUse]]:
    """Return the use of images and layers.

    ``leads`` returns the reference of a layer by its key, ``held`` has what else keeps layers.
    """
    counts = Counter(layer for image in images if image.is_shown for layer in set(image.layers))
    named_by: dict[Hashable, list[str]] = {}
    for image in sorted(images, key=lambda image: not image.is_shown):
        for layer in dict.fromkeys(image.layers):
            if image.is_shown or layer not in named_by:
                named_by.setdefault(layer, []).append(image.reference)
    found = []
    for image in images:
        sizes = {key: stored[key].size if key in stored else -1 for key in image.layers}
        alone = [size for key, size in sizes.items() if counts[key] == 1 and key not in held]
        if image.is_shown:
            found.append(
                ImageUse(
                    image.reference,
                    image.id,
                    image.names,
                    _sum(list(sizes.values())),
                    _sum(alone),
                    image.containers,
                )
            )
    layers = [
        LayerUse(
            each.id,
            each.size,
            each.directory,
            named_by.get(key, []),
            each.parent,
            leads(key),
            "" if key in named_by else held.get(key, ""),
        )
        for key, each in stored.items()
    ]
    return found, layers


def pick_layer(name: str, stored: Iterable[StoredLayer]) -> str:
    """Return the ID of the layer that a name selects: its ID, directory, or a prefix of its ID.

    Empty if there is none. Raises :class:`LayertuiError` if the prefix is ambiguous.
    """
    digits = name.removeprefix("sha256:")
    ids = {each.id: each.directory for each in stored}
    found = [each for each in ids if name == each or digits == each.removeprefix("sha256:")]
    found = found or [each for each, directory in ids.items() if name == directory]
    if len(digits) >= 2 and not found:
        found = [each for each in ids if each.removeprefix("sha256:").startswith(digits)]
    if len(found) > 1:
        raise LayertuiError(f"{name} is ambiguous", few(found))
    return found[0] if found else ""


def _sum(sizes: Sequence[int]) -> int:
    return -1 if -1 in sizes else sum(sizes)


# Disk usage


def _root_entries(root: Path, about: Callable[[str], str], job: Job) -> Iterator[RootEntry]:
    before = 0
    for name in listed(root):
        path = root / name
        problems: list[str] = []
        size = 0
        for taken in _taken(path, problems):
            size += taken
            job.check()
            job.report(before + size)
        before += size
        entries = None
        if path.is_dir() and not path.is_symlink():
            try:
                entries = len(os.listdir(path))  # noqa: PTH208 (names alone)
            except OSError:
                entries = None  # also reported by the walk
        more = f" and {len(problems) - 1} more like it" if len(problems) > 1 else ""
        yield RootEntry(name, about(name), size, entries, problems[0] + more if problems else "")


def disk_usage(path: Path) -> int:
    """Return the disk usage of a file or directory in bytes; -1 if not all of it can be read."""
    problems: list[str] = []
    size = sum(_taken(path, problems))
    return -1 if problems else size


def _taken(path: Path, problems: list[str]) -> Iterator[int]:
    """Yield the disk usage of a file, or of a directory and everything below it, in bytes.

    Mounts are skipped: a running container's merged directory shows files that are counted
    elsewhere. Btrfs subvolumes are counted in full, though they may share extents.
    """
    seen: set[tuple[int, int]] = set()
    try:
        own = path.lstat()
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return
    yield own.st_blocks * 512
    mounts = _mounts()
    folders = [(os.path.realpath(path), own.st_dev)] if path.is_dir() and not path.is_symlink() else []
    while folders:
        folder, device = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        facts = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # deleted meanwhile, in a live root
                    is_subvolume = facts.st_ino == SUBVOLUME
                    if entry.path in mounts or (facts.st_dev != device and not is_subvolume):
                        continue
                    if facts.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
                        if (facts.st_dev, facts.st_ino) in seen:
                            continue
                        seen.add((facts.st_dev, facts.st_ino))
                    if entry.is_dir(follow_symlinks=False):
                        folders.append((entry.path, facts.st_dev))
                    yield facts.st_blocks * 512
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(f"{folder}: {error.strerror}")


def _mounts() -> set[str]:
    """Return all mount points (proc_pid_mountinfo(5)); none on other systems than Linux."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return set()
    return {OCTAL.sub(lambda code: chr(int(code[1], 8)), line.split(" ")[4]) for line in lines}
