"""The dialog that asks which tag of a repository is wanted."""

import threading
from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from layertui.model.errors import LayertuiError
from layertui.ui.dialogs.tags import TagsDialog
from layertui.ui.finder.dialog import FinderDialog
from tests.textual_internals import screen_text
from tests.ui.images_app import Images, settled
from tests.ui.places import HOSTILE, Places, summary, until

Compare = Callable[..., bool]
REPOSITORY = "docker://registry.example.com/shop/api"
TAGS = [f"sha256-{'c' * 64}.sig", "1.0", "1.1", "2.0", "2.1", "2.1-alpine", "latest", "nightly"]


@pytest.fixture
def repository(places: Places) -> Places:
    return use(places)


def use(places: Places) -> Places:
    """A repository with tags."""
    places.given[REPOSITORY] = [
        summary(f"{REPOSITORY}:{tag}", "shop/api", tag, -1, None, None) for tag in TAGS
    ]
    return places


async def asked(pilot: Pilot[None], wait: bool = True) -> None:
    await settled(pilot)
    await pilot.press("o")
    pilot.app.screen.query_one(Input).value = REPOSITORY
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, TagsDialog))
    if wait:
        await until(pilot, lambda: "Asking" not in screen_text(pilot))


def tags(pilot: Pilot[None]) -> list[str]:
    options = pilot.app.screen.query_one(OptionList)
    return [str(options.get_option_at_index(at).prompt) for at in range(options.option_count)]


def test_tags(snap_compare: Compare, repository: Places, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Images(theme=theme), terminal_size=size, run_before=asked)


def test_tags_that_cannot_be_listed(snap_compare: Compare, repository: Places) -> None:
    repository.given[REPOSITORY] = LayertuiError("registry.example.com does not answer", "timed out")
    assert snap_compare(Images(), run_before=asked)


async def test_enter_opens_the_latest_or_what_was_moved_to(repository: Places) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await asked(pilot)
        assert tags(pilot)[:3] == ["latest", "1.0", "1.1"]
        assert tags(pilot)[-1].endswith(".sig")
        await pilot.press("enter")
        await until(pilot, lambda: app.explored == [f"{REPOSITORY}:latest"])
        await asked(pilot)
        await pilot.press("down", "down", "down", "up", "enter")
        await until(pilot, lambda: app.explored[1:] == [f"{REPOSITORY}:1.1"])


async def test_typing_narrows_down_and_puts_the_tag_called_so_first(repository: Places) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await asked(pilot)
        await pilot.press(*"2.1")
        assert tags(pilot) == ["2.1", "2.1-alpine"]
        assert "2 of 8 tags" in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: app.explored == [f"{REPOSITORY}:2.1"])


async def test_a_tag_that_is_not_listed_can_be_typed(repository: Places) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await asked(pilot)
        await pilot.press(*"zzz", "enter")
        await until(pilot, lambda: app.explored == [f"{REPOSITORY}:zzz"])


async def test_a_click_opens_and_pages_turn(repository: Places) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await asked(pilot)
        await pilot.press("pagedown")
        assert pilot.app.screen.query_one(OptionList).highlighted == 7
        await pilot.press("pageup")
        await pilot.click(OptionList, offset=(3, 2))
        await until(pilot, lambda: app.explored == [f"{REPOSITORY}:1.1"])


async def test_escape_cancels_also_while_the_registry_is_silent(repository: Places) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await settled(pilot)
        repository.answer = threading.Event()
        await asked(pilot, wait=False)
        assert "Fetching tags" in screen_text(pilot)
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, TagsDialog | FinderDialog)
        assert app.explored == []
        repository.answer.set()


@pytest.mark.parametrize(
    "reference", [f"{REPOSITORY}:1.0", "docker://UPPER", f"{REPOSITORY}@sha256:{'a' * 64}"]
)
async def test_a_reference_that_means_one_image_is_opened(repository: Places, reference: str) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await settled(pilot)
        await pilot.press("o")
        pilot.app.screen.query_one(Input).value = reference
        await pilot.press("enter")
        await until(pilot, lambda: app.explored == [reference])


async def test_tags_are_shown_and_not_obeyed(repository: Places) -> None:
    repository.given[REPOSITORY] = [summary(f"{REPOSITORY}:x", "shop/api", HOSTILE, -1, None, None)]
    async with Images().run_test() as pilot:
        await asked(pilot)
        assert "evil␛[2J" in screen_text(pilot)
        assert not any(char in screen_text(pilot) for char in "\x1b\u202e")
