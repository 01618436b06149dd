"""Colors: quiet surfaces, one accent for the focus, hues for layers, four for changes.

Everything else is the foreground or one of two grays: ``$quiet`` for secondary
text, ``$line`` for borders. Color is never the only cue: layers carry their number,
changes their mark.
"""

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from textual.theme import BUILTIN_THEMES, Theme

if TYPE_CHECKING:
    from textual.app import App

DARK_THEME = "layertui-dark"
LIGHT_THEME = "layertui-light"
ANSI_THEME = "layertui-ansi"
"""The terminal's own sixteen colors, for terminals that have no more."""


class Shades(NamedTuple):
    """The colors of the interface, as parsed by Textual."""

    background: str
    """Behind the panes, header and footer."""
    surface: str
    """Inside the panes."""
    raised: str
    """Dialogs, the command palette, fields to type in."""
    foreground: str
    quiet: str
    """Secondary text; at least 4.5:1 on the surface."""
    line: str
    """Borders of panes without focus, rules, empty bars."""
    accent: str
    """The focus, and keys that can be pressed."""
    cursor: str
    """Background of the selected row in the focused pane; layer hues stay legible on it."""
    cursor_blurred: str
    added: str
    modified: str
    attributes: str
    """Nothing but mode, owner, mtime or xattrs changed: quieter than the changes of contents."""
    deleted: str
    scrollbar: str


_DARK = Shades(
    background="#0f1115",
    surface="#14171c",
    raised="#1c2027",
    foreground="#d6dae1",
    quiet="#8b93a1",
    line="#343b47",
    accent="#6cb0ff",
    cursor="#253243",
    cursor_blurred="#1e232b",
    added="#5fd38d",
    modified="#e8c15a",
    attributes="#b3a2d9",
    deleted="#ff7b81",
    scrollbar="#3a4250",
)
_LIGHT = Shades(
    background="#f0f1f4",
    surface="#fbfbfc",
    raised="#ffffff",
    foreground="#1f242c",
    quiet="#626b79",
    line="#c6cbd4",
    accent="#0a60c9",
    cursor="#dce8f8",
    cursor_blurred="#ebedf1",
    added="#177a3d",
    modified="#8a6100",
    attributes="#6b5596",
    deleted="#c3272f",
    scrollbar="#c0c6d0",
)
_ANSI = Shades(
    background="ansi_default",
    surface="ansi_default",
    raised="ansi_default",
    foreground="ansi_default",
    quiet="ansi_bright_black",
    line="ansi_bright_black",
    accent="ansi_cyan",
    cursor="ansi_blue",
    cursor_blurred="ansi_bright_black",
    added="ansi_green",
    modified="ansi_yellow",
    attributes="ansi_magenta",
    deleted="ansi_red",
    scrollbar="ansi_bright_black",
)
_ANSI_LAYERS = ("cyan", "magenta", "green", "blue", "yellow", "red")

# OKLCH lightness and chroma of the layer hues: the most chroma that every hue has in
# sRGB at a lightness of at least 4.5:1 on surface and cursor.
_LAYER_TONE_DARK = (0.78, 0.11)
_LAYER_TONE_LIGHT = (0.50, 0.085)
_FIRST_HUE = 230.0
_HUE_STEP = 161.8
"""Degrees from a layer to the next: measured, not the golden angle, which returns near the first hue at the ninth."""


def shades(dark: bool = True, ansi: bool = False) -> Shades:
    """Return the colors for a dark or a light theme, or for the terminal's own sixteen."""
    return _ANSI if ansi else _DARK if dark else _LIGHT


def shades_of(app: "App[object]") -> Shades:
    """Return the colors for the theme that ``app`` shows now."""
    theme = app.current_theme
    return shades(theme.dark, theme.ansi)


@lru_cache(maxsize=1024)
def layer_colour(number: int, count: int, dark: bool = True, ansi: bool = False) -> str:
    """Return the color of layer ``number`` (1 at the base) of ``count``, ``#rrggbb`` or an ANSI name.

    Neighbors are 162° apart. Of any nine in a row, two differ by a CIEDE2000 of 10 at least, which can
    be told apart at a glance. A number has the same hue in every image. Lightness and chroma are equal
    (OKLCH), so no layer stands out but by its hue.
    """
    if ansi:
        return f"ansi_{_ANSI_LAYERS[(number - 1) % min(len(_ANSI_LAYERS), max(count, 1))]}"
    lightness, chroma = _LAYER_TONE_DARK if dark else _LAYER_TONE_LIGHT
    return _oklch(lightness, chroma, (_FIRST_HUE + (number - 1) * _HUE_STEP) % 360)


def variables(dark: bool = True, ansi: bool = False) -> dict[str, str]:
    """Return the CSS variables that the style sheets use beyond Textual's own."""
    tone = shades(dark, ansi)
    return {
        "quiet": tone.quiet,
        "line": tone.line,
        "raised": tone.raised,
        "cursor": tone.cursor,
        "cursor-blurred": tone.cursor_blurred,
        "added": tone.added,
        "modified": tone.modified,
        "attributes": tone.attributes,
        "deleted": tone.deleted,
    }


def themes() -> list[Theme]:
    """Return the themes that the app registers, the dark one first."""
    return [
        _theme(DARK_THEME, dark=True),
        _theme(LIGHT_THEME, dark=False),
        _theme(ANSI_THEME, dark=True, ansi=True),
    ]


def _theme(name: str, dark: bool, ansi: bool = False) -> Theme:
    tone = shades(dark, ansi)
    return Theme(
        name=name,
        dark=dark,
        ansi=ansi,
        primary=tone.accent,
        secondary=tone.quiet,
        accent=tone.accent,
        success=tone.added,
        warning=tone.modified,
        error=tone.deleted,
        foreground=tone.foreground,
        background=tone.background,
        surface=tone.surface,
        panel=tone.raised,
        boost=tone.raised,
        variables=(BUILTIN_THEMES["ansi-dark"].variables if ansi else {})
        | variables(dark, ansi)
        | {
            "text": tone.foreground,
            "text-muted": tone.quiet,
            "text-disabled": tone.line,
            "border": tone.accent,
            "border-blurred": tone.line,
            "block-cursor-foreground": tone.foreground,
            "block-cursor-background": tone.cursor,
            "block-cursor-text-style": "none",
            "block-cursor-blurred-foreground": tone.foreground,
            "block-cursor-blurred-background": tone.cursor_blurred,
            "block-hover-background": tone.cursor_blurred,
            "input-selection-background": tone.cursor,
            "footer-background": tone.background,
            "footer-foreground": tone.quiet,
            "footer-key-foreground": tone.accent,
            "footer-key-background": tone.background,
            "footer-description-foreground": tone.quiet,
            "footer-description-background": tone.background,
            "footer-item-background": tone.background,
            "scrollbar": tone.scrollbar,
            "scrollbar-hover": tone.quiet,
            "scrollbar-active": tone.accent,
            "scrollbar-background": tone.surface,
            "scrollbar-background-hover": tone.surface,
            "scrollbar-background-active": tone.surface,
            "scrollbar-corner-color": tone.surface,
        },
    )


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    """Return sRGB of an OKLCH color (matrices of Björn Ottosson's Oklab), ``#rrggbb``."""
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{_encode(value):02x}" for value in linear)


def _encode(linear: float) -> int:
    """Return an sRGB channel, 0-255, of a linear one."""
    value = min(max(linear, 0.0), 1.0)
    encoded = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return round(encoded * 255)
