"""Where images live: a reference leads to an image, a place to all images in it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from layertui.errors import LayertuiError
from layertui.image import Image, ImageSummary
from layertui.reference import TRANSPORTS, Reference, parse
from layertui.sources import paths


class Source(Protocol):
    """What the module of a transport offers; the transports are listed in :mod:`layertui.reference`.

    Both raise :class:`LayertuiError` if what the reference names is not there or cannot be read.
    """

    def open_image(self, reference: Reference, platform: str | None) -> Image:
        """The image of a reference, for a platform (``os/arch[/variant]``) or the usual one."""
        ...

    def list_images(self, reference: Reference) -> list[ImageSummary]:
        """All images that lie where a reference leads, or the one that it selects."""
        ...


class SourceProblem(LayertuiError):
    """Something that looks like an image but cannot be read."""


def open_image(text: str, platform: str | None = None) -> Image:
    """The image that a reference or path names, for a platform (``os/arch[/variant]``).

    Raises :class:`LayertuiError` if it is not there or cannot be read.
    """
    reference = _recognised(parse(text))
    return _source(reference).open_image(reference, platform)


def list_images(text: str) -> list[ImageSummary]:
    """All images that a reference, archive or folder holds.

    Raises :class:`LayertuiError` if they cannot be listed.
    """
    return _listed(parse(text))


def list_directory(folder: Path) -> Iterator[ImageSummary | SourceProblem]:
    """The images that lie in a folder, as archives or as folders of their own.

    What could be an image but cannot be read is a problem where its name promises an image,
    and else passed over. Raises :class:`LayertuiError` if the folder cannot be listed.
    """
    for path, promising in paths.candidates(folder):
        try:
            yield from _listed(Reference("", path))
        except LayertuiError as error:
            if promising:
                yield SourceProblem(error.what, error.why, error.remedy)


def _listed(reference: Reference) -> list[ImageSummary]:
    reference = _recognised(reference)
    return _source(reference).list_images(reference)


def _recognised(reference: Reference) -> Reference:
    """The reference with a transport; of a bare path, its content tells it."""
    return reference if reference.transport else paths.recognise(reference.location)


def _source(reference: Reference) -> Source:
    # Loaded when needed: what one transport imports, another does not pay for.
    return cast(Source, import_module(f"layertui.sources.{TRANSPORTS[reference.transport]}"))
