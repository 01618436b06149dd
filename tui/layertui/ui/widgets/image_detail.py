"""What an image says about itself, opened when the cursor comes to rest on it."""

import threading
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from layertui.errors import LayertuiError
from layertui.safe import visible
from layertui.ui.image_row import ImageRow
from layertui.ui.widgets.facts import Facts

if TYPE_CHECKING:
    from layertui.image import Image

_SETTLE = 0.12
"""Seconds that the cursor rests on an image before the image is opened."""
_KEPT = 64
"""Images that are kept for coming back to."""


class ImageDetail(VerticalScroll):
    """The facts of one image. Opening happens in a thread; the last image asked for is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "up", show=False),
        Binding("down,j", "scroll_down", "down", show=False),
        Binding("home,g", "scroll_home", "first line", show=False),
        Binding("end,G", "scroll_end", "last line", show=False),
    ]
    HELP_NAME = "Detail"

    class Opened(Message):
        """``reference`` has been opened, or could not be."""

        def __init__(self, reference: str, result: "Image | LayertuiError") -> None:
            super().__init__()
            self.reference = reference
            self.result = result

    def __init__(self, platform: str | None, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._platform = platform
        self._row: ImageRow | None = None
        self._settle: Timer | None = None
        self._results: dict[str, Image | LayertuiError] = {}
        self._opening: set[str] = set()

    def compose(self) -> ComposeResult:
        yield Facts()
        yield Static(classes="message")

    def on_mount(self) -> None:
        self.show(None)

    def show(self, row: ImageRow | None) -> None:
        """Shows the image of ``row``, once it is open."""
        if self._settle is not None:
            self._settle.stop()
        self._row = row
        if row is None:
            self.border_title = Content("Detail")
            self._say("No image to tell about.")
            return
        self.border_title = Content(row.cells["name"])
        if row.reference in self._results:
            self._fill()
        elif self.display:
            self._say("Opening …")
            self._settle = self.set_timer(_SETTLE, self._open)

    def forget(self) -> None:
        """Opens every image anew."""
        self._results.clear()

    def on_show(self) -> None:
        self.show(self._row)

    def on_image_detail_opened(self, event: Opened) -> None:
        event.stop()
        self._opening.discard(event.reference)
        while len(self._results) >= _KEPT:
            self._results.pop(next(iter(self._results)))
        self._results[event.reference] = event.result
        if self._row is not None and self._row.reference == event.reference:
            self._fill()

    def _open(self) -> None:
        reference = self._row.reference if self._row else ""
        if not reference or reference in self._opening or reference in self._results:
            return
        self._opening.add(reference)

        def run() -> None:
            from layertui.sources import open_image

            try:
                result: Image | LayertuiError = open_image(reference, self._platform)
            except LayertuiError as error:
                result = error
            self.post_message(self.Opened(reference, result))

        threading.Thread(target=run, name="open", daemon=True).start()

    def _fill(self) -> None:
        from layertui.ui.image_facts import image_facts

        assert self._row is not None
        result = self._results[self._row.reference]
        if isinstance(result, LayertuiError):
            self._say(str(result), failed=True)
            return
        self.query_one(Static).display = False
        facts = self.query_one(Facts)
        facts.display = True
        facts.show(image_facts(result))
        self.scroll_home(animate=False)

    def _say(self, sentence: str, failed: bool = False) -> None:
        self.query_one(Facts).display = False
        message = self.query_one(Static)
        message.set_class(failed, "failed")
        message.update(Content(visible(sentence)))
        message.display = True
