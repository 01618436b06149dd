"""Keys and clicks that come in one read, as over a slow line or on a busy machine."""

import re
import threading
from pathlib import Path

import pytest
from textual import events
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList

import layertui.ui
from layertui.ui.app import LayertuiApp
from layertui.ui.commands import Palette
from layertui.ui.dialogs.extract import ExtractDialog
from layertui.ui.dialogs.help import HelpScreen
from layertui.ui.dialogs.tags import TagsDialog
from layertui.ui.explorer.layer_list import LayerList
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.finder.found_list import FoundList
from layertui.ui.images.screen import ImagesScreen
from layertui.ui.images.table import Table
from layertui.ui.widgets.key_bar import KeyBar
from tests.layouts import docker_archive
from tests.textual_internals import screen_text
from tests.ui.images_app import Images, settled
from tests.ui.places import ALPINE, Places, summary, until
from tests.ui.readings import Reading, image_opened, loaded, sample, use_reading

DIALOGS = {
    "open": ["o", "z", "z", "z"],
    "compare": ["D"],
    "search": ["F", "q", "u", "a", "enter"],
    "commands": ["ctrl+p", "h", "e", "l", "p"],
    "extract": ["tab", "x"],
    "help": ["question_mark"],
    "details": ["i"],
    "insight": ["I"],
    "build steps": ["B"],
    "attachments": ["a"],
    "anatomy": ["A"],
    "verify": ["V"],
}
"""What is opened above the explorer, and by which keys."""


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine, and no image in the current directory: the list has the sample alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/none.sock")


async def explored(pilot: Pilot[None]) -> list[Screen[object]]:
    """The screens once the sample has been opened from the list of images."""
    await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
    assert isinstance(pilot.app, LayertuiApp)
    pilot.app.explore("demo:")
    await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
    await loaded(pilot)
    return list(pilot.app.screen_stack)


async def at_once(pilot: Pilot[None], keys: list[str]) -> None:
    """Press keys as a terminal that sends them in one read."""
    for key in keys:
        pilot.app.simulate_key(key)
    await pilot.pause()
    await pilot.pause()


async def test_a_file_that_was_no_image_is_read_again_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"hello")
    app = LayertuiApp(str(path), cache=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(
            pilot, lambda: isinstance(app.screen, ExplorerScreen) and bool(app.screen.reading.failure)
        )
        docker_archive(path, sample())
        app.explore(str(path))
        await until(pilot, lambda: isinstance(app.screen, ExplorerScreen) and app.screen.reading.complete)


def shown(pilot: Pilot[None]) -> list[str]:
    return [type(screen).__name__ for screen in pilot.app.screen_stack]


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_a_dialog_is_closed_once(key: str) -> None:
    """What is below stays; of what is opened in its place there is one."""
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        before = await explored(pilot)
        for dialog, keys in DIALOGS.items():
            for each in keys:
                await pilot.press(each)
            await until(pilot, lambda: len(pilot.app.screen_stack) == len(before) + 1)
            await at_once(pilot, [key] * 4)
            assert pilot.app.screen_stack[: len(before)] == before, (dialog, shown(pilot))
            assert len(pilot.app.screen_stack) <= len(before) + 1, (dialog, shown(pilot))
            while len(pilot.app.screen_stack) > len(before):
                await pilot.press("escape")
            before[-1].query_one(LayerList).focus()


async def test_a_reference_is_opened_once() -> None:
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        before = await explored(pilot)
        await pilot.press("o", "z")
        await at_once(pilot, ["enter", "enter", "enter"])
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        assert pilot.app.screen_stack[:-1] == before
        await pilot.press("escape")
        assert pilot.app.screen_stack == before


async def test_a_screen_is_left_once_and_the_list_of_images_never() -> None:
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        before = await explored(pilot)
        await pilot.press("o")
        for left in (3, 2, 2):
            await at_once(pilot, ["escape"] * 4)
            assert len(pilot.app.screen_stack) == left, shown(pilot)
        assert pilot.app.screen_stack == before[:2]


async def test_escape_of_the_only_image_leads_to_the_list_once() -> None:
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await at_once(pilot, ["escape"] * 4)
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        assert len(pilot.app.screen_stack) == 2


async def test_escape_before_the_first_screen_does_nothing() -> None:
    class Beginning(LayertuiApp):
        def _begin(self) -> None:
            """Not yet."""

    async with Beginning("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await at_once(pilot, ["escape"] * 4)
        assert shown(pilot) == ["Screen"]


async def test_a_command_is_run_once() -> None:
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        before = await explored(pilot)
        await pilot.press("ctrl+p", *"recompute")
        options = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count == 1)
        await at_once(pilot, ["enter"] * 4)
        await until(pilot, lambda: not isinstance(pilot.app.screen, Palette))
        await until(pilot, lambda: shown(pilot)[-1] in ("VerifyDialog", "ExplorerScreen"))
        assert pilot.app.screen_stack[: len(before)] == before
        assert len(pilot.app.screen_stack) <= len(before) + 1


async def test_an_image_is_opened_once() -> None:
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        await settled(pilot)
        await at_once(pilot, ["enter"] * 4)
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        assert shown(pilot) == ["Screen", "ImagesScreen", "ExplorerScreen"]


async def test_a_tag_is_taken_once(places: Places) -> None:
    repository = "docker://registry.example.com/shop"
    places.given[repository] = [summary(f"{repository}:1", "shop", "1", 1, None, 1)]
    app = Images()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("o")
        pilot.app.screen.query_one(Input).value = repository
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, TagsDialog))
        await until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count == 1)
        await at_once(pilot, ["enter"] * 4)
        assert app.explored == [f"{repository}:1"]
        assert shown(pilot) == ["Screen", "ImagesScreen"]


async def test_two_clicks_on_a_choice_take_it_once(places: Places, tmp_path: Path) -> None:
    (tmp_path / "app.tar").touch()
    app = Images()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("o")
        options = pilot.app.screen.query_one(FoundList)
        await until(pilot, lambda: options.count > 0)
        click_twice(pilot, options.content_region.offset + Offset(12, 0))
        await until(pilot, lambda: bool(app.explored))
        await pilot.pause()
        assert app.explored == ["app.tar"]
        assert shown(pilot) == ["Screen", "ImagesScreen"]


async def test_a_click_made_on_a_choice_that_was_just_taken_does_nothing_below(
    places: Places, tmp_path: Path
) -> None:
    """On a busy machine it comes after the dialog is closed: a row of the table is under it by then."""
    for name in ("a.tar", "b.tar"):
        (tmp_path / name).touch()
    app = Images()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        table = pilot.app.screen.query_one(Table)
        row = table.cursor
        await pilot.press("o")
        options = pilot.app.screen.query_one(FoundList)
        await until(pilot, lambda: options.count > 1)
        at = options.content_region.offset + Offset(12, 1)
        first, second = click(at), click(at)
        for event in first:
            app.post_message(event)
        await until(pilot, lambda: shown(pilot) == ["Screen", "ImagesScreen"])
        for event in second:
            app.post_message(event)
        await pilot.pause()
        assert table.cursor == row
        for event in click(at):
            app.post_message(event)
        await until(pilot, lambda: table.cursor != row)


async def test_a_dialog_that_comes_late_does_not_cover_what_was_opened_meanwhile(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platforms of an image are asked for, and help is opened before the source answers."""
    use_reading(monkeypatch, Reading(sample()))
    places.given["demo:"] = [ALPINE]
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await image_opened(pilot)
        await loaded(pilot)
        places.answer.clear()
        await pilot.press("p", "question_mark")
        places.answer.set()
        await until(pilot, lambda: all(thread.name != "platforms" for thread in threading.enumerate()))
        await pilot.pause()
        assert shown(pilot)[-2:] == ["ExplorerScreen", "HelpScreen"]


async def test_two_clicks_on_a_key_press_it_once(places: Places) -> None:
    async with Images().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        bar = pilot.app.screen.query_one(KeyBar)
        click_twice(pilot, bar.region.offset + Offset(1 + str(bar.render()).index("o open"), 0))
        await until(pilot, lambda: shown(pilot) == ["Screen", "ImagesScreen", "FinderDialog"])
        assert pilot.app.screen.query_one(Input).value == ""


async def test_help_over_an_extraction_stays_when_that_is_done(tmp_path: Path) -> None:
    """The end of an extraction closes its own dialog, not what the user reads above it."""
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        await explored(pilot)
        await pilot.press("tab", "x")
        dialog = pilot.app.screen
        assert isinstance(dialog, ExtractDialog)
        dialog.query_one(Input).value = str(tmp_path / "out")
        await pilot.app.push_screen(HelpScreen(pilot.app.screen))
        dialog.action_submit()
        await until(pilot, lambda: dialog.state == "ended")
        assert isinstance(pilot.app.screen, HelpScreen)
        await pilot.press("escape")
        assert "Wrote" in screen_text(pilot)


def test_screens_are_opened_and_closed_in_one_place() -> None:
    """Nothing else changes Textual's stack, which does not ask who wants it changed."""
    direct = re.compile(r"\.(push_screen|pop_screen|switch_screen)\(|class \w+\((Modal)?Screen\[[^S]")
    ui = Path(layertui.ui.__path__[0])
    found = {str(path.relative_to(ui)) for path in ui.rglob("*.py") if direct.search(path.read_text())}
    assert found == {"app.py", "stack.py"}


def click(at: Offset) -> list[events.MouseEvent]:
    """What a terminal sends for a press and a release of the left button, at this moment."""
    return [
        kind(None, at.x, at.y, 0, 0, 1, False, False, False, at.x, at.y)
        for kind in (events.MouseDown, events.MouseUp)
    ]


def click_twice(pilot: Pilot[None], at: Offset) -> None:
    """Press and release the left button twice, in one read."""
    for event in (*click(at), *click(at)):
        pilot.app.post_message(event)
