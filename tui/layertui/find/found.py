"""What was found in an image; ``to_json()`` is the object that ``layertui find --json`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber


@dataclass(frozen=True, slots=True)
class FoundItem:
    """A match of one kind; the fields are those of the JSON."""

    match: ClassVar[str]
    image: str
    """The reference that opens the image."""
    layer: LayerNumber | None
    """The layer that stores it; ``None`` if it is about the image."""

    def to_json(self) -> dict[str, Any]:
        """Return the match as the command line prints it."""
        return {"match": self.match, **asdict(self)}


@dataclass(frozen=True, slots=True)
class FoundPath(FoundItem):
    """An entry of a layer."""

    match: ClassVar[str] = "path"
    visible: bool
    """Whether the final tree shows this version."""
    path: str
    type: str
    size: int
    """Bytes of a file's content; 0 for anything else."""


@dataclass(frozen=True, slots=True)
class FoundLine(FoundPath):
    """A line of a file, as :class:`layertui.content.query.LineMatch` has it."""

    match: ClassVar[str] = "content"
    line: int
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FoundPackage(FoundItem):
    """A package that a layer added, or upgraded to this version."""

    match: ClassVar[str] = "package"
    visible: bool
    """Whether it is installed in the final tree."""
    kind: str
    name: str
    version: str
    architecture: str


@dataclass(frozen=True, slots=True)
class FoundDigest(FoundItem):
    """An image or layer with a digest."""

    match: ClassVar[str] = "digest"
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
