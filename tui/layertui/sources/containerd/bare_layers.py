"""Open snapshots with those below them, and blobs, whether an image references them or not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.model.blob import FileBlob
from layertui.model.digest import DIGEST
from layertui.model.errors import NotFound
from layertui.model.image import Descriptor, Image, Layer, Recorded, Unpacked, chain_ids
from layertui.model.numbers import LayerNumber
from layertui.model.reference import Reference
from layertui.sources.assemble import is_tar, layers_alone
from layertui.sources.containerd.bolt import Bucket
from layertui.sources.containerd.namespace import Namespace
from layertui.sources.containerd.snapshots import OVERLAYFS, Snapshots
from layertui.sources.containerd.store import ContainerdStore
from layertui.sources.containerd.values import uvarint
from layertui.sources.files import listed
from layertui.sources.store_usage import StoredLayer, pick_layer


def open_layer(store: ContainerdStore, namespace: str, name: str, reference: Reference) -> Image:
    """Return the snapshot of a key, or the blob of a digest, of a namespace.

    Without a namespace, in any namespace or in none: blobs by their digests, snapshots by the
    names of their directories. Raises :class:`LayertuiError` if there is none.
    """
    namespaces = [store.namespace(namespace)] if namespace else list(store.namespaces.values())
    for each in namespaces:
        for snapshots in each.snapshots.values():
            noted = [StoredLayer(key, -1, str(known.number)) for key, known in snapshots.noted.items()]
            if key := pick_layer(name, noted):
                return layers_alone(str(reference), "containerd", key, _chain(each, snapshots, key))
    blobs = {digest: diff_id for each in namespaces for digest, (_, diff_id) in each.blobs.items()}
    known = [StoredLayer(digest, -1, digest.replace(":", "/")) for digest in blobs]
    digest = pick_layer(name, known) or ("" if namespace else name)
    if (blob := store.blob(digest)) is not None:
        layer = _of_blob(digest, blob, blobs.get(digest, ""))
        return layers_alone(str(reference), "containerd", digest, [layer])
    if not namespace and name.isdecimal() and name in listed(store.snapshotter(OVERLAYFS).directories):
        return layers_alone(str(reference), "containerd", name, _stack(store, int(name)))
    where = f"the namespace {namespace} of {store.root}" if namespace else str(store.root)
    raise NotFound(
        f"{where} has no layer {name}", "it is neither the key of a snapshot nor the digest of a blob"
    )


def is_layer(directory: Path) -> bool:
    """Return whether a snapshot's directory can be read as a layer."""
    return (directory / "fs").is_dir()


def _chain(namespace: Namespace, snapshots: Snapshots, key: str) -> list[Layer]:
    """Return a snapshot and those below it, base first; the lowest is missing where the namespace ends before the base."""
    found = snapshots.stack(key)
    at = found[0].parent if found else key
    layers = [_absent(f"{namespace.place} has no snapshot {at}")] if at else []
    blobs = {diff_id: digest for digest, (_, diff_id) in namespace.blobs.items() if diff_id}
    for snapshot in found:
        chain_id = snapshot.key if DIGEST.fullmatch(snapshot.key) else ""
        diff_id = _diff_id(chain_id, snapshot.parent, blobs)
        size = snapshots.size(snapshot.key)
        layer = _layer(len(layers) + 1, snapshot.unpacked, snapshot.missing, size, snapshot.key)
        if snapshot.unpacked is None and (blob := namespace.store.blob(blobs.get(diff_id, ""))) is not None:
            layer = layer._replace(blob=blob, missing="")  # what it was unpacked from
        layers.append(layer._replace(diff_id=diff_id, chain_id=chain_id))
    return layers


def _diff_id(chain_id: str, below: str, known: Iterable[str]) -> str:
    """Return the diff ID that makes a chain ID on top of another; empty if it is not among the known ones."""
    if not below:
        return chain_id
    return next((each for each in known if chain_ids([below, each])[-1] == chain_id), "")


def _stack(store: ContainerdStore, number: int) -> list[Layer]:
    """Return a directory that no namespace has, and those below it according to the snapshotter."""
    snapshotter = store.snapshotter(OVERLAYFS)
    noted = {
        name: (uvarint(each.value("id")), each.text("parent"))
        for name, each in snapshotter.recorded.items()
        if isinstance(each, Bucket)
    }
    numbers = [number]
    at = next((parent for own, parent in noted.values() if own == number), "")
    while at in noted and noted[at][0] not in numbers:
        own, at = noted[at]
        numbers.append(own)
    layers = [_absent(f"the snapshotter has no snapshot {at}")] if at else []
    paths = [snapshotter.directories / str(each) / "fs" for each in numbers]
    for place in reversed(range(len(paths))):
        path = paths[place]
        unpacked = UnpackedDirectory(path, below=tuple(paths[place + 1 :])) if path.is_dir() else None
        missing = "" if unpacked else f"its directory {path} is not there"
        layers.append(_layer(len(layers) + 1, unpacked, missing))
    return layers


def _layer(number: int, unpacked: Unpacked | None, missing: str, size: int = -1, key: str = "") -> Layer:
    places = [("snapshot", key)] if key else []
    if unpacked is not None:
        places.append(("unpacked", unpacked.location))
    descriptor, recorded = Descriptor("", "", size), Recorded(size, "disk")
    return Layer(LayerNumber(number), descriptor, "", "", None, missing, unpacked, places, recorded)


def _absent(why: str) -> Layer:
    """Return a layer in place of all missing snapshots below one."""
    return Layer(LayerNumber(1), Descriptor("", "", -1), "", "", None, f"{why}, nor what is below it")


def _of_blob(digest: str, blob: FileBlob, diff_id: str) -> Layer:
    """Return a layer as it was pulled; only a config records what is below it."""
    descriptor = Descriptor("", digest, blob.size)
    if is_tar(blob):
        return Layer(LayerNumber(1), descriptor, diff_id, "", blob)
    return Layer(LayerNumber(1), descriptor, diff_id, "", None, "it is not a tar: its entries cannot be read")
