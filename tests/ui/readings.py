"""Images that are read at a test's pace, and images that are odd."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache

import pytest
from textual.message import Message
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from layertui import demo
from layertui.insight.sizes import layer_sizes
from layertui.layers.load import index_layer
from layertui.model.blob import BytesBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, HistoryEntry, Image, Layer, Platform
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import LayerNumber
from layertui.ui.app import LayertuiApp
from layertui.ui.detail.pane import DetailPane
from layertui.ui.detail.subject import Subject
from layertui.ui.explorer.layer_list import LayerList
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.tree.view import TreeView
from layertui.ui.worker.loader import (
    LayerIndexed,
    LayerProgress,
    LoadDone,
    LoadFailed,
    LoadProgress,
    UnionReady,
)
from layertui.union.builder import UnionBuilder
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion
from layertui.worker.protocol import Request
from tests.layouts import LAYER, digest
from tests.ui.places import HOSTILE, until
from tests.union import small

FACTS = ("base", "system", "sizes")
"""Threads that find what the header says, once all layers are there."""


@cache
def sample() -> Image:
    return demo.image()


class Reading:
    """Stand-in for the loader: sends all at once, or what the test says."""

    def __init__(
        self, image: Image, indexes: Sequence[LayerIndex] | None = None, at_once: bool = True
    ) -> None:
        """``at_once``: all that the loader sends is there from the start; else when the test sends it."""
        self.image = image
        self.indexes = indexes or [index_layer(layer, None) for layer in image.layers]
        self.at_once = at_once
        self.closed = False
        self.sent = threading.Event()
        """All has been posted."""
        self.platform: str | None = None
        self._target: MessagePump | None = None

    def __call__(self, target: MessagePump) -> Run:
        self._target, self.closed = target, False
        return Run(self, target)

    def start(self) -> None:
        if self.at_once:
            for layer in self.image.layers:
                self.index(layer.number)
            self.union(len(self.image.layers))
            self._done()

    def close(self, target: MessagePump) -> None:
        if target is self._target:  # not a screen that another has followed
            self.closed = True

    def progress(self, layer: int, done: int, total: int, rate: float = 0.0) -> None:
        self._post(LayerProgress(LayerNumber(layer), done, total, rate))

    def speed(self, rate: float) -> None:
        self._post(LoadProgress(rate))

    def index(self, layer: int) -> None:
        self._post(LayerIndexed(LayerNumber(layer), self.indexes[layer - 1]))

    def union(self, layers: int) -> None:
        self._post(UnionReady(LayerNumber(layers), union_of(self.indexes[:layers])))

    def begin(self) -> None:
        """The first three layers, and parts of the next two, as they come from a slow registry."""
        for layer in (1, 2, 3):
            self.index(layer)
        self.union(3)
        self.progress(4, 21_000, 43_000, 4_100.0)
        self.progress(5, 4_000, 45_100)
        self.speed(8_200.0)

    def rest(self, start: int) -> None:
        """All layers from ``start`` on."""
        for layer in range(start, len(self.indexes) + 1):
            self.index(layer)
        self.union(len(self.indexes))
        self._done()

    def _done(self) -> None:
        union = union_of(self.indexes)
        top = MergedTree(union, union.layers)
        self._post(LoadDone(top.paths(), layer_sizes(top)))
        self.sent.set()

    def fail(self, error: LayertuiError) -> None:
        self._post(LoadFailed(error))

    def _post(self, message: Message) -> None:
        if not self.closed and self._target is not None:
            self._target.post_message(message)


class Run:
    """The loader of one screen: the latest one receives what the reading sends."""

    def __init__(self, reading: Reading, target: MessagePump) -> None:
        self._reading = reading
        self._target = target

    def start(self) -> None:
        self._reading.start()

    def ask(self, request: Request) -> None:
        pass

    def close(self) -> None:
        self._reading.close(self._target)


class ExplorerApp(LayertuiApp):
    """The explorer on an image; notes what is copied."""

    def __init__(self, theme: str = "layertui-dark", reference: str = "demo:") -> None:
        super().__init__(reference, cache=False)
        self.theme = theme
        self.copied = ""

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text


def use_reading(monkeypatch: pytest.MonkeyPatch, reading: Reading) -> Reading:
    """Have the explorer open the image of a reading, as it is at that moment, and read it as that sends it."""

    def open_image(_reference: str, platform: str | None = None, *_: object) -> Image:
        reading.platform = platform
        return reading.image

    monkeypatch.setattr("layertui.sources.open_image", open_image)
    monkeypatch.setattr("layertui.ui.worker.reading.Loader", reading)
    return reading


def union_of(indexes: Sequence[LayerIndex]) -> LayerUnion:
    builder = UnionBuilder()
    for index in indexes:
        builder.add(index)
    return builder.freeze()


def image_of(indexes: Sequence[LayerIndex], created_by: Sequence[str], name: str = "odd:1") -> Image:
    """An image of these layers; what is not read from an index is made up."""
    layers = []
    for number in range(1, len(indexes) + 1):
        data = f"layer {number}".encode() * 100 * number
        blob = BytesBlob(data, f"odd.tar at {512 * number}")
        layers.append(
            Layer(LayerNumber(number), Descriptor(LAYER, digest(data), len(data)), digest(data), "", blob)
        )
    history = [
        HistoryEntry("2026-11-01T10:00:00Z", text, "", "", LayerNumber(number))
        for number, text in enumerate(created_by, 1)
    ]
    return sample()._replace(name=name, layers=layers, history=history, warnings=[])


def many_layers() -> Reading:
    """Sixty layers, the first the largest, steps without a layer among them."""
    indexes = [
        small.layer(("d", f"/srv/part{number:02}"), ("-", f"/srv/part{number:02}/data", {"size": number}))
        for number in range(1, 61)
    ]
    image = image_of(
        indexes, [f"RUN /bin/sh -c ./install part{number:02} # buildkit" for number in range(1, 61)]
    )
    history: list[HistoryEntry] = []
    for entry in image.history:
        history.append(entry)
        if entry.layer is not None and entry.layer % 7 == 0:
            history.append(entry._replace(created_by=f"ENV PARTS={entry.layer}", layer=None))
    return Reading(image._replace(history=history), indexes)


def hostile() -> Reading:
    """Nothing that an image says may be obeyed."""
    indexes = [
        small.layer(("-", f"/{HOSTILE.replace('/', '∕')}", {"size": 3})),
        small.layer(("-", "/etc/\x1b]0;title\x07", {"size": 9})),
    ]
    steps = [f"RUN /bin/sh -c {HOSTILE} \r\n\x9b31m # buildkit", "COPY " + "\u202e[bold]" * 400 + " /"]
    image = image_of(indexes, steps, name=HOSTILE)
    image = image._replace(transport="docker-archive", platform=Platform("linux\x1b[1m", "amd64[/x]"))
    return Reading(image._replace(warnings=[f"a warning about {HOSTILE}"]), indexes)


def damaged() -> Reading:
    """Layer 2 ends early, layer 3 is not here, layer 4 has warnings."""
    indexes = [
        small.layer(("-", "/etc/app.conf", {"size": 40}), ("-", "/usr/bin/app", {"size": 4000})),
        small.layer(("-", "/etc/app.conf", {"size": 42})),
        LayerIndex(damage="a foreign layer, not stored here: it is fetched from https://example.com/base"),
        small.layer(("wh", "/srv/file"), ("-", "/srv/file", {"size": 4})),
    ]
    indexes[1].damage = "the tar ends in the middle of a header at byte 1,536"
    steps = [
        "/bin/sh -c #(nop) ADD file:1b5a7d6e0c2f4938 in / ",
        "COPY app.conf /etc/ # buildkit",
        "Apply image 10.0.20348.2113",
        "RUN /bin/sh -c make file # buildkit",
    ]
    image = image_of(indexes, steps)
    layers = list(image.layers)
    layers[2] = layers[2]._replace(blob=None, missing=indexes[2].damage)
    warning = "the history tells of 5 layers, the image has 4"
    return Reading(image._replace(layers=layers, warnings=[warning]), indexes)


# The screen


def explorer(pilot: Pilot[None]) -> ExplorerScreen:
    screen = next(screen for screen in reversed(pilot.app.screen_stack) if isinstance(screen, ExplorerScreen))
    return screen


def layers(pilot: Pilot[None]) -> LayerList:
    return explorer(pilot).query_one(LayerList)


def tree(pilot: Pilot[None]) -> TreeView:
    return explorer(pilot).query_one(TreeView)


def detail(pilot: Pilot[None]) -> DetailPane:
    return explorer(pilot).query_one(DetailPane)


def merged(pilot: Pilot[None]) -> MergedTree:
    """The merged tree that is shown."""
    rows = tree(pilot).rows
    assert rows is not None
    return rows.merged


def subject(pilot: Pilot[None]) -> Subject:
    """What the detail is of."""
    shown = detail(pilot).subject
    assert shown is not None
    return shown


def at_layer(pilot: Pilot[None]) -> int:
    """The layer that the tree is shown at; -1 if it is not there yet."""
    rows = tree(pilot).rows
    return rows.merged.layer if rows is not None else -1


def is_quiet(pilot: Pilot[None]) -> bool:
    """Nothing is being worked out for what is on the screen."""
    screen = explorer(pilot)
    return not screen.panes.busy


async def quiet(pilot: Pilot[None]) -> None:
    await _still(pilot, lambda: is_quiet(pilot))


async def _still(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait until a condition holds that also holds once the messages of then are handled.

    The detail tells the tree what it has compared, which sets the tree to work.
    """
    while True:
        await until(pilot, condition)
        if condition():
            return


async def image_opened(pilot: Pilot[None]) -> None:
    """Wait for the explorer and its image; layers may still be loading."""
    await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
    await until(pilot, lambda: explorer(pilot).reading.image is not None)


async def loaded(pilot: Pilot[None]) -> None:
    """Wait until all has been read, summed up and checked."""
    screen = explorer(pilot)

    def ready() -> bool:
        states = layers(pilot).states.values()
        return (
            screen._reading.image is not None
            and screen._reading.paths is not None
            and (screen._reading.size_map is not None or not screen._reading.sizes)
            and all(state.checked or state.problem for state in states)
            and is_quiet(pilot)
            and not any(thread.name in FACTS for thread in threading.enumerate())
        )

    await _still(pilot, ready)
    await pilot.pause()  # what these threads found is shown
