"""What a store of Podman and Buildah holds."""

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
    "mounts": "what is mounted",
    "networks": "networks",
    "secrets": "secrets",
    "tmp": "downloads under way, or left behind",
    "volumes": "volumes, which outlive their containers",
    "defaultNetworkBackend": "which program makes networks",
    "storage.lock": "a lock",
    "userns.lock": "a lock",
}
ABOUT_DRIVER = {
    "": "layers of images and containers, unpacked",
    "-images": "names, manifests and configs",
    "-layers": "the chain of layers, and the record of the tar of each",
    "-containers": "config and files of each container",
}
"""What the entries of a root are (containers/storage, store.go; Podman, libpod/runtime.go); those of a driver begin with its name."""
ABOUT_BTRFS = {"btrfs": "layers of images and containers, as subvolumes: each is counted in full"}


def usage_of(reference: Reference, job: Job) -> StoreUsage:
    """See :func:`layertui.sources.store_usage.usage_of`; images of additional stores are among those of the first."""
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
    """Yield directories that a driver or the lists of images and containers should know of, and do not."""
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
