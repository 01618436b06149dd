"""Open layers of a store on their own, with those below, whether an image references them or not."""

from __future__ import annotations

from pathlib import Path

from layertui.model import media_types
from layertui.model.errors import NotFound
from layertui.model.image import Descriptor, Image, Layer, chain_ids
from layertui.model.numbers import LayerNumber
from layertui.sources.assemble import comparison_warnings, incomplete_base_warnings, layers_alone
from layertui.sources.containers_storage.records import Record
from layertui.sources.containers_storage.store import LAYER_DIRECTORIES, ContainersStore
from layertui.sources.docker_root.files import lowers_of
from layertui.sources.files import listed
from layertui.sources.store_usage import StoredLayer, pick_layer

LAYERS_ASIDE = ("l", "staging", "tempdirs")
"""Entries of the overlay directory that are not layers: short links, layers being unpacked or removed."""
PARTIAL = "the store marks layer {} as incomplete: it is being made, or making it was broken off"


def open_layer(store: ContainersStore, name: str, reference: str) -> Image:
    """Return the layer of an ID or of a directory of the driver. Raises :class:`LayertuiError` if there is none."""
    every = store.layers | store.incomplete
    if identity := pick_layer(name, [StoredLayer(each, -1, each) for each in every]):
        return _chain(store, every[identity], reference)
    for root in store.roots:
        if any(path.name == name for path in directories(store, root)):
            return _directory(store, root, name, reference)
    why = "; ".join(["it is no ID of one, and no driver has such a directory", *map(str, store.problems)])
    raise NotFound(f"{store.roots[0]} has no layer {name}", why)


def directories(store: ContainersStore, root: Path) -> list[Path]:
    """Return the driver's directories of layers in a root, of images and of everything else."""
    if store.driver not in LAYER_DIRECTORIES:
        return []
    paths = [_folder(store, root) / name for name in listed(_folder(store, root)) if name not in LAYERS_ASIDE]
    return [path for path in paths if path.is_dir()]


def _folder(store: ContainersStore, root: Path) -> Path:
    return root / LAYER_DIRECTORIES[store.driver].partition("/{0}")[0]


def _chain(store: ContainersStore, top: Record, reference: str) -> Image:
    layers, warnings = _layers_of(store, top)
    damage = PARTIAL.format(len(layers)) if top.is_incomplete else ""
    warnings += [damage] if damage else []
    image = layers_alone(reference, "containers-storage", top.id, layers, warnings)
    return image._replace(damage=damage)


def _layers_of(store: ContainersStore, top: Record) -> tuple[list[Layer], list[str]]:
    """Return a layer and those below, base first; if the store ends before the base, the lowest is marked missing."""
    chain, broken = store.chain(top.text("parent"))
    chain.append(top)
    layers = (
        [Layer(LayerNumber(1), Descriptor(media_types.OCI_LAYER, "", -1), "", "", None, broken)]
        if broken
        else []
    )
    ids = [record.text("diff-digest") for record in chain]
    for record, diff_id, chain_id in zip(chain, ids, chain_ids(ids), strict=True):
        layers.append(store.layer(len(layers) + 1, record, diff_id, "" if broken else chain_id))
    return layers, comparison_warnings(layers)


def is_layer(store: ContainersStore, root: Path, name: str) -> bool:
    """Return whether a directory of the driver contains a layer's files."""
    return (root / LAYER_DIRECTORIES[store.driver].format(name)).is_dir()


def _directory(store: ContainersStore, root: Path, name: str, reference: str) -> Image:
    """Return a directory that only the driver knows, with the layers below that the driver records."""
    own, parent = [name], ""
    layers: list[Layer] = []
    warnings: list[str] = []
    for below in lowers_of(_folder(store, root) / name) if store.driver == "overlay" else ():
        if below in store.layers:
            layers, warnings = _layers_of(store, store.layers[below])
            parent = below
            break
        own.append(below)
    for each in reversed(own):
        record = Record(root, {"id": each, "parent": parent})
        layer = store.layer(len(layers) + 1, record, "", "")
        layers.append(layer._replace(places=[place for place in layer.places if place[0] != "layer ID"]))
        parent = each
    warnings += incomplete_base_warnings(layers[0])
    return layers_alone(reference, "containers-storage", name, layers, warnings)
