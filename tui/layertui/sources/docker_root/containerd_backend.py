"""Containers of Docker 29: their configs are in the data root, their layers in containerd.

Rules from moby: daemon/containerd/image_snapshot.go (``createLayer``, ``prepareInitLayer``) and
daemon/container/container.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.reference import Reference
from layertui.sources.assemble import no_image, with_own_layer
from layertui.sources.containerd.store import DIRECTORIES, Namespace
from layertui.sources.docker_root.containerd_images import ContainerdImages
from layertui.sources.docker_root.files import Container, each, read_object
from layertui.sources.files import listed
from layertui.sources.oci_layout import descriptor_of


class ContainerdRoot:
    """The containers of a data root whose images are in a namespace of containerd."""

    def __init__(self, root: Path, namespace: Namespace) -> None:
        self.root = root
        self._namespace = namespace
        self._images = ContainerdImages(root, namespace)

    @property
    def names(self) -> dict[str, list[str]]:
        """The names of each image, by its ID."""
        return self._images.names

    def containers(self) -> Iterator[Container]:
        """Yield those that have a snapshot, or were made from an image of containerd."""

        def read(identity: str) -> Iterator[Container]:
            config = read_object(self.root / "containers" / identity / "config.v2.json")
            if identity in self._namespace.unpacked or isinstance(config.get("ImageManifest"), dict):
                yield Container(identity, config)

        return each(listed(self.root / "containers"), read)

    def keys(self, containers: Iterable[Container]) -> Iterator[str]:
        """Yield the keys of the snapshots that these stand on."""
        for container in containers:
            yield from self._namespace.down_from(container.id)

    def open_container(self, container: Container, reference: Reference) -> Image:
        """Return a container as its image with the init layer and the read-write layer on top.

        Raises :class:`LayertuiError`.
        """
        image = self._image(container, reference)
        created = container.config.get("Created")
        created = created if isinstance(created, str) else None
        text = f"read-write layer of container {container.name} ({container.state})"
        image = image._replace(name=f"{container.name} ({image.name})", fields=())
        driver = container.config.get("Driver")
        if driver != DIRECTORIES:
            return with_own_layer(image, None, f"the snapshotter {driver} is not read here", text, created)
        return self._namespace.stacked(image, container.id, text, created)

    def _image(self, container: Container, reference: Reference) -> Image:
        """Return the image of a container: the manifest that it names, else its image's for the usual platform."""
        identity = str(container.config.get("Image") or "")
        manifest = descriptor_of(container.config.get("ImageManifest"))
        if manifest is None:
            known = identity in self.names
            return (
                self._images.open(identity, reference, None)
                if known
                else no_image(str(reference), "docker-root")
            )
        try:
            return self._images.open_manifest(identity, manifest, reference)
        except LayertuiError:
            if identity in self.names:
                raise
            return no_image(str(reference), "docker-root")  # removed, but not its snapshots
