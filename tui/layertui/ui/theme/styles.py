"""Style names resolved in the current theme."""

from typing import Any

from rich.color import Color as RichColor
from rich.style import Style
from textual.app import App
from textual.color import Color

from layertui.ui.theme.color_math import legible, mix, nearest_of_256
from layertui.ui.theme.colors import Shades, has_256_colors, shades_of
from layertui.ui.theme.layers import NO_ROLES, LayerRoles, layer_color

_DARK_SYNTAX = {"keyword": "#b7a5de", "string": "#86bdb4", "name": "#92b6dd"}
_LIGHT_SYNTAX = {"keyword": "#6a4c9c", "string": "#22695f", "name": "#2b5a8e"}
_ANSI_SYNTAX = {"keyword": "ansi_magenta", "string": "ansi_cyan", "name": "ansi_blue"}
_TINT = 0.13
_STRONG_TINT = 0.34
"""Strength of a change's color behind its lines, and behind differences inside them."""
_DIM = 0.2
"""Share of the surface in dim text."""
_ATTRIBUTES = ("bold", "strike", "underline", "reverse", "italic")
_BOX_TINT = 0.38
"""Strength of a color behind a box of a map."""


class Palette:
    """Styles by name, several separated by blanks: ``quiet``, ``added bold``, ``layer:3 dim``.

    Names are the colors of :class:`~layertui.ui.theme.colors.Shades`; ``layer:N``; ``keyword``,
    ``string``, ``name`` and ``comment`` for syntax; ``on-cursor``, ``on-added``,
    ``on-deleted`` for the background of a line; ``box-layer:N`` and ``box-quiet`` behind a box, ``rim-layer:N`` and
    ``rim-quiet`` for its edges; ``inside-added`` and ``inside-deleted`` for what differs inside a line; ``dim`` for a
    weaker color; ``bold``, ``strike``, ``underline``, ``italic``, ``reverse``.

    On the cursor every color is legible. In 16 colors, where none is on all others, the cursor is
    reverse video without colors, and underlined in a pane without the focus.
    """

    def __init__(self, app: App[Any], base: Style, roles: LayerRoles = NO_ROLES) -> None:
        """Styles for text on ``base``, for an image whose layers have ``roles``."""
        theme = app.current_theme
        self.key = (theme.name, app.ansi_theme, base, roles)
        """Equal for palettes that give the same styles."""
        self._dark, self._ansi = theme.dark, theme.ansi
        self._few = has_256_colors(app)
        self._plain = bool(app.no_color or theme.ansi)
        self._shades: Shades = shades_of(app)
        self._base = base
        self._roles = roles
        self._styles: dict[str, Style] = {"": base}

    def __getitem__(self, names: str) -> Style:
        style = self._styles.get(names)
        if style is None:
            words = names.split()
            behind = next((word[3:] for word in words if word.startswith("on-cursor")), "")
            style = self._base
            for word in words:
                style = style + self._parse(word, behind, "dim" in words)
            self._styles[names] = style
        return style

    def _parse(self, name: str, behind: str, dim: bool) -> Style:
        """Return the style of one word, its color as it is on ``behind`` (empty: on the surface)."""
        if name in _ATTRIBUTES:
            return Style.parse(name)
        if name == "dim":
            return Style(dim=True) if self._ansi else Style()
        if name.startswith("rim-"):
            return self._parse(name[4:] if self._ansi else "surface", behind, dim)
        if name.startswith("box-"):
            return Style() if self._ansi else self._tinted(self._parse(name[4:], behind, dim))
        if name.startswith("on-"):
            return self._behind(name[3:], _TINT)
        if name.startswith("inside-"):
            # Without hues, underline.
            return self._behind(name[7:], _STRONG_TINT) + Style(underline=self._plain, bold=self._plain)
        return self._ink(self._color(name), behind, dim)

    def _color(self, name: str) -> str:
        if name.startswith("layer:"):
            return layer_color(int(name[6:]), self._dark, self._ansi, self._roles)
        if name == "comment":
            return self._shades.quiet
        syntax = _ANSI_SYNTAX if self._ansi else _DARK_SYNTAX if self._dark else _LIGHT_SYNTAX
        return syntax.get(name) or str(getattr(self._shades, name))

    def _ink(self, color: str, behind: str, dim: bool) -> Style:
        if self._ansi:
            # Of reversed text, the color would be that of its background.
            return Style() if behind == "cursor" else Style(color=Color.parse(color).rich_color)
        if dim:
            color = mix(color, self._shades.surface, _DIM)
        if behind:
            color = legible(color, getattr(self._shades, behind), self._shades.foreground, self._few)
        return Style(color=self._exact(color))

    def _behind(self, name: str, share: float) -> Style:
        if name.startswith("cursor"):
            if self._ansi:
                return Style(reverse=True) if name == "cursor" else Style(underline=True)
            return Style(bgcolor=self._exact(getattr(self._shades, name)))
        if self._ansi:
            return Style()
        return Style(bgcolor=self._exact(mix(self._shades.surface, getattr(self._shades, name), share)))

    def _tinted(self, ink: Style) -> Style:
        """Return the background of a box: the surface with a share of its color."""
        assert ink.color is not None
        color = Color.from_rich_color(ink.color).hex
        return Style(bgcolor=self._exact(mix(self._shades.surface, color, _BOX_TINT)))

    def _exact(self, color: str) -> RichColor:
        return Color.parse(nearest_of_256(color) if self._few else color).rich_color
