"""Measures of colors: how far apart two are, how legible one is on another, the nearest of 256."""

import math
from collections.abc import Iterator
from functools import lru_cache

from textual.color import Color

Lab = tuple[float, float, float]
LEGIBLE = 4.5
"""Least contrast of text (WCAG 2, success criterion 1.4.3)."""
_STEPS = 16


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors (WCAG 2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(maxsize=1024)
def legible(ink: str, behind: str, text: str, few: bool = False) -> str:
    """Return ``ink``, mixed with ``text`` until it is legible on ``behind``; ``few``: of 256 colors."""
    shown = ""
    for step in range(_STEPS + 1):
        shown = mix(ink, text, step / _STEPS)
        shown = nearest_of_256(shown) if few else shown
        if contrast(shown, behind) >= LEGIBLE:
            break
    return shown


def mix(one: str, other: str, share: float) -> str:
    """Return a color with a share of another, 0 to 1, in it."""
    return Color.parse(one).blend(Color.parse(other), share).hex


@lru_cache(maxsize=256)
def nearest_of_256(color: str) -> str:
    """Return the nearest color of the 240 that are the same in every terminal with 256 (xterm's cube and grays)."""
    wanted = oklab(color)
    return min(_indexed(), key=lambda each: math.dist(_indexed()[each], wanted))


@lru_cache(maxsize=1)
def _indexed() -> dict[str, Lab]:
    return {color: oklab(color) for color in _colors_of_xterm()}


def _colors_of_xterm() -> Iterator[str]:
    levels = (0, 95, 135, 175, 215, 255)
    for red in levels:
        for green in levels:
            for blue in levels:
                yield f"#{red:02x}{green:02x}{blue:02x}"
    for gray in range(8, 248, 10):
        yield f"#{gray:02x}{gray:02x}{gray:02x}"


def oklab(color: str) -> Lab:
    """Return a color in Björn Ottosson's Oklab, where equal distances look alike."""
    red, green, blue = _linear(color)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _luminance(color: str) -> float:
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(color: str) -> Lab:
    """Return the linear channels of an sRGB color (IEC 61966-2-1), 0 to 1."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in Color.parse(color).rgb)
    )
    return red, green, blue
