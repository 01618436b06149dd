"""Explains the keys and colours of the screen it lies on."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from layertui.ui.keys import key_sections

Legend = Sequence[tuple[str, str, str]]
"""Marks of a screen: how each looks, its style (``$added``), what it means."""


class HelpScreen(ModalScreen[None]):
    """Reads a screen's ``HELP`` (a paragraph) and ``LEGEND`` (:data:`Legend`), and its keys."""

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
            background: $raised;
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
            pane.border_subtitle = Content("escape closes")
            if self._help:
                yield Static(Content(self._help))
            if self._legend:
                yield Static(Content("Marks and colours"), classes="heading")
                rows = [(Content.styled(look, style), meaning) for look, style, meaning in self._legend]
                yield Static(_table(rows))
            for name, uses in self._sections:
                yield Static(Content(name), classes="heading")
                yield Static(
                    _table(
                        [
                            (Content.styled(" ".join(use.keys), "$accent"), use.tooltip or use.description)
                            for use in uses
                        ]
                    )
                )
            yield Static(Content("Every action is in the command palette too: ctrl+p."), classes="quiet")

    def action_scroll(self, lines: int) -> None:
        """Scrolls the text."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)


def _table(rows: Sequence[tuple[Content, str]]) -> Content:
    """Two columns, the first as wide as its widest."""
    width = max(cell_len(first.plain) for first, _second in rows) + 2
    return Content("\n").join(
        first + Content(" " * (width - cell_len(first.plain)) + second) for first, second in rows
    )
