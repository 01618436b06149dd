"""``containers-storage:`` — the on-disk store of Podman, Buildah, Skopeo and CRI-O."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from layertui.model import platforms
from layertui.model.errors import LayertuiError, NotFound
from layertui.model.image import ContainerSummary, Image, ImageSummary
from layertui.model.reference import Reference, layer_of, parse_reference
from layertui.sources.attachments import Attachment
from layertui.sources.containers_storage.attached import attachments_of_record
from layertui.sources.containers_storage.records import MANIFEST
from layertui.sources.containers_storage.store import ContainersStore, storage_drivers
from layertui.sources.containers_storage.system import StoreLocation, image_stores, system_place

ADDITIONAL = "mount it, or remove it from storage.conf"


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`; a name that begins with a slash is a container's, with two a layer's."""
    name = reference.selector
    if not name:
        raise LayertuiError(
            f"{reference} is a store", "it contains many images", f"layertui images {reference} lists them"
        )
    problems = []
    for store, _ in stores_of(reference):
        try:
            if layer := layer_of(reference):
                from layertui.sources.containers_storage.bare_layers import open_layer

                return open_layer(store, layer, str(reference))
            if name.startswith("/"):
                container = store.find_container(name[1:])
                pinned = reference._replace(selector=f"/{container.id}")
                return store.open_container(container, str(reference))._replace(pinned=str(pinned))
            record = store.find(name)
            key = record.manifest_key(name.partition("@")[2])
            identity = record.id if key == MANIFEST else f"{record.id}@{record.manifest_digest(key)}"
            image = store.open(record, str(reference), key)
            image = image._replace(pinned=str(reference._replace(selector=identity)))
            if platform is not None:
                platforms.choose_platform([(image.platform, None)], platform, str(reference))
            return image
        except LayertuiError as error:
            problems.append(error)
    raise problems[0]


def list_images(reference: Reference) -> Iterator[ImageSummary]:
    """See :class:`layertui.sources.Source`."""
    problems: list[LayertuiError] = []
    found = False
    for store, place in stores_of(reference):
        try:
            wanted = store.find(reference.selector) if reference.selector else None
            for row in store.summaries(place):
                if wanted is None or row.id == wanted.digest:
                    found = True
                    yield row
        except LayertuiError as error:
            problems.append(error)
        problems += store.problems
    if problems and not (reference.selector and found):
        raise problems[0]


def list_containers(reference: Reference) -> Iterator[ContainerSummary]:
    """See :class:`layertui.sources.ContainerSource`."""
    problems = []
    for store, place in stores_of(reference):
        try:
            yield from store.container_summaries(place)
        except LayertuiError as error:
            problems.append(error)
    if problems:
        raise problems[0]


def attachments_of(image: Image) -> Iterator[Attachment]:
    """See :class:`layertui.sources.attachments.AttachmentSource`."""
    reference = parse_reference(image.pinned or image.reference)
    name = reference.selector
    if not image.manifest_digest:
        return
    for store, _ in stores_of(reference):
        try:
            record = store.image_of(store.find_container(name[1:])) if name[:1] == "/" else store.find(name)
        except NotFound:
            continue
        yield from attachments_of_record(store, record, image)
        return


def stores_of(reference: Reference) -> Iterator[tuple[ContainersStore, Reference]]:
    """Yield a store for each driver, the configured one first, and its reference.

    Additional stores that do not exist or cannot be read are problems of the first store.
    """
    place = _place(reference.location) if reference.location else system_place()
    roots, problems = [place.root], []
    names = set(storage_drivers(place.root))
    for root in (*([place.images] if place.images else ()), *place.additional):
        try:
            names.update(storage_drivers(root))
            if not root.is_dir():
                raise LayertuiError(f"the additional image store {root} is not there", "", ADDITIONAL)
            roots.append(root)
        except LayertuiError as error:
            problems.append(error)
    found = sorted(names)
    if not found:
        why = "it has no DRIVER-images" if place.root.is_dir() else "there is no such directory"
        raise LayertuiError(
            f"{place.root} is not a store of Podman or Buildah", "; ".join([why, *map(str, problems)])
        )
    if reference.location and place.driver:
        if place.driver not in found:
            raise LayertuiError(f"{place.root} has nothing of {place.driver}", f"it has {', '.join(found)}")
        found = [place.driver]
    found.sort(key=lambda driver: driver != place.driver)
    for number, driver in enumerate(found):
        leads = reference._replace(selector="")
        if number:
            leads = leads._replace(location=f"{driver}@{place.root}")
        yield ContainersStore(driver, tuple(roots), place.images, problems if not number else ()), leads


def _place(location: str) -> StoreLocation:
    """Parse ``[DRIVER@]ROOT[+RUNROOT][:OPTIONS]`` (containers-transports(5))."""
    driver, at, root = location.partition("@")
    if not at or not re.fullmatch(r"[a-z0-9]+", driver):
        driver, root = "", location
    options = ""
    if not os.path.lexists(root):
        root, _, options = root.partition(":")
        root = root.partition("+")[0]
    return StoreLocation(Path(root), driver, tuple(map(Path, image_stores(options))))
