"""The lines of a box: a name, bytes and a color, solid for live bytes and hatched for dead ones."""

from __future__ import annotations

from rich.cells import cell_len

from layertui.model.sizes import Bytes
from layertui.text.format import size_text
from layertui.ui.cells import clip
from layertui.ui.insight.size_browser import Tile
from layertui.ui.widgets.bars import DEAD
from layertui.ui.widgets.lines import Span

_WITH_NAME = 5
"""Cells of the narrowest box that has a name."""
_EDGE, _FLOOR = "▏", "▁"


def solid_cells(size: Bytes, cells: int) -> int:
    """Return the cells of a box that stand for live bytes; at least one cell of each kind if there are both."""
    if not size.live or not size.dead:
        return cells if size.live or not size.dead else 0
    return min(max(round(cells * size.live / size.size), 1), cells - 1)


def line_of(
    tile: Tile, number: int, name: str, label: str, hue: int, is_selected: bool, with_dead: bool
) -> list[Span]:
    """Return a line of a box, from the left edge to the right one.

    ``label`` is what its color means; ``hue`` the number of the color, 0 for none.
    """
    width, height = tile.cells.width, tile.cells.height
    ink = f"layer:{hue}" if hue else "quiet"
    size = size_text(tile.size.size if with_dead else tile.size.live)
    if tile.inside is not None:
        return _heading(name, size, width, is_selected)
    over = f"{ink} reverse bold" if is_selected else ""
    ground = over or f"box-{ink}"
    solid = solid_cells(tile.size, width * height) if with_dead else width * height
    solid = min(max(solid - number * width, 0), width)
    is_last = number == height - 1 and height > 1
    text = _text(number, width - 1, height, name, size, label)
    style = ("" if number == 0 else ink) if solid else ink
    blank = over or f"{ground} rim-{ink}"
    edge = (_EDGE, blank) if solid else (" ", over)
    found: list[Span] = [edge]
    taken = 1
    if text:
        found.append((text, over or (f"{ground} {style}" if solid else style)))
        taken += cell_len(text)
    if solid > taken:
        fill = _FLOOR if is_last else " "
        found.append((fill * (solid - taken), blank))
        taken = solid
    found.append((DEAD * (width - taken), over or ink))
    return found


def _text(number: int, room: int, height: int, name: str, size: str, label: str) -> str:
    """Return what a line of a box says: its name, then its bytes, then its label."""
    if room + 1 < _WITH_NAME:
        return ""
    if number == 0:
        both = f"{name} {size}"
        return both if height < 3 and cell_len(both) <= room else clip(name, room)
    if height < 3 or number > 2 or number == height - 1:
        return ""
    said = size if number == 1 else label
    return said if cell_len(said) <= room else ""


def _heading(name: str, size: str, width: int, is_selected: bool) -> list[Span]:
    room = width - 2
    said = f" {size}" if cell_len(name) + len(size) + 1 <= room else ""
    shown = clip(name, room - len(said))
    blanks = " " * (room - cell_len(shown) - len(said))
    if is_selected:
        return [(f" {shown}{blanks}{said} ", "accent reverse bold")]
    return [(f" {shown}", "bold"), (f"{blanks}{said} ", "quiet")]
