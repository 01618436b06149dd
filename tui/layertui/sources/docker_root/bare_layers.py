"""Layers of a data root, each opened by itself with those below it, whether an image names it or not."""

from __future__ import annotations

from pathlib import Path

from layertui.model import media_types
from layertui.model.digest import HEX, SHA256
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, HistoryEntry, Image, Layer
from layertui.model.numbers import LayerNumber
from layertui.model.reference import Reference
from layertui.sources.assemble import comparison_warnings, incomplete_base_warnings, layers_alone, step_of_v1
from layertui.sources.containerd import bare_layers
from layertui.sources.docker_root.current import CurrentRoot
from layertui.sources.docker_root.data_root import NAMESPACE, DataRoot
from layertui.sources.docker_root.legacy import LegacyRoot
from layertui.sources.files import listed, read_text
from layertui.sources.store_usage import pick_layer

LAYERS_ASIDE = ("l",)
"""Entries of overlay2 and fuse-overlayfs that are no layers: the short links."""


def open_layer(data: DataRoot, name: str, reference: Reference) -> Image:
    """The layer of a chain ID (up to 1.9: an image's ID), or in a directory of the driver's.

    Raises :class:`LayertuiError` if there is none.
    """
    for root in data.roots:
        if identity := pick_layer(name, root.stored()):
            if isinstance(root, LegacyRoot):
                return _of_graph(root, identity, reference)
            layers = _chain(root, identity)
            return layers_alone(str(reference), "docker-root", identity, layers, comparison_warnings(layers))
    for root in data.roots:
        if any(path.name == name for path in directories(root)):
            return _directory(root, name, reference)
    if data.namespace is not None:
        store = data.namespace.store
        return bare_layers.open_layer(store, NAMESPACE, name, reference)._replace(transport="docker-root")
    raise LayertuiError(
        f"{data.path} has no layer {name}", "it is no chain ID, and no driver has such a directory"
    )


def directories(root: CurrentRoot | LegacyRoot) -> list[Path]:
    """The directories that the driver has for layers, of images and of all else."""
    folder = root.folder
    return [folder / name for name in listed(folder) if name not in LAYERS_ASIDE] if folder else []


def is_layer(root: CurrentRoot | LegacyRoot, name: str) -> bool:
    """Whether a directory of the driver's has something of a layer to be read."""
    return root.directories.layer(name, "", ()).unpacked is not None


def _chain(root: CurrentRoot, chain_id: str) -> list[Layer]:
    """A layer and those below it, the base first; the lowest is missing where the store ends before the base."""
    chain, absent = [chain_id], ""
    while parent := read_text(root.facts_of(chain[-1]) / "parent"):
        if parent in chain:
            raise LayertuiError(f"the parents of the layer {chain_id} go round in circles", f"at {parent}")
        if not SHA256.fullmatch(parent) or not root.facts_of(parent).is_dir():
            absent = parent
            break
        chain.append(parent)
    layers = [_absent(f"the store has no layer of the chain ID {absent}")] if absent else []
    for each in reversed(chain):
        layers.append(root.layer(len(layers) + 1, read_text(root.facts_of(each) / "diff"), each))
    return layers


def _absent(why: str) -> Layer:
    """What stands for all layers below one that the store has not."""
    return Layer(
        LayerNumber(1),
        Descriptor(media_types.DOCKER_LAYER, "", -1),
        "",
        "",
        None,
        f"{why}, nor what is below it",
    )


def _directory(root: CurrentRoot | LegacyRoot, name: str, reference: Reference) -> Image:
    """A directory of which only the driver knows, on what it notes to be below."""
    known = {layer.directory: layer.id for layer in root.stored()}
    own, parent = [name], ""
    layers: list[Layer] = []
    for below in root.directories.below(name):
        if below in known:
            parent = below
            layers = _known(root, known[below])
            break
        own.append(below)
    has_base = bool(layers)
    for each in reversed(own):
        layers.append(root.directories.layer(each, parent, layers))
        parent = each
    warnings = [*comparison_warnings(layers), *([] if has_base else incomplete_base_warnings(layers[0]))]
    return layers_alone(str(reference), "docker-root", name, layers, warnings)


def _known(root: CurrentRoot | LegacyRoot, identity: str) -> list[Layer]:
    if isinstance(root, CurrentRoot):
        return _chain(root, identity)
    return list(root.layers(_ancestry(root, identity)[0]))


# Docker up to 1.9


def _of_graph(root: LegacyRoot, identity: str, reference: Reference) -> Image:
    """What is noted of a layer is all that there is of an image; of one that is damaged there are the layers."""
    try:
        return root.open(identity, reference)
    except LayertuiError as error:
        problems = [str(error)]
    chain, is_base = _ancestry(root, identity)
    layers, history = list(root.layers(chain)), []
    for number, each in enumerate(chain, 1):
        try:
            history.append(step_of_v1(root.entry(each).value, number)._replace(id=each))
        except LayertuiError as error:
            history.append(HistoryEntry(None, "", "", "", LayerNumber(number), recorded=False, id=each))
            problems.append(str(error))
    problems += comparison_warnings(layers)
    problems += [] if is_base else incomplete_base_warnings(layers[0])
    image = layers_alone(str(reference), "docker-root", identity, layers, list(dict.fromkeys(problems)))
    return image._replace(history=history)


def _ancestry(root: LegacyRoot, identity: str) -> tuple[list[str], bool]:
    """An image and those below it as far as they are known, the base first; whether that is one.

    Raises :class:`LayertuiError` if they go round in circles.
    """
    chain = [identity]
    while (parent := root.parent_of(chain[-1])) and HEX.fullmatch(parent):
        if parent in chain:
            raise LayertuiError(f"the parents of {identity} go round in circles", f"at {parent}")
        chain.append(parent)
    try:
        is_base = not parent and bool(root.entry(chain[-1]).value)
    except LayertuiError:
        is_base = False
    return chain[::-1], is_base
