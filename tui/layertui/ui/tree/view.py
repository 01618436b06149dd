"""The file tree: the keys and the mouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.binding import BindingType
from textual.message import Message

from layertui.model.numbers import NO_NODE, Node
from layertui.ui.clipboard import copy
from layertui.ui.keys import CHANGE_KEYS, MATCH_KEYS, bind
from layertui.ui.tree.rows_view import FEW_NODES, RowsView

if TYPE_CHECKING:
    from layertui.union.tree_rows import TreeRows


class TreeView(RowsView):
    """The rows of a merged tree, with the keys that change them."""

    HELP_NAME: ClassVar[str] = "Tree"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "enter", "open", show=False, tooltip="Open a directory, or show the file's detail"),
        bind("space", "turn", "open/close", show=False, tooltip="Open or close the directory"),
        bind("right,l", "open", "open", show=False, tooltip="Open the directory, then enter it"),
        bind("left,h", "close", "close", show=False, tooltip="Close the directory, then leave it"),
        bind("n", "match(1)", "next match", tooltip="Next match of the filter", group=MATCH_KEYS),
        bind("N", "match(-1)", "previous match", tooltip="Previous match", group=MATCH_KEYS),
        bind(
            "n",
            "change(1)",
            "next change",
            tooltip="Next path changed by the layer",
            group=CHANGE_KEYS,
        ),
        bind("N", "change(-1)", "previous change", tooltip="Previous change", group=CHANGE_KEYS),
        bind("v", "view", "view", tooltip="View: merged tree / changes of the layer / all paths"),
        bind("s", "sort", "sort", show=False, tooltip="Sort by name, size, layer or time"),
        bind("S", "reverse", "reverse", show=False, tooltip="Reverse the order"),
        bind("E", "expand_all", "expand all", show=False, tooltip="Expand all directories"),
        bind(
            "C,ctrl+@", "collapse_all", "collapse all", show=False, tooltip="Collapse all directories"
        ),  # ctrl+space
        bind("y", "copy", "copy path", show=False, tooltip="Copy the path"),
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

    _toggled: tuple[Node, int] = (NO_NODE, 0)
    """The directory that a key opens, and how many rows there were before."""

    @dataclass
    class Opened(Message):
        """Enter on a path that is not a directory, or a second click."""

        node: Node

    # Directories

    def action_turn(self) -> None:
        """Open or close the selected directory."""
        self._toggle(self.node)

    def action_open(self) -> None:
        """Open the selected directory; if it is open, go to its first path."""
        if self.rows is None or not self.rows.has_children(self.node):
            return
        if self.rows.is_open(self.node):
            self.go_to_row(self.cursor + 1)
        else:
            self._toggle(self.node)

    def action_close(self) -> None:
        """Close the selected directory; if it is closed, go to its parent."""
        if self.rows is None or not self.node:
            return
        if self.rows.is_open(self.node) and self.rows.has_children(self.node):
            self._toggle(self.node)
        else:
            self.go_to_row(self.rows.nearest(self.rows.parent(self.node)))

    def action_enter(self) -> None:
        """Open or close a directory; show the detail of other paths."""
        if self.rows is None:
            return
        if self.rows.has_children(self.node):
            self._toggle(self.node)
        else:
            self.post_message(self.Opened(self.node))

    def _toggle(self, node: Node) -> None:
        if self.rows is None or not node or not self.rows.has_children(node):
            return
        self._want(self.node)
        self._toggled = node, self.count
        if not self._work.busy and self.rows.descendant_rows(node) <= FEW_NODES:
            self.rows.toggle(node)
            self._put(self.rows)
        else:
            self._change(lambda rows: rows.toggle(node), object())

    def _put(self, rows: TreeRows | None) -> None:
        super()._put(rows)
        node, count = self._toggled
        if rows is not None and node == self.node and rows.is_open(node):
            self._toggled = NO_NODE, 0
            self._reveal_below(self.count - count)

    def _reveal_below(self, rows: int) -> None:
        """Scroll so that these many rows below the cursor show, or as many as half of the view has room for."""
        height = self.content_size.height
        last = self.cursor + min(rows, height // 2)
        if last >= self.scroll_offset.y + height:
            self.scroll_to(y=last - height + 1, animate=False, immediate=True)

    def action_expand_all(self) -> None:
        """Expand all directories."""
        if self.rows is not None:
            self._change(lambda rows: rows.expand_all(), "all")

    def action_collapse_all(self) -> None:
        """Collapse all directories; the cursor stays above where it was."""
        if self.rows is not None:
            self._change(lambda rows: rows.collapse_all(), "all")

    # Other keys

    def action_change(self, step: Literal[1, -1]) -> None:
        """Go to the next change, after the last to the first again."""
        if self.rows is None:
            return
        node = self.rows.next_change(self.node, step)
        if node < 0:
            self.notify(self.presenter.no_change(self.rows), markup=False)
        else:
            self.go_to(node)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let n and N go from match to match while there is a filter, else from change to change."""
        if action in ("match", "change"):
            return (action == "match") == bool(self.rows is not None and self.rows.query.strip())
        return True

    def action_match(self, step: Literal[1, -1]) -> None:
        """Go to the next match of the filter, wrapping around at the end."""
        if self.rows is not None and (node := self.rows.next_found(self.node, step)) >= 0:
            self.go_to(node)

    def action_step(self, step: Literal[1, -1]) -> None:
        """Go to the next match of the filter; without one, to the next change."""
        if self.check_action("match", ()):
            self.action_match(step)
        else:
            self.action_change(step)

    def action_view(self) -> None:
        """Show the next of the views; if the filter finds nothing in this one, the next where it does."""
        if self.rows is not None:
            self._change(lambda rows: rows.show_next(), "view")

    def action_sort(self) -> None:
        """Sort by the next key."""
        if self.rows is not None:
            sorts = self.rows.sorts
            sort = sorts[(sorts.index(self.rows.sort) + 1) % len(sorts)]
            self._change(lambda rows: rows.order_by(sort), "sort", light=False)

    def action_reverse(self) -> None:
        """Reverse the order of siblings."""
        if self.rows is not None:
            sort, is_reversed = self.rows.sort, not self.rows.is_reversed
            self._change(lambda rows: rows.order_by(sort, is_reversed), "sort", light=False)

    def action_copy(self) -> None:
        """Copy the path."""
        if self.rows is not None:
            copy(self, self.rows.merged.union.path(self.node))

    def on_click(self, event: events.Click) -> None:
        """Select a row; on the arrow, or the second time, also open or close it."""
        offset, row = event.get_content_offset(self), self.row_at(event)
        if offset is None or self.rows is None or not 0 <= row < self.count:
            return
        if not offset.y and (above := self._above):
            self.go_to(above)
            return
        self.go_to_row(row)
        if self._painter.is_arrow(self.rows, self.node, offset.x):
            self._toggle(self.node)
        elif event.chain == 2:
            self.action_enter()
