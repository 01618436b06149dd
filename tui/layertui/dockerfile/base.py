"""What an image is built on: said by a label, seen in the layers of another image, or guessed."""

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
"""Of the OCI image spec's annotations, which builders also write as labels."""
_FROM = re.compile(r"FROM (?![0-9a-f]{12}$)(\S+)")
"""What Buildah leaves in ``comment`` of a step: the image below it, by its ID where it has no name."""


@dataclass(frozen=True, slots=True)
class Base:
    """What is known of an image's base."""

    name: str
    """Empty where only the place is known at which it ends."""
    source: str
    """What tells so, a clause: ``as a label says``; empty if nothing does."""
    steps: int
    """History entries that are its; -1 where that is not known."""
    layers: int
    """Of the image, that are its; -1 where that is not known."""
    guess: str = ""
    """Why the base is thought to end there; empty where that is known."""


def base_of(image: Image, neighbours: Iterable[Neighbour]) -> Base:
    """Return the base of an image: what annotations or labels name, else one of ``neighbors``.

    A neighbour counts if its layers are the first of the image's; the longest does. Where
    none tells how far the base goes, the history may.
    """
    name, digest, source = _named(image)
    below = [each for each in neighbours if _is_below(each, image)]
    if name or digest:
        # Another image that is below it may be the base of the base.
        below = [each for each in below if digest in each.digests or set(each.names) & set(full_names(name))]
    if below:
        best = max(below, key=lambda each: len(each.diff_ids))
        layers = len(best.diff_ids)
        found = name or best.names[0]
        first = "layer is the first" if layers == 1 else f"{layers} layers are the first"
        source = source or f"since its {first} of this image"
        return Base(found, source, _steps_of(image, best.history, layers), layers)
    start = _after_from(image.history)
    if start >= 0:
        name, source = (
            name or image.history[start].comment.removeprefix("FROM "),
            source or "as the history says",
        )
        # Where Buildah makes one layer of all steps, it says so at the last instead of the first.
        if start < len(image.history) - 1:
            return Base(name, source, start, _layers_below(image, start))
    start, guess = _guessed(image.history)
    return Base(name, source, start, _layers_below(image, start), guess)


def _named(image: Image) -> tuple[str, str, str]:
    """Name, digest and what says so; name and digest may be empty."""
    annotations = image.manifest.get("annotations")
    for what, found in (("the annotation", annotations), ("the label", labels_of(image.config))):
        texts: Mapping[str, object] = found if isinstance(found, dict) else {}
        name, digest = (str(texts.get(key) or "") for key in (NAME, BASE_DIGEST))
        if name or digest:
            return name or digest, digest, f"as {what} {NAME if name else BASE_DIGEST} says"
    return "", "", ""


def _is_below(each: Neighbour, image: Image) -> bool:
    count = len(each.diff_ids)
    mine = [layer.diff_id for layer in image.layers[:count]]
    return 0 < count < len(image.layers) and all(mine) and mine == list(each.diff_ids)


def _steps_of(image: Image, theirs: Sequence[HistoryEntry], layers: int) -> int:
    """Return how many steps of the history are the base's, which has these layers."""
    same = [
        (one.created_by, one.created, one.layer) == (other.created_by, other.created, other.layer)
        for one, other in zip(theirs, image.history, strict=False)
    ]
    if theirs and all(same) and len(same) == len(theirs):
        return len(theirs)
    numbers = [entry.layer or 0 for entry in image.history]
    return numbers.index(layers) + 1


def _after_from(history: Iterable[HistoryEntry]) -> int:
    """Return the last step of which Buildah says that it was the first on a named image; -1 for none."""
    return max((at for at, entry in enumerate(history) if _FROM.fullmatch(entry.comment)), default=-1)


def _layers_below(image: Image, step: int) -> int:
    if step < 0:
        return -1
    return sum(entry.layer is not None for entry in image.history[:step])


def _guessed(history: Sequence[HistoryEntry]) -> tuple[int, str]:
    """Return the step at which the last base seems to end, and why it seems so; -1 if nothing hints at one."""
    reasons = boundaries(history)
    at = next((at for at in range(len(reasons) - 1, -1, -1) if reasons[at]), -1)
    return at, reasons[at] if at >= 0 else ""


def boundaries(history: Sequence[HistoryEntry]) -> list[str]:
    """Return why a base image seems to end before each step; empty for those where nothing hints at it."""
    instructions = [step_of(entry).instruction for entry in history]
    builders = [_builder(entry, word) for entry, word in zip(history, instructions, strict=True)]
    reasons = [""] * len(history)
    goes_on = False  # whether a step from there on makes a layer or says again what is run
    for at in range(len(history) - 1, 0, -1):
        goes_on = goes_on or history[at].layer is not None or instructions[at] in ("CMD", "ENTRYPOINT")
        if not (history[at - 1].recorded and history[at].recorded):
            continue
        if builders[at - 1] != builders[at]:
            reasons[at] = f"{builders[at]} made the step below, {builders[at - 1]} the one above"
        elif instructions[at - 1] == "CMD" and instructions[at] not in ("CMD", "ENTRYPOINT") and goes_on:
            reasons[at] = "the step above is a CMD, which Dockerfiles mostly end with"
    return reasons


def _builder(entry: HistoryEntry, instruction: str) -> str:
    """Return what seems to have made a step."""
    text, comment = entry.created_by, entry.comment
    if comment.startswith("buildkit.") or text.endswith("# buildkit"):
        return "BuildKit"
    if entry.author == "kaniko" or comment == "debuerreotype":
        return entry.author if entry.author == "kaniko" else comment
    if text.startswith("/") or instruction:
        return "another builder"
    return text.partition(" ")[0].partition(":")[0] or "something else"
