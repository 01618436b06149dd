"""Lists of the part Size: a place as rows with bars where a map does not fit, and the largest files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.message import Message
from textual.strip import Strip

from layertui.insight.size_rows import SizeRows
from layertui.model.numbers import LayerNumber
from layertui.text.format import size_text
from layertui.ui.detail.subject import chip
from layertui.ui.insight.size_browser import Level, SizeBrowser, SizePlace, Tile
from layertui.ui.insight.size_words import SizeWords, file_spans
from layertui.ui.widgets.bars import two_part_bar
from layertui.ui.widgets.lines import Document, Line, Span
from layertui.ui.widgets.list_view import ListView

_SIZE, _FILES, _CHIP = 8, 8, 6
_BAR = 10, 24
"""Cells of a bar, in a narrow and in a wide list."""
_NAME = 30
"""Cells that names have before bars become longer."""


class SizeList(ListView):
    """A row for each directory, file or group, the largest first."""

    HELP_NAME: ClassVar[str] = "Sizes"
    DEFAULT_CSS = """
    SizeList {
        height: 1fr;
        background: $surface;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
    }
    """

    class Moved(Message):
        """Another row is selected."""

    def __init__(self) -> None:
        super().__init__()
        self._level: Level | None = None
        self._browser: SizeBrowser | None = None
        self._words: SizeWords | None = None

    @property
    def count(self) -> int:
        return len(self._level.tiles) if self._level is not None else 0

    @property
    def heading_height(self) -> int:
        return 1

    @property
    def selected(self) -> Tile | None:
        """The selected row."""
        return self._level.tiles[self.cursor] if self._level is not None and self.count else None

    def show(self, browser: SizeBrowser, words: SizeWords, level: Level, place: SizePlace) -> None:
        """Show a level, with the row selected that leads to a place; else the largest."""
        self._browser, self._words, self._level = browser, words, level
        self._fit()
        self.put_cursor(browser.found(level, place))
        self.refresh()

    def put_cursor(self, line: int) -> None:
        super().put_cursor(line)
        self.post_message(self.Moved())

    def clear(self) -> None:
        """Show nothing."""
        self._level = None
        self._fit()
        self.refresh()

    def on_resize(self) -> None:
        self._fit()
        self._reveal()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        row = self.row_at(event)
        if 0 <= row < self.count:
            self.go_to_row(row)

    def render_line(self, y: int) -> Strip:
        level, number = self._level, y + self.scroll_offset.y - 1
        if level is None or self._palette is None:
            return Strip.blank(self.size.width, self.rich_style)
        if y == 0:
            label = "LAYER" if self._browser is not None and self._browser.colored == "layer" else ""
            heads = f"{'SIZE':>{_SIZE}}{'FILES':>{_FILES}}  {'':{self._bar}}  {label:{_CHIP}}NAME"
            return self.strip([(heads, "quiet")])
        if number >= len(level.tiles):
            return Strip.blank(self.size.width, self.rich_style)
        return self.strip(self._row(level.tiles[number], level), self._over(number))

    @property
    def _bar(self) -> int:
        return min(max(self.content_size.width - _SIZE - _FILES - _CHIP - _NAME, _BAR[0]), _BAR[1])

    def _row(self, tile: Tile, level: Level) -> list[Span]:
        browser, words = self._browser, self._words
        assert browser is not None and words is not None
        shown = tile.size if browser.with_dead else tile.size._replace(dead=0)
        hue = browser.hue(tile.label)
        style = f"layer:{hue}" if hue else "quiet"
        is_layer = browser.colored == "layer" and tile.label > 0
        return [
            (f"{size_text(shown.size):>{_SIZE}}{browser.shown(tile.files):>{_FILES},}  ", ""),
            *two_part_bar(shown, browser.shown(level.tiles[0].size), self._bar, style),
            ("  ", ""),
            *(chip(LayerNumber(tile.label)) if is_layer else [("▌   ", style)]),
            ("  ", ""),
            (words.name(tile), ""),
        ]


class LargestFiles(Document):
    """A line per file, the largest first."""

    def __init__(self, files: Sequence[tuple[SizeRows, int]], room: Callable[[], int]) -> None:
        """``room`` returns the width in cells."""
        super().__init__(gutter=_SIZE + 2 + _CHIP, items=range(len(files)), clip=True)
        self._files = files
        self._room = room

    def __len__(self) -> int:
        return len(self._files)

    def place(self, number: int) -> tuple[str, LayerNumber]:
        """Return where a file is stored: a path and a layer."""
        rows, row = self._files[number]
        event = rows.event(row)
        return rows.union.path(rows.union.ev_node[event]), rows.layer(row)

    def heading(self) -> Line:
        """Name the columns."""
        return Line([(f"{'SIZE':>{_SIZE}}  LAYER PATH", "quiet")])

    def line(self, number: int) -> Line:
        rows, row = self._files[number]
        file = rows.file(row)
        gutter: list[Span] = [(f"{size_text(file.size):>{_SIZE}}  ", ""), *chip(file.layer), ("  ", "")]
        return Line(file_spans(file, max(self._room() - self.gutter, 12)), gutter)
