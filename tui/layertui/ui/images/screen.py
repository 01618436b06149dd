"""The list of images and containers, of files and engines."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.style import Style
from textual.timer import Timer
from textual.widgets import Input, Static

from layertui.model.errors import LayertuiError, NoEngine
from layertui.model.image import ImageSummary
from layertui.model.reference import ENGINE_NAMES
from layertui.sources import LOCAL
from layertui.text.format import count_text
from layertui.text.sanitize import visible
from layertui.ui.images import container_row, image_row
from layertui.ui.images.detail import ImageDetail
from layertui.ui.images.finder import (
    Place,
    Watch,
    ask_read_before,
    ask_shared_sizes,
    container_places,
    engine_places,
    has_read_any,
    image_places,
    read_before,
)
from layertui.ui.images.listing import Answer, Listing, places_text, problem_facts, search
from layertui.ui.images.table import Table
from layertui.ui.images.table_model import TableRow, aged
from layertui.ui.keys import Legend, bind
from layertui.ui.navigator import navigator
from layertui.ui.stack import StackScreen, on_top, open_above
from layertui.ui.widgets.facts import Facts
from layertui.ui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from layertui.model.sizes import Bytes
    from layertui.ui.find.results import FindResults
    from layertui.ui.settings import ImageColumn, Settings

WIDE = 120
"""Columns from which the detail stands beside the table."""
SORTED_FIRST = ("name", "size", "created")
"""Columns that ``s`` sorts by before all others."""
_SETTLE = 0.3
"""Seconds without events before an engine's list is refreshed."""
_AGING = 60
"""Seconds between updates of the ages, which are in minutes or more."""


class FilterField(Input):
    """The filter; applied while typing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "submit", "apply"),
        bind("escape", "screen.leave", "clear"),
    ]


class ImagesScreen(StackScreen[None]):
    """List images and containers as their sources answer; ``given`` are references of the command line."""

    HELP: ClassVar[str] = (
        "Images given on the command line, in the current directory, of Docker and Podman, and the built-in "
        "sample; also the engines' containers. The lines below the table show the state of each source. The "
        "table is updated when the engines change. The filter matches each word in any cell; for images it "
        "also takes Docker's filters: dangling=true, label=KEY[=VALUE], reference=PATTERN, before=IMAGE, "
        "since=IMAGE."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "the highlighted row"),
        ("◆", "$accent", "marked for comparison"),
        ("?", "$quiet", "not known"),
        ("✓", "$quiet", "scanned"),
        ("…", "$quiet", "scanning"),
        ("·", "$quiet", "not available"),
        ("!", "$modified", "some files could not be read"),
        ("✗", "$deleted", "could not be read"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("slash", "filter", "filter", tooltip="Filter"),
        bind(
            "F",
            "find_in_images",
            "find",
            tooltip="Find in all images: paths, contents, packages, digests",
        ),
        bind("c", "containers", "containers", tooltip="Show the containers"),
        bind("c", "images", "images", tooltip="Show the images"),
        bind("o", "app.open", "open", tooltip="Find an image, or open a reference or path"),
        bind("s", "sort", "sort", tooltip="Sort by name, size, created, …, source"),
        bind("S", "reverse", "reverse", show=False, tooltip="Reverse order"),
        bind("d", "detail", "detail", show=False, tooltip="Show or hide the detail"),
        bind("space", "mark", "mark", show=False, tooltip="Mark for comparison"),
        bind(
            "D",
            "compare",
            "compare",
            show=False,
            tooltip="Compare with the marked row, or with another image",
        ),
        bind("R,ctrl+r", "look", "reload", show=False, tooltip="Reload images and containers"),
        bind("escape", "leave", "clear filter, hide detail, back", show=False),
    ]
    CSS_PATH = Path(__file__).with_name("screen.tcss")

    def __init__(self, given: Sequence[str] = ()) -> None:
        super().__init__()
        self._given = given
        images, containers = self._places()
        self._images = Listing("image", images, self._image_row)
        self._containers = Listing("container", containers, container_row.row_of_container)
        self._shown = self._images
        self._shared: dict[str, Mapping[str, int]] = {}  # by engine
        self._sizes: Mapping[tuple[str, str], Bytes] = {}  # of images that have been read before
        self._has_dead = False  # whether dead bytes have a column: from the start on, or it moves the others
        self._watches: dict[str, Watch] = {}
        self._changed: set[tuple[str, str]] = set()
        self._settle: Timer | None = None
        self._query = ""
        self._marked: TableRow | None = None
        self._found: FindResults | None = None  # the last search in the images

    def compose(self) -> ComposeResult:
        with Container(id="panes"):
            with Vertical(id="list", classes="pane"):
                yield Static(classes="message")
                yield Table(image_row.IMAGE_COLUMNS, id="images")
                yield Table(container_row.CONTAINER_COLUMNS, id="containers")
            yield ImageDetail(navigator(self).platform, id="detail")
        yield Static(id="sources")
        yield Facts(id="places")
        yield KeyBar()

    def on_mount(self) -> None:
        self._has_dead = navigator(self).cache and has_read_any()
        settings = navigator(self).settings.images
        if settings.sort:
            self._images.sort = settings.sort, settings.reverse != image_row.descends(settings.sort)
        self.set_class(settings.detail is True, "-show-detail")
        self.set_class(settings.detail is False, "-hide-detail")
        for listing in (self._images, self._containers):
            self.query_one(f"#{listing.noun}s").display = listing is self._shown
        self._table.focus()
        self._show()
        self.set_interval(_AGING, self._age)
        self.call_after_refresh(self.action_look)

    def on_descendant_focus(self) -> None:
        self._close_list()

    def _close_list(self) -> None:
        """Where there is hardly any room, leave it to the detail while that has the focus."""
        has_focus = self.focused is self.query_one(ImageDetail)
        self.query_one("#list").set_class(has_focus and not self.has_class("-wide"), "-closed")

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self._close_list()
        self._show()

    def save_to(self, settings: "Settings") -> None:
        images, sort = settings.images, self._images.sort
        images.sort = cast("ImageColumn", sort[0]) if sort else ""
        images.reverse = sort is not None and sort[1] != image_row.descends(sort[0])
        images.detail = self.has_class("-show-detail") or (
            None if not self.has_class("-hide-detail") else False
        )

    def on_unmount(self) -> None:
        for listing in (self._images, self._containers):
            listing.close()
        for watch in self._watches.values():
            watch.close()

    @property
    def _table(self) -> Table:
        """The table that is shown."""
        return self.query_one(f"#{self._shown.noun}s", Table)

    def _places(self) -> tuple[Sequence[Place], Sequence[Place]]:
        """Return the places of images, and of containers."""
        return image_places(self._given), container_places()

    # Answers of the sources

    def action_look(self) -> None:
        """Reload every place."""
        self.query_one(ImageDetail).forget()
        for listing in (self._images, self._containers):
            for number in range(len(listing.places)):
                self._look(listing, number)
        self._show()

    def _look(self, listing: Listing, number: int, quietly: bool = False) -> None:
        """Load a place. Rows are in the order of the places, whichever answers first."""
        listing.look(self, number, self._show, partial(self._looked, listing), quietly)

    def _looked(self, listing: Listing, place: Place, answer: Answer) -> None:
        engine = place.engine
        if engine and not isinstance(answer.error, NoEngine) and engine not in self._watches:
            self._watches[engine] = Watch(self, engine, partial(self._engine_changed, engine))
        if engine and answer.error is None and listing is self._images:
            ask_shared_sizes(self, engine, partial(self._take_shared, engine))
        self._show()

    def on_screen_resume(self) -> None:
        """Ask which images have been read meanwhile, and tell the time that has passed."""
        self._age()
        images = [row.summary for row in self._images.rows() if isinstance(row.summary, ImageSummary)]
        if navigator(self).cache and images:
            ask_read_before(self, images, self._take_read_before)

    def _age(self) -> None:
        """Say how long ago images and containers were created by now."""
        for listing in (self._images, self._containers):
            for answer in listing.answers:
                answer.rows = [aged(row) for row in answer.rows]
        self._show()

    def _take_read_before(self, sizes: "Mapping[tuple[str, str], Bytes]") -> None:
        if sizes.items() - self._sizes.items():
            self._sizes = {**self._sizes, **sizes}
            self._complete()

    def _take_shared(self, engine: str, sizes: "Mapping[str, int]") -> None:
        self._shared[engine] = sizes
        self._complete()

    def _complete(self) -> None:
        """Add what has become known to the rows of images."""
        for answer in self._images.answers:
            answer.rows = [self._completed(row) for row in answer.rows]
        self._show()

    def _engine_changed(self, engine: str, kind: str) -> None:
        """Refresh the list of an engine after its last event; see :class:`Watch`."""
        self._changed.add((engine, kind))
        if self._settle is None:
            self._settle = self.set_timer(_SETTLE, self._look_quietly)

    def _look_quietly(self) -> None:
        self._settle = None
        changed, self._changed = self._changed, set()
        for listing in (self._images, self._containers):
            for number, place in enumerate(listing.places):
                if {(place.engine, listing.noun), (place.engine, "")} & changed:
                    self._look(listing, number, quietly=True)

    def _image_row(self, summary: ImageSummary, order: tuple[int, int]) -> TableRow:
        """Return the row of an image, with its dead bytes if they are known; called in a thread."""
        row = self._completed(image_row.row_of_image(summary, order))
        size = read_before(summary) if navigator(self).cache else None
        return row if size is None else image_row.with_dead(row, size)

    def _completed(self, row: TableRow) -> TableRow:
        shared = self._shared.get(row.summary.transport, {}).get(row.summary.id)
        row = row if shared is None else image_row.with_shared(row, shared)
        size = self._sizes.get((row.reference, row.summary.id))
        return row if size is None else image_row.with_dead(row, size)

    # Keys and mouse

    def on_table_highlighted(self) -> None:
        self.query_one(ImageDetail).show(self._table.highlighted)

    def on_table_opened(self, event: Table.Opened) -> None:
        if on_top(self):
            navigator(self).explore(event.row.reference)

    def on_table_header_clicked(self, event: Table.HeaderClicked) -> None:
        if self._shown.sort and self._shown.sort[0] == event.key:
            self.action_reverse()
        else:
            self._sort_by(event.key)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._query = event.value
        self._show()

    def on_input_submitted(self) -> None:
        self._table.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys that are letters while typing in the filter."""
        if action in ("mark", "compare") and self.is_mounted and self._table.highlighted is None:
            return False
        if action in ("images", "containers"):
            return action != f"{self._shown.noun}s" and not isinstance(self.focused, FilterField)
        return not (action == "filter" and isinstance(self.focused, FilterField))

    def action_mark(self) -> None:
        """Mark or unmark the selected row; at most one row is marked."""
        row = self._table.highlighted
        if row is not None:
            is_marked = self._marked is not None and self._marked.reference == row.reference
            self._marked = None if is_marked else row
            for table in self.query(Table):
                table.marked = "" if self._marked is None else self._marked.reference
            self._show()

    def action_compare(self) -> None:
        """Compare the marked row with the selected one; without a mark, ask for an image."""
        from layertui.ui.compare.screen import CompareScreen
        from layertui.ui.compare.side_header import Chosen

        row = self._table.highlighted
        if row is None:
            return

        def compare(a: str, b: str) -> None:
            open_above(self, CompareScreen(Chosen(a), Chosen(b)))

        if self._marked is not None and self._marked.reference != row.reference:
            compare(self._marked.reference, row.reference)
        else:
            navigator(self).ask(
                f"Compare {row.cells['name']} with …", partial(compare, row.reference), row.reference
            )

    def action_find_in_images(self) -> None:
        """Find what matches in the rows that are shown, with the last results."""
        from layertui.ui.find.results import FindResults
        from layertui.ui.find.screen import FindScreen, Scope

        def scope() -> Scope:
            shown, total = len(self._table.rows), len(self._shown.rows())
            name = count_text(total, self._shown.noun)
            if shown < total:
                name = f"{shown:,} of {name}"
            elif not self._shown.whole:
                name = f"{name} so far"
            if unreadable := sum(len(answer.problems) for answer in self._shown.answers):
                name = f"{name}, {unreadable:,} unreadable"
            return Scope([row.reference for row in self._table.rows if row.reference], name)

        self._found = self._found or FindResults()
        open_above(self, FindScreen(scope, self._found))

    def action_containers(self) -> None:
        """Show the containers."""
        self._switch(self._containers)

    def action_images(self) -> None:
        """Show the images."""
        self._switch(self._images)

    def _switch(self, listing: Listing) -> None:
        self._table.display = False
        self._shown = listing
        self._table.display = True
        self.refresh_bindings()
        self._table.focus()
        self._show()
        self.on_table_highlighted()

    async def action_filter(self) -> None:
        """Open the filter."""
        if not self.query(Input):
            field = FilterField(placeholder="words, label=KEY, dangling=true …", compact=True, id="filter")
            await self.query_one("#list").mount(field, before=0)
        self.query_one(Input).focus()

    def action_sort(self) -> None:
        """Sort by name, size, creation, then each other column; after the last by source again."""
        columns = sorted(self._table.columns, key=lambda column: column.key not in SORTED_FIRST)
        keys = [None, *(column.key for column in columns)]
        sort = self._shown.sort[0] if self._shown.sort else None
        at = keys.index(sort) if sort in keys else 0
        self._sort_by(keys[(at + 1) % len(keys)])

    def action_reverse(self) -> None:
        """Reverse the order of the sorted column."""
        if self._shown.sort:
            self._shown.sort = (self._shown.sort[0], not self._shown.sort[1])
            self._show()

    def action_detail(self) -> None:
        """Show or hide the detail: beside the table if there is room, else below."""
        self.toggle_class("-hide-detail" if self.has_class("-wide") else "-show-detail")
        self._table.focus()

    async def action_leave(self) -> None:
        """Leave the filter, the detail, the containers, then the screen."""
        if self.query(Input):
            await self.query(Input).remove()
            self._query = ""
            self._table.focus()
            self._show()
        elif self.has_class("-show-detail") and not self.has_class("-wide"):
            self.action_detail()
        elif self._shown is self._containers:
            self.action_images()
        else:
            await navigator(self).action_back()

    def _sort_by(self, key: str | None) -> None:
        """Sort by a column in its initial order: numbers and times descending."""
        descends = {column.key: column.descends for column in self._table.columns}
        self._shown.sort = (key, descends[key]) if key else None
        self._show()

    # What is shown

    def _show(self) -> None:
        """Update the table, its title and the lines of the places."""
        listing, table = self._shown, self._table
        rows = listing.rows()
        if listing is self._images:
            has_engine = any(place.engine and said.rows for place, said in listing.answered())
            chosen = navigator(self).settings.images.columns
            self._has_dead = self._has_dead or any(row.keys["dead"] >= 0 for row in rows)
            table.columns = image_row.columns_of(has_engine, self._has_dead, chosen)
        problem = ""
        try:
            found = search(rows, self._query)
        except LayertuiError as error:
            found, problem = [], str(error)
        table.show(found, self._query, listing.sort)
        total = count_text(len(rows), listing.noun)
        self.query_one("#list").border_title = self._title()
        told = f"{len(found)} of {total}" if self._query else total
        if self._marked is not None:
            told = f"◆ {self._marked.cells['name']}, D compares · {told}"
        self.query_one("#list").border_subtitle = Content(f"{told}, by {self._order(listing)}")
        named = 3 if self.size.height >= 30 else 1
        self.query_one("#sources", Static).update(Content(visible(places_text(listing))))
        self.query_one("#places", Facts).show(problem_facts(listing, named))
        self.refresh_bindings()
        message = self.query_one("#list > .message", Static)
        message.display = not found
        if not found:
            message.update(Content(visible(problem or self._why_empty(bool(rows)))))

    def _order(self, listing: Listing) -> str:
        """Return what the rows are sorted by, and in which direction."""
        if listing.sort is None:
            return "source"
        key, descends = listing.sort
        title = next((column.title for column in self._table.columns if column.key == key), key)
        return f"{title.lower()} {'↓' if descends else '↑'}"

    def _title(self) -> Content:
        """Return the names of both tables, the current one in the accent color."""
        names = []
        for listing in (self._images, self._containers):
            style = "bold $accent" if listing is self._shown else "$quiet not bold"
            link = Style.from_meta({"@click": f"screen.{listing.noun}s"})
            names.append(Content.styled(f"{listing.noun.capitalize()}s", style).stylize(link))
        return Content.styled(" │ ", "$line not bold").join(names)

    def _why_empty(self, has_rows: bool) -> str:
        noun, opens = self._shown.noun, "o opens an image by reference or path."
        if has_rows:
            so_far = "" if self._shown.whole else " so far"
            return f"No {noun} matches “{self._query}”{so_far}. esc clears the filter."
        if not self._shown.whole:
            return f"Looking for {noun}s … {opens}"
        if self._shown is self._containers:
            return "No containers. c shows the images."
        return f"No images. {opens}"


class EngineScreen(ImagesScreen):
    """List the images and containers of one engine; ``transport`` is of those shown first."""

    def __init__(self, transport: str) -> None:
        self._engine = next(each for each in LOCAL if ENGINE_NAMES[each] == ENGINE_NAMES[transport])
        super().__init__()
        if transport not in LOCAL:
            self._shown = self._containers

    def _places(self) -> tuple[Sequence[Place], Sequence[Place]]:
        return engine_places(self._engine)
