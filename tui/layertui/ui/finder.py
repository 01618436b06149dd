"""Looks for images in several places at once and posts what it finds as it comes."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.errors import LayertuiError
from layertui.ui.image_row import ImageRow, row_of

if TYPE_CHECKING:
    from layertui.image import ImageSummary
    from layertui.sources import SourceProblem

_TICK = 0.05
"""Seconds between two posts of one place, at least."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere images may be; ``name`` is for people and may be hostile."""

    name: str
    look: Callable[[], "Iterable[ImageSummary | SourceProblem]"]


class Found(Message):
    """Images, and files that could not be read, of place number ``place``.

    ``asked`` is the event that was given to :func:`look`, to tell one search from the next.
    """

    def __init__(
        self, asked: threading.Event, place: int, rows: list[ImageRow], problems: list[LayertuiError]
    ) -> None:
        super().__init__()
        self.asked = asked
        self.place = place
        self.rows = rows
        self.problems = problems


class Looked(Message):
    """Place number ``place`` has said all; ``error`` tells why it could not look at all."""

    def __init__(self, asked: threading.Event, place: int, error: LayertuiError | None) -> None:
        super().__init__()
        self.asked = asked
        self.place = place
        self.error = error


def places(given: Sequence[str]) -> list[Place]:
    """What was given on the command line, the current directory, the sample image."""
    return [
        *(Place(reference, partial(_list, reference)) for reference in given),
        Place("current directory", _list_here),
        Place("sample (demo:)", partial(_list, "demo:")),
    ]


def look(target: MessagePump, number: int, place: Place, stop: threading.Event) -> None:
    """Looks in one place in a thread of its own, which never holds up the end of the program."""

    def run() -> None:
        error = None
        found = 0
        rows: list[ImageRow] = []
        problems: list[LayertuiError] = []
        posted = time.monotonic()
        try:
            for item in place.look():
                if stop.is_set():
                    return
                if isinstance(item, LayertuiError):
                    problems.append(item)
                else:
                    rows.append(row_of(item, (number, found), source_of(item.reference)))
                    found += 1
                if time.monotonic() - posted > _TICK:
                    target.post_message(Found(stop, number, rows, problems))
                    rows, problems, posted = [], [], time.monotonic()
        except LayertuiError as raised:
            error = raised
        target.post_message(Found(stop, number, rows, problems))
        target.post_message(Looked(stop, number, error))

    threading.Thread(target=run, name=f"look-{number}", daemon=True).start()


def source_of(reference: str) -> str:
    """Where ``reference`` leads, without the name that the image has there."""
    from layertui.reference import parse

    parsed = parse(reference)
    return f"{parsed.transport}:{parsed.location}"


def _list(reference: str) -> "Iterable[ImageSummary]":
    from layertui.sources import list_images

    return list_images(reference)


def _list_here() -> "Iterable[ImageSummary | SourceProblem]":
    from layertui.sources import list_directory

    try:
        return list_directory(Path.cwd())
    except FileNotFoundError as error:
        raise LayertuiError("the current directory is gone", "", "open a path with o") from error
