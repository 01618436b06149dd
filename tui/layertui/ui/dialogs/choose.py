"""Select one of several choices."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import OptionList

from layertui.model.errors import SeveralImages
from layertui.text.sanitize import visible
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.keys import bind
from layertui.ui.stack import open_above


class ChooseDialog(Dialog[str | None]):
    """Dismissed with the choice, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("escape,q", "dismiss", "close"),
        bind("k", "move('cursor_up')", "up", show=False),
        bind("j", "move('cursor_down')", "down", show=False),
    ]
    DEFAULT_CSS = """
    ChooseDialog {
        align: center middle;

        OptionList {
            width: auto;
            min-width: 48;
            max-width: 96%;
            height: auto;
            max-height: 80%;
            padding: 0 1;
        }
    }
    """

    def __init__(self, title: str, choices: Sequence[str], chosen: str = "") -> None:
        """``choices`` may be hostile; the cursor starts on ``chosen``."""
        super().__init__()
        self._title = title
        self._choices = choices
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        choices = OptionList(*(Content(visible(choice)) for choice in self._choices), classes="pane")
        choices.border_title = Content(visible(self._title))
        choices.border_subtitle = Content("enter selects")
        yield choices

    def on_mount(self) -> None:
        if self._chosen in self._choices:
            self.query_one(OptionList).highlighted = self._choices.index(self._chosen)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])

    def action_move(self, action: str) -> None:
        getattr(self.query_one(OptionList), f"action_{action}")()


def choose_image(node: DOMNode, error: SeveralImages, use: Callable[[str], object]) -> None:
    """Ask for one of several images; call ``use`` with its reference."""

    def chosen(name: str | None) -> None:
        if name is not None:
            use(error.choices[name])

    open_above(node, ChooseDialog(error.what, list(error.choices)), chosen)
