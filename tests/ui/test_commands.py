"""The command palette: everything that keys do, by name."""

from collections.abc import Callable

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import OptionList

from layertui.ui.commands import Commands
from layertui.ui.dialogs.help import HelpScreen
from layertui.ui.images.table import Table
from tests.ui.images_app import Images, settled
from tests.ui.places import Places, until

Compare = Callable[..., bool]


async def opened(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("ctrl+p")
    await until(pilot, lambda: hits(pilot) > 0)


def hits(pilot: Pilot[None]) -> int:
    return pilot.app.screen.query_one(OptionList).option_count


def test_commands(snap_compare: Compare, places: Places, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Images(theme=theme), terminal_size=size, run_before=opened)


def test_commands_in_sixteen_colours(
    snap_compare: Compare, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert snap_compare(Images(theme="layertui-ansi"), run_before=opened)


def test_found(snap_compare: Compare, places: Places) -> None:
    async def typed(pilot: Pilot[None]) -> None:
        await opened(pilot)
        before = hits(pilot)
        await pilot.press(*"detail")
        await until(pilot, lambda: 0 < hits(pilot) < before)

    assert snap_compare(Images(), run_before=typed)


async def test_what_the_key_bar_offers_is_a_command_too(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        screen = pilot.app.screen
        offered = {hit.text async for hit in Commands(screen).discover()}
        shown = [binding for _node, binding, _on, _tip in screen.active_bindings.values() if binding.show]
        assert len(shown) > 5
        for binding in shown:
            if binding.action == "command_palette":
                continue  # this is it
            wanted = (binding.tooltip or binding.description).lower()
            assert any(wanted in (text or "").lower() for text in offered), binding


async def test_enter_does_what_was_found(places: Places) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        await pilot.press(*"help")
        await until(pilot, lambda: hits(pilot) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))


async def test_a_command_of_a_pane_reaches_it(places: Places) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        await pilot.press(*"table: last row")
        await until(pilot, lambda: hits(pilot) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, CommandPalette))
        await until(pilot, lambda: pilot.app.screen.query_one(Table).cursor == 6)


async def test_themes_are_commands(places: Places) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        await pilot.press(*"theme: layertui-light")
        await until(pilot, lambda: hits(pilot) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.theme == "layertui-light")


async def test_escape_closes(places: Places) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, CommandPalette))
