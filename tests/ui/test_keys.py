"""The keys at the foot of every screen: what is left out when it is narrow, and clicks."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from layertui.ui.app import LayertuiApp
from layertui.ui.dialogs.help import HelpScreen
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.finder.dialog import FinderDialog
from layertui.ui.images.detail import ImageDetail
from layertui.ui.images.table import Table
from layertui.ui.widgets.key_bar import KeyBar
from tests.ui.images_app import Images, settled
from tests.ui.places import Places, until


def bar(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one(KeyBar).render())


async def click(pilot: Pilot[None], item: str) -> None:
    """Clicks the middle of ``item``."""
    at = bar(pilot).index(item) + len(item) // 2
    await pilot.click(KeyBar, offset=(at + 1, 0))
    await pilot.pause()


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (
            120,
            "⏎ explore  / filter  F find  c containers  o open  s sort  d detail  space mark  D compare  ? help  q quit  ^p all",
        ),
        (80, "⏎ explore  / filter  F find  c containers  o open  ? help  q quit  ^p all"),
        (40, "⏎ explore  ? help  q quit  ^p all"),
        (20, "? help  q quit"),
    ],
)
async def test_what_leads_on_is_left_out_last(places: Places, width: int, shown: str) -> None:
    async with Images().run_test(size=(width, 24)) as pilot:
        await settled(pilot)
        assert bar(pilot) == shown


async def test_shows_the_keys_of_the_pane_at_hand(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        await pilot.press("slash")
        assert bar(pilot) == "⏎ apply  esc clear  ^p all"


async def test_a_click_presses_the_key(places: Places) -> None:
    app = Images()
    async with app.run_test(size=(100, 24)) as pilot:
        await settled(pilot)
        await click(pilot, "s sort")
        assert pilot.app.screen.query_one(Table).sorted_by == ("name", False)
        await click(pilot, "d detail")
        assert pilot.app.screen.query_one(ImageDetail).display
        await click(pilot, "⏎ explore")
        assert app.explored == ["oci:layouts/alpine:3.20"]
        await click(pilot, "? help")
        assert isinstance(pilot.app.screen, HelpScreen)
        await pilot.press("escape")
        await click(pilot, "o open")
        assert isinstance(pilot.app.screen, FinderDialog)
        await pilot.press("escape")
        await click(pilot, "/ filter")
        assert pilot.app.screen.query_one(Input).has_focus
        await click(pilot, "esc clear")
        assert not pilot.app.screen.query(Input)
        await click(pilot, "q quit")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_a_click_between_keys_does_nothing(places: Places) -> None:
    app = Images()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.click(KeyBar, offset=(bar(pilot).index("  / filter") + 2, 0))
        assert app.explored == []
        assert not pilot.app.screen.query(Input)


async def test_each_key_of_a_group_can_be_clicked() -> None:
    async with LayertuiApp("demo:", cache=False).run_test(size=(200, 24)) as pilot:
        await until(
            pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen) and pilot.app.screen.reading.ended
        )
        screen = pilot.app.screen
        assert isinstance(screen, ExplorerScreen)
        top = screen.panes.layer_list.merged_layer
        at = bar(pilot).index("[ ] layer")
        await pilot.click(KeyBar, offset=(at + 1, 0))
        assert screen.panes.layer_list.merged_layer == top - 1
        await pilot.click(KeyBar, offset=(at + 3, 0))
        assert screen.panes.layer_list.merged_layer == top
