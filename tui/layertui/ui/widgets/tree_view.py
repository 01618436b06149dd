"""The file tree: a merged tree row by row, on the line API."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Literal

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from layertui.errors import LayertuiError
from layertui.layers.decompress import Cancelled
from layertui.safe import visible
from layertui.ui.palette import Palette
from layertui.ui.text import shorten
from layertui.ui.tree_row import arrow_at, layout, spans
from layertui.ui.widgets.lines import folds
from layertui.union.changes import Mark, Same
from layertui.union.rows import SORTS, VIEWS, Rows

_AT_ONCE = 30_000
"""Nodes up to which rows are worked out where they are shown: about 3 ms; beyond in a thread."""
_FEW_EVENTS = 1_000
"""Events of a layer up to which one moves there at once."""
_KEPT = 1024
"""Painted rows that are kept."""

_LINED = ("strike", "underline")
"""Styles that show on a blank too."""

Change = Callable[[Rows], None]


class TreeView(ScrollView, can_focus=True):
    """Shows :class:`~layertui.union.rows.Rows`; what takes long happens to a copy in a thread."""

    ALLOW_SELECT = False
    HELP_NAME: ClassVar[str] = "Tree"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "up", show=False),
        Binding("down,j", "step(1)", "down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("home,g", "first", "top", show=False),
        Binding("end,G", "last", "end", show=False),
        Binding("enter", "enter", "open", show=False, tooltip="Open a directory, or see a file's detail"),
        Binding("space", "turn", "open/close", show=False, tooltip="Open or close the directory"),
        Binding("right,l", "open", "open", show=False, tooltip="Open the directory, then go into it"),
        Binding("left,h", "close", "close", show=False, tooltip="Close the directory, then leave it"),
        Binding("n", "change(1)", "next change", tooltip="Go to the next path that the layer changed"),
        Binding("N", "change(-1)", "change before", show=False, tooltip="Go to the change before"),
        Binding("v", "view", "view", tooltip="Merged tree, the layer's changes, everything with hidden"),
        Binding("s", "sort", "sort", tooltip="Sort by name, size, layer or time"),
        Binding("E", "expand_all", "expand all", tooltip="Open every directory"),
        # Terminals send ctrl+space as ctrl+@.
        Binding("C,ctrl+@", "collapse_all", "collapse all", show=False, tooltip="Close every directory"),
        Binding("y", "copy", "copy path", show=False, tooltip="Copy the path"),
    ]
    DEFAULT_CSS = """
    TreeView {
        height: 1fr;
        background: $surface;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
    }
    """

    class Highlighted(Message):
        """Another path is under the cursor, or another layer's version of it.

        ``node`` is a node of ``rows.merged.union``, seen from ``rows.merged.layer``.
        """

        def __init__(self, node: int, rows: Rows) -> None:
            super().__init__()
            self.node = node
            self.rows = rows

    class Opened(Message):
        """Enter on what is no directory, or a second click."""

        def __init__(self, node: int) -> None:
            super().__init__()
            self.node = node

    class Changed(Message):
        """Other rows are shown, or they are shown in another way."""

    class QueryFailed(Message):
        """The filter's query cannot be read."""

        def __init__(self, error: LayertuiError) -> None:
            super().__init__()
            self.error = error

    class Done(Message):
        """A thread has worked out ``rows`` to follow those ``before``."""

        def __init__(self, before: Rows, rows: Rows) -> None:
            super().__init__()
            self.before = before
            self.rows = rows

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rows: Rows | None = None
        self.query_text = ""
        """The filter that is asked for; ``rows.query`` is the one that is shown."""
        self._image_layers = 1
        self._cursor = 0
        self._wanted = 0  # the node that the cursor was put on, there or not
        self._told: tuple[object, int, int] | None = None
        self._sentence, self._failed = "", False
        self._next: Rows | None = None  # of a new union, to be shown as those before
        self._waiting: dict[object, Change] = {}  # what is still to be done to the rows, in order
        self._working = False
        self._search = threading.Event()  # set when the filter is no longer wanted
        self._palette: Palette | None = None
        self._place = layout(0, False)
        self._painted: LRUCache[tuple[int, str], Strip] = LRUCache(_KEPT)

    # What is shown

    @property
    def node(self) -> int:
        """The node under the cursor; 0, the root, while there are no rows."""
        return self.rows.nodes[self._cursor] if self.rows is not None else 0

    @property
    def busy(self) -> bool:
        """Whether other rows are being worked out."""
        return self._working

    def show(self, rows: Rows | None, image_layers: int) -> None:
        """Shows the rows of a new union as those before: view, sort, filter, open directories, cursor.

        They belong to this widget from now on.
        """
        self._image_layers = image_layers
        self._waiting.pop("move", None)
        if rows is None or self.rows is None:
            self._waiting.clear()
            self._next = None
            if rows is None:
                self._search.set()
                self.query_text = ""
            self._put(rows)
        else:
            self._next = rows
            self._work()

    def move(self, layer: int) -> None:
        """Shows the tree at another layer."""
        if self.rows is None:
            return
        union = (self._next or self.rows).merged.union
        # A union with more layers may be on its way to be shown, which takes a thread anyway.
        few = not layer or (layer <= union.layers and len(union.events_of(layer)) <= _FEW_EVENTS)
        light = few and not self.rows.query and self.rows.sort == "name"
        self._change(lambda rows: rows.move(layer), "move", light)

    def settle(self, layer: int, same: Same) -> None:
        """Tells what ``layer`` changed from what it only stored again, now that contents have been compared."""

        def settle(rows: Rows) -> None:
            with suppress(LayertuiError):  # said in the detail
                rows.settle(layer, same)

        if self.rows is not None and Mark.REWRITTEN in self.rows.merged.marks:
            self._change(settle, "settle", light=False)

    def filter(self, query: str) -> None:
        """Shows only what ``query`` finds (see :mod:`layertui.union.filter`), once it is found."""
        self.query_text = query
        self._search.set()
        if self.rows is None:
            return
        stop = self._search = threading.Event()

        def search(rows: Rows) -> None:
            try:
                rows.filter(query, stop.is_set)
            except Cancelled:
                pass
            except LayertuiError as error:
                self.post_message(self.QueryFailed(error))

        self._change(search, "filter", light=not query)

    def go_to(self, node: int) -> None:
        """Puts the cursor on a node, whatever has to be opened, unfiltered or shown for it."""

        def reveal(rows: Rows) -> None:
            if rows.reveal(node) >= 0:
                return
            if rows.query:
                self.query_text = ""
                rows.filter("")
            if rows.reveal(node) < 0:
                rows.show("all")
                rows.reveal(node)

        if self.rows is None:
            return
        self._wanted = node
        before = len(self.rows.nodes)
        row = self.rows.reveal(node) if not self._working else -1
        if row < 0:
            self._change(reveal, object())
        elif len(self.rows.nodes) == before:
            self._go(row)
        else:
            self._put(self.rows)

    def say(self, sentence: str, failed: bool = False) -> None:
        """What to show while there are no rows."""
        self._sentence, self._failed = sentence, failed
        self.refresh()

    # Work on the rows

    def _change(self, change: Change, key: object, light: bool = True) -> None:
        """Does something to the rows: at once if that is quick, else after what is under way.

        What waits under the same ``key`` is no longer wanted then.
        """
        assert self.rows is not None
        if light and not self._working and self.rows.merged.union.nodes <= _AT_ONCE:
            change(self.rows)
            self._put(self.rows)
            return
        self._waiting.pop(key, None)
        self._waiting[key] = change
        self._work()

    def _work(self) -> None:
        """Starts on what waits."""
        if self._working or self.rows is None or not (self._waiting or self._next):
            return
        before, following = self.rows, self._next
        changes = list(self._waiting.values())
        self._waiting.clear()
        self._next = None

        def run() -> None:
            if following is None:
                rows = before.copy()
            else:
                rows = following
                rows.adopt(before)
            for change in changes:
                change(rows)
            self.post_message(self.Done(before, rows))

        self._working = True
        threading.Thread(target=run, name="tree", daemon=True).start()

    def on_tree_view_done(self, event: Done) -> None:
        event.stop()
        self._working = False
        if event.before is self.rows:  # else they belong to an image that is no longer shown
            self._put(event.rows)
        self._work()

    def _put(self, rows: Rows | None) -> None:
        """Shows rows; the cursor stays on its path and that where it is on the screen."""
        before, line = self.rows, self._cursor - self.scroll_offset.y
        if rows is not None and before is not None and rows.merged.union is not before.merged.union:
            self._wanted = _same_path(before, self._wanted, rows)
        self.rows = rows
        self._painted.clear()
        if rows is None:
            self._cursor = self._wanted = 0
            self._told = None
        else:
            self._cursor = rows.nearest(self._wanted)
        self._lay_out()
        self.scroll_to(y=self._cursor - line, animate=False, immediate=True)
        self._reveal()
        self.refresh()
        self._tell()
        self.post_message(self.Changed())

    def _lay_out(self) -> None:
        count = 0 if self.rows is None else len(self.rows.nodes)
        self.virtual_size = Size(self.size.width, count)
        by_time = self.rows is not None and self.rows.sort == "time"
        self._place = layout(self.scrollable_content_region.width, by_time)

    def _tell(self) -> None:
        rows = self.rows
        if rows is None:
            return
        now = (rows.merged.union, rows.merged.layer, self.node)
        before, self._told = self._told, now
        if before is None or before[0] is not now[0] or before[1:] != now[1:]:
            self.post_message(self.Highlighted(self.node, rows))

    def on_resize(self) -> None:
        self._painted.clear()
        self._lay_out()
        self._reveal()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    # The cursor

    def _go(self, row: int) -> None:
        """Puts the cursor on a row, or the nearest there is."""
        if self.rows is None:
            return
        before = self._cursor
        self._cursor = max(min(row, len(self.rows.nodes) - 1), 0)
        self._wanted = self.node
        for line in {before, self._cursor}:
            self.refresh(Region(0, line - self.scroll_offset.y, self.size.width, 1))
        self._reveal()
        self._tell()

    def _reveal(self) -> None:
        """Scrolls so that the cursor's row shows."""
        top, height = self.scroll_offset.y, max(self.content_size.height, 1)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, immediate=True)

    def action_step(self, by: int) -> None:
        self._go(self._cursor + by)

    def action_page(self, pages: int) -> None:
        self._go(self._cursor + pages * max(self.content_size.height - 1, 1))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        if self.rows is not None:
            self._go(len(self.rows.nodes) - 1)

    def action_change(self, step: Literal[1, -1]) -> None:
        """Goes to the next change, after the last to the first again."""
        if self.rows is None:
            return
        node = self.rows.next_change(self.node, step)
        if node < 0:
            self.notify(f"Layer {self.rows.merged.layer} changes nothing that is shown here.", markup=False)
        else:
            self.go_to(node)

    # Directories

    def action_turn(self) -> None:
        """Opens or closes the directory at hand."""
        self._toggle(self.node)

    def action_open(self) -> None:
        """Opens the directory at hand; if it is open, goes to the first path in it."""
        if self.rows is None or not self.rows.has_children(self.node):
            return
        if self.rows.is_open(self.node):
            self._go(self._cursor + 1)
        else:
            self._toggle(self.node)

    def action_close(self) -> None:
        """Closes the directory at hand; if it is closed, goes to the one it is in."""
        if self.rows is None or not self.node:
            return
        if self.rows.is_open(self.node) and self.rows.has_children(self.node):
            self._toggle(self.node)
        else:
            self._go(self.rows.nearest(self.rows.merged.union.parent[self.node]))

    def action_enter(self) -> None:
        """Opens or closes a directory; of all else the detail is wanted."""
        if self.rows is None:
            return
        if self.rows.has_children(self.node):
            self._toggle(self.node)
        else:
            self.post_message(self.Opened(self.node))

    def _toggle(self, node: int) -> None:
        if self.rows is None or not node or not self.rows.has_children(node):
            return
        self._wanted = self.node
        if not self._working and self.rows.rows_below(node) <= _AT_ONCE:
            self.rows.toggle(node)
            self._put(self.rows)
        else:
            self._change(lambda rows: rows.toggle(node), object())

    def action_expand_all(self) -> None:
        """Opens every directory."""
        if self.rows is not None:
            self._change(Rows.expand_all, "all")

    def action_collapse_all(self) -> None:
        """Closes every directory; the cursor stays above where it was."""
        if self.rows is not None:
            self._change(Rows.collapse_all, "all")

    # Other keys

    def action_view(self) -> None:
        """Shows the next of the views."""
        if self.rows is not None:
            view = VIEWS[(VIEWS.index(self.rows.view) + 1) % len(VIEWS)]
            self._change(lambda rows: rows.show(view), "view")

    def action_sort(self) -> None:
        """Sorts by what comes next."""
        if self.rows is not None:
            sort = SORTS[(SORTS.index(self.rows.sort) + 1) % len(SORTS)]
            self._change(lambda rows: rows.order_by(sort), "sort", light=False)

    def action_copy(self) -> None:
        """Copies the path, as it can be shown: a terminal may act on what it is given."""
        if self.rows is not None:
            path = visible(self.rows.merged.union.path(self.node))
            self.app.copy_to_clipboard(path)
            self.notify(f"Copied {shorten(path, 60)}", markup=False)

    def on_click(self, event: events.Click) -> None:
        """Selects; on an arrow, or a second time, opens or closes too."""
        offset = event.get_content_offset(self)
        if offset is None or self.rows is None:
            return
        row = offset.y + self.scroll_offset.y
        if row >= len(self.rows.nodes):
            return
        self._go(row)
        if offset.x - arrow_at(self.rows, self.node, self._place.names) in (0, 1):
            self._toggle(self.node)
        elif event.chain == 2:
            self.action_enter()

    # Painting

    def render_lines(self, crop: Region) -> list[Strip]:
        palette = Palette(self.app, self.rich_style, self._image_layers)
        if self._palette is None or self._palette.key != palette.key:
            self._palette = palette
            self._painted.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        palette = self._palette
        if palette is None:
            return Strip.blank(width)
        number = y + self.scroll_offset.y
        if self.rows is None or number >= len(self.rows.nodes):
            return self._comment(y, width, palette)
        over = ""
        if number == self._cursor:
            over = "on-cursor" if self.has_focus else "on-cursor_blurred"
        key = (self.rows.nodes[number], over)
        painted = self._painted.get(key)
        if painted is None:
            painted = self._painted[key] = self._paint(key[0], over, palette)
        return painted

    def _paint(self, node: int, over: str, palette: Palette) -> Strip:
        assert self.rows is not None
        # Few segments make a quick frame: blanks go with what is before them where that shows no line.
        merged: list[tuple[str, str]] = []
        for text, style in spans(self.rows, node, self._place):
            if merged and (
                merged[-1][1] == style or (not text.strip() and not merged[-1][1].endswith(_LINED))
            ):
                merged[-1] = (merged[-1][0] + text, merged[-1][1])
            elif text:
                merged.append((text, style))
        segments = [Segment(text, palette[f"{over} {style}"]) for text, style in merged]
        return Strip(segments).adjust_cell_length(self.content_size.width, palette[over])

    def _comment(self, y: int, width: int, palette: Palette) -> Strip:
        """A line of the sentence that stands where there are no rows."""
        count = 0 if self.rows is None else len(self.rows.nodes)
        sentence = visible(self._sentence if self.rows is None else self._why_empty(self.rows))
        room = max(width - 2, 1)
        starts = folds(sentence, room)
        line = y - max((self.content_size.height - len(starts)) // 2, count + 1 if count else 0)
        if not sentence or count > 1 or not 0 <= line < len(starts):
            return Strip.blank(width, palette[""])
        stop = [*starts, len(sentence)][line + 1]
        style = "deleted" if self.rows is None and self._failed else "quiet"
        text = sentence[starts[line] : stop].strip().center(room)
        return Strip([Segment(f" {text}", palette[style])]).adjust_cell_length(width, palette[""])

    def _why_empty(self, rows: Rows) -> str:
        """Why there is nothing but the root, and the next key."""
        layer = rows.merged.layer
        if rows.query:
            return f"No path here matches “{rows.query}”. Press escape to see all, or v for another view."
        if rows.view == "changes":
            return f"Layer {layer} changes no path. Press v for everything, vv for the merged tree."
        return f"The merged tree at layer {layer} is empty."


def _same_path(before: Rows, node: int, rows: Rows) -> int:
    """The node of the same path in another union, or of the nearest directory above it."""
    old, new = before.merged.union, rows.merged.union
    while (there := new.find_key(old.key(node))) < 0:
        node = old.parent[node]
    return there
