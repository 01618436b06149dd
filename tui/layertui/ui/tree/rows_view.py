"""The rows of a merged tree: shown, changed in a thread, painted line by line."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from textual.message import Message
from textual.strip import Strip

from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.model.numbers import ROOT, LayerNumber, Node
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten_path
from layertui.ui.theme.styles import Palette
from layertui.ui.tree.background import RowsChange, RowWork
from layertui.ui.tree.empty import comment, why_empty
from layertui.ui.tree.presenter import LayerPresenter, RowPresenter
from layertui.ui.widgets.list_view import ListView

if TYPE_CHECKING:
    from layertui.ui.tree.paint import TreePainter
    from layertui.union.changes import SameContent
    from layertui.union.model import LayerUnion
    from layertui.union.tree_rows import TreeRows, View

FEW_NODES = 30_000
"""Nodes up to which rows are computed on the event loop (about 3 ms); beyond, in a thread."""
_HIGH = 6
"""Rows of the view from which its first one names the directory of those below."""
_FEW_EVENTS = 1_000
"""Events of a layer up to which it is shown at once."""


class TreePlace(NamedTuple):
    """What is selected in a tree."""

    union: LayerUnion
    node: Node
    view: View
    query: str


class RowsView(ListView):
    """Show :class:`~layertui.union.tree_rows.TreeRows`; expensive changes are made to a copy in a thread."""

    @dataclass
    class Highlighted(Message, namespace="tree_view"):
        """Another path, or another layer's version of it, is selected.

        ``node`` is a node of ``rows.merged.union``, seen from ``rows.merged.layer``.
        """

        node: Node
        rows: TreeRows

    class Changed(Message, namespace="tree_view"):
        """The rows or their presentation have changed."""

    @dataclass
    class QueryFailed(Message, namespace="tree_view"):
        """The filter is invalid."""

        error: LayertuiError

    def __init__(
        self, presenter: RowPresenter | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        """``presenter`` describes rows that are not of one image."""
        super().__init__(id=id, classes=classes)
        self.presenter = presenter or LayerPresenter()
        self.rows: TreeRows | None = None
        self.image_layers = 0
        """How many layers the image has."""
        self.query_text = ""
        """The requested filter; ``rows.query`` is the applied one."""
        self._wanted = ROOT  # the selected node, present or not
        self._lost = b""  # the key of the selected path, while the union does not have it
        self._sought = ""  # the filter whose best match has been selected
        self._told: tuple[object, int, int] | None = None
        self._sentence, self._failed = "", False
        self._work = RowWork(self, self._take)
        self._search = Job()  # cancelled when the filter is no longer wanted

    # What is shown

    @cached_property
    def _painter(self) -> TreePainter:
        """Imported with the first rows: the first frame does not need it."""
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
    def is_whole(self) -> bool:
        """Whether all layers of the image are merged."""
        union = self.rows.merged.union if self.rows is not None else None
        return union is not None and union.layers >= self.image_layers and not union.is_alone

    @property
    def busy(self) -> bool:
        """Whether rows are being computed."""
        return self._work.busy

    def show(self, rows: TreeRows | None) -> None:
        """Show the rows of a new union, keeping view, sort, filter, open directories and cursor.

        The widget takes ownership of them.
        """
        self._work.drop("move")
        if rows is None or self.rows is None:
            self._work.drop()
            if rows is None:
                self._search.cancel()
                self.query_text = ""
            self._put(rows)
            if self.query_text:  # typed before there were any
                self.filter(self.query_text)
        else:
            self._work.following = rows
            self._work.start(self.rows)

    def move(self, layer: LayerNumber) -> None:
        """Show the tree at another layer."""
        if self.rows is None:
            return
        union = (self._work.following or self.rows).merged.union
        # A union with more layers may be pending, which uses a thread anyway.
        few = not layer or (layer <= union.layers and len(union.events_of(layer)) <= _FEW_EVENTS)
        light = few and not self.rows.query and self.rows.sort == "name" and not self.rows.is_reversed
        self._change(lambda rows: rows.move(layer), "move", light)

    def settle(self, layer: LayerNumber, same: SameContent) -> None:
        """Update the changes of ``layer``, now that contents have been compared."""

        def settle(rows: TreeRows) -> None:
            with suppress(LayertuiError):  # shown in the detail
                rows.settle(layer, same)

        if self.rows is not None and not self.rows.merged.is_settled:
            self._change(settle, "settle", light=False)

    def filter(self, query: str, then: Node | None = None) -> None:
        """Show only what ``query`` finds (see :mod:`layertui.union.path_filter`), once it is found.

        Without a query, the path ``then`` is selected afterwards.
        """
        self.query_text = query
        self._search.cancel()
        self._search = Job()
        if self.rows is None:
            return
        job, union = self._search, self.rows.merged.union
        if then is not None:
            self._wanted = then

        def search(rows: TreeRows) -> None:
            try:
                rows.filter(query, job)
                if then is not None:
                    rows.reveal(rows.merged.union.counterpart(union, then))
            except Cancelled:
                pass
            except LayertuiError as error:
                self.post_message(self.QueryFailed(error))

        self._change(search, "filter", light=not query)

    def go_to(self, node: Node) -> None:
        """Select a node; open directories, clear the filter or change the view if necessary."""

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

        self._want(node)
        before = len(self.rows.nodes)
        row = self.rows.reveal(node) if not self._work.busy else -1
        if row < 0:
            self._change(reveal, object())
        elif len(self.rows.nodes) == before:
            self.go_to_row(row)
        else:
            self._put(self.rows)

    def place(self) -> TreePlace | None:
        """Return what is selected, for :meth:`return_to`; None if there are no rows."""
        rows = self.rows
        return None if rows is None else TreePlace(rows.merged.union, self.node, rows.view, rows.query)

    def return_to(self, place: TreePlace) -> None:
        """Select a path in the view and with the filter that it was selected in."""

        def back(rows: TreeRows) -> None:
            if rows.view != place.view:
                rows.show(place.view)
            if rows.query != place.query:
                rows.filter(place.query)
            rows.reveal(rows.merged.union.counterpart(place.union, place.node))

        if self.rows is not None:
            self.query_text = self._sought = place.query
            self._want(self.rows.merged.union.counterpart(place.union, place.node))
            self._change(back, object(), light=not place.query)

    def say(self, sentence: str, failed: bool = False) -> None:
        """Return the sentence while there are no rows."""
        self._sentence, self._failed = sentence, failed
        self.refresh()

    # Work on the rows

    def _change(self, change: RowsChange, key: object, light: bool = True) -> None:
        """Change the rows: at once if that is fast, else after the running change.

        A pending change with the same ``key`` is dropped.
        """
        assert self.rows is not None
        if light and not self._work.busy and self.rows.merged.union.nodes <= FEW_NODES:
            change(self.rows)
            self._put(self.rows)
        else:
            self._work.add(change, key)
            self._work.start(self.rows)

    def _take(self, before: TreeRows, rows: TreeRows) -> None:
        if before is self.rows:  # else they belong to an image that was replaced
            self._put(rows)
        self._work.start(self.rows)

    def _put(self, rows: TreeRows | None) -> None:
        """Show rows; the selected path and its position on the screen are kept."""
        before, line = self.rows, self.cursor - self.scroll_offset.y
        if rows is not None and before is not None:
            self._find_wanted(before.merged.union, rows.merged.union)
        if rows is not None and rows.query != self._sought:
            # Another view or layer may have a match.
            if rows.best >= 0 or not rows.query:
                self._sought = rows.query
            if rows.best >= 0:
                self._want(rows.best)
        self.rows = rows
        if rows is None:
            self.cursor, self._wanted, self._lost = 0, ROOT, b""
            self._told = None
        else:
            self.cursor = rows.nearest(self._wanted)
        self._lay_out()
        self.scroll_to(y=self.cursor - line, animate=False, immediate=True)
        self._reveal()
        self.refresh()
        self._tell()
        self.post_message(self.Changed())

    def repaint(self) -> None:
        """Repaint all rows: the presenter has more data."""
        self._lay_out()
        self.refresh()

    def _find_wanted(self, before: LayerUnion, union: LayerUnion) -> None:
        """Find the selected path in another union."""
        if union is not before:
            key = self._lost or before.key(self._wanted)
            self._wanted = union.nearest(key)
            self._lost = key if union.key(self._wanted) != key else b""

    def _want(self, node: Node) -> None:
        self._wanted, self._lost = node, b""

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
            self._want(self.node)
            self._tell()

    # Painting

    def _use(self, palette: Palette) -> None:
        if self.rows is not None:
            self._painter.use(palette)

    @property
    def covered(self) -> int:
        """The directory of the first row is above it, if the view is high enough."""
        return int(self.content_size.height >= _HIGH)

    @property
    def _above(self) -> Node:
        """The directory that the first row below the top one is in, if it is scrolled away; else the root."""
        row = self.scroll_offset.y + 1
        if self.rows is None or not self.covered or not 1 < row < self.count:
            return ROOT
        parent = self.rows.parent(self.rows.nodes[row])
        return parent if self.rows.nearest(parent) < row - 1 else ROOT

    def render_line(self, y: int) -> Strip:
        width, palette = self.content_size.width, self._palette
        if palette is None:
            return Strip.blank(width)
        if y == 0 and self.rows is not None and (above := self._above):
            path = visible(self.rows.merged.union.path(above)) + "/"
            return self.strip([("  ▾ ", "quiet"), (shorten_path(path, max(width - 4, 1)), "quiet bold")])
        row = y + self.scroll_offset.y
        if self.rows is not None and row < self.count:
            return self._painter.row(self.rows, self.rows.nodes[row], self._over(row), width)
        sentence = self._sentence if self.rows is None else why_empty(self.rows, self.presenter)
        style = "deleted" if self.rows is None and self._failed else "quiet"
        return comment(sentence, y, self.count, self.content_size, style, palette)
