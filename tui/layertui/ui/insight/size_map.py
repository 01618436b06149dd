"""The treemap of a place: boxes to move between by arrow keys and to select by a click."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from layertui.ui.insight.size_browser import Level, SizeBrowser, SizePlace, Tile
from layertui.ui.insight.size_paint import line_of
from layertui.ui.insight.size_words import SizeWords
from layertui.ui.insight.treemap import Cells
from layertui.ui.keys import bind
from layertui.ui.theme.layers import roles_of
from layertui.ui.theme.styles import Palette


class SizeMapView(Widget, can_focus=True):
    """Boxes whose areas are in proportion to their bytes."""

    ALLOW_SELECT = False
    HELP_NAME: ClassVar[str] = "Size map"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("up,k", "move(0, -1)", "up", show=False),
        bind("down,j", "move(0, 1)", "down", show=False),
        bind("left,h", "move(-1, 0)", "left", show=False),
        bind("right,l", "move(1, 0)", "right", show=False),
        bind("home,g", "largest", "largest", show=False, tooltip="Go to the largest box"),
    ]
    DEFAULT_CSS = """
    SizeMapView {
        height: 1fr;
        background: $surface;
    }
    """

    class Moved(Message):
        """Another box is selected."""

    class Resized(Message):
        """Boxes have to be laid out for another area."""

    def __init__(self) -> None:
        super().__init__()
        self._level: Level | None = None
        self._browser: SizeBrowser | None = None
        self._words: SizeWords | None = None
        self._lines: list[list[int]] = []  # the boxes of each line, from the left
        self._said: dict[int, tuple[str, str, int]] = {}  # name, label and color of boxes
        self._selected = 0
        self._at = (0, 0)  # the cell from which arrow keys go on

    @property
    def area(self) -> Cells:
        """The cells for boxes."""
        return Cells(0, 0, self.content_size.width, self.content_size.height)

    @property
    def selected(self) -> Tile | None:
        """The selected box."""
        tiles = self._level.tiles if self._level is not None else ()
        return tiles[self._selected] if tiles else None

    def show(self, browser: SizeBrowser, words: SizeWords, level: Level, place: SizePlace) -> None:
        """Show a level, with the box selected that leads to a place or to one above it; else the largest."""
        self._browser, self._words, self._level = browser, words, level
        lines: list[list[int]] = [[] for _ in range(self.area.height)]
        for number, tile in enumerate(level.tiles):
            for y in range(tile.cells.top, min(tile.cells.bottom, len(lines))):
                lines[y].append(number)
        for line in lines:
            line.sort(key=lambda number: level.tiles[number].cells.left)
        self._lines, self._said = lines, {}
        self._select(browser.found(level, place))
        self.refresh()

    def clear(self) -> None:
        """Show nothing."""
        self._level = None
        self._lines = []
        self.refresh()

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    # Selecting

    def action_move(self, x: int, y: int) -> None:
        """Select the box that touches the selected one in a direction."""
        if (tile := self.selected) is None:
            return
        cells = tile.cells
        if x:
            self._go(cells.right if x > 0 else cells.left - 1, self._at[1])
        else:
            self._go(self._at[0], cells.bottom if y > 0 else cells.top - 1)

    def action_largest(self) -> None:
        """Select the largest box."""
        if self.selected is not None:
            self._select(0)

    def _go(self, x: int, y: int) -> None:
        number = self._number_at(x, y)
        if number >= 0:
            self._at = (x, y)
            self._put(number)

    def _select(self, number: int) -> None:
        tile = self._level.tiles[number] if self._level is not None and self._level.tiles else None
        if tile is not None:
            self._at = tile.cells.left, tile.cells.top
        self._put(number)

    def _put(self, number: int) -> None:
        before, self._selected = self._selected, number
        for each in {before, number}:
            if self._level is not None and each < len(self._level.tiles):
                cells = self._level.tiles[each].cells
                self.refresh(Region(0, cells.top, self.size.width, cells.height))
        self.post_message(self.Moved())

    def _number_at(self, x: int, y: int) -> int:
        """Return the number of the box of a cell; -1 for none."""
        assert self._level is not None
        line = self._lines[y] if 0 <= y < len(self._lines) else ()
        return next((number for number in line if self._level.tiles[number].cells.has(x, y)), -1)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and self._level is not None:
            self._go(*offset)

    # Painting

    def render_line(self, y: int) -> Strip:
        palette = Palette(self.app, self.rich_style, roles_of(self))
        level, browser, words = self._level, self._browser, self._words
        segments: list[Segment] = []
        if level is not None and browser is not None and words is not None and y < len(self._lines):
            for number in self._lines[y]:
                tile = level.tiles[number]
                said = self._said.get(number)
                if said is None:
                    hue = 0 if tile.is_rest else browser.hue(tile.label)
                    said = self._said[number] = words.name(tile), words.short_label(tile), hue
                is_selected = number == self._selected
                spans = line_of(tile, y - tile.cells.top, *said, is_selected, browser.with_dead)
                segments += [Segment(text, palette[style]) for text, style in spans if text]
        return Strip(segments).adjust_cell_length(self.content_size.width, palette[""])
