"""The page functions of the tabs, and their caches."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import Event
from layertui.model.sizes import Bytes
from layertui.ui.detail import changes, details, difference, layer_page, preview, versions
from layertui.ui.detail.blame_margin import neighbor
from layertui.ui.detail.owners import Owners
from layertui.ui.detail.page import Page
from layertui.ui.detail.preview import Form
from layertui.ui.detail.subject import Subject
from layertui.union.model import LayerUnion


class Tabs:
    """One method per tab; those with several pages read contents, each page is more complete than the last."""

    def __init__(self) -> None:
        self._owners = Owners()
        self._summaries = changes.Summaries()
        self._union: LayerUnion | None = None  # whose versions have been compared
        self._compared: dict[tuple[Event, Event], bool] = {}

    def layer(self, subject: Subject, step: int, sizes: Sequence[Bytes], job: Job) -> Iterator[Page]:
        return layer_page.pages(subject, step, sizes, self._summaries, job)

    def changes(self, subject: Subject, job: Job) -> Iterator[Page]:
        return changes.pages(subject, self._summaries, job)

    def are_settled(self, subject: Subject) -> bool:
        """Return whether the changes of the selected layer are completely known."""
        return self._summaries.are_settled(subject)

    def difference(self, subject: Subject, compared: tuple[Event, Event] | None, job: Job) -> Iterator[Page]:
        return difference.pages(subject, compared, job)

    def versions(self, subject: Subject, chosen: Sequence[Event], cursor: int = -1) -> Page:
        """Return the page, as far as the versions have been compared."""
        return versions.page(subject, chosen, cursor, self._alike(subject.union))

    def has_uncompared(self, subject: Subject) -> bool:
        """Return whether versions are left to be compared."""
        return bool(versions.uncompared(subject, self._alike(subject.union)))

    def compare_versions(self, subject: Subject, job: Job) -> None:
        """Compare the versions for the page; those that cannot be read stay undecided."""
        alike = self._alike(subject.union)
        for pair in versions.uncompared(subject, alike):
            with suppress(LayertuiError):
                alike[pair] = subject.contents.same(*pair, job)

    def _alike(self, union: LayerUnion) -> dict[tuple[Event, Event], bool]:
        if self._union is not union:
            self._union, self._compared = union, {}
        return self._compared

    def preview(
        self, subject: Subject, event: Event, hexed: bool | None, blamed: bool, job: Job, line: int
    ) -> Iterator[Page]:
        """Return pages for the version ``event`` (-1: the tab's default); mark ``line`` unless it is 0."""
        form = Form(hexed, blamed)
        return preview.pages(subject, event if event >= 0 else _shown(subject), form, job, line)

    def neighbor(self, subject: Subject, event: Event, by: int) -> Event:
        """Return the version next to ``event`` (-1: the tab's default); -1 for none."""
        return neighbor(subject.union, event if event >= 0 else _shown(subject), by)

    def details(self, subject: Subject, job: Job) -> Iterator[Page]:
        return details.pages(subject, _shown(subject), self._owners, job)


def _shown(subject: Subject) -> Event:
    """Return the version that the tabs show: the visible one, else the last one."""
    union = subject.union
    event = union.last_by(subject.node, subject.merged_layer)
    while event >= 0 and not union.shows(event):
        event = union.ev_prev[event]
    return event
