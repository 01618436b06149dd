"""Colors: quiet surfaces, one accent for the focus, hues for layers, four for changes.

Everything else is the foreground or one of two grays: ``$quiet`` for secondary
text, ``$line`` for borders. Color is never the only cue: layers carry their number,
changes their mark.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.theme import BUILTIN_THEMES, Theme

from layertui.ui.theme.color_math import nearest_of_256

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
    """Background of the selected row in the focused pane; at least 1.8:1 on the surface."""
    cursor_blurred: str
    """The same in other panes."""
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
    cursor="#2f4668",
    cursor_blurred="#2a303a",
    added="#5fd38d",
    modified="#e8c15a",
    attributes="#9c8ad2",
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
    cursor="#9bbdee",
    cursor_blurred="#d9dee7",
    added="#177a3d",
    modified="#8a6100",
    attributes="#78669c",
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
    cursor="ansi_default",
    cursor_blurred="ansi_default",
    added="ansi_green",
    modified="ansi_yellow",
    attributes="ansi_magenta",
    deleted="ansi_red",
    scrollbar="ansi_bright_black",
)


@lru_cache(maxsize=8)
def shades(dark: bool = True, ansi: bool = False, few: bool = False) -> Shades:
    """Return the colors for a dark or a light theme, or for the terminal's own sixteen.

    ``few``: the nearest of 256. Rich's choice may make the cursor and the surface the same.
    """
    tone = _ANSI if ansi else _DARK if dark else _LIGHT
    return Shades(*map(nearest_of_256, tone)) if few and not ansi else tone


def has_256_colors(app: "App[Any]") -> bool:
    """Return whether the terminal shows 256 colors and no others."""
    return app.console.color_system == "256"


def shades_of(app: "App[Any]") -> Shades:
    """Return the colors for the theme that ``app`` shows now."""
    theme = app.current_theme
    return shades(theme.dark, theme.ansi, has_256_colors(app))


def variables(tone: Shades) -> dict[str, str]:
    """Return the CSS variables that the style sheets use beyond Textual's own."""
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


def themes(few: bool = False) -> list[Theme]:
    """Return the themes that the app registers, the dark one first; ``few`` as in :func:`shades`."""
    return [
        _theme(DARK_THEME, shades(dark=True, few=few), dark=True),
        _theme(LIGHT_THEME, shades(dark=False, few=few), dark=False),
        _theme(ANSI_THEME, shades(ansi=True), dark=True, ansi=True),
    ]


def _theme(name: str, tone: Shades, dark: bool, ansi: bool = False) -> Theme:
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
        | variables(tone)
        | {
            "text": tone.foreground,
            "text-muted": tone.quiet,
            "text-disabled": tone.quiet,
            "border": tone.accent,
            "border-blurred": tone.line,
            # Not "reverse": lists of Textual drop that style.
            "block-cursor-foreground": "ansi_black" if ansi else tone.foreground,
            "block-cursor-background": "ansi_white" if ansi else tone.cursor,
            "block-cursor-text-style": "none",
            "block-cursor-blurred-foreground": tone.foreground,
            "block-cursor-blurred-background": tone.cursor_blurred,
            "block-hover-background": tone.cursor_blurred,
            "input-selection-background": "ansi_blue" if ansi else tone.cursor,
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
