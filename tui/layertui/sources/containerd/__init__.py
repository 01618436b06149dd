"""``containerd:``: the store of containerd (Kubernetes, nerdctl, Docker 29) on disk."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

from layertui.model.errors import LayertuiError
from layertui.model.image import ContainerSummary, Image, ImageSummary
from layertui.model.reference import Reference, layer_of, parse_reference
from layertui.sources.attachments import Attachment, attachments_in
from layertui.sources.containerd.containers import Containers
from layertui.sources.containerd.namespace import METADATA_DB, Namespace
from layertui.sources.containerd.store import ContainerdStore

CONFIGURATION = Path("/etc/containerd/config.toml")
ROOTS = (
    "/var/lib/containerd",
    "/var/lib/rancher/k3s/agent/containerd",
    "/var/lib/docker/containerd/daemon",
)
"""Where the system's store may be: containerd's own, K3s's, and the one inside Docker's data root."""


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`; a name that begins with a slash is a container's, with two a layer's."""
    store = store_of(reference)
    namespace, _, name = reference.selector.partition("/")
    if layer := layer_of(reference):
        from layertui.sources.containerd.bare_layers import open_layer

        return open_layer(store, namespace, layer, reference)
    if not name:
        raise LayertuiError(
            f"{reference} is a {'namespace' if namespace else 'store'}",
            "it has many images",
            f"layertui images {reference} lists them",
        )
    found = store.namespace(namespace)
    if name.startswith("/"):
        return Containers(found).open(name[1:], reference)
    return found.open(found.find(name), reference, platform)


def list_images(reference: Reference) -> Iterator[ImageSummary]:
    """See :class:`layertui.sources.Source`."""
    name = reference.selector.partition("/")[2]
    for namespace in _namespaces(reference):
        yield from namespace.summaries(reference, name)


def list_containers(reference: Reference) -> Iterator[ContainerSummary]:
    """Yield every container of a store, or of a namespace. Raises :class:`LayertuiError`."""
    for namespace in _namespaces(reference):
        yield from Containers(namespace).summaries(reference)


def attachments_of(image: Image) -> Iterator[Attachment]:
    """See :class:`layertui.sources.attachments.AttachmentSource`."""
    reference = parse_reference(image.reference)
    namespace, _, name = reference.selector.partition("/")
    if not image.manifest_digest:
        return iter(())
    found = store_of(reference).namespace(namespace)
    layout = Containers(found).content(name[1:]) if name.startswith("/") else found.content(name)
    return attachments_in(layout, image)


def _namespaces(reference: Reference) -> list[Namespace]:
    store, name = store_of(reference), reference.selector.partition("/")[0]
    return [store.namespace(name)] if name else list(store.namespaces.values())


def store_of(reference: Reference) -> ContainerdStore:
    """Return the store that a reference leads to, or the system's own."""
    if reference.location:
        return ContainerdStore(Path(reference.location))
    try:
        root = tomllib.loads(CONFIGURATION.read_text()).get("root")
    except (OSError, ValueError):
        root = None  # containerd runs without, and would not start with a broken one
    roots = [Path(each) for each in (root, *ROOTS) if isinstance(each, str)]
    return ContainerdStore(next((each for each in roots if os.path.lexists(each / METADATA_DB)), roots[0]))
