"""The comparison of two images, of two layers, or of an image and a container."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from layertui.compare.trees import A, B
from layertui.model.errors import LayertuiError, SeveralImages
from layertui.model.identity import identity_of
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.compare.panes import ComparePanes
from layertui.ui.compare.side_header import Chosen, SideHeader
from layertui.ui.keys import Legend, bind
from layertui.ui.navigator import navigator
from layertui.ui.stack import LOW, StackScreen, open_instead
from layertui.ui.tree.presenter import FILTER_HELP
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.worker.background import background

if TYPE_CHECKING:
    from layertui.compare.comparison import Comparison
    from layertui.compare.rows import ComparedRows
    from layertui.ui.detail.page import Page

IGNORED = (("mtime",), ("mtime", "owner"), ())
"""What does not count as a difference: at first, and after each key press."""


class CompareScreen(StackScreen[None]):
    """The differences of ``b`` against ``a``."""

    HELP: ClassVar[str] = (
        "The differences of B against A. The line below the headers sums them up; on the left are packages, "
        "config, growth and layers; the tree has the paths that differ, or all paths. Paths whose mtime alone "
        "differs are left out at first (i). Layers with the same digest are assumed to be equal; all other "
        "files are compared by content. "
        f"{FILTER_HELP.replace('layer:3, ', '')}"
    )
    LEGEND: ClassVar[Legend] = (
        ("+", "$added", "only in B"),
        ("~", "$modified", "in both, content different"),
        ("*", "$attributes", "in both, only mode, owner, mtime or xattrs different"),
        ("−", "$deleted", "only in A"),
        ("·", "$quiet", "contains differences"),
        ("✗", "$deleted", "not everything could be read: what is missing appears as absent"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("a", "explore(1)", "in A", tooltip="Open the path in the explorer of A"),
        bind("b", "explore(2)", "in B", tooltip="Open the path in the explorer of B"),
        bind("i", "ignore", "ignore", tooltip="Ignore: mtime / mtime and owner / nothing"),
        bind("X", "swap", "swap", tooltip="Swap A and B"),
        bind("R,ctrl+r", "reload", "reload", show=False, tooltip="Reload"),
        bind("escape", "leave", "back", show=False, tooltip="Leave the detail, then back"),
    ]
    DEFAULT_CSS = """
    CompareScreen #head {
        dock: top;
        height: auto;
        background: $background;
    }
    CompareScreen #verdict {
        height: auto;
        padding: 0 1;
        color: $foreground;
    }
    CompareScreen.-low #verdict {
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self, a: Chosen, b: Chosen) -> None:
        super().__init__()
        self.comparison: Comparison | None = None
        """None until everything has been read."""
        self.panes = ComparePanes()
        self._sides = (SideHeader(A, a), SideHeader(B, b))
        self._waiting = len(self._sides)
        self._ignored = 0
        self._comparing = Job()
        self._is_comparing = False
        self._failed = False

    def compose(self) -> ComposeResult:
        with Vertical(id="head"):
            yield from self._sides
            yield Static(id="verdict")
        yield self.panes
        yield Static(classes="message failed")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(".message").display = False
        self.panes.tree_view.focus()
        self.panes.tree_view.say("Reading …")
        self._say("")
        self.call_after_refresh(self._start)

    def on_unmount(self) -> None:
        self._comparing.cancel()

    def color_as(self, below: Screen[Any]) -> None:
        """Leave A and B the colors of layers 1 and 2."""

    def on_resize(self, event: events.Resize) -> None:
        self.panes.fit(event.size)
        if self.comparison is not None and not self._is_comparing:
            self._say_verdict(self.comparison)

    # Reading and comparing

    def _start(self) -> None:
        app = navigator(self)
        for side in self._sides:
            side.start(app.platform, app.cache)

    def on_side_header_failed(self, event: SideHeader.Failed) -> None:
        self._fail(event.error)
        if isinstance(event.error, SeveralImages):
            self._choose_image(event.number, event.error)

    def _choose_image(self, number: int, error: SeveralImages) -> None:
        """Ask which of several images side ``number`` is."""
        from layertui.ui.dialogs.choose import choose_image

        def compare(image: str) -> None:
            sides = [replace(side.chosen, side=side.side) for side in self._sides]
            sides[number - A] = replace(sides[number - A], reference=image)
            open_instead(self, CompareScreen(*sides))

        choose_image(self, error, compare)

    def _fail(self, error: LayertuiError) -> None:
        """Show why the sides cannot be compared."""
        if self._failed:
            return
        self._failed = True
        self._say("")
        message = self.query_one(".message", Static)
        keys = "R reloads both, o opens another image, esc goes back."
        message.update(Content(f"{visible(str(error))}\n\n").append(Content.styled(keys, "$quiet")))
        message.display = True
        self.panes.display = False
        self.set_focus(None)
        self.refresh_bindings()

    def on_side_header_ready(self) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._compare()

    def _compare(self) -> None:
        """Compare in a thread."""
        a, b = (side.side for side in self._sides)
        assert a is not None and b is not None
        ignored, known = IGNORED[self._ignored], self.comparison
        self._comparing.cancel()
        self._is_comparing = True
        self._say("comparing …")
        self.panes.tree_view.say("Comparing …")

        def run(job: Job) -> "tuple[Comparison, ComparedRows, Page]":
            from layertui.compare.comparison import Comparison
            from layertui.compare.rows import ComparedRows
            from layertui.ui.compare.facts import facts_page

            found = Comparison(a, b, ignored, job, known)
            rows = ComparedRows(found.merged_b.copy(), found.merged_a)
            return found, rows, facts_page(found)

        self._comparing = background(
            self, run, self._show, self._fail, name="compare", progress=self._say_progress
        )

    def _say_progress(self, done: int, total: int) -> None:
        self._say(f"comparing contents … {size_text(done)} of {size_text(total)}")

    def _show(self, compared: "tuple[Comparison, ComparedRows, Page]") -> None:
        self.comparison, rows, facts = compared
        self._is_comparing = False
        for side in self._sides:
            side.compared(self.comparison)
        self.panes.show(self.comparison, rows, facts)
        self._say_verdict(self.comparison)
        self.refresh_bindings()

    def _say_verdict(self, found: "Comparison") -> None:
        """Show the result; where there is hardly any room on one line, without the counts that the tree has."""
        from layertui.compare.summary import short_verdict, verdict

        is_low = self.size.height < LOW
        said = short_verdict(found, "−") if is_low else verdict(found, "−")
        self._say(said, self._notes(found, is_low))

    def _notes(self, found: "Comparison", is_low: bool) -> str:
        """Return what could not be compared; what was ignored, in how many paths, and the key that changes it."""
        names = " and ".join(IGNORED[self._ignored]) or "nothing"
        count = f"{count_text(found.ignored, 'path')}: " if found.ignored and not is_low else ""
        unread = f"  ✗ {len(found.unread):,} not compared" if found.unread else ""
        return f"{unread}  {count}{names} ignored (i)"

    def _say(self, text: str, notes: str = "") -> None:
        said = Content.assemble((text, "bold"), (notes, "$quiet"))
        self.query_one("#verdict", Static).update(said)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the actions that need a comparison until there is one."""
        if action == "explore":
            return self.panes.has(LayerNumber(int(str(parameters[0]))))
        if action in ("ignore", "change"):
            return self.comparison is not None
        return True

    def action_change(self, step: Literal[1, -1]) -> None:
        """Go to the next path that differs, or the previous one, wherever the focus is."""
        self.panes.tree_view.action_change(step)

    def action_ignore(self) -> None:
        """Cycle: ignore times, ignore times and owners, compare everything."""
        self._ignored = (self._ignored + 1) % len(IGNORED)
        self._compare()

    def action_swap(self) -> None:
        """Swap A and B."""
        a, b = (replace(side.chosen, side=side.side) for side in self._sides)
        open_instead(self, CompareScreen(b, a))

    def action_reload(self) -> None:
        """Read both again."""
        a, b = (replace(side.chosen, side=None, identity=None) for side in self._sides)
        open_instead(self, CompareScreen(a, b))

    def action_explore(self, number: int) -> None:
        """Show the selected path in the explorer of its image."""
        side = self._sides[number - A]
        assert side.side is not None
        path = self.panes.path.encode("utf-8", "surrogateescape")
        identity = identity_of(side.side.image)
        navigator(self).explore_path(
            side.chosen.reference, side.chosen.platform, path, side.side.layer, identity
        )

    async def action_leave(self) -> None:
        """Leave the detail, then the screen."""
        if not self.panes.leave_detail():
            await navigator(self).action_back()
