"""The file tree: a merged tree row by row, on the line API."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.model.numbers import ROOT, LayerNumber, Node
from layertui.ui.clipboard import copy
from layertui.ui.keys import CHANGE_KEYS
from layertui.ui.theme.styles import Palette
from layertui.ui.tree.background import RowsChange, RowWork
from layertui.ui.tree.empty import comment, why_empty
from layertui.ui.tree.presenter import LayerPresenter, RowPresenter
from layertui.ui.widgets.list_view import ListView

if TYPE_CHECKING:
    from layertui.ui.tree.paint import TreePainter
    from layertui.union.changes import SameContent
    from layertui.union.tree_rows import TreeRows

_AT_ONCE = 30_000
"""Nodes up to which rows are worked out where they are shown: about 3 ms; beyond in a thread."""
_FEW_EVENTS = 1_000
"""Events of a layer up to which one moves there at once."""


class TreeView(ListView):
    """Shows :class:`~layertui.union.tree_rows.TreeRows`; what takes long happens to a copy in a thread."""

    HELP_NAME: ClassVar[str] = "Tree"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "open", show=False, tooltip="Open a directory, or see a file's detail"),
        Binding("space", "turn", "open/close", show=False, tooltip="Open or close the directory"),
        Binding("right,l", "open", "open", show=False, tooltip="Open the directory, then go into it"),
        Binding("left,h", "close", "close", show=False, tooltip="Close the directory, then leave it"),
        Binding(
            "n",
            "change(1)",
            "next change",
            tooltip="Go to the next path that the layer changed",
            group=CHANGE_KEYS,
        ),
        Binding("N", "change(-1)", "change before", tooltip="Go to the change before", group=CHANGE_KEYS),
        Binding("v", "view", "view", tooltip="Merged tree, the layer's changes, everything with hidden"),
        Binding("s", "sort", "sort", show=False, tooltip="Sort by name, size, layer or time"),
        Binding("E", "expand_all", "expand all", show=False, tooltip="Open every directory"),
        Binding(
            "C,ctrl+@", "collapse_all", "collapse all", show=False, tooltip="Close every directory"
        ),  # ctrl+space
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

    @dataclass
    class Highlighted(Message):
        """Another path is under the cursor, or another layer's version of it.

        ``node`` is a node of ``rows.merged.union``, seen from ``rows.merged.layer``.
        """

        node: Node
        rows: TreeRows

    @dataclass
    class Opened(Message):
        """Enter on what is no directory, or a second click."""

        node: Node

    class Changed(Message):
        """Other rows are shown, or they are shown in another way."""

    @dataclass
    class QueryFailed(Message):
        """The filter's query cannot be read."""

        error: LayertuiError

    def __init__(
        self, presenter: RowPresenter | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        """``presenter`` describes rows that are not of one image."""
        super().__init__(id=id, classes=classes)
        self.presenter = presenter or LayerPresenter()
        self.rows: TreeRows | None = None
        self.query_text = ""
        """The filter that is asked for; ``rows.query`` is the one that is shown."""
        self._wanted = ROOT  # the node that the cursor was put on, there or not
        self._told: tuple[object, int, int] | None = None
        self._sentence, self._failed = "", False
        self._work = RowWork(self, self._take)
        self._search = Job()  # cancelled when the filter is no longer wanted

    # What is shown

    @cached_property
    def _painter(self) -> TreePainter:
        """Comes with the first rows, and much with it that the first frame does not need."""
        from layertui.ui.tree.paint import TreePainter

        return TreePainter(self.presenter)

    @property
    def count(self) -> int:
        return len(self.rows.nodes) if self.rows is not None else 0

    @property
    def node(self) -> Node:
        """The node under the cursor; 0, the root, while there are no rows."""
        return self.rows.nodes[self.cursor] if self.rows is not None else ROOT

    @property
    def busy(self) -> bool:
        """Whether other rows are being worked out."""
        return self._work.busy

    def show(self, rows: TreeRows | None, image_layers: int) -> None:
        """Shows the rows of a new union as those before: view, sort, filter, open directories, cursor.

        They belong to this widget from now on.
        """
        self.layer_count = image_layers
        self._work.drop("move")
        if rows is None or self.rows is None:
            self._work.drop()
            if rows is None:
                self._search.cancel()
                self.query_text = ""
            self._put(rows)
        else:
            self._work.following = rows
            self._work.start(self.rows)

    def move(self, layer: LayerNumber) -> None:
        """Shows the tree at another layer."""
        if self.rows is None:
            return
        union = (self._work.following or self.rows).merged.union
        # A union with more layers may be on its way to be shown, which takes a thread anyway.
        few = not layer or (layer <= union.layers and len(union.events_of(layer)) <= _FEW_EVENTS)
        light = few and not self.rows.query and self.rows.sort == "name"
        self._change(lambda rows: rows.move(layer), "move", light)

    def settle(self, layer: LayerNumber, same: SameContent) -> None:
        """Tells what ``layer`` changed from what it only stored again, now that contents have been compared."""

        from layertui.union.changes import Mark

        def settle(rows: TreeRows) -> None:
            with suppress(LayertuiError):  # said in the detail
                rows.settle(layer, same)

        if self.rows is not None and Mark.REWRITTEN in self.rows.merged.marks:
            self._change(settle, "settle", light=False)

    def filter(self, query: str) -> None:
        """Shows only what ``query`` finds (see :mod:`layertui.union.path_filter`), once it is found."""
        self.query_text = query
        self._search.cancel()
        if self.rows is None:
            return
        job = self._search = Job()

        def search(rows: TreeRows) -> None:
            try:
                rows.filter(query, job)
            except Cancelled:
                pass
            except LayertuiError as error:
                self.post_message(self.QueryFailed(error))

        self._change(search, "filter", light=not query)

    def go_to(self, node: Node) -> None:
        """Puts the cursor on a node, whatever has to be opened, unfiltered or shown for it."""

        if self.rows is None:
            return
        union = self.rows.merged.union

        def reveal(rows: TreeRows) -> None:
            there = rows.merged.union.counterpart(union, node)
            if rows.reveal(there) >= 0:
                return
            if rows.query:
                self.query_text = ""
                rows.filter("")
            if rows.reveal(there) < 0:
                rows.show(rows.views[-1])  # which has every path
                rows.reveal(there)

        self._wanted = node
        before = len(self.rows.nodes)
        row = self.rows.reveal(node) if not self._work.busy else -1
        if row < 0:
            self._change(reveal, object())
        elif len(self.rows.nodes) == before:
            self.go_to_row(row)
        else:
            self._put(self.rows)

    def say(self, sentence: str, failed: bool = False) -> None:
        """What to show while there are no rows."""
        self._sentence, self._failed = sentence, failed
        self.refresh()

    # Work on the rows

    def _change(self, change: RowsChange, key: object, light: bool = True) -> None:
        """Does something to the rows: at once if that is quick, else after what is under way.

        What waits under the same ``key`` is no longer wanted then.
        """
        assert self.rows is not None
        if light and not self._work.busy and self.rows.merged.union.nodes <= _AT_ONCE:
            change(self.rows)
            self._put(self.rows)
        else:
            self._work.add(change, key)
            self._work.start(self.rows)

    def _take(self, before: TreeRows, rows: TreeRows) -> None:
        if before is self.rows:  # else they belong to an image that is no longer shown
            self._put(rows)
        self._work.start(self.rows)

    def _put(self, rows: TreeRows | None) -> None:
        """Shows rows; the cursor stays on its path and that where it is on the screen."""
        before, line = self.rows, self.cursor - self.scroll_offset.y
        if rows is not None and before is not None:
            self._wanted = rows.merged.union.counterpart(before.merged.union, self._wanted)
        self.rows = rows
        if rows is None:
            self.cursor, self._wanted = 0, ROOT
            self._told = None
        else:
            self.cursor = rows.nearest(self._wanted)
        self._lay_out()
        self.scroll_to(y=self.cursor - line, animate=False, immediate=True)
        self._reveal()
        self.refresh()
        self._tell()
        self.post_message(self.Changed())

    def _lay_out(self) -> None:
        self._fit()
        if self.rows is not None:
            if self._palette is not None:
                self._painter.use(self._palette)
            self._painter.lay_out(self.scrollable_content_region.width, self.rows)

    def _tell(self) -> None:
        rows = self.rows
        if rows is None:
            return
        now = (rows.merged.union, rows.merged.layer, self.node)
        before, self._told = self._told, now
        if before is None or before[0] is not now[0] or before[1:] != now[1:]:
            self.post_message(self.Highlighted(self.node, rows))

    def on_resize(self) -> None:
        self._lay_out()
        self._reveal()

    def go_to_row(self, row: int) -> None:
        if self.rows is not None:
            super().go_to_row(row)
            self._wanted = self.node
            self._tell()

    # Directories

    def action_turn(self) -> None:
        """Opens or closes the directory at hand."""
        self._toggle(self.node)

    def action_open(self) -> None:
        """Opens the directory at hand; if it is open, goes to the first path in it."""
        if self.rows is None or not self.rows.has_children(self.node):
            return
        if self.rows.is_open(self.node):
            self.go_to_row(self.cursor + 1)
        else:
            self._toggle(self.node)

    def action_close(self) -> None:
        """Closes the directory at hand; if it is closed, goes to the one it is in."""
        if self.rows is None or not self.node:
            return
        if self.rows.is_open(self.node) and self.rows.has_children(self.node):
            self._toggle(self.node)
        else:
            self.go_to_row(self.rows.nearest(self.rows.merged.union.parent[self.node]))

    def action_enter(self) -> None:
        """Opens or closes a directory; of all else the detail is wanted."""
        if self.rows is None:
            return
        if self.rows.has_children(self.node):
            self._toggle(self.node)
        else:
            self.post_message(self.Opened(self.node))

    def _toggle(self, node: Node) -> None:
        if self.rows is None or not node or not self.rows.has_children(node):
            return
        self._wanted = self.node
        if not self._work.busy and self.rows.descendant_rows(node) <= _AT_ONCE:
            self.rows.toggle(node)
            self._put(self.rows)
        else:
            self._change(lambda rows: rows.toggle(node), object())

    def action_expand_all(self) -> None:
        """Opens every directory."""
        if self.rows is not None:
            self._change(lambda rows: rows.expand_all(), "all")

    def action_collapse_all(self) -> None:
        """Closes every directory; the cursor stays above where it was."""
        if self.rows is not None:
            self._change(lambda rows: rows.collapse_all(), "all")

    # Other keys

    def action_change(self, step: Literal[1, -1]) -> None:
        """Goes to the next change, after the last to the first again."""
        if self.rows is None:
            return
        node = self.rows.next_change(self.node, step)
        if node < 0:
            self.notify(self.presenter.no_change(self.rows), markup=False)
        else:
            self.go_to(node)

    def action_view(self) -> None:
        """Shows the next of the views."""
        if self.rows is not None:
            views = self.rows.views
            view = views[(views.index(self.rows.view) + 1) % len(views)]
            self._change(lambda rows: rows.show(view), "view")

    def action_sort(self) -> None:
        """Sorts by what comes next."""
        if self.rows is not None:
            sorts = self.rows.sorts
            sort = sorts[(sorts.index(self.rows.sort) + 1) % len(sorts)]
            self._change(lambda rows: rows.order_by(sort), "sort", light=False)

    def action_copy(self) -> None:
        """Copies the path."""
        if self.rows is not None:
            copy(self, self.rows.merged.union.path(self.node))

    def on_click(self, event: events.Click) -> None:
        """Selects; on an arrow, or a second time, opens or closes too."""
        offset, row = event.get_content_offset(self), self.row_at(event)
        if offset is None or self.rows is None or not 0 <= row < self.count:
            return
        self.go_to_row(row)
        if self._painter.is_arrow(self.rows, self.node, offset.x):
            self._toggle(self.node)
        elif event.chain == 2:
            self.action_enter()

    # Painting

    def _use(self, palette: Palette) -> None:
        if self.rows is not None:
            self._painter.use(palette)

    def render_line(self, y: int) -> Strip:
        width, palette = self.content_size.width, self._palette
        if palette is None:
            return Strip.blank(width)
        row = y + self.scroll_offset.y
        if self.rows is not None and row < self.count:
            return self._painter.row(self.rows, self.rows.nodes[row], self._over(row), width)
        sentence = self._sentence if self.rows is None else why_empty(self.rows, self.presenter)
        style = "deleted" if self.rows is None and self._failed else "quiet"
        return comment(sentence, y, self.count, self.content_size, style, palette)
