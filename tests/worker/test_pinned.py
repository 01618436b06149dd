"""A name that comes to mean another image: what was opened is read, or it is said that it has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from layertui.content.query import Query
from layertui.content.read import Contents
from layertui.layers.codec import unpack_index
from layertui.layers.load import index_layer
from layertui.model.errors import ImageChanged
from layertui.model.identity import identity_of
from layertui.model.image import Image
from layertui.model.numbers import Event
from layertui.sources import open_image
from layertui.sources.pinned import explain, open_pinned
from layertui.union.builder import UnionBuilder
from layertui.worker.main import answer
from layertui.worker.protocol import (
    Changed,
    LayerDone,
    LayersMerged,
    LinesFound,
    Message,
    SearchRequest,
    Sender,
    SurveyDone,
    SurveyRequest,
    TreeDone,
    TreeRequest,
)
from tests import moving
from tests.moving import FILES, World, content
from tests.worker.runs import pin, run

pytestmark = pytest.mark.parametrize("world", moving.WORLDS, indirect=True)


class Sent(Sender):
    """Takes frames in place of the app; ``moves`` is called after the first layer."""

    def __init__(self, moves: Callable[[], None] = lambda: None) -> None:
        super().__init__(-1)
        self.frames: list[Message] = []
        self._moves: Callable[[], None] | None = moves

    def send(self, message: Message, pieces: Iterable[bytes | memoryview] = ()) -> None:
        self.frames.append(message)
        if isinstance(message, LayerDone) and self._moves is not None:
            moves, self._moves = self._moves, None
            moves()

    def of(self, kind: type[Any]) -> list[Any]:
        return [frame for frame in self.frames if isinstance(frame, kind)]


def paths_of(frames: Sequence[Message]) -> set[str]:
    """What the layers of an image store."""
    indexes = [unpack_index(frame.index) for frame in frames if isinstance(frame, LayerDone)]
    assert not any(index.damage for index in indexes)
    return {"/" + key.decode().replace("\0", "/") for index in indexes for key in index.entry_keys()} - {"/"}


OLD = {*FILES, "/old"}


def check_tree(frames: Sequence[Message], world: World) -> None:
    if world.keeps_old:
        assert isinstance(frames[-1], TreeDone) and isinstance(frames[-2], LayersMerged)
        assert paths_of(frames) == OLD
    else:
        assert isinstance(frames[-1], Changed) and not frames[-1].is_removed


def test_before_the_worker_opens_it(world: World) -> None:
    """Also by way of a real process."""
    identity = pin(world.reference)
    world.put("new")
    check_tree(run(TreeRequest(identity, True)), world)
    assert "/new" in paths_of(run(TreeRequest(pin(world.reference), True)))


def test_while_layers_load(world: World) -> None:
    sent = Sent(lambda: world.put("new"))
    try:
        answer(TreeRequest(pin(world.reference), True), sent)
    except ImageChanged as error:
        assert not world.keeps_old and not error.is_removed
    else:
        assert paths_of(sent.frames) == OLD


def test_after_it_was_loaded(world: World) -> None:
    """Search and insight."""
    identity = pin(world.reference)
    answer(TreeRequest(identity, True), Sent())
    world.put("new")
    requests = (SearchRequest(identity, True, Query("w")), SurveyRequest(identity, True, "waste"))
    if not world.keeps_old:
        for request in requests:
            with pytest.raises(ImageChanged, match="has changed since it was opened"):
                answer(request, Sent())
        return
    found, surveyed = Sent(), Sent()
    answer(SearchRequest(identity, True, Query("old /")), found)
    assert {match.path for frame in found.of(LinesFound) for match in frame.matches} == set(FILES)
    answer(requests[1], surveyed)
    assert len(surveyed.of(SurveyDone)) == 1


def test_removed(world: World) -> None:
    identity = pin(world.reference)
    world.remove()
    with pytest.raises(ImageChanged, match="was removed since it was opened"):
        open_pinned(identity)
    with pytest.raises(ImageChanged, match="was removed since it was opened"):
        answer(SearchRequest(identity, False, Query("old")), Sent())


def contents_of(image: Image) -> tuple[Contents, list[Event]]:
    """The contents of an image and its two files, as the app reads them."""
    builder = UnionBuilder()
    indexes = [index_layer(layer, None) for layer in image.layers]
    for index in indexes:
        builder.add(index)
    union, identity = builder.freeze(), identity_of(image)
    contents = Contents(image, indexes, union, lambda error: explain(error, identity))
    return contents, [union.at(union.find(path), union.layers) for path in FILES]


@pytest.mark.parametrize("is_removed", [False, True], ids=["moved", "removed"])
def test_preview(world: World, is_removed: bool) -> None:
    """One file has been read before, the other has not."""
    contents, events = contents_of(open_image(world.reference))
    assert contents.read(events[0]) == content("old", FILES[0])
    if is_removed:
        world.remove()
    else:
        world.put("new")
    for event, path in zip(events, FILES, strict=True):
        try:
            assert contents.read(event) == content("old", path)
        except ImageChanged as error:
            assert error.is_removed == is_removed and (is_removed or not world.keeps_old)
