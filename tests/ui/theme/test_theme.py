"""Colours that can be told apart and read."""

import math
from itertools import combinations, pairwise

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


Lab = tuple[float, float, float]


def lab(colour: str) -> Lab:
    """CIELAB of an sRGB colour (IEC 61966-2-1, D65)."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in Color.parse(colour).rgb)
    ]
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    x, y, z = (sum(a * b for a, b in zip(row, linear, strict=True)) / sum(row) for row in rows)
    x, y, z = (v ** (1 / 3) if v > (6 / 29) ** 3 else v * (29 / 6) ** 2 / 3 + 4 / 29 for v in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one: Lab, other: Lab) -> float:
    """CIEDE2000 (Sharma, Wu, Dalal 2005)."""
    chroma = (math.hypot(*one[1:]) + math.hypot(*other[1:])) / 2
    grown = 1.5 - 0.5 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    (l1, c1, h1), (l2, c2, h2) = (
        (light, math.hypot(a * grown, b), math.degrees(math.atan2(b, a * grown)) % 360)
        for light, a, b in (one, other)
    )
    turn = (h2 - h1 + 180) % 360 - 180
    hue, lightness, chroma = (h1 + turn / 2) % 360, (l1 + l2) / 2, (c1 + c2) / 2
    weight = (
        1
        - 0.17 * math.cos(math.radians(hue - 30))
        + 0.24 * math.cos(math.radians(2 * hue))
        + 0.32 * math.cos(math.radians(3 * hue + 6))
        - 0.20 * math.cos(math.radians(4 * hue - 63))
    )
    by_lightness = (l2 - l1) / (1 + 0.015 * (lightness - 50) ** 2 / math.sqrt(20 + (lightness - 50) ** 2))
    by_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    by_hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * chroma * weight)
    rotation = (
        -2
        * math.sqrt(chroma**7 / (chroma**7 + 25**7))
        * math.sin(math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2))))
    )
    return math.sqrt(by_lightness**2 + by_chroma**2 + by_hue**2 + rotation * by_chroma * by_hue)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ],
)
def test_the_difference_of_colours_is_that_of_its_authors(one: Lab, other: Lab, expected: float) -> None:
    """Test data of Sharma, Wu, Dalal 2005, table 1."""
    assert difference(one, other) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_any_nine_layers_in_a_row_can_be_told_apart(dark: bool) -> None:
    colours = [lab(layer_colour(number, 60, dark)) for number in LAYERS]
    for first in range(len(colours) - 8):
        for one, other in combinations(colours[first : first + 9], 2):
            assert difference(one, other) >= 10, first


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_texts_are_legible(dark: bool) -> None:
    tone = shades(dark)
    changes = (tone.added, tone.modified, tone.attributes, tone.deleted)
    for colour in (tone.foreground, tone.quiet, tone.accent, *changes):
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
