"""The keys and colors of the screen below."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from layertui.text.format import sentence
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.keys import KeyUse, Legend, key_sections


class HelpScreen(Dialog[None]):
    """Shows a screen's ``HELP`` (a paragraph), its ``LEGEND`` (:data:`~layertui.ui.keys.Legend`) and keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "close"),
        Binding("k", "scroll(-1)", "up", show=False),
        Binding("j", "scroll(1)", "down", show=False),
    ]
    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;

        #help {
            width: 76;
            max-width: 96%;
            height: auto;
            max-height: 94%;
            padding: 0 2;
        }

        Static {
            height: auto;
        }

        .heading {
            margin-top: 1;
            text-style: bold;
        }

        .quiet {
            color: $quiet;
            margin-top: 1;
        }
    }
    """

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._help: str = getattr(screen, "HELP", "")
        self._legend: Legend = getattr(screen, "LEGEND", ())
        self._sections = key_sections(screen)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help", classes="pane") as pane:
            pane.border_title = Content("Help")
            pane.border_subtitle = Content("esc closes")
            if self._help:
                yield Static(Content(self._help))
            if self._legend:
                yield Static(Content("Marks and colors"), classes="heading")
                rows = [(Content.styled(look, style), meaning) for look, style, meaning in self._legend]
                yield Static(_table(rows, 1))
            width = max(cell_len(" ".join(use.keys)) for _name, uses in self._sections for use in uses)
            for name, uses in self._sections:
                yield Static(Content(name), classes="heading")
                yield Static(_table([_row(use) for use in uses], width))
            yield Static(Content("All actions: ctrl+p"), classes="quiet")

    def action_scroll(self, lines: int) -> None:
        """Scroll the text."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)


def _row(use: KeyUse) -> tuple[Content, str]:
    """Return the keys of an action, and what it does as a sentence."""
    return Content.styled(" ".join(use.keys), "$accent"), sentence(use.tooltip or use.description)


def _table(rows: Sequence[tuple[Content, str]], width: int) -> Content:
    """Return two columns, the first ``width`` cells wide."""
    return Content("\n").join(
        first + Content(" " * (width + 2 - cell_len(first.plain)) + second) for first, second in rows
    )
