"""What the layouts of Docker's data root of all versions have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from layertui.model.image import Image, ImageSummary, Layer
from layertui.model.platforms import choose_platform
from layertui.model.reference import Reference
from layertui.sources.assemble import created_of, labels_of, platform_of
from layertui.sources.docker_root.files import Container, each, named_rows
from layertui.sources.docker_root.mounts import Mounts
from layertui.sources.store_usage import StoredLayer


class DriverRoot(ABC):
    """Images and containers of one storage driver in a data root; files are read when first needed."""

    layer_directories: Mapping[str, str]
    """By driver: where the directory of a layer is, below the data root."""

    def __init__(self, root: Path, driver: str) -> None:
        self.root = root
        self.driver = driver
        self.directories = Mounts(root, driver)

    # Images

    @property
    @abstractmethod
    def repositories(self) -> Path:
        """The file that lists all names."""

    @cached_property
    @abstractmethod
    def names(self) -> dict[str, list[str]]:
        """The names and digests of each image, by its ID."""

    @abstractmethod
    def every_id(self) -> list[str]:
        """Return the IDs of all images, including those that are only intermediate steps of a build."""

    @abstractmethod
    def parent_of(self, identity: str) -> str:
        """Return the ID of the image that a build made this one from; empty if unknown."""

    @abstractmethod
    def find(self, name: str) -> str:
        """Return the ID of a name, tag, digest or (abbreviated) ID. Raises :class:`LayertuiError`."""

    @abstractmethod
    def open(self, identity: str, reference: Reference) -> Image:
        """Open an image by its ID. Raises :class:`LayertuiError`."""

    def open_image(self, name: str, reference: Reference, platform: str | None) -> Image:
        """Open an image by anything that :meth:`find` knows it by. Raises :class:`LayertuiError`."""
        identity = self.find(name)
        image = self.open(identity, reference)._replace(pinned=str(reference._replace(selector=identity)))
        if platform is not None:
            choose_platform([(image.platform, None)], platform, str(reference))
        return image

    @abstractmethod
    def summary_facts(self, identity: str) -> tuple[str, Mapping[str, Any], Sequence[int]]:
        """Return an image's digest, its config, and the size of each layer in bytes (-1: unknown).

        Raises :class:`LayertuiError`.
        """

    def image_ids(self) -> list[str]:
        """Return the IDs of the images to list: those with a name, and those that are no image's parent."""
        found = self.every_id()
        parents = {self.parent_of(identity) for identity in found}
        return [identity for identity in found if identity in self.names or identity not in parents]

    def tags_of(self, identity: str) -> list[str]:
        return [name for name in self.names.get(identity, []) if "@" not in name]

    def repo_digests_of(self, identity: str) -> list[str]:
        return [name for name in self.names.get(identity, []) if "@" in name]

    def summaries(self, reference: Reference, wanted: str = "") -> Iterator[ImageSummary]:
        """Return a row for each name of each image, or of the one with the ID ``wanted``."""
        identities = [wanted] if wanted else self.image_ids()
        return each(identities, lambda identity: self._rows(identity, reference))

    def _rows(self, identity: str, reference: Reference) -> Iterator[ImageSummary]:
        digest, config, sizes = self.summary_facts(identity)
        row = ImageSummary(
            reference="",
            transport="docker-root",
            name="",
            tag="",
            id=digest,
            digest="",
            size=None if -1 in sizes else sum(sizes),
            created=created_of(config),
            layers=len(sizes),
            platforms=(platform_of(config),),
            labels=labels_of(config),
        )
        return named_rows(row, self.tags_of(identity), self.repo_digests_of(identity), identity, reference)

    # Layers

    @property
    def folder(self) -> Path | None:
        """The directory in which the driver has one for each layer; ``None`` if it has none."""
        if self.driver not in self.layer_directories:
            return None
        return self.root / self.layer_directories[self.driver].partition("/{0}")[0]

    @abstractmethod
    def layers_of(self, identity: str) -> list[str]:
        """Return the IDs of an image's layers, base first. Raises :class:`LayertuiError`."""

    @abstractmethod
    def stored(self) -> Iterator[StoredLayer]:
        """Return every layer of the store, referenced by an image or not."""

    @abstractmethod
    def stack(self, layer_id: str) -> list[Layer]:
        """Return a layer and those below it, base first, as far as the store has them.

        Raises :class:`LayertuiError` if their parents form a cycle.
        """

    @abstractmethod
    def open_layer(self, layer_id: str, reference: Reference) -> Image:
        """Open a layer and those below it, referenced by an image or not. Raises :class:`LayertuiError`."""

    @abstractmethod
    def mounts(self) -> Iterator[str]:
        """Return the names of the directories that belong to containers."""

    # Containers

    @abstractmethod
    def containers(self) -> Iterator[Container]:
        """Return the containers whose read-write layer this driver has."""

    @abstractmethod
    def open_container(self, container: Container, reference: Reference) -> Image:
        """Open a container: its image with the init layer and the read-write layer on top.

        Raises :class:`LayertuiError`.
        """
