"""The detail of an image, opened when the cursor rests on it, or of a container."""

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from layertui.model.errors import LayertuiError
from layertui.model.image import ContainerSummary
from layertui.model.job import Job
from layertui.model.reference import ENGINE_NAMES
from layertui.text.sanitize import visible
from layertui.ui.images.table_model import TableRow
from layertui.ui.keys import bind
from layertui.ui.widgets.facts import Fact, Facts
from layertui.ui.worker.background import background

if TYPE_CHECKING:
    from layertui.model.image import Image

_SETTLE = 0.12
"""Seconds that the cursor rests on an image before the image is opened."""
_KEPT = 64
"""Opened images that are kept."""


class ImageDetail(VerticalScroll):
    """The facts of one row. Images are opened in a thread; the last one requested is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("up,k", "scroll_up", "up", show=False),
        bind("down,j", "scroll_down", "down", show=False),
        bind("home,g", "scroll_home", "first line", show=False),
        bind("end,G", "scroll_end", "last line", show=False),
    ]
    HELP_NAME = "Detail"

    def __init__(self, platform: str | None, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._platform = platform
        self._row: TableRow | None = None
        self._settle: Timer | None = None
        self._results: dict[tuple[str, str], Image | LayertuiError] = {}
        self._opening: set[tuple[str, str]] = set()
        self._filled = ""  # the reference of the row whose facts are shown

    def compose(self) -> ComposeResult:
        yield Facts()
        yield Static(classes="message")

    def on_mount(self) -> None:
        self.show(None)

    def show(self, row: TableRow | None) -> None:
        """Show the image of ``row``, once it is open."""
        if self._settle is not None:
            self._settle.stop()
        self._row = row
        if row is None:
            self.border_title = Content("Detail")
            self._say("Nothing selected.")
            return
        self.border_title = Content(row.cells["name"])
        if isinstance(row.summary, ContainerSummary):
            from layertui.ui.images.container_row import container_facts

            self._facts(container_facts(row.summary))
        elif _key(row) in self._results:
            self._fill()
        elif self.display:
            self._say("Opening …")
            self._settle = self.set_timer(_SETTLE, self._open)

    def forget(self) -> None:
        """Forget all opened images."""
        self._results.clear()

    def on_show(self) -> None:
        self.show(self._row)

    def _open(self) -> None:
        if self._row is None or _key(self._row) in self._opening or _key(self._row) in self._results:
            return
        reference, key = self._row.reference, _key(self._row)
        self._opening.add(key)

        def open_it(_job: Job) -> "Image":
            from layertui.sources import open_image

            return open_image(reference, self._platform)

        keep = partial(self._keep, key)
        background(self, open_it, keep, keep, name="open")

    def _keep(self, key: tuple[str, str], result: "Image | LayertuiError") -> None:
        self._opening.discard(key)
        while len(self._results) >= _KEPT:
            self._results.pop(next(iter(self._results)))
        self._results[key] = result
        if self._row is not None and _key(self._row) == key:
            self._fill()

    def _fill(self) -> None:
        from layertui.ui.images.image_facts import image_facts

        assert self._row is not None
        result = self._results[_key(self._row)]
        if isinstance(result, LayertuiError):
            self._say(str(result), failed=True)
            return
        cells = self._row.cells
        shared = ""
        if self._row.summary.transport in ENGINE_NAMES:
            known = cells["shared"] != "?"
            shared = f"{cells['shared']} · unique {cells['unique']}" if known else "unknown"
        self._facts(image_facts(result, shared))

    def _facts(self, shown: list[Fact]) -> None:
        self.query_one(Static).display = False
        facts = self.query_one(Facts)
        facts.display = True
        filled, self._filled = self._filled, self._row.reference if self._row is not None else ""
        if facts.show(shown) and filled != self._filled:
            self.scroll_home(animate=False)

    def _say(self, sentence: str, failed: bool = False) -> None:
        self.query_one(Facts).display = False
        message = self.query_one(Static)
        message.set_class(failed, "failed")
        message.update(Content(visible(sentence)))
        message.display = True


def _key(row: TableRow) -> tuple[str, str]:
    """Return the key of a row's image: a tag may move."""
    return row.reference, row.summary.id
