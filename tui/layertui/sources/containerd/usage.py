"""Usage of a containerd store, or of a namespace of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from layertui.model import media_types
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, chain_ids
from layertui.model.job import Job
from layertui.model.reference import Reference, to_layer
from layertui.sources.assemble import diff_ids_of, is_tar
from layertui.sources.containerd import store_of
from layertui.sources.containerd.bare_layers import is_layer
from layertui.sources.containerd.containers import Containers
from layertui.sources.containerd.namespace import ContentStore, Namespace, is_tag
from layertui.sources.containerd.references import (
    BUILD_CACHE,
    HISTORY,
    LABEL,
    Lease,
    References,
    Resource,
    lease_of,
)
from layertui.sources.containerd.snapshots import OVERLAYFS
from layertui.sources.containerd.store import ContainerdStore
from layertui.sources.files import listed
from layertui.sources.oci_layout import MAX_INDEX_DEPTH, config_and_layers, descriptors_of, manifests_of
from layertui.sources.oci_subjects import attests
from layertui.sources.store_usage import (
    Held,
    ImageNeeds,
    Orphan,
    StoredLayer,
    StoreUsage,
    UsageBuilder,
    uses,
)

ABOUT = {
    "content": "blobs: manifests, configs, and layers as they were pulled",
    "grpc": "settings of services",
    "metadata": "names, labels and references",
    "mount-manager": "temporary mounts",
    "runtime": "state of containers",
    "sandbox": "state of sandboxes",
    "snapshotter": "layers of images and containers, unpacked",
    "tmpmounts": "temporary mounts",
}
"""Contents of the entries, those of plugins by the kind in their names: ``io.containerd.KIND.v1.NAME``."""


def usage_of(reference: Reference, job: Job) -> StoreUsage:
    """See :func:`layertui.sources.store_usage.usage_of`; of the namespace that the reference names, or of all."""
    usage = UsageBuilder()
    store = store_of(reference)
    collect(
        usage,
        store,
        reference._replace(selector=""),
        reference.selector.partition("/")[0],
        ContainerdClient(),
    )
    return usage.build(store.root, _about, job)


def _about(name: str) -> str:
    return ABOUT.get(name.removeprefix("io.containerd.").partition(".")[0], "")


@dataclass(slots=True)
class ContainerdClient:
    """What a client that keeps its images in containerd, as Docker does, records elsewhere."""

    described: Callable[[str, ImageNeeds], ImageNeeds] = lambda _, needs: needs
    """Return an image, by its digest, as the client calls it."""
    containers: Collection[str] = ()
    """IDs of its containers, which are keys of snapshots too."""
    records: Mapping[str, str] = field(default_factory=dict)
    """Descriptions of the records of BuildKit's cache, by their IDs."""


@dataclass(slots=True)
class _Collected:
    """What namespaces have. Blobs are the same in all of them, snapshots are not."""

    stored: dict[Hashable, StoredLayer] = field(default_factory=dict)
    needs: list[tuple[str, ImageNeeds]] = field(default_factory=list)
    """Images with their namespaces."""
    layers: set[Hashable] = field(default_factory=set)
    """Keys of snapshots, and of blobs that have been unpacked."""
    used: set[Hashable] = field(default_factory=set)
    """Keys of all that images and containers keep."""
    held: dict[Hashable, str] = field(default_factory=dict)
    """Keys of what leases and labels keep, with what these are."""
    lasting: set[Hashable] = field(default_factory=set)
    """Keys of what is kept by more than leases that expire."""
    directories: dict[str, set[str]] = field(default_factory=dict)
    """Names of the directories of snapshots, by their snapshotter."""

    def measure(self, key: Hashable, namespaces: Mapping[str, Namespace]) -> None:
        """Measure a snapshot whose size is not recorded, as of one that is written to."""
        if isinstance(key, tuple) and self.stored[key].size < 0:
            snapshotter, _, identity = key[1].partition("/")
            size = namespaces[key[0]].snapshots[snapshotter].size(identity)
            self.stored[key] = replace(self.stored[key], size=size)


def collect(
    usage: UsageBuilder, store: ContainerdStore, place: Reference, name: str, client: ContainerdClient
) -> None:
    """Add the usage of a namespace, or of all if ``name`` is empty; ``place`` is the reference of the whole.

    A layer may be stored twice: as a blob, which namespaces share, and unpacked. Unreferenced is
    what the garbage collector would delete. Raises :class:`LayertuiError` if the store cannot be
    read.
    """
    if name:
        store.namespace(name)
    found = _Collected()
    namespaces = store.namespaces
    for namespace in namespaces.values():
        _gather(namespace, place, found, usage.problems, client)
    leases, roots = _find_kept(namespaces, name, found, client)

    def is_shown(key: Hashable) -> bool:
        return not name or not isinstance(key, tuple) or key[0] == name

    needed = {key for _, needs in found.needs for key in needs.layers}
    unneeded = {key for key in found.stored.keys() - needed - found.used if is_shown(key)}
    listed_layers = needed | (unneeded & found.layers)
    for key in unneeded:
        found.measure(key, namespaces)
    stored = {key: each for key, each in found.stored.items() if key in listed_layers}

    def leads(key: Hashable) -> str:
        if isinstance(key, tuple):
            return to_layer(place._replace(selector=key[0]), key[1].partition("/")[2])
        return to_layer(place, str(key))

    held = {key: by for key, by in found.held.items() if key in found.lasting or key not in needed}
    shown = {needs.reference for where, needs in found.needs if name in ("", where)}
    images, layers = uses([needs for _, needs in found.needs], stored, leads, held)
    usage.images += [image for image in images if image.reference in shown]
    usage.layers += [layer for layer in layers if not layer.images or shown & set(layer.images)]
    in_view = [each for each in leases if not name or each.namespace.removesuffix(HISTORY) == name]
    roots = [each for each in roots if not name or each.namespace == name]
    usage.held += _held_by(in_view, found, client, leads)
    usage.held += _labelled(roots, found, store, place, leads)
    loose = sorted(unneeded - found.layers - found.held.keys(), key=str)
    usage.strays += [_orphan_blob(store, str(key), place) for key in loose]
    usage.strays += _unknown(store, found, place)


def _find_kept(
    namespaces: Mapping[str, Namespace], name: str, found: _Collected, client: ContainerdClient
) -> tuple[list[Lease], list[Resource]]:
    """Add the keys of all that is kept; return the leases and labelled resources that are no container's."""
    references = References(namespaces.values())
    own = [
        Resource("snapshot", name, f"{snapshots.name}/{key}")
        for key in client.containers
        for snapshots in namespaces[name].snapshots.values()
    ]
    of_images = references.reached(references.images())
    of_containers = references.reached([*references.containers(), *own]) - of_images
    found.used |= {_key(each) for each in of_images | of_containers}
    leases = [lease for lease in references.leases() if lease.id not in client.containers]
    for lease in leases:
        keys = {_key(each) for each in references.reached(lease.resources, lease.is_flat)}
        found.held.update((key, lease_of(lease)[0]) for key in keys - found.lasting)
        found.lasting |= set() if lease.expires else keys
    roots = [each for each in references.roots if each not in of_containers]
    for each in references.reached(roots):
        found.held.setdefault(_key(each), LABEL)
        found.lasting.add(_key(each))
    return leases, roots


def _gather(
    namespace: Namespace, place: Reference, found: _Collected, problems: list[str], client: ContainerdClient
) -> None:
    for digest, (size, diff_id) in namespace.blobs.items():
        if namespace.store.blob(digest) is not None:  # else it was discarded once unpacked
            found.stored[digest] = StoredLayer(digest, size, digest.replace(":", "/"))
        found.layers |= {digest} if diff_id else set()
    for snapshots in namespace.snapshots.values():
        for key, noted in snapshots.noted.items():
            snapshot = namespace.name, f"{snapshots.name}/{key}"
            found.stored[snapshot] = StoredLayer(key, noted.size, str(noted.number), noted.parent)
            found.layers.add(snapshot)
            found.directories.setdefault(snapshots.name, set()).add(str(noted.number))
    containers = Containers(namespace)
    standing: dict[str, list[str]] = {}
    for identity, container in containers.by_id.items():
        standing.setdefault(container.text("image"), []).append(containers.name_of(identity))
    by_digest: dict[str, list[str]] = {}
    for name in sorted(namespace.names, key=lambda name: not is_tag(name)):
        by_digest.setdefault(namespace.names[name].digest, []).append(name)
    for digest, names in by_digest.items():
        leads = str(place._replace(selector=f"{namespace.name}/{names[0]}"))
        layers: list[Hashable] = []
        configs: list[str] = []
        try:
            for kind, reached in _reached(namespace, names[0]):
                if kind == "layer":
                    layers.append(reached)
                else:
                    found.used.add(reached)
                    configs += [str(reached)] if kind == "config" else []
        except LayertuiError as error:
            problems.append(str(error))
            continue
        users_of = [each for known in names for each in standing.get(known, ())]
        shown = [f"{namespace.name}/{each}" for each in names]
        identity_of = configs[0] if len(configs) == 1 else digest
        needs = ImageNeeds(leads, identity_of, shown, list(dict.fromkeys(layers)), users_of)
        found.needs.append((namespace.name, client.described(digest, needs)))


def _reached(namespace: Namespace, name: str) -> Iterator[tuple[str, Hashable]]:
    """Yield the keys of all that a name leads to and is stored, and what each is: ``layer``, ``config``, …"""
    layout = ContentStore(namespace, name, namespace.names[name])
    for found in manifests_of(layout, layout.top()):
        if not layout.has(found):
            continue  # of a platform that was not pulled
        manifest, _ = layout.fetch(found, "manifest")
        yield "manifest", found.digest
        if attests(layout, found):
            continue
        config, layers = config_and_layers(manifest)
        stack: list[str] = []
        if config is not None and layout.has(config):
            yield "config", config.digest
            if config.media_type in media_types.CONFIGS:
                stack = chain_ids(diff_ids_of(layout.fetch(config, "config")[0]))
        for snapshots in namespace.snapshots.values():
            top = stack[-1] if stack and stack[-1] in snapshots.noted else ""  # not if it was never unpacked
            for key in reversed(list(snapshots.down_from(top))):  # with those that the classic builder made
                yield "layer", (namespace.name, f"{snapshots.name}/{key}")
        yield from (("layer", layer.digest) for layer in layers if layout.has(layer))
    for index in _indexes(layout, layout.top()):
        yield "index", index


def _held_by(
    leases: Iterable[Lease], found: _Collected, client: ContainerdClient, leads: Callable[[Hashable], str]
) -> Iterator[Held]:
    """Yield what leases keep; each record of BuildKit's cache once, though it may have several leases."""
    resources: dict[tuple[str, str], dict[Hashable, None]] = {}
    about: dict[tuple[str, str], str] = {}
    for lease in leases:
        is_for = lease_of(lease)
        resources.setdefault(is_for, {}).update((_key(each), None) for each in lease.resources)
        about[is_for] = client.records.get(is_for[1], "") if is_for[0] == BUILD_CACHE else ""
        if lease.expires:
            about[is_for] = f"expires {lease.expires}"
    for (kind, identity), keys in sorted(resources.items()):
        sizes = [found.stored[key].size for key in keys if key in found.stored]
        size = -1 if -1 in sizes else sum(sizes)
        layer = next((key for key in keys if isinstance(key, tuple) and key in found.stored), None)
        leads_to = leads(layer) if layer is not None else ""
        yield Held(kind, identity, about[kind, identity], size, leads_to)


def _labelled(
    roots: Iterable[Resource],
    found: _Collected,
    store: ContainerdStore,
    place: Reference,
    leads: Callable[[Hashable], str],
) -> Iterator[Held]:
    """Yield what has a label of its own that keeps it."""
    for each in roots:
        key = _key(each)
        if key in found.stored:
            is_blob = each.kind == "content"
            leads_to = _orphan_blob(store, each.key, place).reference if is_blob else leads(key)
            yield Held(LABEL, found.stored[key].id, "", found.stored[key].size, leads_to)


def _key(each: Resource) -> Hashable:
    """Return the key of something stored: blobs are the same in all namespaces."""
    return each.key if each.kind == "content" else (each.namespace, each.key)


def _indexes(layout: ContentStore, level: Iterable[Descriptor], depth: int = 0) -> Iterator[str]:
    """Yield the digests of the indexes that lead to manifests."""
    for found in level:
        if found.media_type in media_types.INDEXES and depth < MAX_INDEX_DEPTH and layout.has(found):
            yield found.digest
            yield from _indexes(layout, descriptors_of(layout.fetch(found, "index")[0]), depth + 1)


def _unknown(store: ContainerdStore, found: _Collected, place: Reference) -> Iterator[Orphan]:
    """Yield blobs and directories of snapshots that are in no database."""
    known = {each.directory for each in found.stored.values()}
    for name in listed(store.blobs / "sha256"):
        if f"sha256/{name}" not in known:
            yield _orphan_blob(store, f"sha256:{name}", place)
    for snapshotter in store.snapshotters():
        for name in listed(snapshotter.directories):
            if name not in found.directories.get(snapshotter.name, ()):
                path = snapshotter.directories / name
                is_one = snapshotter.name == OVERLAYFS and is_layer(path)
                yield Orphan(path, to_layer(place, name) if is_one else "")


def _orphan_blob(store: ContainerdStore, digest: str, place: Reference) -> Orphan:
    """Return a blob that may be a layer: of one that was never unpacked, only its bytes show that."""
    try:
        blob = store.blob(digest)
        is_one = blob is not None and is_tar(blob)
    except LayertuiError:
        is_one = False  # it cannot be read
    return Orphan(store.blobs / digest.replace(":", "/"), to_layer(place, digest) if is_one else "")
