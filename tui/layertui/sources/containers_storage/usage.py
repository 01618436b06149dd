"""The contents of a store of Podman and Buildah."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from layertui.model.job import Job
from layertui.model.reference import Reference, to_layer
from layertui.sources.containers_storage import stores_of
from layertui.sources.containers_storage.bare_layers import directories, is_layer
from layertui.sources.containers_storage.records import container_name
from layertui.sources.containers_storage.store import ContainersStore
from layertui.sources.files import listed
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
    "cache": "where blobs were seen before",
    "db.sql": "Podman's database of containers",
    "libpod": "Podman's database of containers",
    "mounts": "mounts",
    "networks": "networks",
    "secrets": "secrets",
    "tmp": "downloads, in progress or left over",
    "volumes": "volumes, which outlive their containers",
    "defaultNetworkBackend": "the program that creates networks",
    "storage.lock": "a lock",
    "userns.lock": "a lock",
}
ABOUT_DRIVER = {
    "": "layers of images and containers, unpacked",
    "-images": "names, manifests and configs",
    "-layers": "parents of layers, and tar-split records",
    "-containers": "config and files of each container",
}
"""Descriptions of a root's entries (containers/storage, store.go; Podman, libpod/runtime.go); a driver's begin with its name."""
ABOUT_BTRFS = {"btrfs": "layers of images and containers, as subvolumes, each counted in full"}


def usage_of(reference: Reference, job: Job) -> StoreUsage:
    """See :func:`layertui.sources.store_usage.usage_of`; images of additional stores are listed with those of the first."""
    usage = UsageBuilder()
    about = dict(ABOUT)
    stores = list(stores_of(reference))
    for store, leads in stores:
        about |= {store.driver + end: text for end, text in ABOUT_DRIVER.items()} | ABOUT_BTRFS
        with usage.noting_problems():
            images, layers = _uses(store, leads, usage.problems)
            usage.images += images
            usage.layers += layers
            usage.strays += _orphans(store, leads)
        usage.problems += map(str, store.problems)
    return usage.build(stores[0][0].roots[0], lambda name: about.get(name, ""), job)


def _uses(
    store: ContainersStore, leads: Reference, problems: list[str]
) -> tuple[list[ImageUse], list[LayerUse]]:
    standing: dict[str, list[str]] = {}
    for container in store.containers:
        standing.setdefault(container.text("image"), []).append(container_name(container))
    images = []
    for record in store.images:
        layers, broken = store.layers_of(record)
        if broken:
            problems.append(f"{next(iter(record.tags), record.digest)}: {broken}")
        reference = str(leads._replace(selector=store.selector(record)))
        names = record.texts("names")
        images.append(ImageNeeds(reference, record.digest, names, layers, standing.get(record.id, [])))
    own = {container.text("layer") for container in store.containers}
    stored: dict[Hashable, StoredLayer] = {
        identity: StoredLayer(identity, record.unpacked_size, identity, record.text("parent"))
        for identity, record in (store.layers | store.incomplete).items()
        if identity not in own
    }
    return uses(images, stored, lambda key: to_layer(leads, str(key)))


def _orphans(store: ContainersStore, leads: Reference) -> Iterator[Orphan]:
    """Yield directories that no list of layers, images or containers mentions."""
    root, driver = store.roots[0], store.driver
    known = {
        f"{driver}-images": {record.id for record in store.images},
        f"{driver}-containers": {record.id for record in store.containers},
    }
    for folder, names in known.items():
        for name in listed(root / folder):
            if name not in names and (root / folder / name).is_dir():
                yield Orphan(root / folder / name, "")
    for path in directories(store, root):
        if path.name not in store.layers and path.name not in store.incomplete:
            yield Orphan(path, to_layer(leads, path.name) if is_layer(store, root, path.name) else "")
