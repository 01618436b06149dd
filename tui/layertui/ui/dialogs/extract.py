"""Asks where files of an image are to go, and writes them there."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.text.sanitize import visible
from layertui.ui.dialogs.completed_field import CompletedField
from layertui.ui.dialogs.completion import complete_path, expanded
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.text import count_text, shorten, size_text

if TYPE_CHECKING:
    from layertui.content.extract.folder import Extraction
    from layertui.content.extract.selection import Selection
    from layertui.content.read import Contents
    from layertui.ui.detail.subject import Subject

_HINT = "Made if it is not there; nothing in it is replaced unasked."
_OWNER = {
    False: "you; setuid bits, attributes and devices are left out",
    True: "as in the image, with setuid bits, attributes, devices",
}
_KEYS = {
    "choosing": (("tab completes", ""), ("enter extracts", "submit"), ("escape cancels", "leave")),
    "asking": (("r replaces", "replace"), ("escape goes back", "leave")),
    "working": (("escape stops", "leave"),),
    "ended": (("escape closes", "leave"),),
}
"""What the keys do in each state, and the actions of a click."""
_BAR = 30
_TICK = 0.1
"""Seconds between two posts of how far it has come, at least."""
_NAMED = 8
"""Paths that are left out, of those that are named."""


class ExtractDialog(Dialog[None]):
    """Extracts what ``select`` finds, which is counted while one types; closing it stops that."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", tooltip="Stop writing, go back, or close"),
        Binding("enter,q", "close", "close", show=False),
        Binding("r", "replace", "replace", tooltip="Replace the files that are there"),
        Binding("ctrl+o", "owner", "owners", tooltip="Keep owners, or have the files be yours"),
    ]
    DEFAULT_CSS = """
    ExtractDialog {
        align: center top;

        #what, #owner, #state {
            height: auto;
            color: $quiet;
        }

        CompletedField {
            margin-top: 1;
        }

        #owner, #state {
            margin-top: 1;
        }

        #state.failed {
            color: $deleted;
        }
    }
    """

    class Selected(Message):
        """What is to be extracted, or why it cannot be told."""

        def __init__(self, result: "Selection | LayertuiError") -> None:
            super().__init__()
            self.result = result

    class Progress(Message):
        """So many bytes and whole files are written."""

        def __init__(self, done: int, files: int) -> None:
            super().__init__()
            self.done = done
            self.files = files

    class Ended(Message):
        """All is written but what is left out, or ``error`` tells why not; None with it: it was stopped."""

        def __init__(self, error: LayertuiError | None, stopped: bool = False) -> None:
            super().__init__()
            self.error = error
            self.stopped = stopped

    def __init__(self, title: str, select: "Callable[[Job], Selection]", contents: "Contents") -> None:
        """``title`` may be hostile; ``select`` is called in a thread."""
        super().__init__()
        self.state: Literal["choosing", "asking", "working", "ended"] = "choosing"
        self._title = title
        self._select = select
        self._contents = contents
        self._selection: Selection | None = None
        self._extraction: Extraction | None = None
        self._destination = ""
        self._owner = False
        self._job = Job()
        self._told = 0.0

    def compose(self) -> ComposeResult:
        with Vertical(id="extract", classes="pane asking") as pane:
            pane.border_title = Content(shorten(visible(self._title), 70))
            yield Static(Content("counting …"), id="what")
            yield CompletedField(complete_path, "directory to write into")
            yield Static(id="owner")
            yield Static(id="state")

    def on_mount(self) -> None:
        self._enter("choosing", _HINT)
        self._tell_owner()
        threading.Thread(target=self._count, name="select", daemon=True).start()

    def on_unmount(self) -> None:
        self._job.cancel()

    def _enter(
        self, state: Literal["choosing", "asking", "working", "ended"], text: str, failed: bool = False
    ) -> None:
        """Goes to a state; ``text`` says what is to be known there, and may be hostile."""
        self.state = state
        field = self.query_one(CompletedField)
        field.display = self.query_one("#owner").display = state == "choosing"
        if state == "choosing":
            field.focus_line()
        else:
            self.set_focus(None)
        self.query_one("#extract").border_subtitle = Content(" · ").join(_key(*key) for key in _KEYS[state])
        self._say(Content("\n").join(Content(visible(line)) for line in text.split("\n")), failed)
        self.refresh_bindings()

    def _say(self, text: Content, failed: bool = False) -> None:
        said = self.query_one("#state", Static)
        said.update(text)
        said.set_class(failed, "failed")

    # What is extracted

    def _count(self) -> None:
        from layertui.content.extract import folder  # noqa: F401 (here rather than when it is wanted)

        try:
            result: Selection | LayertuiError = self._select(self._job)
        except Cancelled:
            return
        except LayertuiError as error:
            result = error
        self.post_message(self.Selected(result))

    def on_extract_dialog_selected(self, event: Selected) -> None:
        if isinstance(event.result, LayertuiError):
            self.query_one("#what").display = False
            self._enter("ended", str(event.result), failed=True)
            return
        self._selection = event.result
        self.query_one("#what", Static).update(Content(event.result.summary))
        if self.state == "working":
            self._start()

    def action_owner(self) -> None:
        """Keeps owners, or no longer."""
        self._owner = not self._owner
        self._tell_owner()

    def _tell_owner(self) -> None:
        owner = Content.assemble(_key("ctrl+o", "owner"), "  owner: ", _OWNER[self._owner])
        self.query_one("#owner", Static).update(owner)

    # Writing it

    def on_completed_field_submitted(self, event: CompletedField.Submitted) -> None:
        """Writes to where enter was pressed; a click on a directory goes into it first."""
        if event.clicked:
            self.query_one(CompletedField).fill(event.text)
        elif text := expanded(event.text):
            self._destination = text
            self._enter("working", "counting …")
            if self._selection is not None:
                self._start()

    def action_submit(self) -> None:
        """Enter, for the mouse."""
        field = self.query_one(CompletedField)
        field.post_message(CompletedField.Submitted(field.text, clicked=False))

    def _start(self, replace: bool = False) -> None:
        from layertui.content.extract.folder import Extraction

        assert self._selection is not None
        extraction = self._extraction = Extraction(
            self._selection, self._contents, Path(self._destination), self._owner, replace
        )
        job = self._job = Job(self._progress)
        self._show_progress(0, 0)

        def run() -> None:
            try:
                extraction.run(job)
            except Cancelled:
                self.post_message(self.Ended(None, stopped=True))
            except LayertuiError as error:
                self.post_message(self.Ended(error))
            else:
                self.post_message(self.Ended(None))

        threading.Thread(target=run, name="extract", daemon=True).start()

    def _progress(self, done: int, _total: int) -> None:
        """Called in a thread, for every piece that is written."""
        if time.monotonic() - self._told >= _TICK:
            self._told = time.monotonic()
            assert self._extraction is not None
            self.post_message(self.Progress(done, self._extraction.files))

    def on_extract_dialog_progress(self, event: Progress) -> None:
        if self.state == "working":
            self._show_progress(event.done, event.files)

    def _show_progress(self, done: int, files: int) -> None:
        assert self._selection is not None
        total = self._selection.size
        full = _BAR * done // total if total else 0
        self._say(
            Content.assemble(
                ("━" * full, "$accent"),
                ("━" * (_BAR - full), "$line"),
                f" {size_text(done)} of {size_text(total)}, ",
                f"{files:,} of {count_text(self._selection.files, 'file')}",
            )
        )

    def on_extract_dialog_ended(self, event: Ended) -> None:
        from layertui.content.extract.obstacles import InTheWay

        assert self._selection is not None and self._extraction is not None
        if isinstance(event.error, InTheWay) and event.error.can_replace:
            paths = "\n".join(_some(event.error.paths))
            self._enter("asking", f"{count_text(len(event.error.paths), 'file')} already there:\n{paths}")
        elif event.error is not None:
            self._enter("choosing", str(event.error), failed=True)
        else:
            self._tell_outcome(self._extraction, self._selection.files, event.stopped)

    def _tell_outcome(self, extraction: "Extraction", files: int, stopped: bool) -> None:
        where = f"written to {self._destination}"
        if not stopped and not extraction.left_out:
            size = size_text(extraction.bytes)
            self.notify(f"{count_text(files, 'file')}, {size}, {where}", markup=False)
            self.dismiss()
            return
        text = f"{extraction.files:,} of {count_text(files, 'file')} {where}, each of them whole."
        if stopped:
            text = f"Stopped. {text}"
        if extraction.left_out:
            left_out = [f"{left.path}: {left.why}" for left in extraction.left_out]
            text += "\n\nLeft out, or not as in the image:\n" + "\n".join(_some(left_out))
        is_usual = all(left.is_usual for left in extraction.left_out)
        self._enter("ended", text, failed=not is_usual)

    def action_replace(self) -> None:
        """Writes over the files that are there."""
        self._enter("working", "")
        self._start(replace=True)

    # Leaving

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only the keys of the state at hand."""
        if action == "replace":
            return self.state == "asking"
        if action == "owner":
            return self.state == "choosing"
        return action != "close" or self.state == "ended"

    def action_close(self) -> None:
        """Closes the dialog, once all is written."""
        self.dismiss()

    def action_leave(self) -> None:
        """Stops what goes on, goes back to the line, or closes."""
        if self.state == "working" and self._extraction is not None:
            self._job.cancel()
        elif self.state in ("asking", "working"):
            self._enter("choosing", _HINT)
        else:
            self.dismiss()


def extract_path(subject: "Subject") -> ExtractDialog:
    """Extracts a path with all below it; what is hidden as it was before it was deleted."""
    union, node, layer = subject.union, subject.node, subject.merged_layer
    event = union.last_by(node, layer)
    while event >= 0 and not union.shows(event):
        layer, event = union.ev_layer[event] - 1, union.ev_prev[event]

    def select(job: Job) -> "Selection":
        from layertui.content.extract.selection import tree

        return tree(union, layer, node, job)

    as_of = f" as of layer {layer}" if layer != subject.merged_layer else ""
    return ExtractDialog(f"Extract {union.path(node)}{as_of}", select, subject.contents)


def extract_changes(subject: "Subject", layer: int) -> ExtractDialog:
    """Extracts what a layer changed."""

    def select(job: Job) -> "Selection":
        from layertui.content.extract.selection import changeset

        selection = changeset(subject.union, layer, job=job)
        if not selection.types:
            raise LayertuiError("nothing to extract", f"layer {layer} changed nothing")
        return selection

    return ExtractDialog(f"Extract what layer {layer} changed", select, subject.contents)


def _some(lines: Sequence[str]) -> list[str]:
    more = [f"and {len(lines) - _NAMED:,} more"] if len(lines) > _NAMED else []
    return [*lines[:_NAMED], *more]


def _key(text: str, action: str) -> Content:
    """What a key does, to be clicked."""
    return Content(text).stylize(Style.from_meta({"@click": f"screen.{action}"})) if action else Content(text)
