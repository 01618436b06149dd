"""Style names resolved in the current theme."""

from rich.style import Style
from textual.app import App
from textual.color import Color

from layertui.ui.theme.colors import Shades, layer_colour, shades_of

_DARK_SYNTAX = {"keyword": "#b7a5de", "string": "#86bdb4", "name": "#92b6dd"}
_LIGHT_SYNTAX = {"keyword": "#6a4c9c", "string": "#22695f", "name": "#2b5a8e"}
_ANSI_SYNTAX = {"keyword": "ansi_magenta", "string": "ansi_cyan", "name": "ansi_blue"}
_TINT = 0.13
_STRONG_TINT = 0.34
"""Strength of a change's color behind its lines, and behind differences inside them."""


class Palette:
    """Styles by name, several separated by blanks: ``quiet``, ``added bold``, ``layer:3``.

    Names are the colors of :class:`~layertui.ui.theme.colors.Shades`; ``layer:N``; ``keyword``,
    ``string``, ``name`` and ``comment`` for syntax; ``on-cursor``, ``on-added``,
    ``on-deleted`` for what lies behind a line; ``inside-added`` and ``inside-deleted`` for
    what differs inside one; ``bold``, ``strike``, ``underline``, ``reverse``.
    """

    def __init__(self, app: App[object], base: Style, layers: int) -> None:
        """Styles for text on ``base``, for an image with ``layers`` layers."""
        theme = app.current_theme
        self.key = (theme.name, app.ansi_theme, base, layers)
        """Equal for palettes that give the same styles."""
        self._dark, self._ansi = theme.dark, theme.ansi
        self._plain = bool(app.no_color or theme.ansi)
        self._shades: Shades = shades_of(app)
        self._base = base
        self._layers = layers
        self._styles: dict[str, Style] = {"": base}

    def __getitem__(self, names: str) -> Style:
        style = self._styles.get(names)
        if style is None:
            style = self._base
            for name in names.split():
                style = style + self._parse(name)
            self._styles[names] = style
        return style

    def _parse(self, name: str) -> Style:
        if name in ("bold", "strike", "underline", "reverse"):
            return Style.parse(name)
        if name.startswith("layer:"):
            return _ink(layer_colour(int(name[6:]), self._layers, self._dark, self._ansi))
        if name == "comment":
            return _ink(self._shades.quiet)
        if name.startswith("on-"):
            return self._behind(name[3:], _TINT)
        if name.startswith("inside-"):
            # Without hues, underline.
            return self._behind(name[7:], _STRONG_TINT) + Style(underline=self._plain, bold=self._plain)
        syntax = _ANSI_SYNTAX if self._ansi else _DARK_SYNTAX if self._dark else _LIGHT_SYNTAX
        return _ink(syntax.get(name) or getattr(self._shades, name))

    def _behind(self, name: str, share: float) -> Style:
        if name.startswith("cursor"):
            return Style(bgcolor=Color.parse(getattr(self._shades, name)).rich_color)
        if self._ansi:
            return Style()
        surface = Color.parse(self._shades.surface)
        return Style(bgcolor=surface.blend(Color.parse(getattr(self._shades, name)), share).rich_color)


def _ink(colour: str) -> Style:
    return Style(color=Color.parse(colour).rich_color)
