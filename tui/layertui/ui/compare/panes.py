"""The panes of a comparison: facts, tree of differences, detail."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from layertui.model.numbers import LayerNumber, Node
from layertui.ui.clipboard import copy
from layertui.ui.compare.detail import ComparedPane, compared_subject
from layertui.ui.compare.presenter import ComparedPresenter
from layertui.ui.detail.page import Page, message
from layertui.ui.keys import bind
from layertui.ui.tree.split_view import TreeSplitView
from layertui.ui.tree.view import TreeView
from layertui.ui.widgets.text_view import TextView

if TYPE_CHECKING:
    from layertui.compare.comparison import Comparison
    from layertui.compare.rows import ComparedRows
    from layertui.content.read import Contents


class FactsView(TextView):
    """The differences besides files."""

    HELP_NAME: ClassVar[str] = "Facts"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "go", "open", tooltip="Open the directory in the tree"),
        bind("y", "copy", "copy", show=False, tooltip="Copy the selected line"),
    ]

    @dataclass
    class Wanted(Message):
        """Enter on a directory."""

        node: Node

    def __init__(self) -> None:
        super().__init__(id="facts", classes="pane")
        self._page = message("")

    def on_mount(self) -> None:
        self.border_title = Content("How B differs from A")

    def show(self, page: Page) -> None:
        """Show other facts."""
        self._page = page
        self.open(page.document, cursor=self.cursor)
        self.refresh_bindings()

    def on_text_view_cursor_moved(self) -> None:
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable only for directories."""
        if action == "go":
            return self.cursor in self._page.events
        if action == "copy":
            return self.cursor in self._page.values
        return super().check_action(action, parameters)

    def action_go(self) -> None:
        """Go to the selected directory, in the tree."""
        self.post_message(self.Wanted(Node(self._page.events[self.cursor])))

    def action_copy(self) -> None:
        """Copy the selected line."""
        copy(self, self._page.values[self.cursor])


class ComparePanes(TreeSplitView):
    """Shows a :class:`~layertui.compare.comparison.Comparison`; moving in the tree moves the detail."""

    DEFAULT_CSS = """
    /* Of the facts no row is selected: where there is hardly any room their title is enough. */
    ComparePanes {
        &.-narrow.-low {
            grid-rows: 1 1fr;
        }

        &.-narrow.-low.-leading {
            grid-rows: 1fr 3;
        }
    }
    """

    def __init__(self) -> None:
        self.facts = FactsView()
        super().__init__(self.facts, ComparedPane(id="detail"), ComparedPresenter())
        self._comparison: Comparison | None = None
        self._contents: tuple[Contents, Contents] | None = None

    @property
    def path(self) -> str:
        """The selected path."""
        return self._comparison.union.path(self.tree_view.node) if self._comparison is not None else "/"

    def has(self, side: LayerNumber) -> bool:
        """Return whether A or B has the selected path."""
        return self._comparison is not None and self._comparison.event(self.tree_view.node, side) >= 0

    def show(self, comparison: "Comparison", rows: "ComparedRows", facts: Page) -> None:
        """Show a comparison, keeping the cursor."""
        from layertui.content.read import Contents

        a, b = (Contents(side.image, side.union.indexes, side.union) for side in (comparison.a, comparison.b))
        self._comparison, self._contents = comparison, (a, b)
        self.facts.show(facts)
        self.tree_view.show(rows)

    def on_tree_view_highlighted(self, event: TreeView.Highlighted) -> None:
        found, contents = self._comparison, self._contents
        self.subject = None
        if found is not None and contents is not None and event.rows.merged.union is found.union:
            self.subject = compared_subject(found, contents, event.node)
        self._show_subject()
        self.screen.refresh_bindings()

    def on_facts_view_wanted(self, event: FactsView.Wanted) -> None:
        self.tree_view.focus()
        self.tree_view.go_to(event.node)

    def on_tree_view_opened(self) -> None:
        self.action_tab(1)
