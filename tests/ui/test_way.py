"""Escape returns to the screen that the user came from, with its cursor; images that were open stay open."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from layertui.model.image import Image
from layertui.ui.app import LayertuiApp
from layertui.ui.explorer.header import ImageHeader
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.images.screen import ImagesScreen
from layertui.ui.insight.screen import InsightScreen
from layertui.ui.kept import KEPT_IMAGES
from layertui.ui.search.match_list import MatchList
from layertui.ui.search.screen import SearchScreen
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.widgets.text_view import TextView
from tests.textual_internals import notifications
from tests.ui.images_app import settled
from tests.ui.places import Places, until
from tests.ui.readings import Reading, explorer, layers, loaded, quiet, sample, tree, use_reading


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine, and no image in the current directory: the list has the sample alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/none.sock")


async def opened(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
    await settled(pilot)
    await pilot.press("G", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
    await loaded(pilot)


def path(pilot: Pilot[None]) -> str:
    rows = tree(pilot).rows
    assert rows is not None
    return rows.merged.union.path(tree(pilot).node)


def header(pilot: Pilot[None]) -> str:
    return explorer(pilot).query_one(ImageHeader).render().plain


async def test_escape_returns_to_the_findings_and_then_to_where_they_were_opened() -> None:
    async with LayertuiApp(cache=False).run_test(size=(160, 40)) as pilot:
        await opened(pilot)
        await pilot.press("colon", *"etc/motd", "enter")
        await until(pilot, lambda: path(pilot) == "/etc/motd")
        await quiet(pilot)
        await pilot.press("I", "2")
        insight = pilot.app.screen
        assert isinstance(insight, InsightScreen)
        await until(pilot, lambda: "waste" in insight._surveys)
        await pilot.press("tab", "j", "j")
        findings = insight.query_one("#findings", TextView)
        await until(pilot, lambda: findings.cursor == 2)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        survey = insight._surveys["waste"].findings
        await until(pilot, lambda: path(pilot) == survey[2].path)
        assert f"Insight › Waste › {survey[2].path}" in header(pilot)
        assert "n N finding" in str(explorer(pilot).query_one(KeyBar).render())
        await pilot.press("n")
        await until(pilot, lambda: path(pilot) == survey[3].path)
        assert f"Insight › Waste › {survey[3].path}" in header(pilot)
        await pilot.press("N", "N")
        await until(pilot, lambda: path(pilot) == survey[1].path)
        await pilot.press("escape")
        assert pilot.app.screen is insight and findings.cursor == 1 and findings.has_focus
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await until(pilot, lambda: path(pilot) == "/etc/motd")
        assert "Insight" not in header(pilot)
        assert not insight.is_running
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))


async def test_i_returns_to_the_insight_that_one_came_from() -> None:
    async with LayertuiApp(cache=False).run_test(size=(160, 40)) as pilot:
        await opened(pilot)
        await pilot.press("I", "2")
        insight = pilot.app.screen
        assert isinstance(insight, InsightScreen)
        await until(pilot, lambda: "waste" in insight._surveys)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await pilot.press("I")
        assert pilot.app.screen is insight


async def test_backspace_returns_to_the_matches() -> None:
    async with LayertuiApp(cache=False).run_test(size=(160, 40)) as pilot:
        await opened(pilot)
        await pilot.press("F", *"quarry", "enter")
        search = pilot.app.screen
        assert isinstance(search, SearchScreen)
        await until(pilot, lambda: not search.busy and len(search.found.matches) > 2)
        matches = search.found.matches
        first = next(at for at, match in enumerate(matches) if match.layer and match.where == "file")
        await pilot.press(*["j"] * first, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await until(pilot, lambda: path(pilot) == matches[first].path)
        assert f"Search › {matches[first].path}" in header(pilot)
        await pilot.press("n")
        await until(pilot, lambda: search.query_one(MatchList).cursor == first + 1)
        await until(pilot, lambda: f"Search › {matches[first + 1].path}" in header(pilot))
        await pilot.press("backspace")
        assert pilot.app.screen is search and search.query_one(MatchList).cursor == first + 1


@pytest.mark.parametrize(("key", "crumb"), [("B", "Dockerfile"), ("A", "Anatomy")])
async def test_a_layer_leads_back_to_the_list_that_it_was_opened_from(key: str, crumb: str) -> None:
    async with LayertuiApp(cache=False).run_test(size=(160, 40)) as pilot:
        await opened(pilot)
        await pilot.press(key)
        listing = pilot.app.screen
        await until(
            pilot, lambda: isinstance(listing.focused, TextView) and len(listing.focused.document.items) > 4
        )
        view = listing.focused
        assert isinstance(view, TextView)
        for _ in range(60):
            await pilot.press("n" if key == "A" else "j")
            if key == "A" and "▌ layer 3" not in view.document.line(view.cursor).text:
                continue
            await pilot.press("enter")
            if pilot.app.screen is not listing:
                break
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        assert f"{crumb} › layer " in header(pilot)
        before = view.cursor
        await pilot.press("escape")
        assert pilot.app.screen is listing and view.cursor == before


# Images that were open


async def test_an_image_is_shown_again_as_it_was_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        first = pilot.app.screen
        await pilot.press("j", "j", "s", "slash", *"etc", "enter", "n")
        await quiet(pilot)
        rows, cursor, layer = tree(pilot).rows, tree(pilot).cursor, layers(pilot).merged_layer
        assert rows is not None and (rows.sort, rows.query) == ("size", "etc")
        monkeypatch.setattr("layertui.ui.worker.reading.Loader", None)  # nothing is read again
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is first)
        assert (tree(pilot).rows, tree(pilot).cursor, layers(pilot).merged_layer) == (rows, cursor, layer)
        assert tree(pilot).has_focus


async def test_the_only_image_of_the_command_line_stays_open_too() -> None:
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await loaded(pilot)
        first = pilot.app.screen
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        assert isinstance(pilot.app, LayertuiApp)
        pilot.app.explore("demo:")
        assert pilot.app.screen is first


async def test_an_image_that_has_changed_is_read_again_and_said(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = use_reading(monkeypatch, Reading(sample()))
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        first = pilot.app.screen
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        reading.image = changed(sample())
        await pilot.press("enter")
        await until(pilot, lambda: any("has changed: reloading" in each for each in notifications(pilot)))
        assert pilot.app.screen is first
        await until(pilot, lambda: explorer(pilot).reading.image is reading.image)


def changed(image: Image) -> Image:
    return image._replace(id="sha256:" + "0" * 64, manifest_digest="sha256:" + "1" * 64)


async def test_an_image_that_is_left_while_it_loads_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = use_reading(monkeypatch, Reading(sample(), at_once=False))
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        await settled(pilot)
        await pilot.press("G", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        first = pilot.app.screen
        await until(pilot, lambda: explorer(pilot).reading.image is not None)
        await pilot.press("escape")
        await until(pilot, lambda: not first.is_running)
        assert reading.closed


async def test_only_the_last_images_stay_open(monkeypatch: pytest.MonkeyPatch) -> None:
    use_reading(monkeypatch, Reading(sample()))
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        assert isinstance(pilot.app, LayertuiApp)
        screens = []
        for number in range(KEPT_IMAGES + 1):
            pilot.app.explore(f"demo:{number}")
            await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
            await loaded(pilot)
            screens.append(pilot.app.screen)
            await pilot.press("q")
            await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        await until(pilot, lambda: not screens[0].is_running)
        assert all(screen.is_running for screen in screens[1:])
        pilot.app.explore("demo:2")
        assert pilot.app.screen is screens[2]
