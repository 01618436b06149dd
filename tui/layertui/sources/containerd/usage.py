"""What a store of containerd holds."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from layertui.model import media_types
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, chain_ids
from layertui.model.job import Job
from layertui.model.reference import Reference, to_layer
from layertui.sources.assemble import diff_ids_of, is_tar
from layertui.sources.containerd import store_of
from layertui.sources.containerd.bare_layers import is_layer
from layertui.sources.containerd.store import ContainerdStore, ContentStore, Namespace, is_tag
from layertui.sources.files import listed
from layertui.sources.oci_layout import (
    MAX_INDEX_DEPTH,
    config_and_layers,
    descriptors_of,
    manifests_of,
)
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
    "content": "blobs: manifests, configs, and layers as they were pulled",
    "grpc": "settings of services",
    "metadata": "names, labels, and what refers to what",
    "mount-manager": "mounts under way",
    "runtime": "containers that run, or ran",
    "sandbox": "sandboxes that run, or ran",
    "snapshotter": "layers of images and containers, unpacked",
    "tmpmounts": "mounts under way",
}
"""What entries hold, those of plugins by the kind in their names: ``io.containerd.KIND.v1.NAME``."""


def usage_of(reference: Reference, job: Job) -> StoreUsage:
    """See :func:`layertui.sources.store_usage.usage_of`; of the namespace that the reference names, or of all."""
    usage = UsageBuilder()
    store = store_of(reference)
    usage.images, usage.layers, usage.strays = collect(store, reference, usage.problems)
    return usage.build(store.root, _about, job)


def _about(name: str) -> str:
    return ABOUT.get(name.removeprefix("io.containerd.").partition(".")[0], "")


@dataclass(slots=True)
class _Collected:
    """What namespaces hold. Blobs are the same in all of them, snapshots are not."""

    stored: dict[Hashable, StoredLayer] = field(default_factory=dict)
    needs: list[tuple[str, ImageNeeds]] = field(default_factory=list)
    """Images with their namespaces."""
    layers: set[Hashable] = field(default_factory=set)
    """Keys of snapshots, and of blobs that have been unpacked."""
    others: set[Hashable] = field(default_factory=set)
    """Keys of documents of images, and of what containers stand on."""


def collect(
    store: ContainerdStore, reference: Reference, problems: list[str], in_use: Iterable[str] = ()
) -> tuple[list[ImageUse], list[LayerUse], list[Orphan]]:
    """Return images, their layers, and what nothing names, of the namespace that a reference names or of all.

    Names begin with that of the namespace. A layer may be there twice: as a blob, which
    namespaces share, and unpacked. ``in_use`` are keys of snapshots in the namespace that others
    than its own containers need. What cannot be read is added to ``problems``. Raises :class:`LayertuiError` if the store cannot be read.
    """
    name = reference.selector.partition("/")[0]
    if name:
        store.namespace(name)
    found = _Collected()
    for namespace in store.namespaces.values():
        _gather(namespace, reference._replace(selector=""), found, problems)
    found.others |= {(name, key) for key in in_use}
    needed = {key for _, needs in found.needs for key in needs.layers}
    unneeded = {
        key
        for key in found.stored.keys() - needed - found.others
        if not name or not isinstance(key, tuple) or key[0] == name
    }
    layers_there = needed | (unneeded & found.layers)
    kept = {key: each for key, each in found.stored.items() if key in layers_there}
    place = reference._replace(selector="")

    def leads(key: Hashable) -> str:
        if isinstance(key, tuple):
            return to_layer(place._replace(selector=key[0]), key[1])
        return to_layer(place, str(key))

    images, layers = uses([needs for _, needs in found.needs], kept, leads)
    shown = [image for image, (where, _) in zip(images, found.needs, strict=True) if name in ("", where)]
    references = {image.reference for image in shown}
    orphans = [_orphan_blob(store, str(key), place) for key in sorted(unneeded - found.layers, key=str)]
    orphans += _unknown(store, found, place)
    return shown, [layer for layer in layers if not layer.images or references & set(layer.images)], orphans


def _gather(namespace: Namespace, reference: Reference, found: _Collected, problems: list[str]) -> None:
    for digest, (size, diff_id) in namespace.blobs.items():
        if namespace.store.blob(digest) is not None:  # else it was discarded once unpacked
            found.stored[digest] = StoredLayer(digest, size, digest.replace(":", "/"))
        found.layers |= {digest} if diff_id else set()
    for key, noted in namespace.unpacked.items():
        found.stored[namespace.name, key] = StoredLayer(key, noted.size, str(noted.number), noted.parent)
        found.layers.add((namespace.name, key))
    standing: dict[str, list[str]] = {}
    for container in namespace.containers:
        image, keys = namespace.stands_on(container)
        standing.setdefault(image, []).append(namespace.name_of(container))
        found.others |= {(namespace.name, key) for key in keys}
    by_digest: dict[str, list[str]] = {}
    for name in sorted(namespace.names, key=lambda name: not is_tag(name)):
        by_digest.setdefault(namespace.names[name].digest, []).append(name)
    for digest, names in by_digest.items():
        leads = str(reference._replace(selector=f"{namespace.name}/{names[0]}"))
        layers: list[Hashable] = []
        configs: list[str] = []
        try:
            for kind, reached in _reached(namespace, names[0]):
                if kind == "layer":
                    layers.append(reached)
                else:
                    found.others.add(reached)
                    configs += [str(reached)] if kind == "config" else []
        except LayertuiError as error:
            problems.append(str(error))
            continue
        containers = [each for known in names for each in standing.get(known, ())]
        shown = [f"{namespace.name}/{each}" for each in names]
        identity = configs[0] if len(configs) == 1 else digest
        needs = ImageNeeds(leads, identity, shown, list(dict.fromkeys(layers)), containers)
        found.needs.append((namespace.name, needs))


def _reached(namespace: Namespace, name: str) -> Iterator[tuple[str, Hashable]]:
    """Yield the keys of all that a name leads to and is here, and what each is: ``layer``, ``config``, …"""
    layout = ContentStore(namespace, name, namespace.names[name])
    for found in manifests_of(layout, layout.top()):
        if not layout.has(found):
            continue  # of a platform that was not pulled
        manifest, _ = layout.fetch(found, "manifest")
        yield "manifest", found.digest
        unpacked: list[str] = []
        config, layers = config_and_layers(manifest)
        if config is not None and layout.has(config):
            yield "config", config.digest
            if config.media_type in media_types.CONFIGS:
                unpacked = chain_ids(diff_ids_of(layout.fetch(config, "config")[0]))
        for number, layer in enumerate(layers):
            chain_id = unpacked[number] if number < len(unpacked) else ""
            is_unpacked = chain_id in namespace.unpacked
            if is_unpacked:
                yield "layer", (namespace.name, chain_id)
            if layout.has(layer) or not is_unpacked:
                yield "layer", layer.digest
    for index in _indexes(layout, layout.top()):
        yield "index", index


def _indexes(layout: ContentStore, level: Iterable[Descriptor], depth: int = 0) -> Iterator[str]:
    """Yield the digests of the indexes that lead to manifests."""
    for found in level:
        if found.media_type in media_types.INDEXES and depth < MAX_INDEX_DEPTH and layout.has(found):
            yield found.digest
            yield from _indexes(layout, descriptors_of(layout.fetch(found, "index")[0]), depth + 1)


def _unknown(store: ContainerdStore, found: _Collected, place: Reference) -> Iterator[Orphan]:
    """Yield blobs and directories of which the databases know nothing."""
    known = {each.directory for each in found.stored.values()}
    for name in listed(store.blobs / "sha256"):
        if f"sha256/{name}" not in known:
            yield _orphan_blob(store, f"sha256:{name}", place)
    for name in listed(store.directories):
        if name not in known:
            path = store.directories / name
            yield Orphan(path, to_layer(place, name) if is_layer(path) else "")


def _orphan_blob(store: ContainerdStore, digest: str, place: Reference) -> Orphan:
    """Return a blob that may be a layer: of one that was never unpacked only its bytes tell."""
    try:
        blob = store.blob(digest)
        is_one = blob is not None and is_tar(blob)
    except LayertuiError:
        is_one = False  # nobody may read it
    return Orphan(store.blobs / digest.replace(":", "/"), to_layer(place, digest) if is_one else "")
