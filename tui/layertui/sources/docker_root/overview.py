"""What a data root of Docker holds, how large it is, and what in it depends on what."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from layertui.errors import LayertuiError
from layertui.layers.decompress import Cancelled
from layertui.reference import Reference
from layertui.sources import containerd
from layertui.sources.docker_root import SYSTEM, inside_of, roots_of
from layertui.sources.docker_root.files import listed
from layertui.sources.docker_root.graph import GraphRoot
from layertui.sources.docker_root.modern import ModernRoot

ABOUT = {
    "aufs": "layers of images and containers, unpacked",
    "btrfs": "layers of images and containers, as subvolumes",
    "buildkit": "BuildKit's database of its build cache",
    "builder": "the build cache of older versions",
    "containerd": "containerd's store, where Docker 29 has its images",
    "containers": "config, logs and host files of each container",
    "devicemapper": "layers of images and containers, on block devices",
    "fuse-overlayfs": "layers of images and containers, unpacked",
    "graph": "what is noted of each image and layer (Docker up to 1.9)",
    "image": "names, configs, and the chain of layers",
    "linkgraph.db": "names and links of containers (Docker up to 1.9)",
    "network": "networks",
    "overlay": "layers of images and containers, unpacked",
    "overlay2": "layers of images and containers, unpacked",
    "plugins": "plugins",
    "runtimes": "wrappers of container runtimes",
    "swarm": "the state of a swarm",
    "tmp": "downloads under way, or left behind",
    "trust": "keys of signed images",
    "vfs": "layers of images and containers, unpacked",
    "volumes": "volumes, which outlive their containers",
    "zfs": "layers of images and containers, on ZFS",
}
"""What the entries of a data root are (moby: daemon/daemon.go and the packages that it starts)."""
LAYERS_ASIDE = ("l",)
"""Entries of overlay2 that are no layers: the short links."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file or directory right below the root."""

    name: str
    about: str
    """What it holds; empty for what Docker does not put there."""
    size: int
    """Bytes that it takes on the disk, hardlinks counted once."""
    entries: int | None
    """How many are right below it; ``None`` for a file."""
    problem: str
    """Why its size may be more; empty if all could be read."""


@dataclass(frozen=True, slots=True)
class LayerUse:
    """A layer and who needs it."""

    id: str
    size: int
    """Bytes of its files, as recorded; -1 if unknown."""
    directory: str
    images: Sequence[str]
    """IDs of the images that it is a layer of; none names it if there are none."""


@dataclass(frozen=True, slots=True)
class ImageUse:
    """An image and what it alone needs."""

    reference: str
    id: str
    names: Sequence[str]
    size: int
    """Bytes of its layers; -1 if one is unknown."""
    frees: int
    """Bytes of the layers that no other image has: what goes with it. -1 if unknown."""
    containers: Sequence[str]
    """Names of the containers that stand on it, and keep it."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A data root."""

    root: Path
    parts: Sequence[Part]
    images: Sequence[ImageUse]
    layers: Sequence[LayerUse]
    strays: Sequence[Path]
    """Directories of a driver that no layer and no container names; BuildKit's cache may."""
    links: Sequence[tuple[str, str]]
    """Of ``linkgraph.db``: the path that names or links a container, and its ID."""
    problems: Sequence[str]
    """What could not be read."""


def overview(
    reference: Reference,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> Overview:
    """What a data root holds; nothing in it is written.

    ``progress`` is told how many bytes have been counted so far (and -1: nobody knows of how
    many). Raises :class:`LayertuiError` for what is no data root, and
    :class:`~layertui.layers.decompress.Cancelled` once the event is set.
    """
    root = Path(reference.location or SYSTEM)
    roots = roots_of(reference)
    problems: list[str] = []
    images: list[ImageUse] = []
    layers: list[LayerUse] = []
    strays: list[Path] = []
    for each in roots:
        try:
            found_images, found_layers = _uses(each, replace(reference, selector=""), problems)
            images += found_images
            layers += found_layers
            strays += _strays(each)
        except LayertuiError as error:
            problems.append(str(error))
    try:
        if inside := inside_of(reference):
            images += _of_containerd(inside)
    except LayertuiError as error:
        problems.append(str(error))
    links: list[tuple[str, str]] = []
    if (database := root / "linkgraph.db").is_file():
        try:
            links = linkgraph(database)
        except LayertuiError as error:
            problems.append(str(error))
    parts = list(_parts(root, progress, cancelled or threading.Event()))
    problems += [f"{part.name}: {part.problem}" for part in parts if part.problem]
    return Overview(root, parts, images, layers, strays, links, problems)


# Images and layers


def _uses(
    root: ModernRoot | GraphRoot, reference: Reference, problems: list[str]
) -> tuple[list[ImageUse], list[LayerUse]]:
    stored = {layer.id: layer for layer in root.stored()}
    shown = dict.fromkeys(root.image_ids())
    layers: dict[str, list[str]] = {}
    for identity in root.every_id():
        try:
            layers[identity] = root.layers_of(identity)
        except LayertuiError as error:
            problems.append(str(error))
    # As Docker counts them: images that only a build went through go with those made from them.
    counts = Counter(layer for identity in shown for layer in set(layers.get(identity, ())))
    named_by: dict[str, list[str]] = {}
    for identity in [*shown, *(each for each in layers if each not in shown)]:
        for layer in layers.get(identity, ()):
            if identity in shown or layer not in named_by:
                named_by.setdefault(layer, []).append(identity)
    standing: dict[str, list[str]] = {}
    for container in root.containers():
        standing.setdefault(str(container.config.get("Image", "")), []).append(container.name)
    images = []
    for identity in shown:
        if identity not in layers:
            continue
        sizes = {each: stored[each].size if each in stored else -1 for each in layers[identity]}
        alone = [size for each, size in sizes.items() if counts[each] == 1]
        names = root.names.get(identity, [])
        images.append(
            ImageUse(
                str(replace(reference, selector=names[0] if names else identity)),
                identity,
                names,
                _sum(list(sizes.values())),
                _sum(alone),
                standing.get(identity, []),
            )
        )
    used = [
        LayerUse(each.id, each.size, each.directory, named_by.get(each.id, [])) for each in stored.values()
    ]
    return images, used


def _of_containerd(inside: Reference) -> Iterator[ImageUse]:
    """Docker 29's images; what they share is not counted here, and so not what one alone frees."""
    for row in containerd.list_images(inside):
        names = [f"{row.name}:{row.tag}"] if row.name else []
        yield ImageUse(row.reference, row.id, names, -1 if row.size is None else row.size, -1, ())


def _sum(sizes: Sequence[int]) -> int:
    return -1 if -1 in sizes else sum(sizes)


def _strays(root: ModernRoot | GraphRoot) -> Iterator[Path]:
    if root.folder is None:
        return
    known = {*LAYERS_ASIDE, *root.mounts(), *(layer.directory for layer in root.stored())}
    for name in listed(root.folder):
        if name not in known:
            yield root.folder / name


# What lies on the disk


def _parts(
    root: Path, progress: Callable[[int, int], None] | None, cancelled: threading.Event
) -> Iterator[Part]:
    before = 0
    for name in listed(root):
        path = root / name
        problems: list[str] = []
        size = 0
        for taken in _taken(path, problems):
            size += taken
            if cancelled.is_set():
                raise Cancelled
            if progress is not None:
                progress(before + size, -1)
        before += size
        about = ABOUT.get(
            name, "names of images (Docker up to 1.9)" if name.startswith("repositories-") else ""
        )
        entries = None
        if path.is_dir() and not path.is_symlink():
            try:
                entries = len(os.listdir(path))  # noqa: PTH208 (names alone)
            except OSError:
                entries = None  # which the walk has met too
        more = f" and {len(problems) - 1} more like it" if len(problems) > 1 else ""
        yield Part(name, about, size, entries, problems[0] + more if problems else "")


def _taken(path: Path, problems: list[str]) -> Iterator[int]:
    """Bytes that a file or a directory and all below it take, piece by piece.

    What is mounted below is left out: a running container's merged view shows what is counted
    elsewhere.
    """
    seen: set[int] = set()
    try:
        own = path.lstat()
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return
    yield own.st_blocks * 512
    folders = [str(path)] if path.is_dir() and not path.is_symlink() else []
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        facts = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # it went while a live root was looked at
                    if facts.st_dev != own.st_dev:
                        continue
                    if facts.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
                        if facts.st_ino in seen:
                            continue
                        seen.add(facts.st_ino)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    yield facts.st_blocks * 512
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(f"{folder}: {error.strerror}")


def linkgraph(database: Path) -> list[tuple[str, str]]:
    """The names and links of containers: ``/web`` is one's name, ``/web/db`` its link to another.

    The tables are those of pkg/graphdb of moby v1.9.1. Raises :class:`LayertuiError`.
    """
    quoted = database.absolute().as_uri()
    try:
        # Immutable: no lock and no journal is made beside it.
        with closing(sqlite3.connect(f"{quoted}?mode=ro&immutable=1", uri=True)) as connection:
            edges = connection.execute("SELECT entity_id, parent_id, name FROM edge").fetchall()
    except sqlite3.Error as error:
        raise LayertuiError(f"cannot read {database}", str(error)) from error
    below: dict[str, list[tuple[str, str]]] = {}
    for identity, parent, name in edges:
        if parent is not None:
            below.setdefault(str(parent), []).append((str(name), str(identity)))
    found = []
    for name, container in sorted(below.get("0", ())):
        found.append((f"/{name}", container))
        found += [(f"/{name}/{alias}", linked) for alias, linked in sorted(below.get(container, ()))]
    return found
