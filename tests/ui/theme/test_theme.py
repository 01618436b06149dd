"""Colours that can be told apart and read."""

from itertools import pairwise

import pytest
from textual.color import Color

from layertui.ui.app import LayertuiApp
from layertui.ui.theme.colors import layer_colour, shades
from tests.textual_internals import notifications
from tests.ui.images_app import settled
from tests.ui.places import Places

LAYERS = range(1, 61)


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [value / 255 for value in Color.parse(colour).rgb]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_layers_are_legible_on_every_row(dark: bool) -> None:
    tone = shades(dark)
    for number in LAYERS:
        for behind in (tone.surface, tone.cursor):
            assert contrast(layer_colour(number, 60, dark), behind) >= 4.5, (number, behind)


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_texts_are_legible(dark: bool) -> None:
    tone = shades(dark)
    for colour in (tone.foreground, tone.quiet, tone.accent, tone.added, tone.modified, tone.deleted):
        assert contrast(colour, tone.surface) >= 4.5, colour


def test_sixty_layers_have_sixty_colours_and_neighbours_lie_far_apart() -> None:
    colours = [layer_colour(number, 60) for number in LAYERS]
    assert len(set(colours)) == 60
    for one, other in pairwise(colours):
        apart = abs(Color.parse(one).hsl.h - Color.parse(other).hsl.h)
        assert min(apart, 1 - apart) > 0.2, (one, other)


@pytest.mark.parametrize(
    ("terminal", "themes"),
    [
        ("xterm", ["layertui-ansi", "layertui-ansi"]),
        ("xterm-256color", ["layertui-dark", "layertui-light", "layertui-dark"]),
    ],
)
async def test_t_toggles_only_what_the_terminal_can_show(
    terminal: str, themes: list[str], places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A light theme of hues is white on white in 16 colours, and no key led back to the terminal's own."""
    monkeypatch.setenv("TERM", terminal)
    app = LayertuiApp()
    async with app.run_test() as pilot:
        await settled(pilot)
        shown = [app.theme]
        for _ in themes[1:]:
            await pilot.press("t")
            shown.append(app.theme)
        assert shown == themes
        assert bool(notifications(pilot)) == (terminal == "xterm")
