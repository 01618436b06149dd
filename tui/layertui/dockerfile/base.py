"""Find the base of an image: by annotation or label, by the layers of other images, or by guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from layertui.dockerfile.base_candidates import Neighbour
from layertui.model.history_step import step_of
from layertui.model.image import HistoryEntry, Image
from layertui.sources.assemble import full_names, labels_of

NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
"""Annotations of the OCI image spec, which builders also write as labels."""
_FROM = re.compile(r"FROM (?![0-9a-f]{12}$)(\S+)")
"""What Buildah writes to ``comment`` of a step: the image below it, by ID if it has no name."""


@dataclass(frozen=True, slots=True)
class Base:
    """What is known of the base of an image."""

    name: str
    """Empty if only its last step is known."""
    source: str
    """The evidence, a clause: ``label org.opencontainers.image.base.name``; empty for none."""
    steps: int
    """Number of its history entries; -1 if unknown."""
    layers: int
    """Number of its layers; -1 if unknown."""
    guess: str = ""
    """Why the base may end there; empty if that is certain."""


BASE_FACTS = ("base", "known", "layers")


def base_facts(base: Base) -> dict[str, str]:
    """Return what is known of the base, and how, for each of :data:`BASE_FACTS`."""
    name = base.name or "unknown: no label, no local image with its first layers"
    layers = {-1: "unknown", 0: "none", 1: "layer 1"}.get(base.layers, f"layers 1 to {base.layers}")
    guess = f" (a guess: {base.guess})" if base.guess else ""
    return dict(zip(BASE_FACTS, (name, base.source or "-", layers + guess), strict=True))


def base_of(image: Image, neighbours: Iterable[Neighbour]) -> Base:
    """Return the base of an image: what annotations or labels name, else one of ``neighbors``.

    A neighbour counts if its layers are the first of the image's; the longest does. Where
    none says where the base ends, the history may.
    """
    name, digest, source = _named(image)
    below = [each for each in neighbours if _is_below(each, image)]
    if name or digest:
        # A shorter one may be the base of the base.
        below = [each for each in below if digest in each.digests or set(each.names) & set(full_names(name))]
    if below:
        best = max(below, key=lambda each: len(each.diff_ids))
        layers = len(best.diff_ids)
        found = name or best.names[0]
        first = "layer is the first" if layers == 1 else f"{layers} layers are the first"
        source = source or f"its {first} of this image"
        return Base(found, source, _steps_of(image, best.history, layers), layers)
    start = _after_from(image.history)
    if start >= 0:
        name, source = (
            name or image.history[start].comment.removeprefix("FROM "),
            source or "the history names it",
        )
        # With one layer for all steps, Buildah writes it to the last step in place of the first.
        if start < len(image.history) - 1:
            return Base(name, source, start, _layers_below(image, start))
    start, guess = _guessed(image.history)
    return Base(name, source, start, _layers_below(image, start), guess)


def _named(image: Image) -> tuple[str, str, str]:
    """Return name, digest and the evidence; name and digest may be empty."""
    annotations = image.manifest.get("annotations")
    for what, found in (("annotation", annotations), ("label", labels_of(image.config))):
        texts: Mapping[str, object] = found if isinstance(found, dict) else {}
        name, digest = (str(texts.get(key) or "") for key in (NAME, BASE_DIGEST))
        if name or digest:
            return name or digest, digest, f"{what} {NAME if name else BASE_DIGEST}"
    return "", "", ""


def _is_below(each: Neighbour, image: Image) -> bool:
    count = len(each.diff_ids)
    mine = [layer.diff_id for layer in image.layers[:count]]
    return 0 < count < len(image.layers) and all(mine) and mine == list(each.diff_ids)


def _steps_of(image: Image, theirs: Sequence[HistoryEntry], layers: int) -> int:
    """Return the number of history entries of a base with these layers."""
    same = [
        (one.created_by, one.created, one.layer) == (other.created_by, other.created, other.layer)
        for one, other in zip(theirs, image.history, strict=False)
    ]
    if theirs and all(same) and len(same) == len(theirs):
        return len(theirs)
    numbers = [entry.layer or 0 for entry in image.history]
    return numbers.index(layers) + 1


def _after_from(history: Iterable[HistoryEntry]) -> int:
    """Return the last step that Buildah recorded as the first one on a named image; -1 for none."""
    return max((at for at, entry in enumerate(history) if _FROM.fullmatch(entry.comment)), default=-1)


def _layers_below(image: Image, step: int) -> int:
    if step < 0:
        return -1
    return sum(entry.layer is not None for entry in image.history[:step])


def _guessed(history: Sequence[HistoryEntry]) -> tuple[int, str]:
    """Return the step after which the base seems to end, and the reason; -1 if there is no sign of a base."""
    reasons = boundaries(history)
    at = next((at for at in range(len(reasons) - 1, -1, -1) if reasons[at]), -1)
    return at, reasons[at] if at >= 0 else ""


def boundaries(history: Sequence[HistoryEntry]) -> list[str]:
    """Return for each step why a base image seems to end before it; empty if there is no sign of that."""
    instructions = [step_of(entry).instruction for entry in history]
    builders = [_builder(entry, word) for entry, word in zip(history, instructions, strict=True)]
    reasons = [""] * len(history)
    goes_on = False  # whether a later step creates a layer or sets the command again
    for at in range(len(history) - 1, 0, -1):
        goes_on = goes_on or history[at].layer is not None or instructions[at] in ("CMD", "ENTRYPOINT")
        if not (history[at - 1].recorded and history[at].recorded):
            continue
        if builders[at - 1] != builders[at]:
            reasons[at] = f"{builders[at - 1]}, then {builders[at]}"
        elif instructions[at - 1] == "CMD" and instructions[at] not in ("CMD", "ENTRYPOINT") and goes_on:
            reasons[at] = "the step above is CMD, usually the last one"
    return reasons


def _builder(entry: HistoryEntry, instruction: str) -> str:
    """Return the builder that seems to have made a step."""
    text, comment = entry.created_by, entry.comment
    if comment.startswith("buildkit.") or text.endswith("# buildkit"):
        return "BuildKit"
    if entry.author == "kaniko" or comment == "debuerreotype":
        return entry.author if entry.author == "kaniko" else comment
    if comment.startswith("Imported from "):
        return "docker import"
    if text.startswith("/") or instruction:
        return "another builder"
    return text.partition(" ")[0].partition(":")[0] or "something else"
