"""The treemap of an image's directories, to scale, as a picture in the page."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from layertui.insight.sizes import SizeMap
from layertui.insight.squarify import Rect, squarify
from layertui.model.numbers import ROOT, Node
from layertui.model.sizes import Bytes
from layertui.report.elements import element
from layertui.text.format import parts_text

_AREA = Rect(0, 0, 1000, 460)
_LEAST_AREA = 140.0
"""Area of the smallest box that is drawn; smaller ones are in the box of their directory."""
_NAME_HEIGHT = 18
"""Height of a directory's name above its parts."""
_LETTER = 7.3
"""Width of a letter of a name."""
_PARTED_FROM = 90, 60
"""Least width and height of a directory whose parts are drawn."""
_BOX_HUES = (210, 150, 30, 275, 340, 185, 95, 245)
_MOST_DEPTH = 8


def map_of(sizes: SizeMap) -> Element | None:
    """Return the picture; ``None`` for an image without bytes."""
    if not sizes.total.size:
        return None
    boxes = _boxes(sizes, ROOT, _AREA, 0, 0)
    what = f"Directories by their bytes: {parts_text(sizes.total)}"
    return element("svg", *boxes, viewBox="0 0 1000 460", role="img", aria_label=what)


def _boxes(sizes: SizeMap, parent: Node, area: Rect, depth: int, hue: int) -> Iterator[Element]:
    """Yield the boxes of a directory's children in an area, and of theirs inside."""
    below = sizes.below(parent).size
    scale = area.width * area.height / below if below else 0
    children = [(node, size) for node, size in sizes.children(parent) if size.size * scale >= _LEAST_AREA]
    rest = below - sum(size.size for _, size in children)
    rects = squarify([size.size for _, size in children] + [rest] * (rest > 0), area)
    for number, ((node, size), rect) in enumerate(zip(children, rects, strict=False)):
        shade = _BOX_HUES[number % len(_BOX_HUES)] if depth == 0 else hue
        yield _box(sizes.union.path(node), sizes.union.name(node), size, rect, shade, depth)
        if depth + 1 < _MOST_DEPTH and rect.width >= _PARTED_FROM[0] and rect.height >= _PARTED_FROM[1]:
            inside = Rect(rect.left + 2, rect.top + _NAME_HEIGHT, rect.right - 2, rect.bottom - 2)
            yield from _boxes(sizes, node, inside, depth + 1, shade)


def _box(path: str, name: str, size: Bytes, rect: Rect, hue: int, depth: int) -> Element:
    """Return a box with its name, as far as it fits; what is dead of it is hatched by opacity."""
    label = f"{name}  {parts_text(size)}"
    letters = int((rect.width - 8) / _LETTER)
    text = label if len(label) <= letters else name if len(name) <= letters else ""
    share = size.live / size.size if size.size else 1
    fill = f"hsl({hue} {20 + 35 * share:.0f}% {34 + 5 * depth}%)"
    return element(
        "g",
        element("title", f"{path}: {parts_text(size)}"),
        element(
            "rect",
            x=f"{rect.left:.1f}",
            y=f"{rect.top:.1f}",
            width=f"{max(rect.width - 1, 0):.1f}",
            height=f"{max(rect.height - 1, 0):.1f}",
            fill=fill,
        ),
        element("text", text, x=f"{rect.left + 4:.1f}", y=f"{rect.top + 13:.1f}")
        if text and rect.height >= _NAME_HEIGHT - 2
        else None,
    )
