"""Candidate base images: from the same source and from local engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from layertui.model.errors import LayertuiError
from layertui.model.image import HistoryEntry, Image
from layertui.model.job import Job
from layertui.model.reference import ENGINE_NAMES, STORE_TRANSPORTS, Reference, parse_reference
from layertui.sources import LOCAL, list_images, open_image
from layertui.sources.assemble import diff_ids_of

MAX_CANDIDATES = 200
"""Images of one source that are tried."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An image without its layers' contents."""

    reference: str
    names: Sequence[str]
    digests: Sequence[str]
    """Digests of config, manifest and index, as far as known."""
    diff_ids: Sequence[str]
    history: Sequence[HistoryEntry]


def neighbours(image: Image, job: Job = Job.NONE) -> Iterator[Neighbour]:
    """Yield the images of the same source, and those of Docker and Podman if these run."""
    places = [place for place in (_place(image.reference), *(f"{each}:" for each in LOCAL)) if place]
    platform = str(image.platform) if image.chain else None  # the layers alone do not identify it
    for place in dict.fromkeys(places):
        try:
            for each in _of_place(place, platform, len(image.layers)):
                job.check()
                yield each
        except LayertuiError:
            continue  # the engine does not run


def _of_place(place: str, platform: str | None, below: int) -> Iterator[Neighbour]:
    for number, row in enumerate(list_images(place)):
        if number >= MAX_CANDIDATES:
            return
        if row.layers is not None and not 0 < row.layers < below:
            continue
        try:
            found = open_image(row.reference, platform)
        except LayertuiError:
            continue
        names = [*found.tags, *([f"{row.name}:{row.tag}"] if row.name and row.tag else []), found.reference]
        digests = [found.id, found.manifest_digest, row.digest]
        digests += [each.partition("@")[2] for each in found.repo_digests]
        yield Neighbour(
            row.reference,
            list(dict.fromkeys(names)),
            [each for each in digests if each],
            diff_ids_of(found.config),
            found.history,
        )


def _place(text: str) -> str:
    """Return the reference of the source that an image is in; empty for a registry and the like."""
    reference = parse_reference(text)
    if reference.transport in ENGINE_NAMES:
        return f"{LOCAL[0] if ENGINE_NAMES[reference.transport] == 'Docker' else LOCAL[1]}:"
    if reference.transport in (*STORE_TRANSPORTS, "docker-archive", "oci", "oci-archive"):
        return str(Reference(reference.transport, reference.location))
    return ""
