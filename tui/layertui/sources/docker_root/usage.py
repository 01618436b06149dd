"""Usage of a Docker data root."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Hashable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.reference import Reference, to_layer
from layertui.model.sqlite_table import SQLITE_ERRORS, rows_of, sqlite_reason
from layertui.sources.containerd.bolt import read_bolt
from layertui.sources.containerd.usage import ContainerdClient, collect
from layertui.sources.docker_root.bare_layers import directories, is_layer
from layertui.sources.docker_root.data_root import NAMESPACE, DataRoot
from layertui.sources.docker_root.driver_root import DriverRoot
from layertui.sources.docker_root.files import rows_until_error
from layertui.sources.documents import decode
from layertui.sources.store_usage import (
    ImageNeeds,
    ImageUse,
    LayerUse,
    Orphan,
    StoredLayer,
    StoreUsage,
    UsageBuilder,
    uses,
)

ABOUT = {
    "aufs": "layers of images and containers, unpacked",
    "btrfs": "layers of images and containers, as subvolumes: each is counted in full",
    "buildkit": "BuildKit's databases of its build cache and build records",
    "builder": "the build cache of older versions",
    "containerd": "containerd's store: images and snapshots with the containerd image store",
    "containers": "config, logs and host files of each container",
    "devicemapper": "layers of images and containers, on block devices",
    "engine-id": "the ID of this Docker, as docker info prints it",
    "execdriver": "the state of running containers (libcontainer, Docker up to 1.10)",
    "fuse-overlayfs": "layers of images and containers, unpacked",
    "graph": "metadata of each image and layer (Docker up to 1.9)",
    "image": "names, configs, and the chain of layers",
    "init": "dockerinit, which ran first in each container (Docker up to 1.10)",
    "linkgraph.db": "names and links of containers (Docker up to 1.9)",
    "network": "networks",
    "overlay": "layers of images and containers, unpacked",
    "overlay2": "layers of images and containers, unpacked",
    "plugins": "plugins",
    "rootfs": "mount points of containers with the containerd image store",
    "runtimes": "wrappers of container runtimes",
    "swarm": "the state of a swarm",
    "tmp": "temporary files, of downloads among others",
    "trust": "keys of signed images",
    "vfs": "layers of images and containers, unpacked",
    "volumes": "volumes, which outlive their containers",
    "zfs": "layers of images and containers, on ZFS",
}
"""Contents of the entries of a data root (moby: daemon/daemon.go and the packages that it starts)."""
JOURNALS = ("-journal", "-wal")
"""Suffixes of the files that SQLite needs beside a database to find its state (sqlite.org, tempfiles)."""
MAX_NAME_LENGTH = 1 << 16
"""Bytes of a name or ID in the database of links."""
MAX_COPY = 1 << 28
"""Largest database that is copied, in bytes; that of 1,000 containers has about one million."""


def usage_of(reference: Reference, job: Job) -> StoreUsage:
    """See :func:`layertui.sources.store_usage.usage_of`."""
    data = DataRoot(reference)
    usage = UsageBuilder()
    store = reference._replace(selector="")
    for root in data.roots:
        with usage.noting_problems():
            images, layers = _uses(root, store, usage.problems)
            usage.images += images
            usage.layers += layers
    with usage.noting_problems():
        usage.strays += _orphans(data.roots, store)
    with usage.noting_problems():
        if (containerd := data.containerd) is not None:
            collect(usage, containerd, store, NAMESPACE, _docker(data, store, usage.problems))
    if (database := data.path / "linkgraph.db").is_file():
        with usage.noting_problems():
            usage.links += linkgraph(database)
    return usage.build(data.path, _about, job)


def _docker(data: DataRoot, reference: Reference, problems: list[str]) -> ContainerdClient:
    """Return what Docker records of the images, containers and build cache that it has in containerd."""
    containers = [each for root in data.embedded for each in rows_until_error(root.containers(), problems)]
    standing: dict[str, list[str]] = {}
    for container in containers:
        standing.setdefault(str(container.config.get("Image", "")), []).append(container.name)
    known = {identity: images for images in data.images for identity in images.names}
    shown = {identity for images in data.images for identity in images.image_ids()}

    def described(digest: str, needs: ImageNeeds) -> ImageNeeds:
        names = known[digest].names[digest] if digest in known else []
        leads = str(reference._replace(selector=names[0] if names else digest))
        return replace(
            needs,
            reference=leads,
            id=digest,
            names=names,
            containers=standing.get(digest, []),
            is_shown=digest in shown,
        )

    return ContainerdClient(described, {each.id for each in containers}, _cache_records(data.path, problems))


def _cache_records(root: Path, problems: list[str]) -> dict[str, str]:
    """Return the descriptions of BuildKit's cache records by ID (BuildKit, cache/metadata.go)."""
    found = {}
    for path in sorted((root / "buildkit").glob("containerd-*/metadata_v2.db")):
        try:
            for identity, record in read_bolt(path).bucket("_main").buckets():
                value = decode(record.value("cache.description") or b"{}")
                found[identity] = str(value.get("value") or "")
        except (ValueError, AttributeError):
            problems.append(f"{path} is damaged: a description of the build cache is not a JSON object")
        except LayertuiError as error:
            problems.append(str(error))
    return found


def _about(name: str) -> str:
    return ABOUT.get(name, "names of images (Docker up to 1.9)" if name.startswith("repositories-") else "")


def _uses(
    root: DriverRoot, reference: Reference, problems: list[str]
) -> tuple[list[ImageUse], list[LayerUse]]:
    shown = set(root.image_ids())
    standing: dict[str, list[str]] = {}
    for container in rows_until_error(root.containers(), problems):
        standing.setdefault(str(container.config.get("Image", "")), []).append(container.name)
    images = []
    for identity in root.every_id():
        try:
            layers = root.layers_of(identity)
        except LayertuiError as error:
            problems.append(str(error))
            continue
        names = root.names.get(identity, [])
        leads = str(reference._replace(selector=names[0] if names else identity))
        images.append(
            ImageNeeds(leads, identity, names, layers, standing.get(identity, []), identity in shown)
        )
    stored: dict[Hashable, StoredLayer] = {layer.id: layer for layer in root.stored()}
    return uses(images, stored, lambda key: to_layer(reference, str(key)))


def _orphans(roots: Sequence[DriverRoot], reference: Reference) -> Iterator[Orphan]:
    """Yield directories of drivers that no layer or container uses; after an upgrade, two stores may use one driver's."""
    known: dict[Path | None, set[str]] = {}
    for root in roots:
        directories_of = (*root.mounts(), *(layer.directory for layer in root.stored()))
        known.setdefault(root.folder, set()).update(directories_of)
    for root in {root.folder: root for root in roots}.values():
        for path in directories(root):
            if path.name not in known[root.folder]:
                yield Orphan(path, to_layer(reference, path.name) if is_layer(root, path.name) else "")


def linkgraph(database: Path) -> list[tuple[str, str]]:
    """Return the names and links of containers: ``/web`` is one's name, ``/web/db`` its link to another.

    The tables are those of pkg/graphdb of moby v1.9.1. An unfinished transaction is not shown, as
    SQLite would roll it back. Raises :class:`LayertuiError`.
    """
    try:
        with _at_rest(database) as path:
            # Immutable: no lock and no journal is made beside it.
            uri = f"{path.absolute().as_uri()}{'?mode=ro&immutable=1' if path == database else ''}"
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                edges = list(rows_of(connection, "edge", "entity_id, parent_id, name", MAX_NAME_LENGTH))
    except OSError as error:
        raise LayertuiError(f"cannot read {database}", error.strerror or str(error)) from error
    except SQLITE_ERRORS as error:
        raise LayertuiError(f"cannot read {database}", sqlite_reason(error)) from error
    below: dict[str, list[tuple[str, str]]] = {}
    for identity, parent, name in edges:
        if parent is not None:
            below.setdefault(str(parent), []).append((str(name), str(identity)))
    found = []
    for name, container in sorted(below.get("0", ())):
        found.append((f"/{name}", container))
        found += [(f"/{name}/{alias}", linked) for alias, linked in sorted(below.get(container, ()))]
    return found


@contextmanager
def _at_rest(database: Path) -> Iterator[Path]:
    """Yield a database that can be read without writing: itself, or a copy if it has a journal or log.

    These are of a transaction that was open when the daemon ended or the root was copied. SQLite
    would write to both to roll it back or complete it, and may do so only with copies.
    Raises ``OSError`` and :class:`LayertuiError`.
    """
    beside = [path for end in JOURNALS if (path := database.with_name(database.name + end)).exists()]
    if not beside:
        yield database
        return
    if sum(path.stat().st_size for path in (*beside, database)) > MAX_COPY:
        raise LayertuiError(
            f"cannot read {database}", f"it and {beside[0].name} have over {MAX_COPY:,} bytes"
        )
    with tempfile.TemporaryDirectory(prefix="layertui-") as folder:
        for path in (*beside, database):  # a journal that is a bit old still undoes what came after it
            shutil.copyfile(path, Path(folder, path.name))
        yield Path(folder, database.name)
