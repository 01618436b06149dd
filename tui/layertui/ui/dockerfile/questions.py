"""The questions of the Dockerfile screen, answered in threads as layers are read."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from textual.message_pump import MessagePump

from layertui.dockerfile import Instruction
from layertui.dockerfile.base_candidates import neighbours
from layertui.dockerfile.bill import Bill, bill_of
from layertui.dockerfile.buildkit import provenance_of
from layertui.dockerfile.document import dockerfile_of
from layertui.dockerfile.effect import Effect, effect_of
from layertui.dockerfile.provenance import Provenance
from layertui.insight.waste import Waste, undecided, waste
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.ui.dockerfile.listing import Listing, listing_of
from layertui.ui.worker.background import background, background_each, computing
from layertui.union.changes import undecided_pairs

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.ui.worker.reading import Reading


class Questions:
    """Asks about the image of ``reading``; answers arrive on the event loop of ``owner``."""

    def __init__(self, owner: MessagePump, reading: "Reading", image: "Image") -> None:
        self.reading = reading
        self.image = image
        self._owner = owner
        self._wasted: Waste | None = None
        self._provenance: list[Provenance | None] | None = None
        """The provenance or None, once it has been looked for."""
        self._jobs: dict[str, Job] = {}

    def close(self) -> None:
        """Stop all work."""
        for job in self._jobs.values():
            job.cancel()

    def _start(self, name: str, job: Job) -> None:
        if name in self._jobs:
            self._jobs[name].cancel()
        self._jobs[name] = job

    def compose(self, each: Callable[[Listing], object], done: Callable[[], object]) -> None:
        """Read the Dockerfile that is recorded, else reconstruct it, at first without a base image."""
        self._start("dockerfile", background_each(self._owner, self._listings, each, done, name="dockerfile"))

    def _listings(self, job: Job) -> Iterator[Listing]:
        image, system = self.image, self._system()
        union = self.reading.union if self.reading.complete else None
        provenance = self._attached(job)
        dockerfile = dockerfile_of(image, (), provenance, system, union)
        yield listing_of(dockerfile)
        if dockerfile.source == "history":
            yield listing_of(dockerfile_of(image, neighbours(image, job), provenance, system, union))

    def _attached(self, job: Job) -> Provenance | None:
        """Return the provenance, if there is one; an engine sends it after the layers, so wait for these."""
        if self.image.arrival is not None and not self.reading.complete:
            return None
        if self._provenance is None:
            self._provenance = [provenance_of(self.image, job)]
        return self._provenance[0]

    def _system(self) -> str:
        """Return the distribution, if the layers have been read."""
        from layertui.anatomy.chain import system

        union, contents = self.reading.union, self.reading.contents
        if union is None or contents is None or not self.reading.complete:
            return ""
        try:
            return system(union, contents).name
        except LayertuiError:
            return ""

    def charge(
        self,
        found: Sequence[Instruction],
        done: Callable[[Bill], object],
        failed: Callable[[LayertuiError], object],
        progress: Callable[[int, int], None],
    ) -> None:
        """Make the bill of the instructions, once all layers have been read."""
        union, contents, sizes = self.reading.union, self.reading.contents, self.reading.sizes
        if union is None or contents is None or not self.reading.complete:
            return

        def make(job: Job) -> Bill:
            if self._wasted is None:
                contents.prepare(undecided(union), job)
                with computing:
                    self._wasted = waste(union, contents, job)
            with computing:
                return bill_of(self.image, union, sizes, self._wasted, found)

        self._start("bill", background(self._owner, make, done, failed, name="bill", progress=progress))

    def work_out(self, layer: LayerNumber, note: Callable[[Effect | LayertuiError], object]) -> None:
        """Compute the changes of a layer, first without comparing contents."""
        union, contents = self.reading.union, self.reading.contents
        self.stop_working_out()
        if union is None or contents is None or union.layers < layer:
            return

        def effects(job: Job) -> Iterator[Effect]:
            effect = effect_of(union, layer)
            yield effect
            if effect.counts.undecided:
                pairs = undecided_pairs(union, LayerNumber(layer - 1), layer)
                contents.prepare((event for pair in pairs for event in pair), job)
                yield effect_of(union, layer, contents.same)

        self._start("effect", background_each(self._owner, effects, note, failed=note, name="effect"))

    def stop_working_out(self) -> None:
        """Stop computing the changes of a layer."""
        if job := self._jobs.pop("effect", None):
            job.cancel()
