"""The chain from an image's reference to its stored layers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from layertui.anatomy.chain import ChainPart, System, parts
from layertui.content.syntax import colored, lexer_of
from layertui.dockerfile.base import Base, base_of
from layertui.dockerfile.base_candidates import neighbours
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text
from layertui.text.sanitize import visible
from layertui.ui.anatomy.chain_page import BASE_TITLE, SYSTEM, Chain, chain_of, number_of_layer
from layertui.ui.clipboard import copy, copy_text
from layertui.ui.detail.page import failure, message
from layertui.ui.keys import Legend, bind
from layertui.ui.stack import Origin
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.widgets.lines import Document, Line
from layertui.ui.widgets.text_view import TextView
from layertui.ui.worker.background import background

if TYPE_CHECKING:
    from layertui.model.image import Image

WIDE = 120
"""Width in columns from which the JSON is beside the chain."""
LAID_OUT = "formatted; y copies the stored bytes"
_Read = tuple[list[ChainPart], System | LayertuiError | None, list[tuple[str, Document, str]]]
"""The parts, the distribution (``None`` if not known yet), and the JSON of each step."""
_STEP_KEYS = Binding.Group("step")


class AnatomyScreen(Origin[LayerNumber]):
    """The chain of ``image``; dismissed with a layer number if one was opened.

    ``system`` identifies the distribution, in a thread; ``None`` if
    the layers have not been read.
    """

    HELP: ClassVar[str] = (
        "Manifest, config and layers: the reference points to an index or manifest, which references the "
        "config and the layers. For each, the chain shows where it is stored, digest, size and references; for "
        "each layer also the diff ID (digest of its tar) and the chain ID (digest of the stack up to it). The "
        "JSON of the selected step is shown beside it. An image contains only a root file system and a config: "
        "the end of the chain names its base image, as far as that is known, and its distribution; the kernel is "
        "the host's."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "a layer, in its color"),
        ("→", "$accent", "a reference to another step: enter follows it"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "follow", "follow", tooltip="Follow the reference, or open the layer in the explorer"),
        bind("n", "step(1)", "next step", tooltip="Next step of the chain", group=_STEP_KEYS),
        bind("N", "step(-1)", "previous step", tooltip="Previous step of the chain", group=_STEP_KEYS),
        bind("y", "copy", "copy", tooltip="Copy the selected value; in the JSON, the stored document"),
    ]
    CSS_PATH = Path(__file__).with_name("screen.tcss")

    def __init__(self, image: "Image", system: Callable[[], System] | None) -> None:
        super().__init__()
        self.ready = False
        """Whether the chain is there, and the base image; tests wait for it."""
        self._image = image
        self._system = system
        self._chain: Chain | None = None
        self._documents: list[tuple[str, Document, str]] = []
        """For each part: name of its JSON, formatted, and as stored (if it is)."""
        self._part = -1  # whose JSON is shown

    crumb = "Anatomy"

    def compose(self) -> ComposeResult:
        with Container(id="panes"):
            yield TextView(id="chain", classes="pane")
            yield TextView(id="json", classes="pane")
        yield KeyBar()

    def on_mount(self) -> None:
        for name, title in (("chain", f"Anatomy of {visible(self._image.name)}"), ("json", "JSON")):
            self._view(name).border_title = Content(title)
        self._view("json").folding = True
        self._view("chain").focus()
        self._view("chain").open(message("Reading …").document)
        background(self, self._read, self._show_chain, self._fail, name="anatomy")

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self._close_other()

    def on_descendant_focus(self) -> None:
        self._close_other()

    def _close_other(self) -> None:
        """Where there is hardly any room, leave it to the pane with the focus."""
        chain, document, is_narrow = self._view("chain"), self._view("json"), not self.has_class("-wide")
        chain.set_class(is_narrow and self.focused is document, "-closed")
        document.set_class(is_narrow and self.focused is not document, "-closed")

    def _view(self, name: str) -> TextView:
        return self.query_one(f"#{name}", TextView)

    def _read(self, _job: Job) -> _Read:
        """Return the chain, the distribution, and the JSON of each part; slow, as it reads a file and highlights."""
        found = list(parts(self._image))
        system: System | LayertuiError | None = None
        if self._system is not None:
            try:
                system = self._system()
            except LayertuiError as error:
                system = error
        documents = [(*json_document(*json_of(self._image, part)), stored(part)) for part in found]
        documents += [(*json_document(title, None), "") for title in (BASE_TITLE, SYSTEM)]
        return found, system, documents

    def _fail(self, error: LayertuiError) -> None:
        self._view("chain").open(failure(error).document)

    def _show_chain(self, read: _Read) -> None:
        found, system, self._documents = read
        self._chain = chain_of(found, None, system)
        self._view("chain").open(self._chain.page.document)
        self._view("chain").border_subtitle = Content(
            f"{count_text(len(self._documents), 'step')} of the chain"
        )
        self._show()

        def show(base: Base | LayertuiError) -> None:
            self._chain = chain_of(found, base, system)
            self._view("chain").replace(self._chain.page.document, ())
            self.refresh_bindings()
            self.ready = True

        background(
            self, lambda job: base_of(self._image, neighbours(self._image, job)), show, show, name="base"
        )

    def on_text_view_cursor_moved(self) -> None:
        self._show()

    def _show(self) -> None:
        """Show the JSON of the selected step."""
        self.refresh_bindings()
        if self._chain is None:
            return
        part = self._chain.parts[self._line]
        if part != self._part:
            self._part = part
            title, document, stored = self._documents[part]
            self._view("json").open(document)
            self._view("json").border_title = Content(title)
            self._view("json").border_subtitle = Content(LAID_OUT if stored else "")

    # Keys

    @property
    def _line(self) -> int:
        return self._view("chain").cursor

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable only what can be done with the selected line."""
        if action not in ("follow", "copy", "step"):
            return True
        if self._chain is None:
            return False
        if action == "follow":
            return self._line in self._chain.leads or self._line in self._chain.page.events
        if action == "copy" and self._in_json:
            return bool(self._documents[self._part][2])
        return action == "step" or self._line in self._chain.page.values

    def action_follow(self) -> None:
        """Follow the line's reference, or open its layer in the explorer."""
        assert self._chain is not None
        if self._line in self._chain.leads:
            self._to_step(self._chain.stops[self._chain.leads[self._line]])
        else:
            self.dismiss(LayerNumber(self._chain.page.events[self._line]))

    def action_step(self, by: int) -> None:
        """Go to the first line of the next step, or of the previous one."""
        assert self._chain is not None
        stops = self._chain.stops
        found = [stop for stop in stops if (stop > self._line if by > 0 else stop < self._line)]
        if found:
            self._to_step(found[0] if by > 0 else found[-1])

    def _to_step(self, line: int) -> None:
        """Move to the first line of a step, and show all of it."""
        view = self._view("chain")
        view.go_to(line)
        view.scroll_to(y=view.rows_of(line)[0], animate=False, immediate=True)

    @property
    def _in_json(self) -> bool:
        return self.focused is self._view("json")

    def action_copy(self) -> None:
        """Copy the value of the selected line, or the JSON byte for byte."""
        assert self._chain is not None
        if self._in_json:
            title, _, stored = self._documents[self._part]
            copy_text(self, stored, f"{title} as stored")
            return
        copy(self, self._chain.page.values[self._line])


def json_of(image: "Image", part: ChainPart) -> tuple[str, Any]:
    """Return the name of a part's JSON, and the JSON; ``None`` if it has none."""
    if part.kind == "history":
        history = image.config.get("history")
        return "history, in the config" if history else part.title, history
    if part.kind == "layer" and part.document is None:
        listed = image.manifest.get("layers")
        if isinstance(listed, list) and len(listed) == len(image.layers):
            return f"{part.title}, in the manifest", listed[number_of_layer(part) - 1]
        return part.title, None
    title = f"JSON of {part.title}" if part.kind == "layer" else part.title
    return visible(title), part.document


def stored(part: ChainPart) -> str:
    """Return the stored bytes of a part's JSON; empty if it is assembled here."""
    return "" if part.document is None else part.data.decode(errors="replace")


def json_document(title: str, value: Any) -> tuple[str, Document]:
    """Return formatted JSON with syntax colors."""
    if value is None:
        return title, message("No JSON for this item.").document
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    pieces = colored(lexer_of("it.json", ""), lines)
    return title, Document([Line([(visible(text), kind) for text, kind in line]) for line in pieces])
