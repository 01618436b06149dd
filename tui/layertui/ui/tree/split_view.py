"""A file tree between what leads to it and the detail of its paths: where the three stand, and what shows."""

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.widget import Widget

from layertui.ui.detail.pane import DetailPane
from layertui.ui.tree.pane import TreePane
from layertui.ui.tree.presenter import RowPresenter

if TYPE_CHECKING:
    from layertui.ui.detail.subject import Subject

WIDE = 160
"""Columns from which the detail stands beside the tree."""
NARROW = 100
"""Columns below which the tree stands under the layers."""
TALL = 32
"""Lines from which the detail has room of its own on a terminal that is not wide."""


class TreeSplitView(Container):
    """Holds ``lead``, a tree and its detail, in places that suit the size of the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "detail", "detail", tooltip="Show or hide the detail"),
        *(
            Binding(
                str(number), f"tab({number - 1})", f"detail {number}", show=False, tooltip=f"Detail: {name}"
            )
            for number, name in enumerate(("changes", "diff", "versions", "preview", "details"), 1)
        ),
    ]

    DEFAULT_CSS = """
    /* -wide: the detail stands beside the tree. -narrow: the tree stands under what leads. -short: the
       detail takes the place of that. -detail: it is shown. */

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
    }
    """

    def __init__(self, lead: Widget, detail: DetailPane, presenter: RowPresenter | None = None) -> None:
        super().__init__(id="panes")
        self.lead = lead
        self.tree_pane = TreePane(presenter, id="tree", classes="pane")
        self.tree_view = self.tree_pane.view
        self.detail = detail
        self.subject: Subject | None = None
        """What the detail is to tell about."""
        self._detail_wanted: bool | None = None  # None: where it has room of its own

    def compose(self) -> ComposeResult:
        self.lead.add_class("lead")
        yield self.lead
        yield self.tree_pane
        yield self.detail

    @property
    def busy(self) -> bool:
        """Whether what there is is still to be shown."""
        return self.tree_pane.busy or (self.detail.display and self.detail.busy)

    def on_tree_view_opened(self) -> None:
        self._want_detail(True)
        self.call_after_refresh(self.detail.focus)

    def fit(self, size: Size) -> None:
        """Gives the panes their places on a screen of ``size``."""
        wide, short = size.width >= WIDE, size.height < TALL
        self.set_class(wide, "-wide")
        self.set_class(size.width < NARROW, "-narrow")
        self.set_class(short and not wide, "-short")
        wanted = self._detail_wanted
        self.set_class(wide or not short if wanted is None else wanted, "-detail")
        self.call_after_refresh(self._show_subject)

    def _show_subject(self) -> None:
        """Tells about the path at hand, if the detail is there to tell it."""
        if self.has_class("-detail") and self.detail.subject is not self.subject:
            self.detail.show(self.subject)

    @property
    def _focused(self) -> Widget | None:
        """What keys go to now; ``has_focus`` of a widget follows only when it comes round to it."""
        return self.screen.focused

    def _want_detail(self, wanted: bool) -> None:
        self._detail_wanted = wanted
        self.fit(self.screen.size)
        if (self._focused is self.detail and not wanted) or (
            self._focused is self.lead and self.has_class("-short")
        ):
            self.tree_view.focus()  # what has the focus goes

    def action_detail(self) -> None:
        """Shows the detail, or hides it."""
        self._want_detail(not self.has_class("-detail"))

    def action_tab(self, tab: int) -> None:
        """Shows a tab of the detail."""
        self._want_detail(True)
        self.detail.action_tab(tab)

    def leave_detail(self) -> bool:
        """Goes out of the detail; False if one is not in it."""
        if self.has_class("-short") and self.has_class("-detail"):
            self._want_detail(False)
        elif self._focused is self.detail:
            self.tree_view.focus()
        else:
            return False
        return True
