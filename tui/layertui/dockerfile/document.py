"""The Dockerfile of an image: the one that its builder recorded, else reconstructed from the history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from layertui.dockerfile import Instruction, heading, instructions
from layertui.dockerfile.base import Base, base_of
from layertui.dockerfile.base_candidates import Neighbour
from layertui.dockerfile.provenance import Provenance
from layertui.dockerfile.recording import RecordedDockerfile
from layertui.dockerfile.syntax import lines_of
from layertui.model.image import Image
from layertui.union.model import LayerUnion


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A Dockerfile and its instructions."""

    text: str
    found: Sequence[Instruction]
    """In order; the instructions of the base image are before its ``FROM``."""
    base: Base
    provenance: Provenance | None = None
    """What is attached, used or not; None if nothing is."""

    @property
    def source(self) -> Literal["provenance", "history"]:
        """What it is from."""
        return "provenance" if self.provenance is not None and not self.provenance.why else "history"

    @property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return lines_of(self.text)

    @property
    def starting(self) -> dict[int, list[Instruction]]:
        """The instructions by the line that they begin at, or are reported at."""
        found = defaultdict[int, list[Instruction]](list)
        for each in self.found:
            found[each.line].append(each)
        return found


def dockerfile_of(
    image: Image,
    around: Iterable[Neighbour],
    provenance: Provenance | None,
    system: str = "",
    union: LayerUnion | None = None,
) -> Dockerfile:
    """Return the Dockerfile of an image: that of its provenance, else one reconstructed from its history.

    ``around`` are images that may be its base, which a provenance makes unnecessary; ``system`` and ``union`` are
    those of :func:`layertui.dockerfile.instructions`.
    """
    if provenance is not None and not provenance.why:
        recording = RecordedDockerfile(image, provenance)
        if recording.is_known:
            return Dockerfile(provenance.text, recording.instructions(union), recording.base, provenance)
        provenance = replace(provenance, why="its Dockerfile does not have the stage that was built")
    base = base_of(image, around)
    lines = heading(image, _remarks(provenance))
    found = []
    for each in instructions(image, base, system, union):
        line = len(lines) + 1 + (len(each.comments) if each.text else 0)
        found.append(replace(each, line=line))
        lines += each.lines
    return Dockerfile("\n".join([*lines, ""]), found, base, provenance)


def _remarks(provenance: Provenance | None) -> Iterator[str]:
    """Yield what is known of the build without its Dockerfile."""
    if provenance is None:
        return
    if provenance.file or provenance.target:
        target = f", stage {provenance.target}" if provenance.target else ""
        yield f"Built from {provenance.file or 'Dockerfile'}{target}."
    yield f"The provenance is not used: {provenance.why}."
