"""Keys that are typed ahead: each is handled before the next, none runs as another command."""

import pytest
from textual.pilot import Pilot

from layertui.model.numbers import LayerNumber
from layertui.ui.app import LayertuiApp
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.images.screen import ImagesScreen
from layertui.ui.insight.screen import InsightScreen
from layertui.ui.tree.pane import TreeField
from tests.textual_internals import notifications
from tests.ui.images_app import settled
from tests.ui.places import Places, until
from tests.ui.readings import (
    Reading,
    at_layer,
    explorer,
    image_opened,
    loaded,
    sample,
    tree,
    use_reading,
)


def typed(pilot: Pilot[None], *keys: str) -> None:
    """Type keys as a terminal that sends them in one read."""
    for key in keys:
        pilot.app.simulate_key(key)


def found(pilot: Pilot[None]) -> bool:
    """The filter has found the sample's interpreter, and nothing else has happened."""
    screen = pilot.app.screen
    if not isinstance(screen, ExplorerScreen) or (rows := tree(pilot).rows) is None:
        return False
    path = rows.merged.union.path(tree(pilot).node)
    return rows.query == "python3" and path.endswith("/python3")


async def test_what_is_typed_at_once_is_one_filter(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Layers, where p, y, t, h, o are commands."""
    use_reading(monkeypatch, Reading(sample()))
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await loaded(pilot)
        theme = pilot.app.theme
        typed(pilot, "slash", *"python3")
        await until(pilot, lambda: found(pilot))
        assert isinstance(pilot.app.focused, TreeField) and pilot.app.focused.value == "python3"
        assert (pilot.app.theme, notifications(pilot)) == (theme, [])


async def test_letters_are_not_lost_when_the_tree_changes_while_they_are_typed(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layertui.ui.tree.pane._SETTLE", 1.0)
    use_reading(monkeypatch, Reading(sample()))
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await loaded(pilot)
        typed(pilot, "slash", *"python3")
        await until(pilot, lambda: getattr(pilot.app.focused, "value", "") == "python3")
        assert tree(pilot).query_text == ""
        tree(pilot).move(LayerNumber(8))
        await until(pilot, lambda: at_layer(pilot) == 8)
        await until(pilot, lambda: found(pilot))


async def test_what_is_typed_before_the_first_frame_is_a_filter_once_layers_are_there(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = use_reading(monkeypatch, Reading(sample(), at_once=False))
    app = LayertuiApp("demo:", cache=False)
    begin = app._begin

    def typed_first() -> None:
        for key in ("slash", *"python3"):
            app.simulate_key(key)
        app.call_later(begin)

    monkeypatch.setattr(app, "_begin", typed_first)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.focused, TreeField) and app.focused.value == "python3")
        assert len(app.screen_stack) == 2 and not notifications(pilot)
        await until(pilot, lambda: explorer(pilot).reading.image is not None)
        reading.rest(1)
        await until(pilot, lambda: found(pilot))


async def test_enter_on_an_image_and_a_filter_in_one_read(places: Places) -> None:
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        await settled(pilot)
        typed(pilot, "G", "enter", "slash", *"python3")
        await until(pilot, lambda: isinstance(pilot.app.focused, TreeField))
        await until(
            pilot, lambda: isinstance(pilot.app.focused, TreeField) and pilot.app.focused.value == "python3"
        )


async def test_insight_opens_once_the_layers_are_loaded(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = use_reading(monkeypatch, Reading(sample(), at_once=False))
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await image_opened(pilot)
        await pilot.press("I", "j")
        assert isinstance(pilot.app.screen, ExplorerScreen)
        reading.rest(1)
        await until(pilot, lambda: isinstance(pilot.app.screen, InsightScreen))


async def test_escape_takes_back_what_waits_for_the_layers(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = use_reading(monkeypatch, Reading(sample(), at_once=False))
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await image_opened(pilot)
        await pilot.press("I", "escape")
        reading.rest(1)
        await loaded(pilot)
        assert isinstance(pilot.app.screen, ExplorerScreen)


async def test_q_goes_back_and_quits_on_the_first_screen(places: Places) -> None:
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        await settled(pilot)
        await pilot.press("G", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await pilot.press("tab", "z", "q")  # whatever is open in the screen
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        assert pilot.app.is_running
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_ctrl_q_quits_from_everywhere(places: Places) -> None:
    async with LayertuiApp(cache=False).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        await settled(pilot)
        await pilot.press("slash", "a", "ctrl+q")
        await until(pilot, lambda: not pilot.app.is_running)
