"""The image that a gate checks; shares what several rules compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from layertui.content.read import Contents
from layertui.gate.baseline import Baseline
from layertui.gate.completeness import incompleteness
from layertui.gate.globs import Globs
from layertui.gate.rules import Violation
from layertui.insight.efficiency import Efficiency, efficiency
from layertui.insight.secrets import without_secrets
from layertui.model.history_step import step_text
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.text.format import exact_size
from layertui.union.model import LayerUnion


class CheckedImage:
    """An image with all layers read, and the settings of the gate."""

    def __init__(
        self,
        image: Image,
        union: LayerUnion,
        contents: Contents,
        ignored: Globs,
        baseline: Callable[[], Baseline | None],
        job: Job = Job.NONE,
    ) -> None:
        self.image = image
        self.union = union
        self.contents = contents
        self.ignored = ignored
        """Globs of ignored paths."""
        self.baseline = baseline
        """Returns the baseline; ``None`` if there is none yet. Raises :class:`LayertuiError`."""
        self.job = job
        """Reports the bytes of files read."""

    @cached_property
    def dive(self) -> Efficiency:
        """dive's figures."""
        return efficiency(self.union.indexes)

    @cached_property
    def _steps(self) -> dict[LayerNumber | None, str]:
        return {entry.layer: without_secrets(step_text(entry)) for entry in self.image.history}

    def incompleteness(self) -> str:
        """Return why rules cannot be evaluated on all of the image; empty if they can."""
        return incompleteness(self.image, self.union, self.job)

    def violation(
        self, message: str, path: str | None = None, layer: LayerNumber | None = None, line: int | None = None
    ) -> Violation:
        """Return a finding with the step of its layer."""
        return Violation(message, path, layer, self._steps.get(layer, "") if layer else "", line)

    def layers(self, numbers: Iterable[LayerNumber], what: str) -> list[Violation]:
        """Return a finding for each of these layers that has files, largest first."""
        sizes = sorted(
            ((sum(self.union.indexes[number - 1].size), number) for number in numbers), reverse=True
        )
        return [
            self.violation(f"{exact_size(size)} of files{what}", layer=number)
            for size, number in sizes
            if size
        ]
