"""Colours that can be distinguished and read."""

import math
from collections.abc import Sequence
from itertools import combinations, pairwise

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.style import Style
from textual.color import Color

from layertui.ui.app import LayertuiApp
from layertui.ui.theme.color_math import nearest_of_256
from layertui.ui.theme.colors import DARK_THEME, LIGHT_THEME, shades, themes
from layertui.ui.theme.layers import LayerRoles, layer_color
from layertui.ui.theme.styles import Palette
from tests.textual_internals import notifications
from tests.ui.images_app import settled
from tests.ui.places import Places

LAYERS = range(1, 61)
BASE, CONTAINER = 3, 99
ROLES = LayerRoles(BASE, CONTAINER)
EVERY_DEPTH = pytest.mark.parametrize("few", [False, True], ids=["truecolor", "256"])
EVERY_THEME = pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [value / 255 for value in Color.parse(colour).rgb]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


Lab = tuple[float, float, float]


def lab(colour: str) -> Lab:
    """Oklab of an sRGB colour, by way of XYZ as Björn Ottosson defines it."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in Color.parse(colour).rgb)
    ]
    xyz = _times(
        (
            (0.4124564, 0.3575761, 0.1804375),
            (0.2126729, 0.7151522, 0.0721750),
            (0.0193339, 0.1191920, 0.9503041),
        ),
        linear,
    )
    lms = _times(
        (
            (0.8189330101, 0.3618667424, -0.1288597137),
            (0.0329845436, 0.9293118715, 0.0361456387),
            (0.0482003018, 0.2643662691, 0.6338517070),
        ),
        xyz,
    )
    made = _times(
        (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        ),
        [value ** (1 / 3) for value in lms],
    )
    return made[0], made[1], made[2]


def _times(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def apart(one: str, other: str) -> float:
    """Distance in Oklab (ΔE-OK, CSS Color 4): 0.02 is just noticeable, black and white are 1 apart."""
    return math.dist(lab(one), lab(other))


def on_screen(colour: str, few: bool) -> str:
    return nearest_of_256(colour) if few else colour


@EVERY_THEME
@EVERY_DEPTH
def test_any_twelve_adjacent_layers_can_be_distinguished(dark: bool, few: bool) -> None:
    colours = [on_screen(layer_color(number, dark), few) for number in LAYERS]
    for first in range(len(colours) - 11):
        for one, other in combinations(colours[first : first + 12], 2):
            assert apart(one, other) >= (0.06 if few else 0.07), (one, other)


@EVERY_THEME
@EVERY_DEPTH
def test_neighbouring_layers_never_look_alike(dark: bool, few: bool) -> None:
    """One is lighter, one darker, and their hues differ."""
    for one, other in pairwise(LAYERS):
        pair = [on_screen(layer_color(number, dark), few) for number in (one, other)]
        assert apart(*pair) >= 0.15, pair


@EVERY_THEME
@EVERY_DEPTH
def test_no_layer_looks_like_a_change(dark: bool, few: bool) -> None:
    tone = shades(dark, few=few)
    for number in (*LAYERS, CONTAINER):
        colour = on_screen(layer_color(number, dark, roles=ROLES), few)
        for change in (tone.added, tone.modified, tone.attributes, tone.deleted):
            assert apart(colour, change) >= (0.055 if few else 0.07), (number, colour, change)


@EVERY_THEME
def test_layers_of_the_base_are_one_family_of_grays_and_the_container_is_brightest(dark: bool) -> None:
    of_base = [layer_color(number, dark, roles=ROLES) for number in range(1, BASE + 1)]
    for colour in of_base:
        _, a, b = lab(colour)
        assert math.hypot(a, b) < 0.04, colour
        assert -110 < math.degrees(math.atan2(b, a)) < -90, colour  # blue
        assert all(apart(colour, layer_color(number, dark)) > 0.03 for number in LAYERS), colour
    assert all(apart(one, other) >= 0.07 for one, other in pairwise(of_base))
    assert layer_color(CONTAINER, dark, roles=ROLES) == ("#ffffff" if dark else "#000000")
    assert layer_color(BASE + 1, dark, roles=ROLES) == layer_color(BASE + 1, dark)


def test_sixteen_colours_leave_those_of_changes_alone() -> None:
    tone = shades(ansi=True)
    for number in (*LAYERS, CONTAINER):
        for change in (tone.added, tone.modified, tone.attributes, tone.deleted):
            assert layer_color(number, ansi=True, roles=ROLES) != change
    for one, other in pairwise(LAYERS):
        assert layer_color(one, ansi=True) != layer_color(other, ansi=True)


@EVERY_THEME
@EVERY_DEPTH
def test_texts_are_legible(dark: bool, few: bool) -> None:
    tone = shades(dark, few=few)
    changes = (tone.added, tone.modified, tone.attributes, tone.deleted)
    for colour in (tone.foreground, tone.quiet, tone.accent, *changes):
        assert contrast(colour, tone.surface) >= 4.5, colour
    for theme in themes(few):
        if theme.dark == dark and not theme.ansi:  # what cannot be selected is read all the same
            assert contrast(theme.variables["text-disabled"], tone.surface) >= 4.5
    for number in (*LAYERS, CONTAINER):
        colour = on_screen(layer_color(number, dark, roles=ROLES), few)
        assert contrast(colour, tone.surface) >= 4.5, (number, colour)


@EVERY_THEME
@EVERY_DEPTH
def test_the_cursor_is_seen_and_that_of_another_pane_is_weaker(dark: bool, few: bool) -> None:
    tone = shades(dark, few=few)
    assert contrast(tone.cursor, tone.surface) >= 1.8
    assert contrast(tone.cursor_blurred, tone.surface) >= 1.25
    assert contrast(tone.cursor, tone.cursor_blurred) >= 1.3


INKS = ("foreground", "quiet", "accent", "added", "modified", "attributes", "deleted", "keyword", "string", "name", "layer:1 dim", *(f"layer:{number}" for number in (*LAYERS, CONTAINER)))  # fmt: skip


@pytest.mark.parametrize("theme", [DARK_THEME, LIGHT_THEME])
@pytest.mark.parametrize("depth", ["truecolor", "256"])
async def test_every_text_is_legible_on_the_cursor(
    theme: str, depth: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the widgets paint it."""
    monkeypatch.setenv("COLORTERM", "truecolor" if depth == "truecolor" else "")
    app = LayertuiApp()
    async with app.run_test() as pilot:
        await settled(pilot)
        app.theme = theme
        palette = Palette(app, Style(), ROLES)
        for behind in ("cursor", "cursor_blurred"):
            for name in INKS:
                style = palette[f"on-{behind} {name}"]
                assert style.color is not None and style.bgcolor is not None
                ink, under = style.color.get_truecolor().hex, style.bgcolor.get_truecolor().hex
                if depth == "256":
                    assert {ink, under} == {nearest_of_256(ink), nearest_of_256(under)}
                assert contrast(ink, under) >= 4.5, (name, behind)


@pytest.mark.parametrize("index", range(16, 256))
def test_the_nearest_of_256_is_a_colour_of_the_terminal(index: int) -> None:
    """Rich, which writes the codes, takes each of them as it is, a gray at times as that beside it."""
    colour = RichColor.from_ansi(index).get_truecolor().hex
    assert nearest_of_256(colour) == colour
    written = RichColor.parse(colour).downgrade(ColorSystem.EIGHT_BIT).get_truecolor().hex
    assert apart(written, colour) <= (0.035 if len({*RichColor.parse(colour).get_truecolor()}) == 1 else 0)


async def test_the_cursor_is_reverse_video_in_16_colours(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No colour is legible on all others, and which they are is not known."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLORTERM", "")
    app = LayertuiApp()
    async with app.run_test() as pilot:
        await settled(pilot)
        palette = Palette(app, Style(), ROLES)
        for name in INKS:
            focused, other = palette[f"on-cursor {name}"], palette[f"on-cursor_blurred {name}"]
            assert focused.reverse and focused.color is None and focused.bgcolor is None, name
            assert other.underline and not other.reverse and other.bgcolor is None, name


@pytest.mark.parametrize(
    ("terminal", "themes"),
    [
        ("xterm", ["layertui-ansi", "layertui-ansi"]),
        ("xterm-256color", ["layertui-dark", "layertui-light", "layertui-dark"]),
    ],
)
async def test_shift_t_toggles_only_what_the_terminal_can_show(
    terminal: str, themes: list[str], places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A light theme of hues is white on white in 16 colours, and no key led back to the terminal's own."""
    monkeypatch.setenv("TERM", terminal)
    monkeypatch.setenv("COLORTERM", "")
    app = LayertuiApp()
    async with app.run_test() as pilot:
        await settled(pilot)
        shown = [app.theme]
        for _ in themes[1:]:
            await pilot.press("T")
            shown.append(app.theme)
        assert shown == themes
        assert bool(notifications(pilot)) == (terminal == "xterm")
