"""The reconstructed Dockerfile of an image, with the changes of each step."""

from collections.abc import Iterator
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from layertui.dockerfile import Instruction, heading, instructions
from layertui.dockerfile.base import Base, base_of
from layertui.dockerfile.base_candidates import neighbours
from layertui.dockerfile.effect import Effect, effect_of
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text
from layertui.text.sanitize import visible
from layertui.ui.detail.page import Page, message
from layertui.ui.dockerfile.pages import Listing, listing_of, step_page
from layertui.ui.failures import LEAVE_AND_RELOAD, failure_text
from layertui.ui.keys import Legend
from layertui.ui.stack import StackScreen
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.widgets.text_view import TextView
from layertui.ui.worker.background import background_each
from layertui.union.changes import undecided_pairs

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.ui.worker.reading import Reading

WIDE = 120
"""Width in columns from which the changes are beside the Dockerfile."""


class DockerfileScreen(StackScreen[tuple[str, LayerNumber] | None]):
    """The Dockerfile of ``reading``'s image; dismissed with a path (or none) and a layer."""

    HELP: ClassVar[str] = (
        "The Dockerfile, reconstructed from the history. Guesses, and what the history does not record, are "
        "marked: names of copied files and options such as --mount. The steps of the base image, if known, are "
        "above FROM. Beside it are the changes of the selected step. Enter opens the layer, or the selected "
        "file, in the explorer."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "the layer of a step, in its color"),
        ("# guess:", "$modified", "the next line is uncertain"),
        ("# unknown:", "$deleted", "the next line is incomplete"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "explore", "explore", tooltip="Open the layer or file in the explorer"),
        Binding("y", "copy", "copy", tooltip="Copy the instruction or value"),
        Binding("Y", "copy_all", "copy all", tooltip="Copy the Dockerfile"),
    ]
    CSS_PATH = Path(__file__).with_name("screen.tcss")

    def __init__(self, reading: "Reading") -> None:
        super().__init__()
        assert reading.image is not None
        self.ready = False
        """Whether the Dockerfile is all there; tests wait for it."""
        self._reading = reading
        self._image: Image = reading.image
        self._base: Base | None = None
        self._listing: Listing | None = None
        self._page: Page = message("")
        self._shown = -1  # the instruction that is reported about
        self._effects: dict[int, Effect | LayertuiError] = {}
        self._composing = Job()
        self._question = Job()  # working out the selected layer

    def compose(self) -> ComposeResult:
        with Container(id="panes"):
            yield TextView(id="dockerfile", classes="pane")
            yield TextView(id="did", classes="pane")
        yield KeyBar()

    def on_mount(self) -> None:
        for view in self.query(TextView):
            view.layer_count = max(len(self._image.layers), 1)
            view.folding = True
        left = self._view("dockerfile")
        left.border_title = Content(f"Dockerfile of {visible(self._image.name)}")
        left.open(message("Reconstructing …").document)
        left.focus()
        self._composing = background_each(
            self, self._listings, self._show_listing, self._end_listing, name="dockerfile"
        )

    def on_unmount(self) -> None:
        self._composing.cancel()
        self._question.cancel()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")

    def _view(self, name: str) -> TextView:
        return self.query_one(f"#{name}", TextView)

    # Working it out

    def _listings(self, job: Job) -> Iterator[tuple[Base, Listing]]:
        """Yield the Dockerfile from the image alone, then with the base image known."""
        image = self._image
        system = self._system()
        base = base_of(image, ())
        yield base, listing_of(instructions(image, base, system))
        around = base_of(image, takewhile(lambda _: not job.is_cancelled, neighbours(image)))
        yield around, listing_of(instructions(image, around, system))

    def _system(self) -> str:
        """Return the distribution, if the layers have been read."""
        from layertui.anatomy.chain import system

        union, contents = self._reading.union, self._reading.contents
        if union is None or contents is None or not self._reading.complete:
            return ""
        try:
            return system(union, contents).name
        except LayertuiError:
            return ""

    def _end_listing(self) -> None:
        self.ready = True

    def _show_listing(self, composed: tuple[Base, Listing]) -> None:
        base, listing = composed
        if self._base == base:
            return
        at_hand = self._at_hand
        self._base, self._listing, self._shown = base, listing, -1
        view = self._view("dockerfile")
        view.open(listing.document, cursor=listing.line_of(-1 if at_hand is None else at_hand.step))
        own = [each for each in listing.found if not each.is_base]
        missing = sum(bool(each.unknown) for each in own)
        told = count_text(len(own), "instruction") + (
            f", {missing:,} partly reconstructed" if missing else ""
        )
        view.border_subtitle = Content(told)
        self._show()

    def _work_out(self, layer: LayerNumber) -> None:
        """Compute the changes of a layer, first without comparing contents."""
        union, contents = self._reading.union, self._reading.contents
        if union is None or contents is None or union.layers < layer:
            return

        def effects(job: Job) -> Iterator[Effect]:
            effect = effect_of(union, layer)
            yield effect
            if effect.counts.undecided:
                pairs = undecided_pairs(union, LayerNumber(layer - 1), layer)
                contents.prepare((event for pair in pairs for event in pair), job)
                yield effect_of(union, layer, contents.same)

        note = partial(self._note_effect, layer)
        self._question = background_each(self, effects, note, failed=note, name="effect")

    def _note_effect(self, layer: int, effect: Effect | LayertuiError) -> None:
        """Keep the changes of a layer, or the error."""
        known = self._effects.get(layer)
        if isinstance(effect, Effect) or known is None:  # counts stay if reading fails
            self._effects[layer] = effect
        at_hand = self._at_hand
        if at_hand is not None and at_hand.layer == layer:
            self._tell(at_hand)

    # What is shown

    @property
    def _at_hand(self) -> Instruction | None:
        if self._listing is None:
            return None
        line = self._view("dockerfile").cursor
        return self._listing.found[self._listing.instructions[line]] if line >= 0 else None

    def on_text_view_cursor_moved(self) -> None:
        self._show()

    def _show(self) -> None:
        """Show the selected instruction."""
        self.refresh_bindings()
        line, at_hand = self._view("dockerfile").cursor, self._at_hand
        if at_hand is None or line == self._shown:
            return
        self._shown = line
        self._question.cancel()
        self._tell(at_hand)
        known = self._effects.get(at_hand.layer or 0)
        is_settled = isinstance(known, Effect) and not known.counts.undecided
        if at_hand.layer is not None and not is_settled:
            self._work_out(at_hand.layer)

    def _tell(self, each: Instruction) -> None:
        assert self._base is not None
        effect = self._effects.get(each.layer or 0)
        waits = "Changes are shown once the layer has been read."
        if isinstance(effect, LayertuiError):
            waits = visible(failure_text(effect, LEAVE_AND_RELOAD))
            effect = None
        view = self._view("did")
        self._page = step_page(self._image, self._base, each, effect, waits)
        view.open(self._page.document, cursor=view.cursor)
        view.border_title = Content(f"{each.keyword or 'Step'}: changes")
        self.refresh_bindings()

    # Keys

    def _place(self) -> tuple[str, LayerNumber] | None:
        """Return the target of the selection: a path, if any, and a layer."""
        view, at_hand = self._view("did"), self._at_hand
        if view.has_focus and view.cursor in self._page.events:
            return self._page.values[view.cursor], LayerNumber(self._page.events[view.cursor])
        return ("", at_hand.layer) if at_hand is not None and at_hand.layer is not None else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable only what can be done with the selected line."""
        if not self.is_mounted:
            return True
        if action == "explore":
            return self._place() is not None
        if action == "copy":
            return bool(self._value())
        return action != "copy_all" or self._listing is not None

    def action_explore(self) -> None:
        """Go to the layer of the step, or to the selected file."""
        self.dismiss(self._place())

    def _value(self) -> str:
        """Return what is copied."""
        view, at_hand = self._view("did"), self._at_hand
        if view.has_focus:
            return self._page.values.get(view.cursor, "")
        return "" if at_hand is None else at_hand.text or "\n".join(at_hand.lines)

    def action_copy(self) -> None:
        """Copy the instruction, or the selected value beside it."""
        self._copy(self._value(), "it")

    def action_copy_all(self) -> None:
        """Copy the Dockerfile."""
        assert self._listing is not None
        lines = heading(self._image) + [line for each in self._listing.found for line in each.lines]
        self._copy("\n".join([*lines, ""]), count_text(len(lines), "line"))

    def _copy(self, text: str, what: str) -> None:
        # A terminal may act on what is not shown.
        self.app.copy_to_clipboard("\n".join(map(visible, text.split("\n"))))
        self.notify(f"Copied {what}", markup=False)

    def on_click(self, event: events.Click) -> None:
        if event.chain > 1 and self.check_action("explore", ()):
            self.action_explore()
