"""The dialog that opens a reference or path: pictures, and every key of it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from layertui.ui.dialogs.completed_field import LISTED, CompletedField
from layertui.ui.dialogs.open import OpenDialog
from tests.textual_internals import screen_text
from tests.ui.images_app import Images, settled
from tests.ui.places import Places, summary, until

Compare = Callable[..., bool]


@pytest.fixture
def folder(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: two archives, one of them of a hostile name, and folders."""
    here = tmp_path / "here"
    for name in ("layouts/alpine", "nightly"):
        (here / name).mkdir(parents=True)
    for name in ("shop-2.0.tar", "shop-2.1.tar", "evil\x1b[2J[@click=app.quit].tar", ".hidden.tar"):
        (here / name).touch()
    monkeypatch.chdir(here)
    return here


async def opened(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("o")
    await listed(pilot, "")


async def listed(pilot: Pilot[None], text: str) -> None:
    """The continuations of what was typed are there."""
    assert isinstance(pilot.app.screen, OpenDialog)
    assert field(pilot).value == text
    await until(pilot, lambda: pilot.app.screen.query_one(CompletedField).listed == text)


def field(pilot: Pilot[None]) -> Input:
    return pilot.app.screen.query_one(Input)


def choices(pilot: Pilot[None]) -> list[str]:
    options = pilot.app.screen.query_one(OptionList)
    return [str(options.get_option_at_index(at).prompt) for at in range(options.option_count)]


def test_open(snap_compare: Compare, folder: Path, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Images(theme=theme), terminal_size=size, run_before=opened)


def test_open_in_sixteen_colours(
    snap_compare: Compare, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")

    async def chosen(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("down")

    assert snap_compare(Images(theme="layertui-ansi"), run_before=chosen)


def test_without_continuation(snap_compare: Compare, folder: Path) -> None:
    async def typed(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press(*"none/such")
        await listed(pilot, "none/such")

    assert snap_compare(Images(), run_before=typed)


async def test_offers_folders_then_archives_then_transports(folder: Path) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        assert choices(pilot)[:5] == [
            "layouts/",
            "nightly/",
            "evil␛[2J[@click=app.quit].tar",
            "shop-2.0.tar",
            "shop-2.1.tar",
        ]
        assert "oci:" in choices(pilot)
        await pilot.press(*"layouts/")
        await listed(pilot, "layouts/")
        assert choices(pilot) == ["layouts/alpine/"]


async def test_tab_completes_as_far_as_all_agree_or_to_the_chosen_one(folder: Path) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        await pilot.press("s")
        await listed(pilot, "s")
        await pilot.press("tab")
        await listed(pilot, "shop-2.")
        await pilot.press("down", "down", "tab")
        await listed(pilot, "shop-2.1.tar")


async def test_tab_completes_what_all_agree_on_however_many_are_listed(folder: Path) -> None:
    for number in range(LISTED + 10):
        (folder / f"aa{number:04}.tar").touch()
    (folder / "az.tar").touch()
    async with Images().run_test() as pilot:
        await opened(pilot)
        await pilot.press("a")
        await listed(pilot, "a")
        assert pilot.app.screen.query_one(OptionList).option_count == LISTED
        await pilot.press("tab")
        await listed(pilot, "a")
        await pilot.press("up")
        assert pilot.app.screen.query_one(OptionList).highlighted == LISTED - 1


async def test_tab_completes_a_hostile_name_as_far_as_the_field_can_show_it(folder: Path) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("e")
        await listed(pilot, "e")
        await pilot.press("down", "tab")
        await listed(pilot, "evil")
        await pilot.press("down", "enter")
        assert app.explored == ["evil\x1b[2J[@click=app.quit].tar"]


async def test_up_and_down_go_round_by_way_of_what_was_typed(folder: Path) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        await pilot.press("s")
        await listed(pilot, "s")
        options = pilot.app.screen.query_one(OptionList)
        for key, at in [("down", 0), ("down", 1), ("down", None), ("up", 1), ("up", 0), ("up", None)]:
            await pilot.press(key)
            assert options.highlighted == at, key


@pytest.mark.parametrize(
    ("keys", "reference"),
    [
        (["demo:"], "demo:"),
        (["  shop-2.0.tar "], "shop-2.0.tar"),
        (["shop", "down"], "shop-2.0.tar"),
    ],
)
async def test_enter_opens_what_was_typed_or_chosen(folder: Path, keys: list[str], reference: str) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press(*("space" if letter == " " else letter for letter in keys[0]))
        await listed(pilot, keys[0])
        await pilot.press(*keys[1:], "enter")
        await until(pilot, lambda: app.explored == [reference])


async def test_enter_opens_nothing_where_nothing_was_typed(folder: Path) -> None:
    async with Images().run_test() as pilot:
        await opened(pilot)
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, OpenDialog)


async def test_home_is_read_as_a_shell_would(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "layouts"))
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press(*"~/a")
        await listed(pilot, "~/a")
        assert choices(pilot) == ["~/alpine/"]
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.explored == [f"{folder}/layouts/alpine"])


async def test_a_click_opens(folder: Path) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.click(OptionList, offset=(3, 3))
        await until(pilot, lambda: app.explored == ["shop-2.0.tar"])


async def test_escape_cancels(folder: Path) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("s", "escape")
        assert not isinstance(pilot.app.screen, OpenDialog)
        assert app.explored == []


async def test_names_are_shown_and_not_obeyed(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff\x1b]52;c;aGk=\x07")).touch()
    async with Images().run_test() as pilot:
        await opened(pilot)
        assert not any(char in screen_text(pilot) for char in "\x1b\x07\udcff")


async def test_names_of_engines_images_are_continuations_once_they_are_told(
    folder: Path, places: Places
) -> None:
    rows = [summary(f"docker-daemon:shop:{tag}", "shop", tag, 1, None, 1) for tag in ("7", "8")]
    places.given["docker-daemon:"] = rows
    places.given["podman:"] = [*rows[:1], summary("podman:shell:1", "shell", "1", 1, None, 1)]
    async with Images().run_test() as pilot:
        await opened(pilot)
        await pilot.press(*"sho")
        await until(pilot, lambda: choices(pilot) == ["shop-2.0.tar", "shop-2.1.tar", "shop:7", "shop:8"])
        pilot.app.screen.query_one(Input).value = "podman:s"
        await until(pilot, lambda: choices(pilot) == ["podman:shop:7", "podman:shell:1"])
        pilot.app.screen.query_one(Input).value = "dock"
        await until(pilot, lambda: "docker://" in choices(pilot))
