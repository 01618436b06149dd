"""One side of a comparison: read its image, and show a line about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from layertui.compare.trees import A
from layertui.model.errors import LayertuiError
from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text, parts_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.detail.words import layers as layers_text
from layertui.ui.failures import failure_text
from layertui.ui.theme.layers import layer_color
from layertui.ui.worker.loader import LayerIndexed, LayerProgress, LoadDone, LoadFailed, UnionReady
from layertui.ui.worker.reading import ImageOpened, Reading

if TYPE_CHECKING:
    from layertui.compare.comparison import Comparison, Side
    from layertui.model.identity import Identity
    from layertui.model.image import Image

_GAP = 2
_NAME = 24
"""Least cells for a reference, beside the last of the facts."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An image to compare, at one of its layers; ``side`` if it has been read already."""

    reference: str
    platform: str | None = None
    layer: LayerNumber | None = None
    """None: all layers."""
    side: Side | None = None
    identity: Identity | None = None
    """The image; None: whichever ``reference`` names now."""


class SideHeader(Widget):
    """Read the image unless it has been read; post :class:`Ready` in either case."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    SideHeader {
        height: 1;
        padding: 0 1;
        background: $background;
        color: $quiet;
        text-wrap: nowrap;
    }
    """

    class Ready(Message):
        """The side has been read."""

    @dataclass
    class Failed(Message):
        """It cannot be read."""

        number: int
        error: LayertuiError

    def __init__(self, number: int, chosen: Chosen) -> None:
        """``number`` as in :mod:`layertui.compare.trees`."""
        super().__init__()
        self.chosen = chosen
        self.side = chosen.side
        """The image, once it has been read."""
        self.damage = ""
        """What of it could not be read."""
        self._number = number
        self._reading = Reading(self, chosen.reference, chosen.identity)
        self._done: dict[int, tuple[int, int]] = {}
        self._facts: list[str] = []
        self._failed = False

    def start(self, platform: str | None, cache: bool) -> None:
        """Start reading, unless it has been read."""
        if self.side is not None:
            self._tell(self.side.image, self.side.layer)
            self.post_message(self.Ready())
        else:
            self._reading.start(self.chosen.platform or platform, cache)
            self._facts = ["opening …"]
        self.refresh()

    def on_unmount(self) -> None:
        self._reading.close()

    # What is read

    def on_image_opened(self, event: ImageOpened) -> None:
        event.stop()
        if isinstance(event.result, LayertuiError):
            self._fail(event.result)
            return
        self._reading.take(image=event.result)
        self._facts = ["reading …"]
        self._take()

    def on_layer_progress(self, event: LayerProgress) -> None:
        event.stop()
        self._done[event.layer] = (event.done, event.total)
        image = self._reading.image
        if image is not None and self.side is None:
            done = sum(done for done, total in self._done.values() if total >= 0)
            of = f" of {size_text(image.size)}" if image.size >= done else ""
            self._facts = [f"reading … {size_text(done)}{of}"]
            self.refresh()

    def on_layer_indexed(self, event: LayerIndexed) -> None:
        event.stop()
        if event.index.damage and not self.damage:
            self.damage = f"layer {event.layer} could not be read completely: {event.index.damage}"

    def on_union_ready(self, event: UnionReady) -> None:
        event.stop()
        self._reading.take(union=event.union)

    def on_load_done(self, event: LoadDone) -> None:
        event.stop()
        self._reading.ended = True
        self._take()

    def on_load_failed(self, event: LoadFailed) -> None:
        event.stop()
        self._fail(event.error)

    def _fail(self, error: LayertuiError) -> None:
        if self._failed or self.side is not None:
            return  # the worker process reports the same
        self._failed = True
        self._reading.fail(error)
        self._facts = [visible(failure_text(error))]
        self.post_message(self.Failed(self._number, error))
        self.refresh()

    def _take(self) -> None:
        """Give the side to the screen, once, when image and layers are there."""
        from layertui.compare.comparison import Side

        image, union = self._reading.image, self._reading.union
        if self._failed or self.side is not None or not self._reading.complete:
            return
        assert image is not None and union is not None
        layer = len(image.layers) if self.chosen.layer is None else min(self.chosen.layer, len(image.layers))
        self.side = Side(image, union, LayerNumber(layer))
        self.damage = self.damage or image.damage
        self._tell(image, LayerNumber(layer))
        self.post_message(self.Ready())
        self.refresh()

    def _tell(self, image: Image, layer: LayerNumber) -> None:
        assert self.side is not None
        layers = count_text(layer, "layer")
        if layer < len(image.layers):
            layers = f"{layers_text(1, layer)} of {len(image.layers)}" if layer else "no layer"
        self._facts = [visible(str(image.platform)), layers]

    def compared(self, found: Comparison) -> None:
        """Also show the counts of the comparison."""
        assert self.side is not None
        merged, size = (
            (found.merged_a, found.sums.size_a) if self._number == A else (found.merged_b, found.sums.size_b)
        )
        self._tell(self.side.image, self.side.layer)
        self._facts += [count_text(merged.paths(), "path"), parts_text(size)]
        if self.damage:
            self._facts.append(f"✗ {visible(self.damage)}")
        self.refresh()

    def render(self) -> Content:
        """Return the reference whole, and as many facts as fit, the last ones first: builds often share a name."""
        # The name that its source gives it, not what was typed: A and B are named alike.
        name = visible(self.chosen.reference if self.side is None else self.side.image.reference)
        theme = self.app.current_theme
        ink = layer_color(self._number, theme.dark, theme.ansi)
        room = self.content_size.width - len("▌A ") - _GAP
        facts = list(self._facts)
        while len(facts) > 1 and sum(len(fact) + _GAP for fact in facts) + len(name) > room:
            del facts[0]
        told = "  ".join(facts)
        name = shorten(name, max(room - len(told) - _GAP, _NAME))
        return Content.assemble(
            ("▌" + "AB"[self._number - A], f"bold {ink}"),
            (f" {name}", "bold $foreground"),
            ("  " + shorten(told, max(room - len(name), 1)), "$deleted" if self._failed else ""),
        )
