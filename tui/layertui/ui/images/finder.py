"""Find images and containers in several places at once, as each place answers."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.reference import ENGINE_NAMES
from layertui.ui.images.table_model import TableRow
from layertui.ui.worker.background import background, background_each

if TYPE_CHECKING:
    from layertui.model.image import ContainerSummary, ImageSummary
    from layertui.model.sizes import Bytes
    from layertui.sources import SourceProblem

_TICK = 0.05
"""Seconds between two batches of one place, at least."""
_PAUSES = (1, 60)
"""First and longest interval in seconds between attempts to reach a stopped engine."""

RowOf = Callable[[Any, tuple[int, int]], TableRow]
"""Makes a row from a summary, the number of its place, and its number there."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place with images or containers; ``name`` is human-readable and may be hostile."""

    name: str
    look: Callable[[], "Iterable[ImageSummary | ContainerSummary | SourceProblem]"]
    engine: str = ""
    """The transport of the engine's images, where the place is one."""


@dataclass(slots=True)
class Batch:
    """Rows of a place, and why some of its files could not be read."""

    rows: list[TableRow] = field(default_factory=list)
    problems: list[LayertuiError] = field(default_factory=list)


def engine_places(engine: str) -> tuple[list[Place], list[Place]]:
    """Return an engine as a place of images and of containers."""
    name = ENGINE_NAMES[engine]
    return (
        [Place(name, partial(_images, f"{engine}:"), engine)],
        [Place(name, partial(_containers, engine), engine)],
    )


def image_places(given: Sequence[str]) -> list[Place]:
    """Return the places: command line, current directory, engines, sample image."""
    return [
        *(Place(reference, partial(_images, reference)) for reference in given),
        Place("current directory", _images_here),
        *(place for engine in _engines() for place in engine_places(engine)[0]),
        Place("sample (demo:)", partial(_images, "demo:")),
    ]


def container_places() -> list[Place]:
    """Return the engines as places of containers."""
    return [place for engine in _engines() for place in engine_places(engine)[1]]


def store_places(reference: str) -> tuple[list[Place], list[Place]]:
    """Return a store as places of images and of containers."""
    from layertui.sources import list_containers

    return (
        [Place(reference, partial(_images, reference))],
        [Place(reference, partial(list_containers, reference))],
    )


def batches(place: Place, number: int, row_of: RowOf) -> Iterator[Batch]:
    """List place ``number``, yielding several rows at a time.

    Raises the error of a place that cannot be listed, after the rows listed so far.
    """
    found = 0
    batch, since = Batch(), time.monotonic()
    try:
        for item in place.look():
            if isinstance(item, LayertuiError):
                batch.problems.append(item)
            else:
                batch.rows.append(row_of(item, (number, found)))
                found += 1
            if time.monotonic() - since > _TICK:
                yield batch
                batch, since = Batch(), time.monotonic()
    except Exception:
        yield batch
        raise
    yield batch


def ask_shared_sizes(owner: MessagePump, engine: str, done: Callable[[Mapping[str, int]], object]) -> None:
    """Ask an engine for the bytes that its images share with others, by image ID; this may take long."""

    def sizes(_job: Job) -> Mapping[str, int]:
        from layertui.sources.engine import shared_sizes

        try:
            return shared_sizes(engine) or {}
        except LayertuiError:
            return {}

    background(owner, sizes, done, name="shared-sizes")


def has_read_any() -> bool:
    """Return whether any image has been read before, of whatever place."""
    from layertui.cache.image_bytes import has_bytes
    from layertui.cache.indexes import IndexCache

    return has_bytes(IndexCache())


def read_before(image: "ImageSummary") -> "Bytes | None":
    """Return from the cache the live and dead bytes of an image, if it has been read before."""
    from layertui.cache.image_bytes import recall_bytes
    from layertui.cache.indexes import IndexCache

    return recall_bytes(IndexCache(), image.reference, image.id)


def ask_read_before(
    owner: MessagePump,
    images: "Sequence[ImageSummary]",
    done: "Callable[[Mapping[tuple[str, str], Bytes]], object]",
) -> None:
    """Find the live and dead bytes of images that have been read before, by reference and ID."""

    def known(job: Job) -> "Mapping[tuple[str, str], Bytes]":
        found: dict[tuple[str, str], Bytes] = {}
        for image in images:
            job.check()
            size = read_before(image)
            if size is not None:
                found[image.reference, image.id] = size
        return found

    background(owner, known, done, name="read-before")


class Watch:
    """Follow an engine's events in a thread, until closed.

    ``changed`` is called with ``image`` or ``container`` when one is created, removed or changed. A stopped
    engine is retried with growing pauses; once it answers, ``changed`` is called with an empty text, as
    anything may have changed meanwhile.
    """

    def __init__(self, owner: MessagePump, engine: str, changed: Callable[[str], object]) -> None:
        self._engine = engine
        self._hang_up: Callable[[], None] | None = None
        self._closed = threading.Event()
        self._job = Job()
        background_each(owner, self._changes, changed, name="watch", part_of=self._job)

    def close(self) -> None:
        """End the thread, also while it waits for the engine."""
        self._job.cancel()
        self._closed.set()
        if self._hang_up is not None:
            with suppress(OSError, RuntimeError, ValueError):  # already closed
                self._hang_up()

    def _changes(self, job: Job) -> Iterator[str]:
        from layertui.sources.engine import events

        pause, longest = _PAUSES
        while not job.is_cancelled:
            try:
                for kind in events(self._engine, self._begun):
                    pause = _PAUSES[0]
                    yield kind
            except LayertuiError:
                pass  # the list of images says why the engine cannot be reached
            if self._closed.wait(pause):
                return
            pause = min(pause * 2, longest)
            yield ""

    def _begun(self, hang_up: Callable[[], None]) -> None:
        self._hang_up = hang_up
        if self._job.is_cancelled:
            self.close()


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
        raise LayertuiError("the current directory was deleted", "", "open a path with o") from error
