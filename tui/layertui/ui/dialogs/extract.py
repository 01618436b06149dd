"""Ask for a destination, and extract files of an image."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.model.numbers import LayerNumber
from layertui.sources.completion import complete_path, expanded
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.dialogs.completed_field import CompletedField
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.failures import LEAVE_AND_RELOAD, failure_text
from layertui.ui.keys import bind
from layertui.ui.stack import on_top
from layertui.ui.worker.background import background

if TYPE_CHECKING:
    from layertui.content.extract.folder import Extraction
    from layertui.content.extract.selection import Selection
    from layertui.content.read import Contents
    from layertui.ui.detail.subject import Subject

_HINT = "Created if missing; never overwrites without asking."
_OWNER = {
    False: "you · setuid, xattrs and devices skipped",
    True: "as in the image · with setuid, xattrs and devices",
}
_KEYS = {
    "choosing": (("tab completes", ""), ("enter extracts", "submit"), ("esc cancels", "leave")),
    "asking": (("f replaces", "replace"), ("esc goes back", "leave")),
    "working": (("esc stops", "leave"),),
    "ended": (("esc closes", "leave"),),
}
"""The keys of each state, and the actions of a click."""
_BAR = 30
_NAMED = 8
"""Left-out paths that are listed."""


class ExtractDialog(Dialog[None]):
    """Extract what ``select`` returns, which is counted while the user types; closing stops it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("escape", "leave", "cancel", tooltip="Stop, go back, or close"),
        bind("enter,q", "close", "close", show=False),
        bind("f", "replace", "replace", tooltip="Replace existing files (--force)"),
        bind("ctrl+t", "owner", "owners", tooltip="Toggle: preserve owners (--owner)"),
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

        &.-low {
            CompletedField, #owner, #state {
                margin-top: 0;
            }

            OptionList {
                max-height: 4;
            }
        }
    }
    """

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
        self._counting = Job()
        self._writing = Job()

    def compose(self) -> ComposeResult:
        with Vertical(id="extract", classes="pane asking") as pane:
            pane.border_title = Content(shorten(visible(self._title), 70))
            yield Static(Content("counting …"), id="what")
            yield CompletedField(complete_path, "destination directory")
            yield Static(id="owner")
            yield Static(id="state")

    def on_mount(self) -> None:
        self._enter("choosing", _HINT)
        self._tell_owner()
        self._counting = background(self, self._count, self._counted, self._fail_to_count, name="select")

    def on_unmount(self) -> None:
        self._counting.cancel()
        self._writing.cancel()

    def _enter(
        self, state: Literal["choosing", "asking", "working", "ended"], text: str, failed: bool = False
    ) -> None:
        """Enter a state; ``text`` is shown, and may be hostile."""
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

    def _count(self, job: Job) -> "Selection":
        from layertui.content.extract import folder  # noqa: F401 (imported ahead of its use)

        return self._select(job)

    def _fail_to_count(self, error: LayertuiError) -> None:
        self.query_one("#what").display = False
        self._enter("ended", failure_text(error, LEAVE_AND_RELOAD), failed=True)

    def _counted(self, selection: "Selection") -> None:
        self._selection = selection
        self.query_one("#what", Static).update(Content(selection.summary))
        if self.state == "working":
            self._start()

    def action_owner(self) -> None:
        """Toggle preserving owners."""
        self._owner = not self._owner
        self._tell_owner()

    def _tell_owner(self) -> None:
        owner = Content.assemble(_key("ctrl+t", "owner"), "  owner: ", _OWNER[self._owner])
        self.query_one("#owner", Static).update(owner)

    # Writing it

    def on_completed_field_submitted(self, event: CompletedField.Submitted) -> None:
        """Extract to the entered directory; a click on a directory enters it first."""
        if self.state != "choosing":
            return  # enter was pressed twice
        if event.clicked:
            self.query_one(CompletedField).fill(event.text)
        elif text := expanded(event.text):
            self._destination = text
            self._enter("working", "counting …")
            if self._selection is not None:
                self._start()
        else:
            self._say(Content("Type a directory; . is the current one."), failed=True)

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
        writing = self._writing = Job()
        self._show_progress(0, 0)

        def write(job: Job) -> bool:
            """Return whether all was written: the outcome is shown where it was stopped, too."""
            try:
                # The total is known, the number of complete files is not.
                extraction.run(writing.part(lambda done, _total: job.report(done, extraction.files)))
            except Cancelled:
                return False
            return True

        def progress(done: int, files: int) -> None:
            if self.state == "working":
                self._show_progress(done, files)

        background(self, write, self._written, self._fail_to_write, name="extract", progress=progress)

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

    def _fail_to_write(self, error: LayertuiError) -> None:
        from layertui.content.extract.obstacles import InTheWay

        if isinstance(error, InTheWay) and error.can_replace:
            paths = "\n".join(_some(error.paths))
            self._enter("asking", f"{count_text(len(error.paths), 'file')} already exist:\n{paths}")
        else:
            self._enter("choosing", failure_text(error, LEAVE_AND_RELOAD), failed=True)

    def _written(self, is_complete: bool) -> None:
        assert self._selection is not None and self._extraction is not None
        extraction, files = self._extraction, self._selection.files
        where = f"to {self._destination}"
        if is_complete and not extraction.left_out and on_top(self):
            size = size_text(extraction.bytes)
            self.notify(f"{count_text(files, 'file')}, {size}, {where}", markup=False)
            self.dismiss()
            return
        text = f"Wrote {extraction.files:,} of {count_text(files, 'file')} {where}."
        if not is_complete:
            text = f"Stopped. {text}"
        if extraction.left_out:
            left_out = [f"{left.path}: {left.why}" for left in extraction.left_out]
            text += "\n\nLeft out, or different from the image:\n" + "\n".join(_some(left_out))
        is_usual = all(left.is_usual for left in extraction.left_out)
        self._enter("ended", text, failed=not is_usual)

    def action_replace(self) -> None:
        """Overwrite existing files."""
        self._enter("working", "")
        self._start(replace=True)

    # Leaving

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable only the keys of the current state."""
        if action == "replace":
            return self.state == "asking"
        if action == "owner":
            return self.state == "choosing"
        return action != "close" or self.state == "ended"

    def action_close(self) -> None:
        """Close the dialog, if everything was written."""
        self.dismiss()

    def action_leave(self) -> None:
        """Stop, go back to the field, or close."""
        if self.state == "working" and self._extraction is not None:
            self._writing.cancel()
        elif self.state in ("asking", "working"):
            self._enter("choosing", _HINT)
        else:
            self.dismiss()


def extract_path(subject: "Subject") -> ExtractDialog:
    """Extract a path with everything below it; a deleted path as it was before."""
    union, node, layer = subject.union, subject.node, subject.merged_layer
    event = union.last_by(node, layer)
    while event >= 0 and not union.shows(event):
        layer, event = LayerNumber(union.ev_layer[event] - 1), union.ev_prev[event]

    def select(job: Job) -> "Selection":
        from layertui.content.extract.selection import tree

        return tree(union, layer, node, job)

    as_of = f" at layer {layer}" if layer != subject.merged_layer else ""
    return ExtractDialog(f"Extract {union.path(node)}{as_of}", select, subject.contents)


def extract_changes(subject: "Subject", layer: LayerNumber) -> ExtractDialog:
    """Extract what a layer changed."""

    def select(job: Job) -> "Selection":
        from layertui.content.extract.selection import changeset

        selection = changeset(subject.union, layer, job=job)
        if not selection.types:
            raise LayertuiError("nothing to extract", f"layer {layer} changed nothing")
        return selection

    return ExtractDialog(f"Extract the changes of layer {layer}", select, subject.contents)


def _some(lines: Sequence[str]) -> list[str]:
    more = [f"and {len(lines) - _NAMED:,} more"] if len(lines) > _NAMED else []
    return [*lines[:_NAMED], *more]


def _key(text: str, action: str) -> Content:
    """Return an action as a clickable label."""
    return Content(text).stylize(Style.from_meta({"@click": f"screen.{action}"})) if action else Content(text)
