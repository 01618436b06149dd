"""Signatures, SBOMs and attestations of an image: listed once someone asks, and read."""

import json
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from layertui.model.errors import LayertuiError
from layertui.model.reference import ENGINES
from layertui.text.sanitize import visible, visible_lines
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.dialogs.reader import ReaderDialog
from layertui.ui.text import count_text, size_text
from layertui.ui.widgets.lines import Line, LongDocument

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.sources.referrers import Attachment
    from layertui.sources.referrers import Document as Attached

PREDICATE = "in-toto.io/predicate-type"
"""What a statement is about (BuildKit, attestation-storage.md)."""
_READ = 4 << 20
"""Bytes of a document that are shown."""


class AttachmentsDialog(Dialog[None]):
    """Lists what is attached to an image as it is found; enter reads a document."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,a", "dismiss", "close"),
        Binding("k", "move('cursor_up')", "up", show=False),
        Binding("j", "move('cursor_down')", "down", show=False),
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

        #told {
            height: auto;
            color: $quiet;
        }

        #told.failed {
            color: $deleted;
        }
    }
    """

    class Found(Message):
        """Something is attached."""

        def __init__(self, attachment: "Attachment") -> None:
            super().__init__()
            self.attachment = attachment

    class Asked(Message):
        """All has been said; ``error`` tells why it may not be all there is."""

        def __init__(self, error: LayertuiError | None) -> None:
            super().__init__()
            self.error = error

    class Read(Message):
        """A document's lines, or why it cannot be had."""

        def __init__(self, title: str, result: list[Line] | LayertuiError) -> None:
            super().__init__()
            self.title = title
            self.result = result

    def __init__(self, image: "Image") -> None:
        super().__init__()
        self._image = image
        self._documents: list[tuple[str, Attached]] = []
        self._left = threading.Event()

    def compose(self) -> ComposeResult:
        with Vertical(id="attachments", classes="pane") as pane:
            pane.border_title = Content("Attachments")
            pane.border_subtitle = Content("enter reads · escape closes")
            yield OptionList(classes="choices", compact=True)
            yield Static(Content("Looking for what is attached …"), id="told")

    def on_mount(self) -> None:
        self.query_one(OptionList).display = False
        self._list()

    def on_unmount(self) -> None:
        self._left.set()

    def on_attachments_dialog_found(self, event: Found) -> None:
        attachment, options = event.attachment, self.query_one(OptionList)
        if attachment.documents and not options.display:
            options.display = True
            options.focus()
        for document in attachment.documents:
            kind = document.descriptor.annotations.get(PREDICATE) or attachment.type
            self._documents.append((kind, document))
            told = f"  {size_text(document.descriptor.size)}\n{visible(document.descriptor.digest)}"
            prompt = Content(visible(kind)).append(Content.styled(told, "$quiet"))
            options.add_option(Option(prompt, disabled=document.blob is None))
        if options.highlighted is None:
            options.action_first()

    def on_attachments_dialog_asked(self, event: Asked) -> None:
        message = self.query_one("#told", Static)
        if event.error is not None:
            message.add_class("failed")
            message.update(Content(visible(str(event.error))))
        elif self._documents:
            message.display = False
            pane = self.query_one("#attachments")
            pane.border_title = Content(f"Attachments  {count_text(len(self._documents), 'document')}")
        elif self._image.transport in ENGINES:
            engine = ENGINES[self._image.transport]
            message.update(Content(f"{engine} keeps no attachments. Its registry may: o, docker://NAME."))
        else:
            message.update(Content("Nothing is attached to this image."))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        kind, document = self._documents[event.option_index]
        blob, size = document.blob, document.descriptor.size
        assert blob is not None  # those without cannot be chosen

        def run() -> None:
            try:
                text = readable(blob.pread(_READ if size < 0 else min(size, _READ), 0))
                if size > _READ:
                    text = f"{text}\n… {size_text(size - _READ)} more"
                result: list[Line] | LayertuiError = [Line([(line, "")]) for line in visible_lines(text)]
            except LayertuiError as error:
                result = error
            self._post(self.Read(kind, result))

        threading.Thread(target=run, name="attachment", daemon=True).start()

    def on_attachments_dialog_read(self, event: Read) -> None:
        if isinstance(event.result, LayertuiError):
            self.notify(visible(str(event.result)), severity="error", markup=False)
            return
        document = LongDocument(event.result, wrap=True)
        self.app.push_screen(ReaderDialog(visible(event.title), document, 1, "a"))

    def action_move(self, action: str) -> None:
        getattr(self.query_one(OptionList), f"action_{action}")()

    def _list(self) -> None:
        def run() -> None:
            from layertui.sources.referrers import attachments

            try:
                found: Iterator[Attachment] = attachments(self._image)
                for attachment in found:
                    self._post(self.Found(attachment))
                    if self._left.is_set():
                        return
            except LayertuiError as error:
                self._post(self.Asked(error))
            else:
                self._post(self.Asked(None))

        threading.Thread(target=run, name="attachments", daemon=True).start()

    def _post(self, message: Message) -> None:
        if not self._left.is_set():
            self.post_message(message)


def readable(data: bytes) -> str:
    """JSON laid out, any other text as it is."""
    text = data.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
