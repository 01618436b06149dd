"""The page functions of the tabs, and their caches."""

from collections.abc import Iterator, Sequence

from layertui.model.job import Job
from layertui.model.numbers import Event
from layertui.model.sizes import Bytes
from layertui.ui.detail import changes, details, difference, layer_page, preview, versions
from layertui.ui.detail.blame_margin import neighbor
from layertui.ui.detail.owners import Owners
from layertui.ui.detail.page import Page
from layertui.ui.detail.preview import Form
from layertui.ui.detail.subject import Subject


class Tabs:
    """One method per tab; those with several pages read contents, each page is more complete than the last."""

    def __init__(self) -> None:
        self._owners = Owners()
        self._summaries = changes.Summaries()

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
        return versions.page(subject, chosen, cursor)

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
