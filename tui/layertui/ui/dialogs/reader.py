"""A text to read, of any length."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from layertui.model.job import Job
from layertui.ui.clipboard import copy
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.keys import bind
from layertui.ui.widgets.lines import Document, Line
from layertui.ui.widgets.text_view import TextView


class ReaderDialog(Dialog[None]):
    """Shows a document under its title. Also closed by ``key``, which opened it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("escape,q,enter", "dismiss", "close"),
        bind("y", "copy", "copy", tooltip="Copy the selected value"),
    ]
    DEFAULT_CSS = """
    ReaderDialog {
        align: center middle;

        #reader {
            width: 100;
            max-width: 96%;
            height: auto;
            max-height: 90%;
            padding: 0 1;
        }
    }
    """

    def __init__(
        self,
        title: str,
        document: Document,
        key: str,
        heading: Sequence[Line] = (),
        values: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        """``title`` is safe; ``values`` can be copied, by line."""
        super().__init__()
        self._title = title
        self._document = document
        self._heading = heading
        self._values = values
        self._bindings.bind(key, "dismiss", show=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="reader", classes="pane") as pane:
            pane.border_title = Content(self._title)
            pane.border_subtitle = Content("y copies · esc closes" if self._values else "esc closes")
            yield TextView()

    def on_mount(self) -> None:
        self.query_one(TextView).focus()

    def on_text_view_wanted(self, event: TextView.Wanted) -> None:
        """Show more of a long document."""
        event.stop()
        event.read(Job.NONE)()
        self.query_one(TextView).grown()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable copying only where there is a value."""
        return action != "copy" or bool(self._values)

    def action_copy(self) -> None:
        """Copy the selected value."""
        value = self._values.get(self.query_one(TextView).cursor)
        if value is not None:
            copy(self, value)

    def on_resize(self) -> None:
        """As high as the text, limited by the screen."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        view = self.query_one(TextView)
        view.open(self._document, self._heading)
        view.styles.height = max(min(view.virtual_size.height, self.size.height * 9 // 10 - 2), 1)
