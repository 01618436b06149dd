"""All layers to scale in one line: where the bytes are, and which of them are dead."""

from collections.abc import Sequence
from itertools import accumulate

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from layertui.model.numbers import EMPTY, LayerNumber
from layertui.model.sizes import Bytes
from layertui.ui.theme.layers import roles_of
from layertui.ui.theme.styles import Palette
from layertui.ui.widgets.bars import DEAD, LIVE, strip_cells

STRIPPED = 16
"""Lines of the screen from which there is a strip."""
LABELED = 24
"""Lines of the screen from which the layers' numbers stand below the strip."""


class LayerStrip(Widget):
    """A strip of layers, base first, solid for live bytes and hatched for dead ones."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LayerStrip {
        height: 1;
        padding: 0 1;
        background: $background;
        color: $quiet;
    }

    LayerStrip.-labeled {
        height: 2;
    }
    """

    class Picked(Message):
        """A click on a layer."""

        def __init__(self, layer: LayerNumber) -> None:
            super().__init__()
            self.layer = layer

    def __init__(self) -> None:
        super().__init__()
        self._sizes: Sequence[Bytes] = ()
        self._selected = EMPTY

    def show(self, sizes: Sequence[Bytes], selected: LayerNumber) -> None:
        """Show the layers' bytes, base first (none: not known), and which layer is selected."""
        if (sizes, selected) != (self._sizes, self._selected):
            self._sizes, self._selected = sizes, selected
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for number, end in enumerate(accumulate(map(sum, self._cells())), 1):
            if offset.x < end:
                self.post_message(self.Picked(LayerNumber(number)))
                return

    def _cells(self) -> list[tuple[int, int]]:
        return strip_cells(self._sizes, self.content_size.width)

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        palette = Palette(self.app, self.rich_style, roles_of(self))
        segments: list[Segment] = []
        if self._sizes and sum(size.size for size in self._sizes):
            segments = self._bar(palette) if y == 0 else self._labels(palette)
        return Strip(segments).adjust_cell_length(width, palette[""])

    def _bar(self, palette: Palette) -> list[Segment]:
        segments = []
        for number, (live, dead) in enumerate(self._cells(), 1):
            style = palette[f"layer:{number}"]
            segments += [Segment(LIVE * live, style), Segment(DEAD * dead, style)]
        return segments

    def _labels(self, palette: Palette) -> list[Segment]:
        """Return the numbers below their layers, the selected layer's always and first."""
        cells = [live + dead for live, dead in self._cells()]
        starts = [0, *accumulate(cells)][:-1]
        width = self.content_size.width
        taken = [""] * width
        for number in sorted(range(1, len(cells) + 1), key=lambda number: number != self._selected):
            is_selected = number == self._selected
            text = f"▲{number}" if is_selected else f"{number}"
            start = min(starts[number - 1], width - len(text))
            room = range(max(start - 1, 0), min(start + len(text) + 1, width))
            if (
                start < 0
                or any(taken[at] for at in room)
                or not (is_selected or cells[number - 1] > len(text))
            ):
                continue
            style = f"layer:{number} bold" if is_selected else "quiet"
            for at, char in enumerate(text, start):
                taken[at] = f"{char}{style}"
        return [Segment(cell[:1] or " ", palette[cell[1:]]) for cell in taken]
