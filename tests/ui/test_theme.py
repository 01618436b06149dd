"""Colours that can be told apart and read."""

from textual.color import Color

HUES = range(1, 61)


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    return Color.parse(one).get_contrast_ratio(Color.parse(other)) if False else _contrast(one, other)


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [value / 255 for value in Color.parse(colour).rgb]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
