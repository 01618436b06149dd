"""Layers of a data root, each opened by itself with those below it, whether an image names it or not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from layertui.model.errors import NotFound
from layertui.model.image import Image, Layer
from layertui.model.reference import Reference
from layertui.sources.assemble import comparison_warnings, incomplete_base_warnings, layers_alone
from layertui.sources.containerd import bare_layers
from layertui.sources.docker_root.data_root import NAMESPACE, DataRoot
from layertui.sources.docker_root.driver_root import DriverRoot
from layertui.sources.files import listed
from layertui.sources.store_usage import pick_layer

LAYERS_ASIDE = ("l",)
"""Entries of overlay2 and fuse-overlayfs that are no layers: the short links."""


def open_layer(data: DataRoot, name: str, reference: Reference) -> Image:
    """Return the layer of a chain ID (up to 1.9: an image's ID), or in a directory of the driver's.

    Raises :class:`LayertuiError` if there is none.
    """
    for root in data.roots:
        if identity := pick_layer(name, root.stored()):
            return root.open_layer(identity, reference)
    for root in data.roots:
        if any(path.name == name for path in directories(root)):
            return _directory(root, name, reference)
    if (containerd := data.containerd) is not None:
        for namespace in (NAMESPACE, ""):  # directories that no namespace has are known by their names
            with suppress(NotFound):
                image = bare_layers.open_layer(containerd, namespace, name, reference)
                return image._replace(transport="docker-root")
    raise NotFound(
        f"{data.path} has no layer {name}", "it is not a chain ID, and no driver has such a directory"
    )


def directories(root: DriverRoot) -> list[Path]:
    """Return the directories that the driver has for layers, of images and of all else."""
    folder = root.folder
    return [folder / name for name in listed(folder) if name not in LAYERS_ASIDE] if folder else []


def is_layer(root: DriverRoot, name: str) -> bool:
    """Return whether a directory of the driver's has something of a layer to be read."""
    return root.directories.layer(name, "", ()).unpacked is not None


def _directory(root: DriverRoot, name: str, reference: Reference) -> Image:
    """Return a directory of which only the driver knows, on what it notes to be below."""
    known = {layer.directory: layer.id for layer in root.stored()}
    own, parent = [name], ""
    layers: list[Layer] = []
    for below in root.directories.below(name):
        if below in known:
            parent = below
            layers = root.stack(known[below])
            break
        own.append(below)
    has_base = bool(layers)
    for each in reversed(own):
        layers.append(root.directories.layer(each, parent, layers))
        parent = each
    warnings = [*comparison_warnings(layers), *([] if has_base else incomplete_base_warnings(layers[0]))]
    return layers_alone(str(reference), "docker-root", name, layers, warnings)
