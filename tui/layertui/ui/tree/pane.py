"""The file tree in its frame, with a field to filter or to go to a path."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Input, Static

from layertui.model.numbers import NO_NODE, ROOT, Node
from layertui.text.format import count_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.keys import bind
from layertui.ui.tree.view import TreeView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layertui.ui.tree.presenter import RowPresenter
    from layertui.ui.widgets.lines import Span
    from layertui.union.model import LayerUnion
    from layertui.union.tree_rows import TreeRows

_SETTLE = 0.08
"""Seconds without typing before a filter is applied."""
_LISTED = 30
"""Most names that a path is completed to at a time."""
_PATIENCE = 0.15
"""Seconds before a running search is announced."""


class TreeField(Input):
    """The field for a filter or a path; the pane has its keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "submit", "apply"),
        bind("down", "submit", "apply", show=False),
        bind("tab", "complete", "complete", show=False),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Complete a path on tab; in the filter, tab moves the focus."""
        return action != "complete" or self.suggester is not None

    def action_complete(self) -> None:
        """Take the suggestion, if there is one."""
        if self._suggestion:
            self.value = self._suggestion
            self.cursor_position = len(self.value)


class TreePane(Vertical):
    """A :class:`TreeView` in a frame with titles; screens use the view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("slash", "filter", "filter", tooltip="Filter paths"),
        bind("colon,ctrl+g", "jump", "jump", show=False, tooltip="Go to a path"),
        bind("escape", "clear", "clear", tooltip="Clear the filter"),
        bind("escape", "cancel", "cancel", tooltip="Close the field"),
    ]
    DEFAULT_CSS = """
    TreePane {
        & > TreeField, & > .told {
            height: 1;
            padding: 0 1;
            background: $raised;
        }
        & > TreeField.-textual-compact {
            padding: 0 1;
        }
        & > TreeField > .input--suggestion {
            color: $quiet;
        }
        & > .told {
            color: $quiet;
            text-wrap: nowrap;
            text-overflow: ellipsis;
            &.failed { color: $deleted; }
        }
    }
    """

    def __init__(
        self, presenter: RowPresenter | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.view = TreeView(presenter)
        self._jumping = False
        self._awaited = ""  # a path to go to once a layer that has it is merged
        self._before = ROOT  # the path that was selected when the filter was opened
        self._titled = ("", "")
        self._clocks: list[Timer] = []

    def compose(self) -> ComposeResult:
        yield self.view

    # Rarely used, and slow to style in the first frame.

    @cached_property
    def _field(self) -> TreeField:
        return TreeField(compact=True, select_on_focus=False)

    @cached_property
    def _told(self) -> Static:
        return Static(classes="told")

    @property
    def busy(self) -> bool:
        """Whether a filter or path is still being applied."""
        return bool(self._clocks) or self.view.busy

    # Filter and jump

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable letter keys while typing; enable the field's keys only with the field."""
        if action in ("clear", "cancel"):
            return self.has_class("-asking") and (action == "cancel") == self._jumping
        return not self._is_typing

    @property
    def _is_typing(self) -> bool:
        return self.has_class("-asking") and self.screen.focused is self._field

    def action_filter(self) -> None:
        """Open the filter."""
        self._ask(jumping=False, value=self.view.query_text)

    def action_jump(self) -> None:
        """Open the path field."""
        self._ask(jumping=True, value="")

    def action_clear(self) -> None:
        """Clear the filter, and close its field."""
        if self.view.query_text:
            self._stop_timers()
            self.view.filter("", self._before if self._is_typing else self.view.node)
        self._close()

    def action_cancel(self) -> None:
        """Close the field for a path."""
        self._close()

    def _ask(self, jumping: bool, value: str) -> None:
        if not self._field.is_attached:
            self.mount(self._field, self._told, before=self.view)
        self._jumping, self._awaited = jumping, ""
        if not self.view.query_text:
            self._before = self.view.node
        self._field.suggester = Paths(self.view) if jumping else None
        self._field.placeholder = "/path" if jumping else self.view.presenter.filter_hint
        with self._field.prevent(Input.Changed):
            self._field.value = value
        self._field.cursor_position = len(value)
        self.add_class("-asking")
        self._field.display = self._told.display = (
            True  # at once, not with the next styles: it takes the next key
        )
        self.screen.set_focus(self._field)
        self._tell_found()

    def _close(self) -> None:
        self.remove_class("-asking")
        self._field.display = self._told.display = False
        self._jumping, self._awaited = False, ""
        self.view.focus()
        self.refresh_bindings()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._jumping:
            self._awaited = ""
            self._tell_found()
            return
        self._stop_timers()
        self._clocks = [self.set_timer(_SETTLE, self._search)]

    def _search(self) -> None:
        self._stop_timers()
        if self.view.rows is None:
            self._tell("waiting for the layers …")
        else:
            self._clocks = [self.set_timer(_PATIENCE, self._tell_searching)]
        self.view.filter(self._field.value)

    def _stop_timers(self) -> None:
        for timer in self._clocks:
            timer.stop()
        self._clocks = []

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not self._jumping:
            if self.view.query_text != self._field.value:
                self._search()
            if self._field.value.strip():
                self.view.focus()
            else:
                self.action_clear()
            return
        self._awaited = f"/{event.value.strip('/')}"
        self._go_to_awaited()

    def _go_to_awaited(self) -> None:
        """Go to the path that was asked for; wait while a layer that is still loading may have it."""
        rows, path = self.view.rows, self._awaited
        node = rows.merged.union.find(path) if rows is not None else NO_NODE
        if node >= 0:
            self._close()
            self.view.call_later(self.view.go_to, node)  # messages it posts would not bubble from here
        elif self.view.is_whole:
            self._awaited = ""
            self._tell(f"{path}: not in any layer", failed=True)
        else:
            self._tell(f"{path}: waiting for the layers …")

    def on_tree_view_query_failed(self, event: TreeView.QueryFailed) -> None:
        event.stop()
        self._stop_timers()
        self._tell(str(event.error), failed=True)

    # What is reported

    def on_tree_view_changed(self, event: TreeView.Changed) -> None:
        event.stop()
        rows = self.view.rows
        if self._awaited:
            self._go_to_awaited()
        if self.has_class("-asking") and not self._jumping:
            if not (self.view.query_text or self._is_typing):
                self._close()  # the filter was cleared
            elif rows is not None and rows.query == self._field.value:  # else letters wait to be applied
                self._stop_timers()
                self._tell_found()
        self._title()

    def on_resize(self) -> None:
        self._title()

    def _tell(self, text: str, failed: bool = False) -> None:
        self._told.set_class(failed, "failed")
        self._told.update(Content(visible(text)))

    def _tell_searching(self) -> None:
        self._tell("searching …")

    def _tell_found(self) -> None:
        rows = self.view.rows
        if rows is not None and self._jumping:
            names = _candidates(rows.merged.union, self._field.value, _LISTED)
            told = "  ".join(path.rstrip("/").rpartition("/")[2] + "/" * path.endswith("/") for path in names)
            self._tell(f"tab completes: {told}" if told else "no layer has such a path", failed=not told)
        elif rows is None or self._jumping or not rows.query:
            self._tell("")
        else:
            self._tell(count_text(rows.found, "path") + " found" + _elsewhere(rows))

    def _title(self) -> None:
        """View, layer and counts in the upper border; filter and order in the lower."""
        rows = self.view.rows
        if rows is None:
            self._titled = ("", "")
            self.border_title, self.border_subtitle = Content("Merged tree"), Content("")
            return
        room = max(self.size.width - 4, 1)
        title = _fitting(room, *self.view.presenter.titles(rows))
        notes = [f"filter {visible(rows.query)}"] if rows.query.strip() else []
        if rows.sort != "name" or rows.is_reversed:
            notes.append(f"by {rows.sort}{', reversed' * rows.is_reversed}")
        subtitle = Content(shorten(", ".join(notes), room))
        # Setting them repaints the whole pane.
        if (title.markup, subtitle.plain) != self._titled:
            self._titled = (title.markup, subtitle.plain)
            self.border_title, self.border_subtitle = title, subtitle


def _elsewhere(rows: TreeRows) -> str:
    """Return how many matches the view leaves out, and the key that shows them."""
    if not rows.elsewhere:
        return ""
    what = "deleted" if rows.view == "merged" else "in other views"
    return f" · {rows.elsewhere:,} more {'is' if rows.elsewhere == 1 else 'are'} {what}: v"


def _fitting(room: int, name: str, told: Sequence[Span]) -> Content:
    """Return both titles, or as much as fits."""
    left = room - len(name) - 2
    spans = list(told)
    if len(spans) > 1 and spans[0][1] == "quiet" and sum(len(text) for text, _style in spans) > left:
        del spans[0]  # what changed says more than how many paths there are
    while spans and sum(len(text) for text, _style in spans) > left:
        spans.pop()
    if not spans:
        return Content(shorten(name, room))
    return Content.assemble(name, "  ", *((text, f"${style} not bold") for text, style in spans))


class Paths(Suggester):
    """Complete a path of any layer, one component at a time."""

    def __init__(self, view: TreeView) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._view = view

    async def get_suggestion(self, value: str) -> str | None:
        if self._view.rows is None:
            return None
        found = _candidates(self._view.rows.merged.union, value, 1)
        if not found:
            return None
        path = found[0] if value.startswith("/") else found[0].removeprefix("/")
        # Do not suggest what cannot be typed, or would change the typed text.
        return path if path.isprintable() and path.startswith(value) else None


def _candidates(union: LayerUnion, value: str, most: int) -> list[str]:
    """Return the first paths that complete what was typed, directories with a slash."""
    from layertui.model.layer_index import key_of, path_of

    above, _slash, name = value.rpartition("/")
    key = b"\0".join(part for part in (key_of(above), name.encode("utf-8", "surrogateescape")) if part)
    if not name and key:
        key += b"\0"
    node = Node(bisect_left(union.subtree(ROOT), key or b"\1", key=union.key))
    found: list[str] = []
    while node < union.nodes and len(found) < most and union.key(node).startswith(key):
        is_directory = union.end[node] > node + 1
        found.append(path_of(union.key(node)) + "/" * is_directory)
        node = union.end[node]
    return found
