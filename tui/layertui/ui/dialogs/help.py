"""The keys and colors of the screen below."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from layertui.text.format import sentence
from layertui.ui.dialogs.dialog import Dialog
from layertui.ui.keys import KeyUse, Legend, bind, key_sections, tasks
from layertui.ui.widgets.facts import folded_rows
from layertui.ui.widgets.lines import Document, Line, Span
from layertui.ui.widgets.text_view import TextView

_COLUMN = 44
"""Least cells of a column."""
_MOST_COLUMNS = 3
_GAP = 3
_KEYS = 13
"""Cells of the keys of an action; more take a row of their own."""


class HelpView(TextView):
    """The legend and the keys by task, in as many columns as fit, filtered by a text."""

    HELP_NAME: ClassVar[str] = "Help"

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__(id="help")
        self._help: str = getattr(screen, "HELP", None) or ""  # dialogs have none
        self._legend: Legend = getattr(screen, "LEGEND", ())
        self._tasks = tasks(key_sections(screen))
        self._wanted = ""

    def find(self, text: str) -> None:
        """Show only marks and keys whose lines contain ``text``, in any case."""
        self._wanted = text.lower()
        self._arrange()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable finding in the text: / filters instead."""
        return action not in ("find", "match", "end_find") and super().check_action(action, parameters)

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        width = self.content_size.width - 2
        number = max(1, min(_MOST_COLUMNS, (width + _GAP) // (_COLUMN + _GAP)))
        column = (width - _GAP * (number - 1)) // number
        blocks = [block for block in self._blocks(column) if block]
        lines = [] if self._wanted else [Line([(row, "")]) for row in folded_rows(self._help, max(width, 1))]
        if lines and blocks:
            lines.append(Line())
        lines += _side_by_side(blocks, number, column)
        self.open(Document(lines or [Line([("No key or mark matches.", "quiet")])]))

    def _blocks(self, width: int) -> Iterable[list[Line]]:
        """Yield the rows of each group: its heading, then what matches the filter."""
        legend = [
            ([(look, style.replace("$", ""))], cell_len(look), meaning)
            for look, style, meaning in self._legend
        ]
        yield self._block("Marks and colors", legend, width)
        for task, uses in self._tasks:
            yield self._block(task, [_row(use, panes) for use, panes in uses], width)

    def _block(self, name: str, rows: Sequence[tuple[list[Span], int, str]], width: int) -> list[Line]:
        wanted = [
            row
            for row in rows
            if self._wanted in f"{''.join(text for text, _ in row[0])} {row[2]} {name}".lower()
        ]
        keys = min(max((cells for _, cells, _ in wanted), default=0), _KEYS)
        lines = [line for row in wanted for line in _lines(*row, keys, width)]
        return [Line([(name, "bold")]), *lines] if lines else []


class HelpScreen(Dialog[None]):
    """Shows a screen's ``HELP`` (a paragraph), its ``LEGEND`` (:data:`~layertui.ui.keys.Legend`) and keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("escape", "leave", "close", tooltip="Clear the filter, close"),
        bind("question_mark,q,enter", "dismiss", "close"),
        bind("slash", "filter", "filter", tooltip="Show only what contains a text"),
    ]
    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;

        #box {
            width: 160;
            max-width: 98%;
            height: auto;
            max-height: 96%;
            padding: 0 1;
        }

        HelpView {
            height: auto;
            max-height: 100%;
        }

        Input {
            display: none;
            background: $raised;
        }

        Input.-shown {
            display: block;
        }
    }
    """

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._view = HelpView(screen)

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="pane") as pane:
            pane.border_title = Content("Help")
            pane.border_subtitle = Content("/ filters · ctrl+p: all actions · esc closes")
            yield Input(placeholder="text in a key or its description", compact=True, id="filter")
            yield self._view

    def on_mount(self) -> None:
        self._view.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._view.find(event.value)

    def on_input_submitted(self) -> None:
        self._view.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable letter keys while typing."""
        return action == "leave" or not isinstance(self.focused, Input)

    def action_filter(self) -> None:
        """Go to the filter."""
        field = self.query_one(Input)
        field.add_class("-shown")
        field.focus()

    def action_leave(self) -> None:
        """Clear the filter, else close."""
        field = self.query_one(Input)
        if not field.has_class("-shown"):
            self.dismiss()
            return
        field.value = ""
        field.remove_class("-shown")
        self._view.focus()


def _row(use: KeyUse, panes: Sequence[str]) -> tuple[list[Span], int, str]:
    """Return the keys of an action, their width, and its description, with its panes unless it is in all."""
    keys = " ".join(use.keys)
    told = sentence(use.tooltip or use.description)
    return [(keys, "accent")], cell_len(keys), f"{told} · {', '.join(panes)}" if panes else told


def _lines(first: list[Span], cells: int, text: str, keys: int, width: int) -> list[Line]:
    """Return the rows of an entry, ``width`` cells wide at most."""
    rows = folded_rows(text, max(width - keys - 2, 8))
    indent = " " * (keys + 2)
    if cells > keys:
        return [Line(first), *(Line([(indent, ""), (row, "")]) for row in rows)]
    head = [*first, (" " * (keys + 2 - cells), ""), (rows[0], "")]
    return [Line(head), *(Line([(indent, ""), (row, "")]) for row in rows[1:])]


def _side_by_side(blocks: Sequence[list[Line]], number: int, width: int) -> list[Line]:
    """Return the blocks in ``number`` columns, in reading order, of about the same height."""
    most = -(-(sum(len(block) + 1 for block in blocks)) // number)
    columns: list[list[Line]] = [[]]
    for block in blocks:
        full = len(columns[-1]) + len(block) // 2 > most and len(columns) < number
        if full and columns[-1]:
            columns.append([])
        columns[-1] += [*([Line()] if columns[-1] else []), *block]
    lines = []
    for row in range(max(map(len, columns), default=0)):
        body: list[Span] = []
        for at, column in enumerate(columns):
            line = column[row] if row < len(column) else Line()
            blanks = width - cell_len(line.text) + _GAP if at < len(columns) - 1 else 0
            body += [*line.body, (" " * blanks, "")]
        lines.append(Line(body))
    return lines
