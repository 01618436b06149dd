"""``containers-storage:`` — the store of Podman, Buildah, Skopeo and CRI-O as it lies on disk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from layertui.errors import LayertuiError
from layertui.image import ContainerSummary, Image, ImageSummary
from layertui.reference import Reference
from layertui.sources import platforms
from layertui.sources.containers_storage.store import Store, drivers
from layertui.sources.containers_storage.system import Place, system_place


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`; a name that begins with a slash is a container's."""
    name = reference.selector
    if not name:
        raise LayertuiError(
            f"{reference} is a store", "it holds many images", f"layertui images {reference} lists them"
        )
    problems = []
    for store, _ in stores_of(reference):
        try:
            if name.startswith("/"):
                return store.open_container(store.find_container(name[1:]), str(reference))
            image = store.open(store.find(name), str(reference))
            if platform is not None:
                platforms.choose([(image.platform, None)], platform, str(reference))
            return image
        except LayertuiError as error:
            problems.append(error)
    raise problems[0]


def list_images(reference: Reference) -> Iterator[ImageSummary]:
    """See :class:`layertui.sources.Source`."""
    problems: list[LayertuiError] = []
    rows = 0
    for store, place in stores_of(reference):
        try:
            wanted = store.find(reference.selector) if reference.selector else None
            for row in store.summaries(place):
                if wanted is None or row.id == wanted.digest:
                    rows += 1
                    yield row
        except LayertuiError as error:
            problems.append(error)
    if problems and not rows:
        raise problems[0]


def list_containers(reference: Reference) -> Iterator[ContainerSummary]:
    """See :class:`layertui.sources.ContainerSource`."""
    for store, place in stores_of(reference):
        yield from store.container_summaries(place)


def stores_of(reference: Reference) -> Iterator[tuple[Store, Reference]]:
    """A store for each driver, the one in use first, and what leads to it."""
    place = _place(reference.location) if reference.location else system_place()
    roots = (place.root, *place.additional)
    found = sorted({driver for root in roots for driver in drivers(root)})
    if not found:
        raise LayertuiError(
            f"{place.root} is no store of Podman or Buildah",
            "it has no DRIVER-images" if place.root.is_dir() else "there is no such directory",
        )
    if reference.location and place.driver:
        if place.driver not in found:
            raise LayertuiError(f"{place.root} has nothing of {place.driver}", f"it has {', '.join(found)}")
        found = [place.driver]
    found.sort(key=lambda driver: driver != place.driver)
    for number, driver in enumerate(found):
        leads = replace(reference, selector="")
        if number:
            leads = replace(leads, location=f"{driver}@{place.root}")
        yield Store(driver, roots), leads


def _place(location: str) -> Place:
    """``[DRIVER@]ROOT[+RUNROOT][:OPTIONS]`` (containers-transports(5))."""
    driver, at, root = location.partition("@")
    if not at or not re.fullmatch(r"[a-z0-9]+", driver):
        driver, root = "", location
    if not os.path.lexists(root):
        root = re.split(r"[+:]", root, maxsplit=1)[0]
    return Place(Path(root), driver)
