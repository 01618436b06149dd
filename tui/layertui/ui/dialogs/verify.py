"""Recomputes every digest of an image, and shows each check as it is made."""

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.text.sanitize import visible
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.text import shorten, size_text
from layertui.ui.widgets.lines import Document, Line, Span
from layertui.ui.widgets.text_view import TextView

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.verify.layer import Check

MARKS: dict[str, Span] = {"ok": ("✓", "added"), "wrong": ("✗", "deleted"), "unchecked": ("·", "quiet")}
_GUTTER = 22
_SETTLED = 0.1
"""Seconds after which what came last is surely laid out."""
_SHORT = 30
"""Cells of a value that is as it should be; what is wrong is shown whole."""
_GIVEN_WAY = 2
"""Rows by which the end comes nearer, and nobody has scrolled, while what is said below takes more lines."""
_TICK = 0.1
"""Seconds between two posts of how far it has come, at least."""


class VerifyDialog(Dialog[None]):
    """Checks ``image`` from its reference down to its layers; closing it ends that."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,V", "dismiss", "close"),
    ]
    DEFAULT_CSS = """
    VerifyDialog {
        align: center middle;

        #verify {
            width: 110;
            max-width: 96%;
            height: 90%;
            padding: 0 1;
        }

        #state {
            height: auto;
            margin-top: 1;
            color: $quiet;
        }

        #state.ok {
            color: $added;
        }

        #state.wrong {
            color: $deleted;
        }
    }
    """

    class Checked(Message):
        """One thing has been checked."""

        def __init__(self, check: "Check") -> None:
            super().__init__()
            self.check = check

    class Progress(Message):
        """``done`` bytes of a layer are behind; of layer 0: of the stream that brings all of them."""

        def __init__(self, layer: int, done: int) -> None:
            super().__init__()
            self.layer = layer
            self.done = done

    class Ended(Message):
        """All that can be checked has been; ``error`` tells what could not be read."""

        def __init__(self, error: LayertuiError | None) -> None:
            super().__init__()
            self.error = error

    def __init__(self, image: "Image") -> None:
        super().__init__()
        self.ended = False
        """Whether no more checks come."""
        self._image = image
        self._job = Job(lambda done, _total: self._progress(0, done), layers=self._progress)
        self._lines: list[Line] = []
        self._counts: Counter[str] = Counter()
        self._wrong = -1  # the line of the first check that failed
        self._followed = 0  # the offset that has been scrolled to here
        self._told = (-1, 0.0)  # the layer that was last told of, and when

    def compose(self) -> ComposeResult:
        with Vertical(id="verify", classes="pane") as pane:
            pane.border_title = Content("Verify")
            yield TextView()
            yield Static(id="state")

    def on_mount(self) -> None:
        view = self.query_one(TextView)
        view.open(Document(self._lines, _GUTTER, wrap=True))
        view.focus()
        self._say(Content("opening …"))
        self._pane_says("escape cancels")
        threading.Thread(target=self._run, name="verify image", daemon=True).start()

    def on_unmount(self) -> None:
        self._job.cancel()

    def _run(self) -> None:
        from layertui.verify.image import verify

        error = None
        if self._image.arrival is not None:
            self._image.arrival.watch(self._job.report)
        try:
            for check in verify(self._image, self._job):
                self.post_message(self.Checked(check))
        except Cancelled:
            return
        except LayertuiError as raised:
            error = raised
        self.post_message(self.Ended(error))

    def _progress(self, layer: int, done: int, _total: int = -1) -> None:
        """Called in a thread, for every piece that is read."""
        told, when = self._told
        if layer != told or time.monotonic() - when >= _TICK:
            self._told = layer, time.monotonic()
            self.post_message(self.Progress(layer, done))

    def on_verify_dialog_checked(self, event: Checked) -> None:
        check, view = event.check, self.query_one(TextView)
        self._counts[check.status] += 1
        if check.status == "wrong" and self._wrong < 0:
            self._wrong = len(self._lines)
        self._lines += _lines_of(check)
        view.grown()
        self._follow(view.max_scroll_y)

    def _follow(self, y: float) -> None:
        """Scrolls to a row, unless somebody has scrolled back."""
        view = self.query_one(TextView)
        if view.scroll_offset.y >= self._followed - _GIVEN_WAY:
            view.scroll_to(y=y, animate=False, immediate=True)
            self._followed = view.scroll_offset.y

    def on_verify_dialog_progress(self, event: Progress) -> None:
        if self.ended:
            return
        layers = self._image.layers
        size = layers[event.layer - 1].descriptor.size if event.layer else self._image.size
        what = f"layer {event.layer} of {len(layers)}" if event.layer else "fetching the layers"
        of = f" of {size_text(size)}" if size >= event.done else ""  # else it is the size of something else
        self._say(Content(f"… {what}: {size_text(event.done)}{of}"))

    def on_verify_dialog_ended(self, event: Ended) -> None:
        self.ended = True
        counts = "{ok} ok, {wrong} wrong, {unchecked} not checkable here".format_map(self._counts)
        if self._counts["wrong"]:
            self._say(Content(f"✗ The image is not what its digests say: {counts}"), "wrong")
        elif event.error is not None:
            self._say(Content(f"✗ It could not all be read: {counts}\n{visible(str(event.error))}"), "wrong")
        elif self._counts["ok"]:
            self._say(Content(f"✓ Nothing is wrong: {counts}"), "ok")
        else:
            self._say(Content(f"Nothing could be checked: {counts}"))
        self._pane_says("escape closes")
        # The first refresh lays out what has come last, and only then it can be scrolled to; where the
        # scroll bar comes with it, that is later still.
        self.call_after_refresh(self.call_after_refresh, self._show_end)
        self.set_timer(_SETTLED, self._show_end)

    def _show_end(self) -> None:
        """Shows the first thing that is wrong, else the last that has been checked."""
        view = self.query_one(TextView)
        self._follow(view.rows_of(self._wrong)[0] if self._wrong >= 0 else view.max_scroll_y)

    def _say(self, text: Content, outcome: str = "") -> None:
        state = self.query_one("#state", Static)
        state.update(text)
        state.set_classes(outcome)

    def _pane_says(self, text: str) -> None:
        self.query_one("#verify").border_subtitle = Content(text)


def _lines_of(check: "Check") -> list[Line]:
    """A check as lines: a value that holds in short, both values whole if they differ."""
    gutter: list[Span] = [MARKS[check.status], (f" {visible(check.subject):9} {check.what:9} ", "quiet")]
    if check.status == "ok":
        return [Line([(shorten(visible(check.found), _SHORT), "")], gutter)]
    bodies: list[list[Span]] = []
    if check.status == "wrong":
        bodies.append([("claimed ", "quiet"), (visible(check.expected or "nothing"), "")])
        if check.found:
            bodies.append([("found   ", "quiet"), (visible(check.found), "deleted")])
    elif check.expected or check.found:
        bodies.append([(shorten(visible(check.expected or check.found), _SHORT), "")])
    if check.why:
        bodies.append([(visible(check.why), "deleted" if check.status == "wrong" else "quiet")])
    return [Line(body, gutter if not number else [(" ", "")]) for number, body in enumerate(bodies)]
