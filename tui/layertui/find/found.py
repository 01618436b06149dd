"""What was found in an image; ``to_json()`` is the object that ``layertui find --json`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber


class FoundItem(msgspec.Struct, frozen=True, tag_field="match"):
    """A match of one kind, its tag; the fields are those of the JSON."""

    image: str
    """The reference that opens the image."""
    layer: LayerNumber | None
    """The layer that stores it; ``None`` if it is about the image."""

    def to_json(self) -> dict[str, Any]:
        """Return the match as the command line prints it."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return fields


class FoundPath(FoundItem, frozen=True, tag="path"):
    """An entry of a layer."""

    visible: bool
    """Whether the final tree shows this version."""
    path: str
    type: str
    size: int
    """Bytes of a file's content; 0 for anything else."""


class FoundLine(FoundPath, frozen=True, tag="content"):
    """A line of a file, as :class:`layertui.content.query.LineMatch` has it."""

    line: int
    text: str
    start: int
    end: int


class FoundPackage(FoundItem, frozen=True, tag="package"):
    """A package that a layer added, or upgraded to this version."""

    visible: bool
    """Whether it is installed in the final tree."""
    kind: str
    name: str
    version: str
    architecture: str


class FoundDigest(FoundItem, frozen=True, tag="digest"):
    """An image or layer with a digest."""

    what: str
    """``config`` (the image ID), ``manifest``, ``index``, ``repository digest``, ``blob``, ``diff ID``, ``chain ID``."""
    digest: str


class Finder(Protocol):
    """Finds what matches a pattern, image by image."""

    damage: list[str]
    """Why the answer about the last image may be incomplete."""

    def in_image(self, image: Image, job: Job = Job.NONE) -> Iterator[FoundItem]:
        """Yield what matches. Raises :class:`LayertuiError`, :class:`Cancelled`."""
        ...
