"""The rows of several places, filtered and sorted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError, NoEngine
from layertui.model.image import ImageSummary
from layertui.model.job import Job
from layertui.sources.docker_filters import FILTER_KEYS, filter_images
from layertui.text.format import count_text
from layertui.text.matching import text_positions
from layertui.ui.images.finder import Batch, Place, RowOf, batches
from layertui.ui.images.table_model import TableRow
from layertui.ui.widgets.facts import Fact
from layertui.ui.worker.background import background_each


@dataclass(slots=True)
class Answer(Batch):
    """The answers of a place so far."""

    error: LayertuiError | None = None
    """Why it could not be listed."""
    whole: bool = False
    """Whether it is complete."""


class Listing:
    """The images, or the containers, of several places."""

    def __init__(self, noun: str, places: Sequence[Place], row_of: RowOf) -> None:
        self.noun = noun
        self.places = places
        self.answers = [Answer() for _ in places]
        self.sort: tuple[str, bool] | None = None
        """Key of the column and whether it descends; None in the order of the places."""
        self._row_of = row_of
        self._looking: dict[int, Job] = {}

    @property
    def whole(self) -> bool:
        """Whether every place is complete."""
        return all(answer.whole for answer in self.answers)

    def look(
        self,
        owner: MessagePump,
        number: int,
        found: Callable[[], object],
        looked: Callable[[Place, Answer], object],
        quietly: bool = False,
    ) -> None:
        """Reload a place in a thread.

        ``found`` is called for each batch of rows, ``looked`` once the place is complete. ``quietly``: its
        previous rows stay until then.
        """
        answer, place = Answer(), self.places[number]
        if number in self._looking:
            self._looking[number].cancel()
        if not quietly:
            self.answers[number] = answer

        def take(batch: Batch) -> None:
            answer.rows += batch.rows
            answer.problems += batch.problems
            found()

        def end(error: LayertuiError | None = None) -> None:
            answer.error, answer.whole = error, True
            self.answers[number] = answer
            looked(place, answer)

        self._looking[number] = background_each(
            owner, lambda _job: batches(place, number, self._row_of), take, end, end, name=f"look-{number}"
        )

    def close(self) -> None:
        """Take no more answers."""
        for job in self._looking.values():
            job.cancel()

    def rows(self) -> list[TableRow]:
        """Return the sorted rows. A row that several places have is listed at the first."""
        rows: dict[str, TableRow] = {}
        for answer in self.answers:
            for row in answer.rows:
                rows.setdefault(row.reference, row)
        listed = list(rows.values())
        if self.sort:
            key, descending = self.sort
            listed.sort(key=lambda row: row.keys[key], reverse=descending)
        return listed

    def answered(self) -> list[tuple[Place, Answer]]:
        """Return each place and what it has said."""
        return list(zip(self.places, self.answers, strict=True))


def search(rows: Sequence[TableRow], query: str) -> list[TableRow]:
    """Return the rows that match a query: each word is in some cell, or is a filter of Docker's that matches.

    Filters are for images. Raises :class:`LayertuiError` with the reason for a malformed filter.
    """
    # What before= and since= name may be any image of the list.
    images = [row.summary for row in rows if isinstance(row.summary, ImageSummary)]
    filters = filters_of(query) if images else []
    fits = {id(image) for image in filter_images(images, filters)} if filters else set()
    words = [word for word in query.split() if word not in filters]
    return [
        row
        for row in rows
        if (not filters or id(row.summary) in fits) and all(_has(row, word) for word in words)
    ]


def filters_of(query: str) -> list[str]:
    """Return the words of a query that are Docker filters."""
    return [word for word in query.split() if "=" in word and word.partition("=")[0] in FILTER_KEYS]


def _has(row: TableRow, word: str) -> bool:
    return any(text_positions(word, cell) is not None for cell in row.cells.values())


def places_text(listing: Listing) -> str:
    """Return the state of each place that does not fail, in one line: ``✓ Docker 12   · Podman not running``."""
    rows = listing.rows()
    told, absent = [], []
    for number, (place, answer) in enumerate(listing.answered()):
        if not answer.whole:
            told.append(f"… {place.name} looking")
        elif isinstance(answer.error, NoEngine):
            absent.append(place.name)
        elif answer.error is None:
            found = sum(row.order[0] == number for row in rows)
            told.append(f"{'!' if answer.problems else '✓'} {place.name} {found:,}")
    told += [f"· {', '.join(absent)} not running"] * bool(absent)
    return "   ".join(told)


def problem_facts(listing: Listing, named: int) -> list[Fact]:
    """Return why places could not be listed, and ``named`` unreadable files of each place."""
    facts = []
    for place, answer in listing.answered():
        if answer.whole and answer.error is not None and not isinstance(answer.error, NoEngine):
            facts.append(Fact(f"✗ {place.name}", [str(answer.error)], "$deleted"))
        unread = [str(problem) for problem in answer.problems[:named]]
        if len(answer.problems) > named:
            unread.append(f"and {count_text(len(answer.problems) - named, 'more file')} unreadable")
        if unread:
            facts.append(Fact(f"! {place.name}", unread, "$modified"))
    return facts
