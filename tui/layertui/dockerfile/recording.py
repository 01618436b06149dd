"""The instructions of a Dockerfile that its builder recorded, each with the layer that it made."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import replace

from layertui.dockerfile import Instruction, instructions
from layertui.dockerfile.base import Base
from layertui.dockerfile.provenance import Provenance
from layertui.dockerfile.syntax import (
    Written,
    argument_names,
    global_arguments,
    lines_of,
    stages_of,
    substituted,
    way_to,
    written_in,
)
from layertui.model.history_step import recorded
from layertui.model.image import Image, Platform
from layertui.model.numbers import LayerNumber
from layertui.union.model import LayerUnion

_WITHOUT_HISTORY = ("FROM", "ONBUILD")
"""Instructions that BuildKit makes no history entry for."""


class RecordedDockerfile:
    """Where in the Dockerfile of a provenance the steps of an image are from."""

    def __init__(self, image: Image, provenance: Provenance) -> None:
        self._image = image
        self._provenance = provenance
        self._lines = lines_of(provenance.text)
        self._written = written_in(provenance.text)
        stages = stages_of(self._written)
        values = global_arguments(self._written, _given(image.platform, provenance))
        self._way = way_to(stages, provenance.target, values, provenance.contexts)
        self._used = {stage.number for stage in self._way}
        self._stages = {each.start: stage for stage in stages for each in stage.written}
        self._own = [each for stage in self._way for each in stage.written]
        self._makers = dict(self._recorded_makers())
        self._step_of = {
            entry.layer: step for step, entry in enumerate(image.history) if entry.layer is not None
        }
        self._steps = self._steps_of_own()
        self.base = self._base_of(substituted(self._way[0].image, values) if self._way else "")
        """The base image."""

    @property
    def is_known(self) -> bool:
        """Whether it has the stage that the image was built from."""
        return bool(self._way)

    def instructions(self, union: LayerUnion | None = None) -> list[Instruction]:
        """Return the instructions in the order of the file, those of the base image before its ``FROM``.

        ``union`` is that of :func:`layertui.dockerfile.instructions`.
        """
        return list(self._run(union))

    def _run(self, union: LayerUnion | None) -> Iterator[Instruction]:
        others = {each.step: each for each in instructions(self._image, self.base, "", union)}
        left = dict(self._step_of)
        for each in self._written:
            for found in self._of(each, others):
                if found.layer is not None:
                    left.pop(found.layer, None)
                yield found
        for step in left.values():
            found = others[step]
            yield replace(found, guesses=[*found.guesses, "its line is not recorded"], is_written=False)

    def _of(self, each: Written, others: Mapping[int, Instruction]) -> Iterator[Instruction]:
        """Yield an instruction; with ``FROM`` also those that it stands for, reconstructed as ``others``."""
        is_first = bool(self._own) and each is self._own[0]
        if is_first:
            for step in range(self.base.steps):
                yield replace(others[step], line=each.start, is_base=True, is_written=False)
        yield self._instruction(each)
        if each.keyword == "FROM":
            facts = ["an ONBUILD of the image that FROM names"]
            for layer, maker in self._makers.items():
                if maker is each and layer > self.base.layers:
                    found = others[self._step_of[layer]]
                    yield replace(found, line=each.start, is_base=is_first, is_written=False, facts=facts)

    def _instruction(self, each: Written) -> Instruction:
        stage, step = self._stages.get(each.start), self._steps.get(each.start, -1)
        layer = self._image.history[step].layer if step >= 0 else None
        is_sure = layer is None or layer in self._makers
        return Instruction(
            each.keyword,
            "\n".join(self._lines[each.start - 1 : each.end]).lstrip("\ufeff \t"),
            step,
            layer,
            facts=list(self._facts(each)),
            guesses=[] if is_sure else ["the layer, by its place in the history"],
            line=each.start,
            stage="" if stage is None else stage.name or str(stage.number),
            is_used=stage is None or stage.number in self._used,
        )

    def _facts(self, each: Written) -> Iterator[str]:
        for line in range(each.start, each.end + 1):
            if name := self._provenance.images.get(line):
                yield f"the image was {name}"
        if each.keyword == "ARG":
            given = self._provenance.build_arguments
            for name in argument_names(each):
                if name in given:
                    yield f"{name} was {given[name]}, by --build-arg"

    def _recorded_makers(self) -> Iterator[tuple[LayerNumber, Written]]:
        """Yield layers and the instructions that made them; for those of a base image its ``FROM``."""
        starts = [each.start for each in self._own]
        for step in self._provenance.steps:
            for line in step.lines:
                number = bisect_right(starts, line) - 1
                if number >= 0 and line <= self._own[number].end:
                    yield step.layer, self._own[number]
                    break

    def _steps_of_own(self) -> dict[int, int]:
        """Return the numbers of history entries by the first line of the instruction.

        What made a layer is known by the layer. The others are found from the end, as the history of
        the base image comes first.
        """
        known = {
            each.start: self._step_of[layer] for layer, each in self._makers.items() if each.keyword != "FROM"
        }
        triggered = {layer for layer, each in self._makers.items() if each.keyword == "FROM"}
        entries = [
            (step, entry) for step, entry in enumerate(self._image.history) if entry.layer not in triggered
        ]
        found = dict(known)
        for each in reversed(self._own):
            if each.keyword in _WITHOUT_HISTORY:
                continue
            if not entries:
                break
            step, entry = entries.pop()
            maker = None if entry.layer is None else self._makers.get(entry.layer)
            is_same = known[each.start] == step if each.start in known else maker is None
            if not is_same or recorded(entry).instruction != each.keyword:
                break
            found[each.start] = step
        return found

    def _base_of(self, name: str) -> Base:
        if name in ("", "scratch"):
            return Base("", "", 0, 0)
        layers = 0
        for step in self._provenance.steps:
            if not step.is_base:
                break
            layers = step.layer
        after = self._step_of[LayerNumber(layers)] + 1 if layers else 0
        own = [each for each in self._own if each.keyword not in _WITHOUT_HISTORY]
        triggers = [
            layer for layer, each in self._makers.items() if each.keyword == "FROM" and layer > layers
        ]
        if len(self._steps) < len(own):
            return Base(name, "its Dockerfile names it", after, layers)
        first = [
            *self._steps.values(),
            *(self._step_of[layer] for layer in triggers),
            len(self._image.history),
        ]
        return Base(name, "its Dockerfile names it", max(after, min(first)), layers)


def _given(platform: Platform, provenance: Provenance) -> Mapping[str, str]:
    """Return the values of the arguments that BuildKit gives, and that ``--build-arg`` gave."""
    os, architecture, variant, *_ = [*provenance.builder_platform.split("/"), "", "", ""]
    given: dict[str, str] = {}
    for prefix, each in (("TARGET", platform), ("BUILD", Platform(os, architecture, variant))):
        values = (str(each), each.os, each.architecture, each.variant)
        names = (f"{prefix}{name}" for name in ("PLATFORM", "OS", "ARCH", "VARIANT"))
        given |= dict(zip(names, values, strict=True))
    return given | provenance.build_arguments
