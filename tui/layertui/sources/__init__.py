"""Where images live: a reference leads to an image, a place to all images in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from layertui.model.errors import LayertuiError, NoImage
from layertui.model.image import ContainerSummary, Image, ImageSummary
from layertui.model.reference import (
    ENGINE_NAMES,
    STORE_TRANSPORTS,
    TRANSPORTS,
    Reference,
    layer_of,
    parse_reference,
)
from layertui.sources import detect

LOCAL = ("docker-daemon", "podman")
"""Where a bare name is looked for, in this order."""
BARE_NAME = r"[a-z0-9][\w.-]*(?::\d+)?(?:/[a-z0-9][\w.-]*)*(?::[\w][\w.-]{0,127})?(?:@\w+:[0-9a-f]+)?|sha256:[0-9a-f]+"
"""What could be the name, tag, digest or ID of an image (distribution's reference grammar)."""


class Source(Protocol):
    """What the module of a transport offers; the transports are listed in :mod:`layertui.model.reference`.

    Both raise :class:`LayertuiError` if what the reference names is not there or cannot be read.
    """

    def open_image(self, reference: Reference, platform: str | None) -> Image:
        """The image of a reference, for a platform (``os/arch[/variant]``) or the usual one."""
        ...

    def list_images(self, reference: Reference) -> Iterable[ImageSummary]:
        """All images that lie where a reference leads, or the one that it selects."""
        ...


class ContainerSource(Source, Protocol):
    """What the module of a transport offers that has containers too."""

    def list_containers(self, reference: Reference) -> Iterable[ContainerSummary]:
        """Every container of the engine or store, whatever of it the reference selects.

        Raises :class:`LayertuiError` if they cannot be listed.
        """
        ...


class UnknownName(LayertuiError):
    """A bare name that nothing of this machine has; a registry may."""


class SourceProblem(LayertuiError):
    """Something that looks like an image but cannot be read."""


def open_image(text: str, platform: str | None = None) -> Image:
    """The image that a reference or path names, for a platform (``os/arch[/variant]``).

    Raises :class:`LayertuiError` if it is not there or cannot be read.
    """
    reference = _recognised(parse_reference(text))
    return _source(reference).open_image(reference, platform)._replace(asked_platform=platform)


def list_images(text: str) -> Iterable[ImageSummary]:
    """All images that a reference, archive, folder or engine (``docker-daemon:``) holds, as they are found.

    Raises :class:`LayertuiError` if they cannot be listed.
    """
    return _listed(parse_reference(text))


def list_containers(text: str) -> Iterator[ContainerSummary]:
    """All containers of an engine (``docker-daemon:``) or store, or the one that a reference selects.

    Raises :class:`LayertuiError` if they cannot be listed, or there is no such container.
    """
    reference = _recognised(parse_reference(text))
    if reference.transport not in (*ENGINE_NAMES, *STORE_TRANSPORTS):
        raise LayertuiError(f"{text} has no containers", "", "only engines and their stores have them")
    if layer_of(reference):
        raise LayertuiError(f"{reference} is a layer", "", "give the source alone to list its containers")
    source = cast(ContainerSource, _source(reference))
    selected = reference.selector if reference.transport in STORE_TRANSPORTS else reference.location
    if reference.transport == "containerd" and "/" not in selected:
        selected = ""  # a namespace, and so all that are in it
    found = False
    for row in source.list_containers(reference):
        is_meant = row.transport == reference.transport and row.id.startswith(selected.rpartition("/")[2])
        if not selected or row.reference == str(reference) or is_meant:
            found = True
            yield row
    if selected and not found:
        raise LayertuiError(
            f"{reference} is not among the containers", "", "give the source alone to list them"
        )


def list_directory(folder: Path) -> Iterator[ImageSummary | SourceProblem]:
    """The images that lie in a folder, as archives or as folders of their own.

    What could be an image but cannot be read is a problem; whole archives of something else
    are passed over unless their names promise an image. Raises :class:`LayertuiError` if the
    folder cannot be listed.
    """
    for path, promising in detect.candidate_paths(folder):
        try:
            yield from _listed(Reference("", path))
        except LayertuiError as error:
            if promising or not isinstance(error, NoImage):
                yield SourceProblem(error.what, error.why, error.remedy)


def _listed(reference: Reference) -> Iterable[ImageSummary]:
    reference = _recognised(reference)
    if layer_of(reference):
        return [_summary(open_image(str(reference)))]
    return _source(reference).list_images(reference)


def _summary(layers: Image) -> ImageSummary:
    """The row of layers that were opened without an image."""
    size = layers.size if layers.size >= 0 else None
    return ImageSummary(
        layers.reference, layers.transport, "", "", "", "", size, None, len(layers.layers), ()
    )


def _recognised(reference: Reference) -> Reference:
    """The reference with a transport: of a bare path its content tells it, of a name whoever has it.

    A name is looked for as a path, then in Docker, then in Podman. Raises
    :class:`LayertuiError` that says what was tried.
    """
    if reference.transport:
        return reference
    name = reference.location
    if os.path.lexists(name) or not re.fullmatch(BARE_NAME, name):
        return detect.recognise(name)
    from layertui.sources import engine

    tried = ["there is no such path"]
    for transport in LOCAL:
        try:
            if engine.has(transport, name):
                return Reference(transport, name)
            tried.append(f"{ENGINE_NAMES[transport]} has no such image")
        except LayertuiError as error:
            tried.append(f"{error.what}: {error.why}")
    raise UnknownName(f"{name} is not there", "; ".join(tried), f"docker://{name} looks into its registry")


def _source(reference: Reference) -> Source:
    # Loaded when needed: what one transport imports, another does not pay for.
    return cast(Source, import_module(f"layertui.sources.{TRANSPORTS[reference.transport]}"))
