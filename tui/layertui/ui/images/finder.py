"""Looks for images and containers in several places at once and posts what it finds as it comes."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.model.reference import ENGINES
from layertui.ui.images.table_row import TableRow

if TYPE_CHECKING:
    from layertui.model.image import ContainerSummary, ImageSummary
    from layertui.sources import SourceProblem

_TICK = 0.05
"""Seconds between two posts of one place, at least."""
_PAUSES = (1, 60)
"""Seconds between two tries to hear from an engine that is gone, at first and at last."""

RowOf = Callable[[Any, tuple[int, int]], TableRow]
"""Makes a row of a summary, its place's number and its number there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere images or containers may be; ``name`` is for people and may be hostile."""

    name: str
    look: Callable[[], "Iterable[ImageSummary | ContainerSummary | SourceProblem]"]
    engine: str = ""
    """The transport of the engine's images, where the place is one."""


class Found(Message):
    """Rows, and files that could not be read, of place number ``place``.

    ``asked`` is the event that was given to :func:`look`, to tell one search from the next.
    """

    def __init__(
        self, asked: threading.Event, place: int, rows: list[TableRow], problems: list[LayertuiError]
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


class SharedSizes(Message):
    """Bytes that an engine's images have in common with others, by image ID; None if it does not say."""

    def __init__(self, engine: str, sizes: Mapping[str, int] | None) -> None:
        super().__init__()
        self.engine = engine
        self.sizes = sizes


class EngineChanged(Message):
    """An ``image`` or ``container`` of an engine came, went or changed; empty: anything may have."""

    def __init__(self, engine: str, kind: str) -> None:
        super().__init__()
        self.engine = engine
        self.kind = kind


def image_places(given: Sequence[str]) -> list[Place]:
    """What was given on the command line, the current directory, the engines, the sample image."""
    return [
        *(Place(reference, partial(_images, reference)) for reference in given),
        Place("current directory", _images_here),
        *(Place(ENGINES[engine], partial(_images, f"{engine}:"), engine) for engine in _engines()),
        Place("sample (demo:)", partial(_images, "demo:")),
    ]


def container_places() -> list[Place]:
    """The transport."""
    return [Place(ENGINES[engine], partial(_containers, engine), engine) for engine in _engines()]


def store_places(reference: str) -> tuple[list[Place], list[Place]]:
    """A store, for its images and for its containers."""
    from layertui.sources import list_containers

    return (
        [Place(reference, partial(_images, reference))],
        [Place(reference, partial(list_containers, reference))],
    )


def look(target: MessagePump, number: int, place: Place, row_of: RowOf, asked: threading.Event) -> None:
    """Looks in one place in a thread of its own, which never holds up the end of the program."""

    def run() -> None:
        error = None
        found = 0
        rows: list[TableRow] = []
        problems: list[LayertuiError] = []
        posted = time.monotonic()
        try:
            for item in place.look():
                if asked.is_set():
                    return
                if isinstance(item, LayertuiError):
                    problems.append(item)
                else:
                    rows.append(row_of(item, (number, found)))
                    found += 1
                if time.monotonic() - posted > _TICK:
                    target.post_message(Found(asked, number, rows, problems))
                    rows, problems, posted = [], [], time.monotonic()
        except LayertuiError as raised:
            error = raised
        target.post_message(Found(asked, number, rows, problems))
        target.post_message(Looked(asked, number, error))

    threading.Thread(target=run, name=f"look-{number}", daemon=True).start()


def ask_shared_sizes(target: MessagePump, engine: str) -> None:
    """Asks an engine what its images share, which may take it long."""

    def run() -> None:
        from layertui.sources.engine import shared_sizes

        try:
            sizes: Mapping[str, int] | None = shared_sizes(engine)
        except LayertuiError:
            sizes = None
        target.post_message(SharedSizes(engine, sizes))

    threading.Thread(target=run, name="shared-sizes", daemon=True).start()


class Watch:
    """Posts what an engine says of changes, in a thread, until closed.

    An engine that goes is tried again, ever more seldom, and what may have changed
    meanwhile is posted once it is heard again.
    """

    def __init__(self, target: MessagePump, engine: str) -> None:
        self._target = target
        self._engine = engine
        self._closed = threading.Event()
        self._hang_up: Callable[[], None] | None = None
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def close(self) -> None:
        """Ends the thread, also while it waits for the engine."""
        self._closed.set()
        if self._hang_up is not None:
            with suppress(OSError, RuntimeError, ValueError):  # it has been hung up already
                self._hang_up()

    def _run(self) -> None:
        from layertui.sources.engine import events

        pause, longest = _PAUSES
        while not self._closed.is_set():
            try:
                for kind in events(self._engine, self._begun):
                    pause = _PAUSES[0]
                    self._post(kind)
            except LayertuiError:
                pass  # why it cannot be reached, whoever looks for its images says
            if self._closed.wait(pause):
                return
            pause = min(pause * 2, longest)
            self._post("")

    def _begun(self, hang_up: Callable[[], None]) -> None:
        self._hang_up = hang_up
        if self._closed.is_set():
            self.close()

    def _post(self, kind: str) -> None:
        if not self._closed.is_set():
            self._target.post_message(EngineChanged(self._engine, kind))


def _engines() -> Sequence[str]:
    from layertui.sources import LOCAL

    return LOCAL


def _images(reference: str) -> "Iterable[ImageSummary]":
    from layertui.sources import list_images

    return list_images(reference)


def _containers(engine: str) -> "Iterable[ContainerSummary]":
    from layertui.sources import list_containers

    return list_containers(f"{engine}:")


def _images_here() -> "Iterable[ImageSummary | SourceProblem]":
    from layertui.sources import list_directory

    try:
        return list_directory(Path.cwd())
    except FileNotFoundError as error:
        raise LayertuiError("the current directory is gone", "", "open a path with o") from error
