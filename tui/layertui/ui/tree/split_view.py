"""Three-pane layout: navigation, tree, detail."""

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.widget import Widget

from layertui.ui.detail.pane import DetailPane
from layertui.ui.keys import bind
from layertui.ui.stack import LOW
from layertui.ui.tree.pane import TreeField, TreePane
from layertui.ui.tree.presenter import RowPresenter
from layertui.ui.tree.view import TreeView

if TYPE_CHECKING:
    from layertui.ui.detail.subject import Subject

WIDE = 160
"""Width in columns from which the detail is beside the tree."""
NARROW = 100
"""Width in columns below which the tree is under the layers."""
TALL = 32
"""Height in lines from which the detail has its own place on a narrow terminal."""


class TreeSplitView(Container):
    """Arrange ``lead``, a tree and its detail by the size of the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("d", "detail", "detail", show=False, tooltip="Show or hide the detail"),
        *(
            bind(str(number), f"tab({number - 1})", f"detail {number}", show=False, tooltip=f"Detail: {name}")
            for number, name in enumerate(("changes", "diff", "versions", "preview", "details"), 1)
        ),
        bind("z", "zoom", "zoom", show=False, tooltip="Zoom the pane, or back"),
        # In every pane, not only in the tree.
        bind("slash", "ask('filter')", "filter", tooltip="Filter paths"),
        bind("colon,ctrl+g", "ask('jump')", "jump", show=False, tooltip="Go to a path"),
        bind("v", "tree('view')", "view", show=False, tooltip="Tree: merged, changes, all paths"),
        bind("s", "tree('sort')", "sort", show=False, tooltip="Tree: sort by name, size, layer or time"),
        bind("S", "tree('reverse')", "reverse", show=False, tooltip="Tree: reverse the order"),
        bind("E", "tree('expand_all')", "expand all", show=False, tooltip="Tree: expand all directories"),
        bind(
            "C", "tree('collapse_all')", "collapse all", show=False, tooltip="Tree: collapse all directories"
        ),
    ]

    DEFAULT_CSS = """
    /* -wide: the detail stands beside the tree. -narrow: the tree stands under what leads. -short: the
       detail takes the place of that. -detail: it is shown. -low: hardly any room. -leading, -following: what
       leads, or the detail, has the focus, and more room. */

    TreeSplitView {
        layout: grid;
        grid-size: 2;
        grid-columns: 5fr 8fr;
        grid-rows: 1fr;
        height: 1fr;

        .lead, #tree, #detail {
            width: 1fr;
            height: 1fr;
        }

        #detail {
            display: none;
            column-span: 2;
        }

        &.-leading {
            grid-columns: 7fr 6fr;
        }

        &.-detail {
            grid-rows: 1fr 14;

            #detail {
                display: block;
            }
        }

        &.-narrow {
            grid-size: 1;
            grid-columns: 1fr;
            grid-rows: 9 1fr;
        }

        &.-narrow.-detail {
            grid-rows: 9 1fr 14;
        }

        &.-narrow #detail {
            column-span: 1;
        }

        &.-narrow.-low {
            grid-rows: 3 1fr;
        }

        &.-narrow.-low.-leading {
            grid-rows: 1fr 5;
        }

        &.-short.-detail {
            grid-size: 1;
            grid-columns: 1fr;
            grid-rows: 2fr 3fr;

            .lead {
                display: none;
            }

            #detail {
                column-span: 1;
            }
        }

        &.-low.-short.-detail {
            grid-rows: 1fr 1fr;
        }

        &.-low.-short.-detail.-following {
            grid-rows: 1 1fr;
        }

        &.-wide {
            grid-rows: 1fr;
        }

        &.-wide.-detail {
            grid-size: 3;
            grid-columns: 7fr 10fr 9fr;

            #detail {
                column-span: 1;
            }
        }

        &.-wide.-detail.-leading {
            grid-columns: 10fr 8fr 8fr;
        }
    }

    TreeSplitView.-zoomed {
        grid-size: 1 !important;
        grid-columns: 1fr !important;
        grid-rows: 1fr !important;
    }
    """

    def __init__(self, lead: Widget, detail: DetailPane, presenter: RowPresenter | None = None) -> None:
        super().__init__(id="panes")
        self.lead = lead
        self.tree_pane = TreePane(presenter, id="tree", classes="pane")
        self.tree_view = self.tree_pane.view
        self.detail = detail
        self.subject: Subject | None = None
        """Return the subject of the detail."""
        self._detail_wanted: bool | None = None  # None: visible if there is room
        self._zoomed: Widget | None = None  # the pane that has the screen
        self._has_opened = False  # the detail was opened, and nothing else was done since

    def compose(self) -> ComposeResult:
        self.lead.add_class("lead")
        yield self.lead
        yield self.tree_pane
        yield self.detail

    @property
    def busy(self) -> bool:
        """Whether something is still being computed or shown."""
        return self.tree_pane.busy or (self.detail.display and self.detail.busy)

    def on_tree_view_opened(self) -> None:
        self._zoom(None)
        self._want_detail(True)
        self.call_after_refresh(self.detail.focus)

    def on_tree_view_highlighted(self, _event: TreeView.Highlighted) -> None:
        self._has_opened = False

    def on_descendant_focus(self) -> None:
        self._has_opened = False
        self.set_class(self._focused is self.lead, "-leading")
        self.set_class(self._focused is self.detail, "-following")

    def fit(self, size: Size) -> None:
        """Arrange the panes for a screen of ``size``."""
        wide, short = size.width >= WIDE, size.height < TALL
        self.set_class(wide, "-wide")
        self.set_class(size.width < NARROW, "-narrow")
        self.set_class(short and not wide, "-short")
        self.set_class(size.height < LOW, "-low")
        wanted = self._detail_wanted
        self.set_class(wide or not short if wanted is None else wanted, "-detail")
        self.call_after_refresh(self._show_subject)

    def _show_subject(self) -> None:
        """Show the selected path in the detail, if that is visible."""
        if self.has_class("-detail") and self.detail.subject is not self.subject:
            self.detail.show(self.subject)

    @property
    def _focused(self) -> Widget | None:
        """Return the focused pane; ``has_focus`` of a widget is updated later."""
        return self.screen.focused

    def _want_detail(self, wanted: bool) -> None:
        self._detail_wanted = self._has_opened = wanted
        self.fit(self.screen.size)
        if (self._focused is self.detail and not wanted) or (
            self._focused is self.lead and self.has_class("-short")
        ):
            self.tree_view.focus()  # the focused pane disappears

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys that open a field while the user types into one."""
        return action != "ask" or not isinstance(self._focused, TreeField)

    def action_zoom(self) -> None:
        """Give the pane that was opened last, else the focused one, the screen; or all panes their places back."""
        if self._zoomed is not None:
            self._zoom(None)
            return
        if self._has_opened:
            self.detail.focus()
        focused = self.detail if self._has_opened else self._focused
        pane = self.tree_pane if focused is not None and self.tree_pane in focused.ancestors else focused
        self._zoom(pane)

    def _zoom(self, pane: Widget | None) -> None:
        """Show one of the panes alone; None: all of them."""
        panes = (self.lead, self.tree_pane, self.detail)
        self._zoomed = pane if pane in panes else None
        self.set_class(self._zoomed is not None, "-zoomed")
        for each in panes:
            each.styles.clear_rule("display")
            if self._zoomed is not None and each is not self._zoomed:
                each.styles.display = "none"

    def action_detail(self) -> None:
        """Show or hide the detail."""
        self._zoom(None)
        self._want_detail(not self.has_class("-detail"))

    def action_ask(self, field: str) -> None:
        """Go to the tree and open its filter or its field for a path."""
        if self._zoomed is not self.tree_pane:
            self._zoom(None)
        getattr(self.tree_pane, f"action_{field}")()

    def action_tree(self, action: str) -> None:
        """Run an action of the tree without going there."""
        getattr(self.tree_view, f"action_{action}")()

    def action_tab(self, tab: int) -> None:
        """Show a tab of the detail."""
        if self._zoomed is not self.detail:
            self._zoom(None)
        self._want_detail(True)
        self.detail.action_tab(tab)

    def leave_detail(self, keeps_detail: bool = False) -> bool:
        """Leave a zoomed pane or the detail; return False if there is nothing to leave.

        ``keeps_detail``: a detail in the place of another pane is left only if it has the focus.
        """
        if self._zoomed is not None:
            self._zoom(None)
        elif self.has_class("-short") and self.has_class("-detail") and not keeps_detail:
            self._want_detail(False)
        elif self._focused is self.detail:
            self.tree_view.focus()
        else:
            return False
        return True
