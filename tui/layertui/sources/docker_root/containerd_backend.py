"""Containers of Docker 29: their configs are in the data root, their layers in containerd.

Rules from moby: daemon/containerd/image_snapshot.go (``createLayer``, ``prepareInitLayer``) and
daemon/container/container.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.reference import Reference
from layertui.sources.assemble import READ_WRITE, no_image
from layertui.sources.containerd.containers import stacked
from layertui.sources.containerd.namespace import Namespace
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
            if self._namespace.holding(identity) or isinstance(config.get("ImageManifest"), dict):
                yield Container(identity, config)

        return each(listed(self.root / "containers"), read)

    def open_container(self, container: Container, reference: Reference) -> Image:
        """Return a container as its image with the init layer and the read-write layer on top.

        Raises :class:`LayertuiError`.
        """
        image = self._image(container, reference)
        created = container.config.get("Created")
        created = created if isinstance(created, str) else None
        text = f"{READ_WRITE}{container.name} ({container.state})"
        image = image._replace(name=f"{container.name} ({image.name})", fields=())
        driver = str(container.config.get("Driver") or "")
        return stacked(self._namespace, image, driver, container.id, text, created)

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
