"""The Dockerfile of an image as a bill, and what would save bytes."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget

from layertui.dockerfile import Instruction
from layertui.dockerfile.advice import Advice
from layertui.dockerfile.bill import Bill
from layertui.dockerfile.document import Dockerfile
from layertui.dockerfile.effect import Effect
from layertui.model.errors import LayertuiError
from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text, parts_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.clipboard import copy_text
from layertui.ui.detail.page import Page, message
from layertui.ui.dockerfile.advice_page import advice_list, advice_page, heads
from layertui.ui.dockerfile.listing import Listing
from layertui.ui.dockerfile.questions import Questions
from layertui.ui.dockerfile.step_page import step_page
from layertui.ui.failures import LEAVE_AND_RELOAD, failure_text
from layertui.ui.keys import Legend, bind
from layertui.ui.stack import Destination, Origin
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.widgets.lines import Line
from layertui.ui.widgets.text_view import TextView, next_result
from layertui.ui.widgets.top_line import TopLine, Weighted

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.ui.worker.reading import Reading

WIDE, WIDER = 120, 160
"""Widths in columns from which the details are beside the advice, and both beside the Dockerfile."""
DETAILED = 36
"""Lines of the screen from which the details of a step are shown below."""
HEADED = 20
"""Lines of the screen from which columns are named."""
_LOOK = 0.2
"""Seconds between checks whether the layers have been read."""


class DockerfileScreen(Origin[Destination]):
    """The Dockerfile of ``reading``'s image; dismissed with a path (or none) and a layer."""

    HELP: ClassVar[str] = (
        "The Dockerfile with the bytes that each instruction stores: live bytes are those of files in the final "
        "tree, dead bytes those of files that later layers overwrite or delete. If BuildKit's provenance is "
        "attached it is the real one, with the numbers of its lines; build stages that made no layer of the image "
        "are dim. Else it is reconstructed from the history, and what is uncertain or not recorded is noted at "
        "the end of a line. The steps of the base image, if known, are above FROM. Below are changes of the Dockerfile that would save bytes, each with the step that "
        "stores dead bytes and the step that hides them. Enter opens the layer, or the selected file, in the "
        "explorer, and goes from a piece of advice to the instruction that stores the bytes."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "the layer of a step, in its color"),
        ("█░", "$accent", "live and dead bytes"),
        ("▸", "$accent", "the steps that the selected advice joins"),
        ("# guess:", "$quiet", "the instruction is uncertain"),
        ("# unknown:", "$quiet", "the instruction is incomplete"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "explore", "explore", tooltip="Open the layer or file, or go to the instruction"),
        bind("y", "copy", "copy", tooltip="Copy the instruction, the changed lines or the path"),
        bind("Y", "copy_all", "copy all", tooltip="Copy the Dockerfile"),
    ]
    CSS_PATH = Path(__file__).with_name("screen.tcss")

    def __init__(self, reading: "Reading") -> None:
        super().__init__()
        assert reading.image is not None
        self.ready = False
        """Whether the Dockerfile is all there; tests wait for it."""
        self.bill = Bill()
        self._image: Image = reading.image
        self._questions = Questions(self, reading, reading.image)
        self._listing: Listing | None = None
        self._page: Page = message("")
        self._shown: Instruction | Advice | None = None
        """What the details are about."""
        self._effects: dict[int, Effect | LayertuiError] = {}

    def compose(self) -> ComposeResult:
        yield TopLine()
        with Container(id="panes"):
            yield TextView(id="dockerfile", classes="pane")
            with Container(id="below"):
                yield TextView(id="advice", classes="pane")
                yield TextView(id="detail", classes="pane")
        yield KeyBar()

    def on_mount(self) -> None:
        for view in self.query(TextView):
            view.folding = True
        left = self._view("dockerfile")
        left.border_title = Content("Dockerfile")
        left.open(message("Reading …").document)
        left.focus()
        self._say("Shown once all layers have been read.")
        self._reconstruct()
        if not self._questions.reading.complete:
            self._waiting = self.set_interval(_LOOK, self._look)

    def on_unmount(self) -> None:
        self._questions.close()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self.set_class(event.size.width >= WIDER, "-wider")
        self.set_class(event.size.height >= DETAILED, "-tall")
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        self._draw()
        if self.bill.pieces:
            self._list_advice(self.bill.pieces)

    def _view(self, name: str) -> TextView:
        return self.query_one(f"#{name}", TextView)

    # Working it out

    def _reconstruct(self) -> None:
        self._questions.compose(self._show_listing, self._end_listing)

    def _look(self) -> None:
        """Check whether the layers have been read meanwhile."""
        reading = self._questions.reading
        if reading.failure is not None:
            self._waiting.stop()
            self._say(failure_text(reading.failure, LEAVE_AND_RELOAD), "deleted")
        elif reading.complete:
            self._waiting.stop()
            self._reconstruct()

    def _end_listing(self) -> None:
        self.ready = True

    def _show_listing(self, listing: Listing) -> None:
        before = self._listing
        if before is None or listing.dockerfile != before.dockerfile:
            own = [each for each in listing.found if not each.is_base]
            at_hand = own[0] if before is None else self._at_hand
            self._listing, self._shown = listing, None
            view = self._view("dockerfile")
            view.open(listing.document(self.bill, self._width), self._columns, listing.line_of(at_hand))
            missing = sum(bool(each.unknown) for each in own)
            partly = f", {missing:,} partly reconstructed" if missing else ""
            view.border_title = Content(_title(listing.dockerfile))
            view.border_subtitle = Content(count_text(len(own), "instruction") + partly)
            self._show()
        self._charge()

    def _charge(self) -> None:
        """Show the sizes, and make the bill."""
        reading = self._questions.reading
        if not reading.complete or self._listing is None:
            return
        if not self.bill.sizes:
            self.bill = Bill(reading.sizes)
            self._draw()
            self._say("Comparing contents …")
        self._questions.charge(self._listing.found, self._take_bill, self._note_failure, self._note_progress)

    def _take_bill(self, bill: Bill) -> None:
        self.bill = bill
        self._draw()
        pieces = bill.pieces or ()
        if pieces:
            self._note_focus()
            self._list_advice(pieces)
        elif bill.total.dead:
            self._say("No change of these instructions is known to save the dead bytes.")
        else:
            self._say("Nothing: the image has no dead bytes.")
        self._show()

    def _list_advice(self, pieces: Sequence[Advice]) -> None:
        view = self._view("advice")
        names = heads(self._is_recorded) if self._has_heads else ()
        view.open(advice_list(pieces), names, view.cursor)
        view.border_title = Content(f"How to save {size_text(self.bill.saved)}")
        view.border_subtitle = Content(f"of {size_text(self.bill.total.dead)} dead bytes")

    def _note_progress(self, done: int, total: int) -> None:
        self._say(f"Comparing contents … {size_text(done)} of {size_text(total)}")

    def _note_failure(self, error: LayertuiError) -> None:
        self._say(failure_text(error, LEAVE_AND_RELOAD), "deleted")

    def _note_effect(self, layer: LayerNumber, effect: Effect | LayertuiError) -> None:
        """Keep the changes of a layer, or the error."""
        known = self._effects.get(layer)
        if isinstance(effect, Effect) or known is None:  # counts stay if reading fails
            self._effects[layer] = effect
        at_hand = self._at_hand
        if at_hand is not None and at_hand.layer == layer and not self._is_advising:
            self._tell_step(at_hand)

    # What is shown

    @property
    def focus_chain(self) -> list[Widget]:
        """The panes in order: the details follow what they are about."""
        names = (
            ("dockerfile", "advice", "detail") if self._is_advising else ("dockerfile", "detail", "advice")
        )
        return [view for view in map(self._view, names) if view.display]

    @property
    def _width(self) -> int:
        return self._view("dockerfile").content_size.width

    @property
    def _is_recorded(self) -> bool:
        return self._listing is not None and self._listing.dockerfile.source == "provenance"

    @property
    def _has_heads(self) -> bool:
        """Whether there is room for the names of the columns."""
        return self.size.height >= HEADED

    @property
    def _columns(self) -> Sequence[Line]:
        return self._listing.columns(self._width) if self._listing and self._has_heads else ()

    @property
    def _at_hand(self) -> Instruction | None:
        return None if self._listing is None else self._listing.at(self._view("dockerfile").cursor)

    @property
    def _is_advising(self) -> bool:
        return self.has_class("-advising")

    @property
    def _piece(self) -> Advice | None:
        """The selected piece of advice."""
        pieces, cursor = self.bill.pieces or (), self._view("advice").cursor
        return pieces[cursor] if 0 <= cursor < len(pieces) else None

    def _say(self, sentence: str, style: str = "quiet") -> None:
        """Show a sentence in place of the advice."""
        view = self._view("advice")
        view.border_title = Content("How to save bytes")
        view.open(message(sentence, style).document)

    def _draw(self) -> None:
        """Show the Dockerfile with what is known, for the width there is; cursor and scrolling stay."""
        self.query_one(TopLine).tell(self._image.name, self._facts())
        if self._listing is not None:
            piece = self._piece if self._is_advising else None
            joined = () if piece is None else (piece.storing.step, piece.hiding.step)
            document = self._listing.document(self.bill, self._width, joined)
            self._view("dockerfile").replace(document, self._columns)

    def _facts(self) -> list[Weighted]:
        """Return the sums of the header."""
        bill = self.bill
        found = [(1, Content(parts_text(bill.total)))] if bill.sizes else []
        if bill.pieces:
            changes = count_text(len(bill.pieces), "change")
            found.append((2, Content.styled(f"{changes} save {size_text(bill.saved)}", "$added")))
        return found

    def on_text_view_cursor_moved(self) -> None:
        self._show()

    def on_descendant_focus(self) -> None:
        self._note_focus()
        self._show()

    def _note_focus(self) -> None:
        """Show the details of advice while the advice has the focus; where there is hardly any room, in place of all else."""
        if self.focused is not self._view("detail"):
            self.set_class(self.focused is self._view("advice") and bool(self.bill.pieces), "-advising")
        is_narrow = not (self.has_class("-wide") or self.has_class("-wider"))
        self._view("dockerfile").set_class(self._is_advising and is_narrow, "-closed")

    def _show(self) -> None:
        """Show the details of the selected instruction or piece of advice."""
        self.refresh_bindings()
        piece, at_hand = self._piece if self._is_advising else None, self._at_hand
        shown = at_hand if piece is None else piece
        if shown is None or shown is self._shown:
            return
        was_piece, self._shown = isinstance(self._shown, Advice), shown
        if piece is not None and self._listing is not None:
            self._view("dockerfile").put_cursor(self._listing.line_of(piece.storing))
            self._put(advice_page(piece), "Advice")
        if piece is not None or was_piece:
            self._draw()
        if isinstance(shown, Instruction):
            self._tell_step(shown)
            known = self._effects.get(shown.layer or 0)
            if shown.layer is not None and not (isinstance(known, Effect) and not known.counts.undecided):
                self._questions.work_out(shown.layer, partial(self._note_effect, shown.layer))

    def _tell_step(self, each: Instruction) -> None:
        assert self._listing is not None
        effect = self._effects.get(each.layer or 0)
        waits = "Changes are shown once the layer has been read."
        if isinstance(effect, LayertuiError):
            waits = visible(failure_text(effect, LEAVE_AND_RELOAD))
            effect = None
        page = step_page(self._image, self._listing.dockerfile, each, effect, waits)
        self._put(page, f"{each.keyword or 'Step'}: changes")

    def _put(self, page: Page, title: str) -> None:
        view = self._view("detail")
        self._page = page
        view.open(page.document, cursor=view.cursor)
        view.border_title = Content(title)
        self.refresh_bindings()

    # Keys

    def _place(self) -> Destination | None:
        """Return the target of the selection: a path, if any, and a layer."""
        view, at_hand = self._view("detail"), self._at_hand
        if view.has_focus and view.cursor in self._page.events:
            return Destination(self._page.values[view.cursor], LayerNumber(self._page.events[view.cursor]))
        return Destination("", at_hand.layer) if at_hand is not None and at_hand.layer is not None else None

    crumb = "Dockerfile"
    can_step = True

    def step(self, by: int) -> Destination | None:
        view = self.focused
        return next_result(view, by, self._place) if isinstance(view, TextView) else None

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
        """Go to the layer of the step, to the selected file, or from advice to the instruction."""
        if self._view("advice").has_focus and self._piece is not None:
            self._view("dockerfile").focus()
        else:
            self.dismiss(self._place())

    def _value(self) -> str:
        """Return what is copied."""
        view, at_hand, piece = self._view("detail"), self._at_hand, self._piece
        if view.has_focus:
            return self._page.values.get(view.cursor, "")
        if self._is_advising:
            return "" if piece is None else piece.remedy.change
        return "" if at_hand is None else at_hand.text or "\n".join(at_hand.lines)

    def action_copy(self) -> None:
        """Copy the instruction, the changed lines or the selected value."""
        self._copy(self._value(), "the changed lines" if self._view("advice").has_focus else "it")

    def action_copy_all(self) -> None:
        """Copy the Dockerfile."""
        assert self._listing is not None
        dockerfile = self._listing.dockerfile
        self._copy(dockerfile.text, count_text(len(dockerfile.lines), "line"))

    def _copy(self, text: str, what: str) -> None:
        # A terminal may act on what is not shown.
        copy_text(self, "\n".join(map(visible, text.split("\n"))), what)

    def on_click(self, event: events.Click) -> None:
        if event.chain > 1 and self.check_action("explore", ()):
            self.action_explore()


def _title(dockerfile: Dockerfile) -> str:
    """Return the name of the Dockerfile and what it is from, where that is not the history alone."""
    provenance = dockerfile.provenance
    if provenance is None:
        return "Dockerfile"
    used = "history" if provenance.why else "provenance (BuildKit)"
    return f"{visible(provenance.file or 'Dockerfile')}  source: {used}"
