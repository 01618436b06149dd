"""The help screen: pictures, and every key of it."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from layertui.ui.dialogs.help import HelpScreen
from tests.ui.images_app import Images, settled
from tests.ui.places import Places, until

Compare = Callable[..., bool]


async def opened(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("question_mark")
    await pilot.pause()


def test_help(snap_compare: Compare, places: Places, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Images(theme=theme), terminal_size=size, run_before=opened)


def test_help_in_sixteen_colours(
    snap_compare: Compare, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert snap_compare(Images(theme="layertui-ansi"), run_before=opened)


@pytest.mark.parametrize("key", ["escape", "question_mark", "q", "enter"])
async def test_keys_that_close_it(places: Places, key: str) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        assert isinstance(pilot.app.screen, HelpScreen)
        await pilot.press(key)
        assert not isinstance(pilot.app.screen, HelpScreen)
        assert pilot.app.is_running


async def test_keys_that_scroll_it(places: Places) -> None:
    async with Images().run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        text = pilot.app.screen.query_one("#help")
        for key, line in [("j", 1), ("down", 2), ("k", 1), ("up", 0)]:
            await pilot.press(key)
            assert text.scroll_offset.y == line, key
        await pilot.press("end")
        await until(pilot, lambda: text.scroll_offset.y == text.max_scroll_y > 0)
        await pilot.press("home")
        await until(pilot, lambda: text.scroll_offset.y == 0)
