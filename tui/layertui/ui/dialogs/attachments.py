"""Signatures, SBOMs and attestations of an image: listed on request, and read."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.sources.documents import decode
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible, visible_lines
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.dialogs.reader import ReaderDialog
from layertui.ui.failures import LEAVE_AND_RELOAD, failure_text
from layertui.ui.keys import bind
from layertui.ui.stack import open_above
from layertui.ui.widgets.lines import Line, LongDocument
from layertui.ui.worker.background import background, background_each

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.sources.attachments import AttachedDocument, Attachment

_READ = 4 << 20
"""Bytes of a document that are shown."""


class AttachmentsDialog(Dialog[None]):
    """List the attachments of an image as they are found; enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("escape,q,a", "dismiss", "close"),
        bind("k", "move('cursor_up')", "up", show=False),
        bind("j", "move('cursor_down')", "down", show=False),
    ]
    DEFAULT_CSS = """
    AttachmentsDialog {
        align: center middle;

        #attachments {
            width: 100;
            max-width: 96%;
            height: auto;
            max-height: 80%;
            padding: 0 1;
        }

        OptionList {
            max-height: 100%;
        }

        #status {
            height: auto;
            color: $quiet;
        }

        #status.failed {
            color: $deleted;
        }
    }
    """

    def __init__(self, image: "Image") -> None:
        super().__init__()
        self._image = image
        self._documents: list[tuple[str, AttachedDocument]] = []
        self._listing = Job()

    def compose(self) -> ComposeResult:
        with Vertical(id="attachments", classes="pane") as pane:
            pane.border_title = Content("Attachments")
            pane.border_subtitle = Content("enter opens · esc closes")
            yield OptionList(classes="choices", compact=True)
            yield Static(Content("Looking for attachments …"), id="status")

    def on_mount(self) -> None:
        self.query_one(OptionList).display = False

        def attached(_job: Job) -> "Iterator[Attachment]":
            from layertui.sources.attachments import attachments

            return attachments(self._image)

        self._listing = background_each(
            self, attached, self._add, self._end, self._say_failure, name="attachments"
        )

    def on_unmount(self) -> None:
        self._listing.cancel()

    def _add(self, attachment: "Attachment") -> None:
        options = self.query_one(OptionList)
        if attachment.documents and not options.display:
            options.display = True
            options.focus()
        for document in attachment.documents:
            title = document.kind.title
            self._documents.append((title, document))
            size = "not stored" if document.blob is None else size_text(document.descriptor.size)
            prompt = Content(visible(title))
            prompt = prompt.append(
                Content.styled(f"  {size}\n{visible(document.descriptor.digest)}", "$quiet")
            )
            options.add_option(Option(prompt, disabled=document.blob is None))
        if options.highlighted is None:
            options.action_first()

    def _say_failure(self, error: LayertuiError) -> None:
        """Report why attachments may be missing from the list."""
        message = self.query_one("#status", Static)
        message.add_class("failed")
        message.update(Content(visible(failure_text(error, LEAVE_AND_RELOAD))))

    def _end(self) -> None:
        message = self.query_one("#status", Static)
        if self._documents:
            message.display = False
            pane = self.query_one("#attachments")
            pane.border_title = Content(f"Attachments  {count_text(len(self._documents), 'document')}")
        else:
            message.update(Content("No attachments."))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        title, document = self._documents[event.option_index]

        def lines(_job: Job) -> list[Line]:
            blob = document.verified()
            text = readable(blob.pread(_READ, 0))
            if blob.size > _READ:
                text = f"{text}\n… {size_text(blob.size - _READ)} more"
            return [Line([(line, "")]) for line in visible_lines(text)]

        def show(read: list[Line]) -> None:
            open_above(self, ReaderDialog(visible(title), LongDocument(read, wrap=True), "a"))

        def fail(error: LayertuiError) -> None:
            self.notify(visible(failure_text(error, LEAVE_AND_RELOAD)), severity="error", markup=False)

        background(self, lines, show, fail, name="attachment")

    def action_move(self, action: str) -> None:
        getattr(self.query_one(OptionList), f"action_{action}")()


def readable(data: bytes) -> str:
    """Return JSON laid out, any other text as it is."""
    try:
        return json.dumps(decode(data), indent=2, ensure_ascii=False)
    except ValueError:
        return data.decode("utf-8", "replace")
