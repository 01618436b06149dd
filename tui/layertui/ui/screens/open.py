"""Asks for a reference or path, and completes it."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from layertui.errors import LayertuiError
from layertui.safe import visible
from layertui.ui.completion import common, complete

_HINT = (
    "A path to an archive or a directory, an image of Docker or Podman by its name, "
    "or a transport and what it holds, like oci:DIR:TAG or docker://REPO:TAG"
)


class OpenDialog(ModalScreen[str | None]):
    """Ends with what was typed or chosen, None if nothing was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel"),
        Binding("tab", "complete", "complete", priority=True),
        Binding("down", "choose(1)", "next", show=False, priority=True),
        Binding("up", "choose(-1)", "previous", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    OpenDialog {
        align: center top;

        #open {
            width: 90;
            max-width: 96%;
            height: auto;
            max-height: 94%;
            margin-top: 2;
            padding: 0 1;
        }

        Input {
            background: $raised;
        }

        OptionList {
            height: auto;
            max-height: 10;
            padding: 0;
            margin-top: 1;
            border: none;
            background: $surface;
            scrollbar-size-vertical: 1;
        }

        OptionList > .option-list--option-highlighted {
            background: $block-cursor-background;
        }

        #hint {
            height: auto;
            margin-top: 1;
            color: $quiet;
        }
    }
    """

    class Completed(Message):
        """``text`` could become one of ``choices``."""

        def __init__(self, text: str, choices: list[str]) -> None:
            super().__init__()
            self.text = text
            self.choices = choices

    class Named(Message):
        """An engine has images of these names."""

        def __init__(self, engine: str, names: Sequence[str]) -> None:
            super().__init__()
            self.engine = engine
            self.names = names

    def __init__(self) -> None:
        super().__init__()
        self._choices: list[str] = []
        self._names: dict[str, Sequence[str]] = {}
        self._listed: str | None = None
        """The text that the choices are for."""

    def compose(self) -> ComposeResult:
        with Vertical(id="open", classes="pane") as pane:
            pane.border_title = Content("Open an image")
            pane.border_subtitle = Content("tab completes · enter opens · escape cancels")
            yield Input(placeholder="reference or path", compact=True)
            yield OptionList(compact=True)
            yield Static(Content(_HINT), id="hint")

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self._look("")
        threading.Thread(target=self._ask_names, name="names", daemon=True).start()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._look(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        chosen = self.query_one(OptionList).highlighted
        self._take(event.value if chosen is None else self._choices[chosen])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._take(self._choices[event.option_index])

    def on_open_dialog_completed(self, event: Completed) -> None:
        """Lists the choices, unless more has been typed since."""
        event.stop()
        if event.text != self.query_one(Input).value:
            return
        self._choices, self._listed = event.choices, event.text
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(Content(visible(choice))) for choice in event.choices])
        options.highlighted = None
        options.display = bool(event.choices)

    def on_open_dialog_named(self, event: Named) -> None:
        """Completes what has been typed so far with the names too."""
        event.stop()
        self._names[event.engine] = event.names
        if self.query_one(OptionList).highlighted is None:
            self._look(self.query_one(Input).value)

    def action_complete(self) -> None:
        """Takes the chosen continuation, or what all of them begin with."""
        field = self.query_one(Input)
        chosen = self.query_one(OptionList).highlighted
        text = common(self._choices if chosen is None else [self._choices[chosen]])
        if text and text != field.value:
            field.value = text
            field.cursor_position = len(text)

    def action_choose(self, step: int) -> None:
        """Moves through the continuations, past either end back to what was typed."""
        options = self.query_one(OptionList)
        places = [None, *range(len(self._choices))]
        options.highlighted = places[(places.index(options.highlighted) + step) % len(places)]

    def action_cancel(self) -> None:
        """Leaves without opening anything."""
        self.dismiss(None)

    def _take(self, text: str) -> None:
        """Ends with ``text``, as a shell would have read it."""
        text = text.strip()
        if not text:
            return
        if text.startswith("~"):
            with suppress(RuntimeError):  # ~nobody
                text = str(Path(text).expanduser())
        self.dismiss(text)

    def _ask_names(self) -> None:
        from layertui.sources import LOCAL, engines

        for engine in LOCAL:
            with suppress(LayertuiError):  # the screen of images says why
                self.post_message(self.Named(engine, engines.names(engine)))

    def _look(self, text: str) -> None:
        """Completes in a thread: a file system may take its time."""
        names = dict(self._names)

        def run() -> None:
            self.post_message(self.Completed(text, complete(text, names)))

        threading.Thread(target=run, name="complete", daemon=True).start()
