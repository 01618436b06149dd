"""The help screen: pictures, and every key of it."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from layertui.ui.dialogs.help import HelpScreen
from tests.textual_internals import screen_text
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
        page = text.size.height - 1
        for key, line in [("ctrl+f", page), ("ctrl+b", 0), ("pagedown", page), ("pageup", 0)]:
            await pilot.press(key)
            assert text.scroll_offset.y == line, key
        await pilot.press("G")
        await until(pilot, lambda: text.scroll_offset.y == text.max_scroll_y > 0)
        await pilot.press("g")
        await until(pilot, lambda: text.scroll_offset.y == 0)
        await pilot.press("end")
        await until(pilot, lambda: text.scroll_offset.y == text.max_scroll_y > 0)
        await pilot.press("home")
        await until(pilot, lambda: text.scroll_offset.y == 0)


async def test_what_is_typed_after_a_slash_filters_it(places: Places) -> None:
    async with Images().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert "Filter and sort" in screen_text(pilot) and "Copy and extract" in screen_text(pilot)
        await pilot.press("slash", *"reverse", "enter")
        await until(pilot, lambda: "Copy and extract" not in screen_text(pilot))
        shown = screen_text(pilot)
        assert "S  Reverse order" in shown and "Move" not in shown
        await pilot.press("slash", *"xyzzy")
        await until(pilot, lambda: "No key or mark matches." in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "Copy and extract" in screen_text(pilot))
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, HelpScreen)


@pytest.mark.parametrize(("width", "columns"), [(80, 1), (120, 2), (200, 3)])
async def test_it_has_as_many_columns_as_fit(places: Places, width: int, columns: int) -> None:
    async with Images().run_test(size=(width, 60)) as pilot:
        await opened(pilot)
        headings = {"Marks and colors", "Move", "Look", "Filter and sort", "Go to", "Everywhere"}
        rows = screen_text(pilot).splitlines()
        places_of = {
            row.index(heading) for row in rows for heading in headings if f" {heading} " in f" {row} "
        }
        assert len(places_of) == columns
