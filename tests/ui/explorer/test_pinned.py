"""The explorer, of whose image the name comes to mean another: never two images on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from layertui.model.numbers import LayerNumber, Node
from layertui.ui.app import LayertuiApp
from layertui.ui.compare.screen import CompareScreen
from layertui.ui.detail.pane import PREVIEW
from layertui.ui.dialogs.choose import ChooseDialog
from layertui.ui.dialogs.completed_field import CompletedField
from layertui.ui.dialogs.extract import ExtractDialog
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.insight.screen import InsightScreen
from layertui.ui.search.screen import SearchField, SearchScreen
from layertui.worker.client import Worker
from layertui.worker.protocol import Frame, Request
from tests import moving
from tests.moving import World, content
from tests.textual_internals import screen_text
from tests.ui.places import until
from tests.ui.readings import detail, explorer, loaded, merged, quiet

pytestmark = pytest.mark.parametrize("world", moving.FILE_WORLDS, indirect=True)

CHANGED = "has changed since it was opened · "
LONG = 30
"""Seconds for a worker process to begin."""


def app(world: World) -> LayertuiApp:
    return LayertuiApp(world.reference, cache=True)


def paths(pilot: Pilot[None]) -> set[str]:
    union = merged(pilot).union
    return {union.path(Node(node)) for node in range(1, union.nodes)}


OLD = {"/one", "/two", "/old"}
NEW = {"/one", "/two", "/new"}


async def test_moved_before_the_worker_opens_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Worker.ask

    def late(worker: Worker, request: Request) -> Iterator[Frame]:
        world.put("new")
        return ask(worker, request)

    monkeypatch.setattr(Worker, "ask", late)
    async with app(world).run_test(size=(120, 40)) as pilot:
        if world.keeps_old:
            await loaded(pilot)
            assert paths(pilot) == OLD
        else:
            await until(pilot, lambda: f"{CHANGED}R reloads" in screen_text(pilot), LONG)
            monkeypatch.undo()
            await pilot.press("R")
            await until(pilot, lambda: explorer(pilot).reading.complete, LONG)
            await quiet(pilot)
            assert paths(pilot) == NEW


async def test_moved_and_reloaded(world: World) -> None:
    async with app(world).run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        assert paths(pilot) == OLD
        world.put("new")
        before = explorer(pilot).reading
        await pilot.press("R")
        await until(pilot, lambda: explorer(pilot).reading is not before, LONG)
        await quiet(pilot)
        assert paths(pilot) == NEW


async def searched(pilot: Pilot[None]) -> SearchScreen:
    """Search for the old contents."""
    await pilot.press("F")
    await until(pilot, lambda: isinstance(pilot.app.screen, SearchScreen))
    screen = pilot.app.screen
    assert isinstance(screen, SearchScreen)
    screen.query_one("#pattern", SearchField).value = "old"
    await pilot.press("enter")
    await until(pilot, lambda: not screen.busy and bool(screen.found.said), LONG)
    return screen


async def test_search_and_insight(world: World) -> None:
    async with app(world).run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        world.put("new")
        screen = await searched(pilot)
        if world.keeps_old:
            assert {match.path for match in screen.found.matches} == {"/one", "/two"}
        else:
            assert f"{CHANGED}escape, then R reloads" in screen.found.said and not screen.found.matches
        await pilot.press("escape", "I")
        await until(pilot, lambda: isinstance(pilot.app.screen, InsightScreen))
        insight = pilot.app.screen
        assert isinstance(insight, InsightScreen)
        await until(pilot, lambda: not insight.busy, LONG)
        await pilot.press("2")
        await until(pilot, lambda: not insight.busy, LONG)
        shown = " ".join(screen_text(pilot).split())
        assert ("No wasted space" in shown) == world.keeps_old
        assert (f"{CHANGED}escape, then R reloads" in shown) != world.keeps_old


async def test_compare_preview_and_extract(world: World, tmp_path: Path) -> None:
    """What has been read of the image is enough, or it is said that it has changed."""
    async with app(world).run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        world.put("new")
        explorer(pilot).show_path(b"two", LayerNumber(2))
        await quiet(pilot)
        detail(pilot).action_tab(PREVIEW)
        await quiet(pilot)
        shown = screen_text(pilot)
        assert "new /two" not in shown
        assert "old /two" in shown or f"{CHANGED}R reloads" in shown
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExtractDialog))
        dialog = pilot.app.screen
        assert isinstance(dialog, ExtractDialog)
        dialog.query_one(CompletedField).fill(str(tmp_path / "out"))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is not dialog or CHANGED in screen_text(pilot), LONG)
        written = [path.read_bytes() for path in tmp_path.glob("out*/**/two") if path.is_file()]
        assert written == [content("old", "/two")] or (not written and CHANGED in screen_text(pilot))
        if pilot.app.screen is dialog:
            await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        image = explorer(pilot).reading.image
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseDialog))
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        compare = pilot.app.screen
        assert isinstance(compare, CompareScreen)
        await until(pilot, lambda: compare.comparison is not None, LONG)
        found = compare.comparison
        assert found is not None and found.a.image is image and found.b.image is image


async def test_removed(world: World) -> None:
    async with app(world).run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        world.remove()
        screen = await searched(pilot)
        assert "was removed since it was opened · escape, then R reloads" in screen.found.said
