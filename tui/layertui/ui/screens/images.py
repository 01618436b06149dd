"""The images at hand: given on the command line, lying in the current directory, the sample."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import events, getters
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from layertui.errors import LayertuiError
from layertui.safe import visible
from layertui.ui.app import LayertuiApp
from layertui.ui.finder import Found, Looked, look, places
from layertui.ui.image_row import COLUMNS, ImageRow
from layertui.ui.keys import Legend
from layertui.ui.text import count_text, match_positions
from layertui.ui.widgets.facts import Fact, Facts
from layertui.ui.widgets.image_detail import ImageDetail
from layertui.ui.widgets.image_table import ImageTable
from layertui.ui.widgets.key_bar import KeyBar

WIDE = 120
"""Columns from which the detail stands beside the table."""
_PROBLEMS = 3
"""Unreadable files of a place that are named, on a terminal of 30 lines or more; else one is."""


class FilterField(Input):
    """What to search for; applied while it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "to the images"),
        Binding("escape", "screen.leave", "clear"),
    ]


class ImagesScreen(Screen[None]):
    """Lists images as their sources answer; ``given`` are references from the command line."""

    HELP: ClassVar[str] = (
        "The images given on the command line, those that lie in the current directory, and the built-in "
        "sample. The lines below the table say what each place holds, or why it could not be read."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "the highlighted image"),
        ("✓", "$quiet", "this place has been looked through"),
        ("…", "$quiet", "it is being looked through"),
        ("!", "$modified", "some files there could not be read"),
        ("✗", "$deleted", "it could not be looked at"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", tooltip="Show only images that match"),
        Binding("s", "sort", "sort", tooltip="Sort by the next column"),
        Binding("S", "reverse", "reverse", show=False, tooltip="Turn the order round"),
        Binding("d", "detail", "detail", tooltip="Show or hide the detail of the highlighted image"),
        Binding("o", "app.open", "open", tooltip="Open any reference or path"),
        Binding("r", "look", "look again", show=False, tooltip="Look for images again"),
        Binding("escape", "leave", "clear filter, hide detail, back", show=False),
    ]
    CSS_PATH = Path(__file__).with_name("images.tcss")
    app = getters.app(LayertuiApp)

    def __init__(self, given: Sequence[str] = ()) -> None:
        super().__init__()
        self._places = places(given)
        self._stop = threading.Event()
        self._rows: dict[str, ImageRow] = {}
        self._problems: list[list[LayertuiError]] = []
        self._looked: dict[int, LayertuiError | None] = {}
        self._sort: tuple[str, bool] | None = None
        self._query = ""

    def compose(self) -> ComposeResult:
        with Container(id="panes"):
            with Vertical(id="list", classes="pane"):
                yield Static(classes="message")
                yield ImageTable()
            yield ImageDetail(self.app.platform, id="detail")
        yield Facts(id="places")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(ImageTable).focus()
        self._reset()
        self.call_after_refresh(self.action_look)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self._show()

    def on_unmount(self) -> None:
        self._stop.set()

    def action_look(self) -> None:
        """Looks in every place anew."""
        self._stop.set()
        self._stop = threading.Event()
        self.query_one(ImageDetail).forget()
        self._reset()
        for number, place in enumerate(self._places):
            look(self, number, place, self._stop)

    def on_found(self, event: Found) -> None:
        """Rows come in the order of their places, whichever answers first."""
        if event.asked is not self._stop:
            return  # the answer to a question that has been asked anew since
        self._problems[event.place] += event.problems
        for row in event.rows:
            held = self._rows.get(row.reference)
            if held is None or held.order > row.order:
                self._rows[row.reference] = row
        self._show()

    def on_looked(self, event: Looked) -> None:
        if event.asked is self._stop:
            self._looked[event.place] = event.error
            self._show()

    def on_image_table_highlighted(self, event: ImageTable.Highlighted) -> None:
        self.query_one(ImageDetail).show(event.row)

    def on_image_table_opened(self, event: ImageTable.Opened) -> None:
        self.app.explore(event.row.reference)

    def on_image_table_header_clicked(self, event: ImageTable.HeaderClicked) -> None:
        if self._sort and self._sort[0] == event.key:
            self.action_reverse()
        else:
            self._sort_by(event.key)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._query = event.value
        self._show()

    def on_input_submitted(self) -> None:
        self.query_one(ImageTable).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The filter's key is a letter like any other while one types into the filter."""
        return not (action == "filter" and isinstance(self.focused, FilterField))

    async def action_filter(self) -> None:
        """Asks for what to search, above the table."""
        if not self.query(Input):
            field = FilterField(placeholder="name, ID, platform, source", compact=True, id="filter")
            await self.query_one("#list").mount(field, before=0)
        self.query_one(Input).focus()

    def action_sort(self) -> None:
        """Sorts by the next column, after the last in the order of the places again."""
        keys = [None, *(column.key for column in COLUMNS)]
        at = keys.index(self._sort[0] if self._sort else None)
        self._sort_by(keys[(at + 1) % len(keys)])

    def action_reverse(self) -> None:
        """Turns the order of the sorted column round."""
        if self._sort:
            self._sort = (self._sort[0], not self._sort[1])
            self._show()

    def action_detail(self) -> None:
        """Shows or hides the detail: beside the table where there is room, else below."""
        self.toggle_class("-hide-detail" if self.has_class("-wide") else "-show-detail")
        self.query_one(ImageTable).focus()

    async def action_leave(self) -> None:
        """Goes back a step: out of the filter, out of the detail, to the screen before."""
        if self.query(Input):
            await self.query(Input).remove()
            self._query = ""
            self.query_one(ImageTable).focus()
            self._show()
        elif self.has_class("-show-detail") and not self.has_class("-wide"):
            self.action_detail()
        else:
            await self.app.action_back()

    def _sort_by(self, key: str | None) -> None:
        """Numbers and times start with the greatest."""
        self._sort = (key, key in ("size", "created", "layers")) if key else None
        self._show()

    def _reset(self) -> None:
        self._rows = {}
        self._problems = [[] for _ in self._places]
        self._looked = {}
        self._show()

    def _show(self) -> None:
        """Brings the table, its title and the lines of the places up to date."""
        rows = sorted(self._rows.values(), key=lambda row: row.order)
        if self._sort:
            key, descending = self._sort
            rows.sort(key=lambda row: row.keys[key], reverse=descending)
        shown = list(filter(self._matches, rows))
        self.query_one(ImageTable).show(shown, self._query, self._sort)
        total = count_text(len(rows), "image")
        self.query_one("#list").border_title = Content("Images")
        self.query_one("#list").border_subtitle = Content(
            f"{len(shown)} of {total}" if self._query else total
        )
        self.query_one("#places", Facts).show(self._place_facts())
        message = self.query_one("#list > .message", Static)
        message.display = not shown
        if not shown:
            message.update(Content(visible(self._why_empty())))

    def _matches(self, row: ImageRow) -> bool:
        """Every word of the query is in some cell."""
        return all(
            any(match_positions(word, cell) is not None for cell in row.cells.values())
            for word in self._query.split()
        )

    def _why_empty(self) -> str:
        if self._rows:
            return f"No image matches “{self._query}”. Press escape to see all of them."
        if len(self._looked) < len(self._places):
            return "Looking for images … Press o to open one by its reference or path."
        return "No images here. Press o to open one by its reference or path."

    def _place_facts(self) -> list[Fact]:
        """What each place holds, or why it could not be read."""
        facts = []
        named = _PROBLEMS if self.size.height >= 30 else 1
        for number, place in enumerate(self._places):
            found = sum(row.order[0] == number for row in self._rows.values())
            problems = self._problems[number]
            error = self._looked.get(number)
            mark, style, said = "✓", "$quiet", [count_text(found, "image") if found else "no images"]
            if number not in self._looked:
                mark, said = "…", ["looking"]
            elif error is not None:
                mark, style, said = "✗", "$deleted", [str(error)]
            elif problems:
                mark = "!"
            facts.append(Fact(f"{mark} {place.name}", said, style))
            unread = [str(problem) for problem in problems[:named]]
            if len(problems) > named:
                unread.append(f"and {count_text(len(problems) - named, 'more file')} could not be read")
            facts.append(Fact("", unread, "$modified"))
        return facts
