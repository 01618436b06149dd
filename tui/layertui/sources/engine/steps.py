"""The history that an engine reports, and which of its steps made the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from layertui.model.image import HistoryEntry
from layertui.model.numbers import LayerNumber
from layertui.sources.assemble import history_of
from layertui.sources.engine.values import integer, unix_time

METADATA_STEPS = (
    "ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
    "SHELL", "STOPSIGNAL", "USER", "VOLUME",
)  # fmt: skip
"""Instructions that never make a layer (Dockerfile reference)."""


def history_of_steps(
    steps: Sequence[Mapping[str, Any]], config: Mapping[str, Any] | None, layers: int
) -> tuple[list[HistoryEntry], list[str]]:
    """Return the history, oldest first, with the numbers of the layers that the steps made.

    The engine does not report which steps made one, their authors, nor fractions of a second: the config
    does, else the layers follow from sizes and instructions. Only the engine counts a step's bytes.
    """
    if config is not None:
        known, odd = history_of(config, layers)
        recorded = sum(entry.recorded for entry in known)
        if recorded == len(steps):
            entries = [
                entry._replace(id=str(step.get("Id") or ""), size=integer(step, "Size"))
                for entry, step in zip(known, steps, strict=False)
            ]
            return [*entries, *known[recorded:]], odd
        if not steps:
            return known, odd
    numbers, warnings = _numbers(steps, layers)
    entries = [
        HistoryEntry(
            unix_time(step.get("Created")),
            str(step.get("CreatedBy") or ""),
            "",
            str(step.get("Comment") or ""),
            number,
            id=str(step.get("Id") or ""),
            size=integer(step, "Size"),
        )
        for step, number in zip(steps, numbers, strict=True)
    ]
    claimed = {number for number in numbers if number is not None}
    entries += [
        HistoryEntry(None, "", "", "", LayerNumber(number), recorded=False)
        for number in range(1, layers + 1)
        if number not in claimed
    ]
    return entries, warnings


def _numbers(steps: Sequence[Mapping[str, Any]], layers: int) -> tuple[list[LayerNumber | None], list[str]]:
    certain = [integer(step, "Size") > 0 for step in steps]
    possible = [
        made or not _is_metadata(str(step.get("CreatedBy") or ""))
        for step, made in zip(steps, certain, strict=True)
    ]
    warnings: list[str] = []
    if sum(possible) <= layers:
        makes = possible
    elif sum(certain) == layers:
        makes = certain
    else:
        # As many of the empty steps as are missing, the first ones; a warning says that it is a guess.
        missing = layers - sum(certain)
        makes = []
        for made, may in zip(certain, possible, strict=True):
            guess = not made and may and missing > 0
            missing -= guess
            makes.append(made or guess)
        warnings.append("which of its empty steps made a layer is a guess: the engine does not say")
    numbers: list[LayerNumber | None] = []
    used = 0
    for made in makes:
        used += made and used < layers
        numbers.append(LayerNumber(used) if made and used <= layers else None)
    return numbers, warnings


def _is_metadata(created_by: str) -> bool:
    step = created_by.removeprefix("/bin/sh -c #(nop)").strip()
    return step.partition(" ")[0] in METADATA_STEPS
