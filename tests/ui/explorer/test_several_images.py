"""A file of several images, of which one is to be chosen."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from layertui.ui.app import LayertuiApp
from layertui.ui.compare.screen import CompareScreen
from layertui.ui.compare.side_header import Chosen
from layertui.ui.dialogs.choose import ChooseDialog
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.finder.dialog import FinderDialog
from tests.commands.samples import tar
from tests.layouts import OciLayout
from tests.textual_internals import screen_text
from tests.ui.places import until
from tests.ui.readings import explorer, loaded


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A layout of two images; no engine runs."""
    layout = OciLayout(tmp_path / "shop")
    for tag in ("1.0", "1.1"):
        layout.add(tag, [tar((f"/srv-{tag}", b"x"))])
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/none.sock")
    return str(tmp_path / "shop")


async def asked(pilot: Pilot[None]) -> ChooseDialog:
    await until(pilot, lambda: isinstance(pilot.app.screen, ChooseDialog))
    dialog = pilot.app.screen
    assert isinstance(dialog, ChooseDialog)
    options = dialog.query_one(OptionList)
    assert [str(option.prompt) for option in options.options] == ["1.0", "1.1"]
    assert "contains 2 images" in str(options.border_title)
    return dialog


async def test_the_finder_leads_to_one_of_them(shop: str) -> None:
    app = LayertuiApp("demo:", cache=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("o", *shop)
        dialog = app.screen
        assert isinstance(dialog, FinderDialog)
        await until(pilot, lambda: dialog.listed == shop)
        await pilot.press("enter")
        await asked(pilot)
        await pilot.press("escape")
        assert "contains 2 images." in screen_text(pilot) and "R lists them" in screen_text(pilot)
        await pilot.press("R")
        await asked(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, ExplorerScreen))
        await loaded(pilot)
        assert explorer(pilot).reference == f"oci:{shop}:1.1" and "srv-1.1" in screen_text(pilot)
        await pilot.press("escape")
        assert explorer(pilot).reference == "demo:"


async def test_a_comparison_asks_for_one_of_them(shop: str) -> None:
    app = LayertuiApp("demo:", cache=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        app.push_screen(CompareScreen(Chosen("demo:"), Chosen(shop)))
        await asked(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: f"oci:{shop}:1.0" in screen_text(pilot))
        await until(pilot, lambda: "B is " in screen_text(pilot))
