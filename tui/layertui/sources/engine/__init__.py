"""``docker-daemon:``, ``podman:`` and their containers — what a running engine has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from functools import lru_cache

from layertui.model.errors import LayertuiError, NotFound
from layertui.model.image import ContainerSummary, Image, ImageSummary
from layertui.model.reference import ENGINE_NAMES, Reference
from layertui.sources.assemble import full_names
from layertui.sources.attachments import Attachment
from layertui.sources.engine import containers, image_list, images
from layertui.sources.engine.client import Engine
from layertui.sources.engine.description import names_of
from layertui.sources.engine.docker_settings import docker_endpoint
from layertui.sources.engine.endpoint import EngineEndpoint
from layertui.sources.engine.podman_settings import podman_endpoint
from layertui.sources.engine.saved_image import SavedImage

ENDPOINTS = {
    "docker-daemon": docker_endpoint,
    "docker-container": docker_endpoint,
    "podman": podman_endpoint,
    "podman-container": podman_endpoint,
}
CONTAINERS = ("docker-container", "podman-container")


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`; a container opens as its image and what it wrote."""
    engine = engine_of(reference.transport)
    if not reference.location:
        command = "containers" if reference.transport in CONTAINERS else "images"
        remedy = f"write {reference}NAME (layertui {command} {reference} lists the names)"
        raise LayertuiError(f"{reference} names nothing", "", remedy)
    if reference.transport in CONTAINERS:
        return containers.open_container(engine, reference.location, platform)
    return images.open_image(engine, reference.location, platform)


def list_images(reference: Reference) -> Iterator[ImageSummary]:
    """See :class:`layertui.sources.Source`."""
    if reference.transport in CONTAINERS and not reference.location:
        remedy = f"layertui containers {reference} lists them"
        raise LayertuiError(f"{reference} has no images", "it is for containers", remedy)
    if reference.transport in CONTAINERS:
        raise LayertuiError(f"{reference} is a container", "it contains no images", "open it by its name")
    engine = engine_of(reference.transport)
    return _one(engine, reference) if reference.location else image_list.list_images(engine)


def list_containers(reference: Reference) -> Iterator[ContainerSummary]:
    """See :class:`layertui.sources.ContainerSource`."""
    return containers.list_containers(engine_of(reference.transport))


def attachments_of(image: Image) -> Iterator[Attachment]:
    """See :class:`layertui.sources.attachments.AttachmentSource`."""
    if not isinstance(image.arrival, SavedImage):
        engine = ENGINE_NAMES[image.transport]
        raise LayertuiError(f"{engine} does not list attachments", "", "its registry may: docker://NAME")
    return image.arrival.attachments()


def shared_sizes(transport: str) -> Mapping[str, int]:
    """Return how many bytes each image, by its ID, has in common with others. May take an engine long."""
    return image_list.shared_sizes(engine_of(transport))


def events(transport: str, begun: Callable[[Callable[[], None]], None] | None = None) -> Iterator[str]:
    """Yield ``image`` or ``container`` whenever one of an engine is created, removed or changed, until closed.

    ``begun`` is given what ends it from another thread (see :meth:`Engine.stream`). Raises
    :class:`LayertuiError` if the engine stops.
    """
    rest = b""
    filters = json.dumps({"type": ["image", "container"]})
    with closing(engine_of(transport).stream("/events", begun=begun, filters=filters)) as chunks:
        for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                with suppress(ValueError):
                    yield str(json.loads(line).get("Type", ""))


def image_names(transport: str) -> list[str]:
    """Return what the images of an engine are called, in its order. One request, however many there are."""
    rows = engine_of(transport).get_list("/images/json")
    return [name for row in rows for name in names_of(row.get("RepoTags"))]


def has(transport: str, name: str) -> bool:
    """Return whether an engine has an image of a name, tag, digest or ID."""
    try:
        engine_of(transport).get("/images/{0}/json", name)
    except NotFound:
        return False
    return True


def engine_of(transport: str) -> Engine:
    """Return the engine of a transport. Raises :class:`LayertuiError` if what names it is wrong."""
    return _engine(ENDPOINTS[transport]())


@lru_cache(8)
def _engine(endpoint: EngineEndpoint) -> Engine:
    return Engine(endpoint)


def _one(engine: Engine, reference: Reference) -> Iterator[ImageSummary]:
    """Yield the rows of one image: those with its name, or all that its ID has."""
    try:
        # The engine knows what a name stands for: Podman tries several registries.
        identity = images.digest_id(
            str(engine.get_object("/images/{0}/json", reference.location).get("Id", ""))
        )
    except NotFound as error:
        raise LayertuiError(f"{reference} is not there", "the engine has no such image") from error
    rows = [row for row in image_list.list_images(engine) if row.id == identity]
    image_names = full_names(reference.location)
    yield from [row for row in rows if f"{row.name}:{row.tag}" in image_names] or rows
