"""A text field with completions below it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from layertui.sources.completion import common
from layertui.text.sanitize import visible
from layertui.ui.keys import bind
from layertui.ui.worker.background import background

LISTED = 200
"""Most completions that are listed; laying out more takes too long."""


class CompletedField(Vertical):
    """Complete the text with ``complete``, which may be slow."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("tab", "complete", "complete"),
        bind("down", "choose(1)", "next", show=False),
        bind("up", "choose(-1)", "previous", show=False),
    ]
    DEFAULT_CSS = """
    CompletedField {
        height: auto;

        OptionList {
            max-height: 10;
        }

    }
    """

    @dataclass
    class Submitted(Message):
        """Enter, or a click on a completion."""

        text: str
        clicked: bool

    def __init__(self, complete: Callable[[str], list[str]], placeholder: str) -> None:
        super().__init__()
        self.listed: str | None = None
        """The text that the choices are for; tests wait for it."""
        self._complete = complete
        self._placeholder = placeholder
        self._choices: list[str] = []

    def compose(self) -> ComposeResult:
        yield Input(placeholder=self._placeholder, compact=True)
        yield OptionList(classes="choices", compact=True)

    def on_mount(self) -> None:
        self._options.can_focus = False
        self.focus_line()
        self._look()

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    @property
    def _options(self) -> OptionList:
        return self.query_one(OptionList)

    @property
    def text(self) -> str:
        """The selected completion, else the text."""
        chosen = self._options.highlighted
        return self._input.value if chosen is None else self._choices[chosen]

    def focus_line(self) -> None:
        """Focus the field."""
        self._input.focus()

    def fill(self, text: str) -> None:
        """Set the text."""
        self._input.value = text
        self._input.cursor_position = len(text)

    def look_again(self) -> None:
        """Complete again with new data, unless a completion is selected."""
        if self._options.highlighted is None:
            self._look()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._look()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted(self.text, clicked=False))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Submitted(self._choices[event.option_index], clicked=True))

    def action_complete(self) -> None:
        """Take the selected completion, or the common prefix."""
        chosen = self._options.highlighted
        text = common(self._choices if chosen is None else [self._choices[chosen]])
        if text and text != self._input.value:
            self.fill(text)

    def action_choose(self, step: int) -> None:
        """Move through the completions; past either end, back to the typed text."""
        options = self._options
        places = [None, *range(options.option_count)]
        options.highlighted = places[(places.index(options.highlighted) + step) % len(places)]

    def _look(self) -> None:
        """Complete in a thread: a file system may take its time."""
        text = self._input.value

        def show(choices: list[str]) -> None:
            """List the choices, unless more has been typed since."""
            if text == self._input.value:
                self._list(text, choices)

        background(self, lambda _job: self._complete(text), show, name="complete")

    def _list(self, text: str, choices: list[str]) -> None:
        self._choices, self.listed = choices, text
        options = self._options
        options.clear_options()
        options.add_options([Option(Content(visible(choice))) for choice in choices[:LISTED]])
        options.highlighted = None
        options.display = bool(choices)
