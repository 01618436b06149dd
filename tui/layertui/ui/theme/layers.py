"""The colors of layers."""

from typing import NamedTuple

from textual.dom import DOMNode

_HUES_DARK = (
    "#56bef8", "#fac4b6", "#32d3c8", "#f4d0f7", "#b1c148", "#8fe1fa",
    "#ea9d82", "#77f8e1", "#f991d0", "#afe595", "#c7a5e7", "#f5dd91",
)  # fmt: skip
_HUES_LIGHT = (
    "#2163b6", "#6e1f59", "#546221", "#462373", "#914e4f", "#013876",
    "#9e2c69", "#005045", "#854893", "#124d00", "#55538b", "#6b1619",
)  # fmt: skip
"""Twelve colors, by turns of medium and of high contrast to the background, so that neighbors never look alike.

Found by simulated annealing over OKLCH: any two, and any and a color of changes, are 0.075 apart in Oklab at
least, also (0.06) after they are replaced by the nearest of 256; neighbors are 0.2 apart.
"""
_HUES_ANSI = ("cyan", "bright_magenta", "blue", "bright_cyan", "bright_blue")
"""Without the colors of changes."""
_BASE_DARK, _BASE_LIGHT, _BASE_ANSI = ("#a8b7ca", "#c6d2e2"), ("#586474", "#3f4a58"), ("bright_black",)
_CONTAINER_DARK, _CONTAINER_LIGHT, _CONTAINER_ANSI = "#ffffff", "#000000", "ansi_default"


class LayerRoles(NamedTuple):
    """The layers with colors of their own kind: those of the base image, and of a container."""

    base: int = 0
    """How many layers the base image has, the first ones; 0 if unknown."""
    container: int = 0
    """Number of a container's read-write layer; 0 if there is none."""


NO_ROLES = LayerRoles()


def roles_of(node: DOMNode) -> LayerRoles:
    """Return the roles of the layers that the screen of ``node`` is about."""
    roles = getattr(node.screen, "layer_roles", NO_ROLES)
    assert isinstance(roles, LayerRoles)
    return roles


def layer_color(number: int, dark: bool = True, ansi: bool = False, roles: LayerRoles = NO_ROLES) -> str:
    """Return the color of layer ``number``, 1 at the base: ``#rrggbb`` or an ANSI name.

    A number has the same hue in every image; hues repeat after twelve layers (five in 16 colors). Layers of
    the base image are blue-grays.
    """
    if number == roles.container:
        return _CONTAINER_ANSI if ansi else _CONTAINER_DARK if dark else _CONTAINER_LIGHT
    if number <= roles.base:
        family: tuple[str, ...] = _BASE_ANSI if ansi else _BASE_DARK if dark else _BASE_LIGHT
    else:
        family = _HUES_ANSI if ansi else _HUES_DARK if dark else _HUES_LIGHT
    name = family[(number - 1) % len(family)]
    return f"ansi_{name}" if ansi else name
