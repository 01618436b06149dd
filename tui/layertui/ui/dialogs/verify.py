"""Recompute every digest of an image, showing each check."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.text.format import size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.failures import LEAVE_AND_RELOAD, failure_text
from layertui.ui.keys import bind
from layertui.ui.widgets.lines import Document, Line, Span
from layertui.ui.widgets.text_view import TextView
from layertui.ui.worker.background import TICK, background_each

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.verify.layer import Check

CHECK_MARKS: dict[str, Span] = {"ok": ("✓", "added"), "wrong": ("✗", "deleted"), "unchecked": ("·", "quiet")}
_GUTTER = 22
_SETTLED = 0.1
"""Seconds after which the last rows are laid out."""
_SHORT = 30
"""Cells of a correct value; wrong values are shown completely."""
_GIVEN_WAY = 2
"""Rows by which the end comes nearer, and the user has not scrolled, while what is said below takes more lines."""


class VerifyDialog(Dialog[None]):
    """Check ``image`` from its reference down to its layers; closing stops it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("escape,q,enter,V", "dismiss", "close"),
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

    def __init__(self, image: "Image") -> None:
        super().__init__()
        self.ended = False
        """Whether all checks are done."""
        self._image = image
        self._verifying = Job(lambda done, _total: self._progress(EMPTY, done), layers=self._progress)
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
        self._pane_says("esc cancels")
        background_each(
            self,
            self._checks,
            self._add,
            self._end,
            self._end,
            name="verify image",
            part_of=self._verifying,
        )

    def on_unmount(self) -> None:
        self._verifying.cancel()

    def _checks(self, _job: Job) -> "Iterator[Check]":
        from layertui.model.identity import identity_of
        from layertui.sources.pinned import explain
        from layertui.verify.image import verify_image

        try:
            yield from verify_image(self._image, self._verifying)
        except LayertuiError as error:
            raise explain(error, identity_of(self._image)) from error

    def _progress(self, layer: LayerNumber, done: int, _total: int = -1) -> None:
        """Report progress; called in a thread. Layer 0 is the stream with all layers."""
        told, when = self._told
        if layer != told or time.monotonic() - when >= TICK:
            self._told = layer, time.monotonic()
            self.call_later(self._show_progress, layer, done)

    def _add(self, check: "Check") -> None:
        view = self.query_one(TextView)
        self._counts[check.status] += 1
        if check.status == "wrong" and self._wrong < 0:
            self._wrong = len(self._lines)
        self._lines += _lines_of(check)
        view.grown()
        self._follow(view.max_scroll_y)

    def _follow(self, y: float) -> None:
        """Scroll to a row, unless the user has scrolled back."""
        view = self.query_one(TextView)
        if view.scroll_offset.y >= self._followed - _GIVEN_WAY:
            view.scroll_to(y=y, animate=False, immediate=True)
            self._followed = view.scroll_offset.y

    def _show_progress(self, layer: int, done: int) -> None:
        if self.ended:
            return
        layers = self._image.layers
        size = layers[layer - 1].descriptor.size if layer else self._image.size
        what = f"layer {layer} of {len(layers)}" if layer else "fetching the layers"
        of = f" of {size_text(size)}" if size >= done else ""  # else it is the size of something else
        self._say(Content(f"… {what}: {size_text(done)}{of}"))

    def _end(self, error: LayertuiError | None = None) -> None:
        """Show the result; ``error`` says what could not be read."""
        self.ended = True
        counts = "{ok} verified, {wrong} wrong, {unchecked} not verifiable".format_map(self._counts)
        if self._counts["wrong"]:
            self._say(Content(f"✗ Digests do not match: {counts}"), "wrong")
        elif error is not None:
            self._say(
                Content(
                    f"✗ Not everything could be read: {counts}\n{visible(failure_text(error, LEAVE_AND_RELOAD))}"
                ),
                "wrong",
            )
        elif self._counts["ok"]:
            self._say(Content(f"✓ {counts}"), "ok")
        else:
            self._say(Content(f"Nothing could be verified: {counts}"))
        self._pane_says("esc closes")
        # The first refresh lays out what has come last, and only then it can be scrolled to; where the
        # scroll bar comes with it, that is later still.
        self.call_after_refresh(self.call_after_refresh, self._show_end)
        self.set_timer(_SETTLED, self._show_end)

    def _show_end(self) -> None:
        """Scroll to the first failed check, else to the last check."""
        view = self.query_one(TextView)
        self._follow(view.rows_of(self._wrong)[0] if self._wrong >= 0 else view.max_scroll_y)

    def _say(self, text: Content, outcome: str = "") -> None:
        state = self.query_one("#state", Static)
        state.update(text)
        state.set_classes(outcome)

    def _pane_says(self, text: str) -> None:
        self.query_one("#verify").border_subtitle = Content(text)


def _lines_of(check: "Check") -> list[Line]:
    """Return a check as lines: a correct value shortened, wrong ones completely."""
    gutter: list[Span] = [
        CHECK_MARKS[check.status],
        (f" {visible(check.subject):9} {check.what:9} ", "quiet"),
    ]
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
