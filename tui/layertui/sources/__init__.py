"""Sources of images: open the image of a reference, or list all images of a source."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from layertui.model.errors import LayertuiError, NoEngine, NoImage
from layertui.model.image import MAX_LAYERS, ContainerSummary, Image, ImageSummary
from layertui.model.job import Job
from layertui.model.reference import (
    ENGINE_NAMES,
    STORE_TRANSPORTS,
    TRANSPORTS,
    Reference,
    layer_of,
    parse_reference,
)
from layertui.model.typed import Protocol, cast
from layertui.model.unforeseen import unforeseen
from layertui.sources import detect, piped
from layertui.text.matching import similar_names

LOCAL = ("docker-daemon", "podman")
"""Engines that a bare name is looked up in, in this order."""
BARE_NAME = r"(?:[A-Za-z0-9.-]*[A-Z][A-Za-z0-9.-]*(?::\d+)?/)?[a-z0-9][\w.-]*(?::\d+)?(?:/[a-z0-9][\w.-]*)*(?::[\w][\w.-]{0,127})?(?:@\w+:[0-9a-f]+)?|sha256:[0-9a-f]+"
"""Name, tag, digest or ID of an image (distribution's reference grammar)."""


class Source(Protocol):
    """Interface of a transport's module; the transports are listed in :mod:`layertui.model.reference`.

    Both functions raise :class:`LayertuiError` if the image does not exist or cannot be read.
    """

    def open_image(self, reference: Reference, platform: str | None) -> Image:
        """Open an image, for a platform (``os/arch[/variant]``) or the default one."""

    def list_images(self, reference: Reference) -> Iterable[ImageSummary]:
        """List all images of a source, or the one that the reference selects."""


class ContainerSource(Source, Protocol):
    """Interface of the module of a transport that also has containers."""

    def list_containers(self, reference: Reference) -> Iterable[ContainerSummary]:
        """List every container of the engine or store, regardless of the reference's selector.

        Raises :class:`LayertuiError` if they cannot be listed.
        """


class UnknownName(LayertuiError):
    """A bare name that is neither a path nor an image of a local engine; a registry may have it."""

    tried: Sequence[tuple[str, str]] = ()
    """The places that were searched, and why it was not found."""
    similar: Sequence[str] = ()
    """Similar names of images of the engines."""


class SourceProblem(LayertuiError):
    """Something in a directory that looks like an image but cannot be read."""


def open_image(text: str, platform: str | None = None, job: Job = Job.NONE) -> Image:
    """Open the image of a reference or path, for a platform (``os/arch[/variant]``).

    Reports to ``job`` what arrives by a pipe. Raises :class:`LayertuiError` if the image does not
    exist or cannot be read, :class:`Cancelled`.
    """
    reference = _with_transport(parse_reference(text), job)
    with piped.named(reference.location):
        image = _source(reference).open_image(reference, platform)._replace(asked_platform=platform)
    if len(image.layers) > MAX_LAYERS:
        raise LayertuiError(
            f"{text} has {len(image.layers):,} layers",
            f"more than {MAX_LAYERS:,} are not read; Docker takes 125 at most",
        )
    pipe = piped.name_of(reference.location)
    return image._replace(name=pipe) if pipe and not image.tags else image


def list_images(text: str) -> Iterable[ImageSummary]:
    """List the images of a reference, archive, directory or engine (``docker-daemon:``), as they are found.

    Raises :class:`LayertuiError` if they cannot be listed.
    """
    return _listed(parse_reference(text))


def list_containers(text: str) -> Iterator[ContainerSummary]:
    """List the containers of an engine (``docker-daemon:``) or store, or the one that a reference selects.

    Raises :class:`LayertuiError` if they cannot be listed, or there is no such container.
    """
    reference = _with_transport(parse_reference(text))
    if reference.transport not in (*ENGINE_NAMES, *STORE_TRANSPORTS):
        raise LayertuiError(f"{text} has no containers", "", "give an engine or a store")
    if layer_of(reference):
        raise LayertuiError(f"{reference} is a layer", "", "give only its source to list containers")
    source = cast(ContainerSource, _source(reference))
    selected = reference.selector if reference.transport in STORE_TRANSPORTS else reference.location
    if reference.transport == "containerd" and "/" not in selected:
        selected = ""  # a namespace: all containers in it
    found = False
    for row in source.list_containers(reference):
        is_meant = row.transport == reference.transport and row.id.startswith(selected.rpartition("/")[2])
        if not selected or row.reference == str(reference) or is_meant:
            found = True
            yield row
    if selected and not found:
        raise LayertuiError(f"no container {reference}", "", "give only its source to list all")


def list_directory(folder: Path) -> Iterator[ImageSummary | SourceProblem]:
    """List the images in a directory: archives and image layouts.

    What looks like an image but cannot be read is a problem; intact archives of something else
    are skipped unless their name suggests an image. Raises :class:`LayertuiError` if the
    directory cannot be listed.
    """
    for path, promising in detect.candidate_paths(folder):
        try:
            yield from _listed(Reference("", path))
        except Exception as error:  # of one file, which must not hide the others
            problem = unforeseen(error)
            if promising or not isinstance(problem, NoImage):
                yield SourceProblem(problem.what, problem.why, problem.remedy)


def list_local() -> Iterator[ImageSummary | LayertuiError]:
    """List the images of the current directory and of the engines, and the sample; and what cannot be listed.

    Raises :class:`LayertuiError` if the directory cannot be listed.
    """
    yield from list_directory(Path())
    for text in (*(f"{engine}:" for engine in LOCAL), "demo:"):
        try:
            yield from list_images(text)
        except Exception as error:  # of one engine, as above
            yield unforeseen(error)


def _listed(reference: Reference) -> Iterable[ImageSummary]:
    reference = _with_transport(reference)
    if layer_of(reference):
        return [_summary(open_image(str(reference)))]
    with piped.named(reference.location):
        return _source(reference).list_images(reference)


def _summary(layers: Image) -> ImageSummary:
    """Return the row of layers opened without an image."""
    size = layers.size if layers.size >= 0 else None
    return ImageSummary(
        layers.reference, layers.transport, "", "", "", "", size, None, len(layers.layers), ()
    )


def _with_transport(reference: Reference, job: Job = Job.NONE) -> Reference:
    """Return the reference with its transport: of a bare path by its contents, of a name by the engine that has it.

    That of a pipe is the path of the file to which what arrives is copied. A name is looked up
    as a path, then in Docker, then in Podman. Raises a :class:`LayertuiError` that lists what was tried.
    """
    if reference.transport in ("", "docker-archive", "oci-archive"):
        reference = reference._replace(location=piped.copy_of(reference.location, job))
    if reference.transport:
        return reference
    name = reference.location
    if os.path.lexists(name) or not re.fullmatch(BARE_NAME, name, re.IGNORECASE):
        with piped.named(name):
            return detect.detect_reference(name)
    if not re.fullmatch(BARE_NAME, name):
        raise UnknownName(f"no image {name}", "no such path; repositories are lower case")
    from layertui.sources import engine

    said, tried, names = ["no such path"], [("path", "no such file")], list[str]()
    for transport in LOCAL:
        try:
            if engine.has(transport, name):
                return Reference(transport, name)
            said.append(f"no such image in {ENGINE_NAMES[transport]}")
            tried.append((ENGINE_NAMES[transport], "no such image"))
            names += engine.image_names(transport)
        except LayertuiError as error:
            said.append(f"{error.what}: {error.why}")
            tried.append(
                (ENGINE_NAMES[transport], "not running" if isinstance(error, NoEngine) else error.why)
            )
    similar = similar_names(name, names)
    question = f"did you mean {' or '.join(similar)}? " if similar else ""
    unknown = UnknownName(
        f"no image {name}", "; ".join(said), f"{question}docker://{name} searches its registry"
    )
    unknown.tried, unknown.similar = tried, similar
    raise unknown


def _source(reference: Reference) -> Source:
    # Imported lazily: no transport pays for the imports of another.
    return cast(Source, import_module(f"layertui.sources.{TRANSPORTS[reference.transport]}"))
