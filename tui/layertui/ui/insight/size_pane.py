"""The part Size: a map of the bytes of an image, or a list where there is no room for one; the largest files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message

from layertui.insight.size_rows import SizeRows
from layertui.insight.sizes import SizeMap
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.model.sizes import Bytes
from layertui.text.format import count_text
from layertui.text.sanitize import visible
from layertui.ui.clipboard import copy
from layertui.ui.detail.page import message
from layertui.ui.failures import failure_text
from layertui.ui.insight.size_browser import COLORED, GROUPINGS, NOWHERE, Level, SizeBrowser, Tile
from layertui.ui.insight.size_list import LargestFiles, SizeList
from layertui.ui.insight.size_map import SizeMapView
from layertui.ui.insight.size_words import SizeWords
from layertui.ui.insight.treemap import Cells
from layertui.ui.keys import bind
from layertui.ui.widgets.span_lines import SpanLines
from layertui.ui.widgets.text_view import TextView
from layertui.ui.worker.background import background, computing

if TYPE_CHECKING:
    from layertui.ui.worker.reading import Reading

MAPPED = 100, 20
"""Columns and lines of the screen from which there is a map."""
BESIDE = 160
"""Columns from which the largest files are beside the map."""
_NOTES = 2
"""Notes that are shown."""
_LAID_OUT_AT_ONCE = 2000
"""Files up to which a place is laid out at once, on the event loop."""


class SizePane(Horizontal):
    """Browses the sizes of one image; posts the file to open in the explorer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "into", "into", tooltip="Go into the directory or group; open a file in the explorer"),
        bind("backspace", "out", "out", tooltip="Go to the directory above"),
        bind("tab", "files", "largest files", tooltip="The largest files, and back"),
        bind("shift+tab", "files", "largest files", show=False),
        bind("d", "dead", "dead bytes", tooltip="Show or hide the dead bytes, hatched"),
        bind("v", "group", "group by", tooltip="By directory, layer, type, package or leftovers"),
        bind("c", "color", "color by", tooltip="Color by layer, type or package"),
        bind("y", "copy", "copy", show=False, tooltip="Copy the path"),
    ]
    DEFAULT_CSS = """
    SizePane {
        height: 1fr;

        & > #sizes { width: 2fr; }
        & > #largest { width: 1fr; display: none; }
        &.-beside > #largest { display: block; }
        &.-files > #largest { display: block; }
        &.-files > #sizes { display: none; }
        &.-beside > #sizes { display: block; }

        SizeMapView, #legend { display: none; }
        &.-map SizeMapView, &.-map #legend { display: block; }
        &.-map SizeList { display: none; }
    }
    """

    @dataclass
    class Opened(Message):
        """A file is to be shown in the explorer."""

        path: str
        layer: LayerNumber

    class Added(Message):
        """The sizes have been added up."""

    def __init__(self, reading: Reading, steps: Mapping[LayerNumber, str]) -> None:
        """``steps``: sanitized."""
        super().__init__()
        self._reading = reading
        self._steps = steps
        self.browser: SizeBrowser | None = None
        """The sizes, once they have been added up."""
        self._job = Job()
        self._listing = Job()
        self._listed: object = None  # of what the largest files are listed
        self._is_working = False
        self.level: Level | None = None
        self._here: object = None  # of what the level is
        self._tile: Tile | None = None  # selected there
        self._area = NOWHERE
        self._map, self._list = SizeMapView(), SizeList()
        self._legend, self._about = SpanLines(1, id="legend"), SpanLines(2, id="about")
        self._notes = SpanLines(0)
        self._files = TextView(id="largest", classes="pane")

    def compose(self) -> ComposeResult:
        with Vertical(id="sizes", classes="pane"):
            yield self._notes
            yield self._legend
            yield self._map
            yield self._list
            yield self._about
        yield self._files

    def on_unmount(self) -> None:
        self._job.cancel()

    # What is shown

    @property
    def total(self) -> Bytes | None:
        """All bytes of the image; None: not known yet."""
        return self.browser.sizes.total if self.browser is not None else None

    @property
    def busy(self) -> bool:
        """Whether something is still being computed."""
        return self._is_working

    @property
    def is_map(self) -> bool:
        return self.has_class("-map")

    @property
    def _view(self) -> SizeMapView | SizeList:
        return self._map if self.is_map else self._list

    @property
    def selected(self) -> Tile | None:
        """The selected box or row."""
        return self._view.selected

    def fit(self, width: int, height: int) -> None:
        """Choose between map and list by the size of the screen."""
        self.set_class(width >= MAPPED[0] and height >= MAPPED[1], "-map")
        self.set_class(width >= BESIDE and self.is_map, "-beside")
        self._about.styles.height = 2 if self.is_map else 1
        if self.has_class("-beside"):
            self.remove_class("-files")
        elif self._files.has_focus:  # those beside the map take its place, as they have the focus
            self.add_class("-files")
        self.call_after_refresh(self._fitted)

    def _fitted(self) -> None:
        if self.has_focus_within and not self._files.has_focus:
            self._view.focus()
        self.show()

    def take_focus(self) -> None:
        """Focus what is shown."""
        (self._files if self.has_class("-files") else self._view).focus()

    def show(self) -> None:
        """Show the place; if that takes long, compute it in a thread first."""
        browser = self.browser
        if self._map.display and self._map.area != NOWHERE:
            self._area = self._map.area  # kept while the largest files are in its place
        area = self._area if self.is_map else None
        if self._is_working or not self.display or area == NOWHERE:
            return
        if (
            browser is None
            or browser.lacks
            or (browser.known(area) is None and browser.rows() > _LAID_OUT_AT_ONCE)
        ):
            self._work(area)
            return
        self._show_level(browser, browser.known(area) or browser.level(area))

    def _work(self, area: Cells | None) -> None:
        """Compute in a thread what is to be shown."""
        reading, known = self._reading, self.browser
        union, contents = reading.union, reading.contents
        assert union is not None and contents is not None
        self._is_working = True
        self.query_one("#sizes").border_subtitle = Content("adding up …")
        known = None if known is None else known.snapshot()

        def compute(job: Job) -> SizeBrowser:
            browser = known or SizeBrowser(reading.size_map or SizeMap(union, job), contents)
            browser.prepare(job)
            with computing:
                browser.level(area)
            return browser

        background(self, compute, self._computed, self._failed, name="sizes", part_of=self._job)

    def _computed(self, browser: SizeBrowser) -> None:
        self._is_working = False
        if self.browser is None:
            self.browser = browser
            self.post_message(self.Added())
        self.show()

    def _failed(self, error: LayertuiError) -> None:
        """Show the error; other groupings and colors may still work."""
        self._is_working = False
        self.level = self._tile = self._here = None
        self._view.clear()
        self.query_one("#sizes").border_subtitle = Content(self._grouping)
        self._about.tell([(visible(failure_text(error)), "deleted")])
        self.refresh_bindings()

    @property
    def _grouping(self) -> str:
        browser = self.browser
        return "" if browser is None else f"by {browser.by} · color: {browser.colored}"

    def _show_level(self, browser: SizeBrowser, level: Level) -> None:
        words, place = SizeWords(browser, self._steps), browser.left
        if self._tile is not None and browser.here == self._here:
            place = self._tile.place  # the same place in other colors or another area
        self.level, self._here = level, browser.here
        self._view.show(browser, words, level, place)
        self._tile = self._view.selected
        pane = self.query_one("#sizes")
        pane.border_title = Content(words.title(level))
        pane.border_subtitle = Content(self._grouping)
        self._tell()
        self._show_files()
        self.refresh_bindings()

    def _show_files(self) -> None:
        """List the largest files of the place, if the list is visible."""
        browser, level = self.browser, self.level
        if browser is None or level is None or not self._files.display:
            return
        listed = browser.by, browser.place, browser.with_dead
        if listed == self._listed:
            return  # with its cursor
        self._listed = listed
        self._listing.cancel()
        if browser.rows() <= _LAID_OUT_AT_ONCE:
            self._list_files(browser.largest())
            return
        self._files.open(message("Sorting …").document)
        self._listing = background(self, browser.largest, self._list_files, name="largest", part_of=self._job)

    def _list_files(self, found: Sequence[tuple[SizeRows, int]]) -> None:
        browser, level = self.browser, self.level
        assert browser is not None and level is not None
        document = LargestFiles(found, lambda: self._files.content_size.width - 1)
        self._files.open(document, [document.heading()])
        self._files.border_title = Content(f"Largest files · {SizeWords(browser, self._steps).title(level)}")
        count = browser.shown(level.files)
        shown = (
            f"{len(found):,} of {count_text(count, 'file')}"
            if len(found) < count
            else count_text(count, "file")
        )
        self._files.border_subtitle = Content(shown)

    def _tell(self) -> None:
        """Show the legend of the colors, and the facts of the selected box."""
        browser, level, tile = self.browser, self.level, self.selected
        if browser is None or level is None:
            return
        words, room = SizeWords(browser, self._steps), self._about.content_size.width
        self._legend.tell(words.legend(level, room))
        notes = browser.notes[:_NOTES]
        self._notes.styles.height = len(notes)
        self._notes.tell(*([("⚠ ", "modified"), (visible(note), "")] for note in notes))
        if tile is None:
            self._about.tell([("Nothing here.", "quiet")])
            return
        path, facts = words.about(tile, level, room)
        self._about.tell(*([path, facts] if self.is_map else [facts]))

    def on_size_map_view_moved(self) -> None:
        self._tile = self.selected
        self._tell()
        self.refresh_bindings()

    on_size_list_moved = on_size_map_view_moved

    def on_size_map_view_resized(self) -> None:
        self.show()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable only what has something to act on."""
        browser = self.browser
        if action in ("dead", "group", "color"):
            return browser is not None
        if action in ("into", "out"):
            return (
                browser is not None
                and not self._is_working
                and (action == "into" or browser.place != browser.top)
            )
        return True

    def action_into(self) -> None:
        """Go into the selected directory or group; open a file in the explorer."""
        browser, tile = self.browser, self.selected
        document = self._files.document
        if self._files.has_focus:
            if isinstance(document, LargestFiles) and self._files.cursor >= 0:
                self.post_message(self.Opened(*document.place(self._files.cursor)))
            return
        if browser is None or tile is None:
            return
        if browser.enter(tile):
            self.show()
            return
        item = tile.items[0]
        event = item.rows.event(item.span.start)  # what is live comes before what is dead
        union = browser.sizes.union
        self.post_message(self.Opened(union.path(union.ev_node[event]), union.ev_layer[event]))

    def action_out(self) -> None:
        """Go to the directory above."""
        if self.browser is not None and self.browser.leave():
            self.show()

    def action_files(self) -> None:
        """Go to the largest files, and back."""
        if not self.has_class("-beside"):
            self.toggle_class("-files")
            self._show_files()
            self.take_focus()
        else:
            (self._view if self._files.has_focus else self._files).focus()

    def action_dead(self) -> None:
        """Show or hide the dead bytes."""
        if (browser := self.browser) is not None:
            browser.with_dead = not browser.with_dead
            self.show()

    def action_group(self) -> None:
        """Group by the next."""
        if (browser := self.browser) is not None:
            browser.group_by(GROUPINGS[(GROUPINGS.index(browser.by) + 1) % len(GROUPINGS)])
            self.show()

    def action_color(self) -> None:
        """Color by the next."""
        if (browser := self.browser) is not None:
            browser.colored = COLORED[(COLORED.index(browser.colored) + 1) % len(COLORED)]
            self.show()

    def action_copy(self) -> None:
        """Copy the selected path."""
        document, tile = self._files.document, self.selected
        if self._files.has_focus and isinstance(document, LargestFiles) and self._files.cursor >= 0:
            copy(self, document.place(self._files.cursor)[0])
        elif tile is not None and self.browser is not None and not tile.items[0].is_group:
            copy(self, self.browser.sizes.union.path(tile.items[0].node))

    def on_click(self, event: events.Click) -> None:
        if event.chain > 1:
            self.action_into()
