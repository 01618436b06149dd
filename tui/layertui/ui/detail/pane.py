"""The detail pane: everything about one path, in five tabs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.timer import Timer

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import NO_EVENT, Event, LayerNumber, Node
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten_path
from layertui.ui.clipboard import copy
from layertui.ui.detail.page import Page, failure, message
from layertui.ui.keys import bind
from layertui.ui.widgets.searched_view import TEXT_MATCHES
from layertui.ui.widgets.text_view import TextView
from layertui.ui.worker.background import background, background_each

if TYPE_CHECKING:
    from layertui.model.sizes import Bytes
    from layertui.ui.detail.subject import Subject
    from layertui.ui.detail.tabs import Tabs

TABS = ("Changes", "Diff", "Versions", "Preview", "Details")
_SHORT_TABS = ("Chg", "Diff", "Vers", "Prev", "Info")
CHANGES, DIFF, VERSIONS, PREVIEW, DETAILS = range(5)

_SETTLE = 0.06
"""Seconds that a path stays selected before anything is read."""
_PATIENCE = 0.15
"""Seconds before a missing page is announced as loading."""

_HUNK_KEYS = Binding.Group("hunk")
_VERSION_KEYS = Binding.Group("version")


class DetailPane(TextView):
    """Show the current :class:`Subject`, one tab at a time.

    Contents are read in a thread; results that arrive after another subject was
    shown is dropped.
    """

    HELP_NAME: ClassVar[str] = "Detail"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            bind(str(number), f"tab({number - 1})", name.lower(), show=False, tooltip=f"Show the tab {name}")
            for number, name in enumerate(TABS, 1)
        ),
        bind("enter", "enter", "open", tooltip="Compare the marked versions, or open a hidden file"),
        bind("space", "mark", "mark", tooltip="Mark a version (enter compares two)"),
        *TEXT_MATCHES,
        bind("n", "jump(1)", "next hunk", tooltip="Next hunk", group=_HUNK_KEYS),
        bind("N", "jump(-1)", "previous hunk", tooltip="Previous hunk", group=_HUNK_KEYS),
        bind("b", "blame", "blame", tooltip="Show or hide the layer that wrote each line"),
        bind("less_than_sign", "version(-1)", "older version", tooltip="Older version", group=_VERSION_KEYS),
        bind(
            "greater_than_sign", "version(1)", "newer version", tooltip="Newer version", group=_VERSION_KEYS
        ),
        bind("H", "hex", "text/hex", tooltip="Toggle text and hex"),
        bind("y", "copy", "copy", tooltip="Copy the selected value, or the path"),
    ]

    @dataclass
    class Compared(Message):
        """All repeated files of a layer have been compared."""

        subject: "Subject"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.subject: Subject | None = None
        self.tab = CHANGES
        self.busy = False
        """Whether a page is still loading."""
        self._page = Page(self.document)
        self._hex: bool | None = None  # None: as suits the file
        self._blames = False
        self._looked_at = NO_EVENT  # the version that Preview shows in place of the visible one
        self._line = (-1, 0, 0)  # node and layer of a subject, and the line that Preview begins at
        self._compared: tuple[Event, Event] | None = None  # the versions that Diff shows
        self._chosen: list[Event] = []
        self._step = -1  # the history entry whose layer is shown in place of a path; -1: a path is
        self._sizes: Sequence[Bytes] = ()  # of all layers
        self._fresh = True  # the next page is of another question than the one that is shown
        self._question = Job()
        self._settle: Timer | None = None
        self._patience: Timer | None = None

    def on_mount(self) -> None:
        self.show(self.subject)

    def on_unmount(self) -> None:
        self._question.cancel()

    def show(self, subject: "Subject | None") -> None:
        """Show ``subject``, once it has stayed selected for a moment."""
        self.subject = subject
        self._hex, self._looked_at, self._compared, self._chosen = None, NO_EVENT, None, []
        self._ask_for_page(_SETTLE)

    def read_line(self, node: Node, layer: LayerNumber, line: int) -> None:
        """Show the content of a path, once it is the subject, at a marked line."""
        self._line = (node, layer, line)
        self.action_tab(PREVIEW)

    def show_layer(self, step: int, sizes: "Sequence[Bytes]" = ()) -> None:
        """Show the layer of a history entry in place of the path; -1: the path again.

        ``sizes`` are the bytes of all layers, base first; empty: not known yet.
        """
        if step != self._step or (step >= 0 and sizes != self._sizes):
            self._step, self._sizes = step, sizes
            self._ask_for_page(_SETTLE)
            self.refresh_bindings()

    @property
    def shows_layer(self) -> bool:
        """Whether a layer is shown in place of a path."""
        return self._step >= 0

    # Questions and answers

    @cached_property
    def _tabs(self) -> "Tabs":
        """Imported with the first path: the first frame does not need it."""
        from layertui.ui.detail.tabs import Tabs

        return Tabs()

    def _ask_for_page(self, settle: float = 0.0, fresh: bool = True) -> None:
        """Build the page of the tab, after ``settle`` seconds; unless ``fresh``, keep the scroll position."""
        for timer in (self._settle, self._patience):
            if timer is not None:
                timer.stop()
        self._question.cancel()
        self._question = Job()
        self._fresh, self.busy = fresh, True
        self._title()
        if not self.is_attached:
            return  # asked again when it is
        if self.subject is None:
            self._put(message("Select a path in the tree." if self._step < 0 else "Loading layers …"))
            self.busy = False
        elif settle:
            self._settle = self.set_timer(settle, self._start)
        else:
            self._start()

    def _start(self) -> None:
        assert self.subject is not None
        told = self.told_about(self.subject)
        if self._step < 0 and told.union.is_alone and self._needs_lower_layers(told):
            path = visible(told.union.path(told.node))
            self._put(message(f"{path} at layer {told.merged_layer}: layers are still being read."))
            self.busy = False
            return
        if self.tab == VERSIONS and self._step < 0:
            self._put(self._tabs.versions(told, self._chosen))
            self.busy = self._tabs.has_uncompared(told)
            if self.busy:
                self._compare_versions(told)
            return
        self._patience = self.set_timer(_PATIENCE, self._say_reading)
        pages = self._pages(told, self._question)
        background_each(
            self,
            lambda _job: pages,
            self._show_page,
            self._end_question,
            self._show_failure,
            name="detail",
            part_of=self._question,
        )

    def _compare_versions(self, told: "Subject") -> None:
        """Show which versions differ in nothing but attributes, once their contents have been compared."""

        def show(_result: None) -> None:
            self.busy = False
            self._put(self._tabs.versions(told, self._chosen, self.cursor))

        background(
            self,
            lambda job: self._tabs.compare_versions(told, job),
            show,
            name="versions",
            part_of=self._question,
        )

    def _needs_lower_layers(self, subject: "Subject") -> bool:
        """Return whether the tab needs the layers below the subject's."""
        return self.tab in (CHANGES, DIFF, VERSIONS) or subject.union.last[subject.node] < 0

    def told_about(self, subject: "Subject") -> "Subject":
        """Return what the current tab shows."""
        return subject

    def _pages(self, subject: "Subject", job: Job) -> Iterator[Page]:
        """Return the pages of the layer or the tab, each more complete than the last."""
        if self._step >= 0:
            return self._tabs.layer(subject, self._step, self._sizes, job)
        if self.tab == CHANGES:
            return self._tabs.changes(subject, job)
        if self.tab == DIFF:
            return self._tabs.difference(subject, self._compared, job)
        if self.tab == PREVIEW:
            line = self._line[2] if self._line[:2] == (subject.node, subject.merged_layer) else 0
            blames = self._blames and not subject.union.is_alone
            return self._tabs.preview(subject, self._looked_at, self._hex, blames, job, line)
        return self._tabs.details(subject, job)

    def _show_page(self, page: Page) -> None:
        if self._patience is not None:
            self._patience.stop()
        self._put(page)

    def _show_failure(self, error: LayertuiError) -> None:
        self._show_page(failure(error))
        self._end_question()

    def _end_question(self) -> None:
        """Note that no better page follows."""
        if self._patience is not None:
            self._patience.stop()
        self.busy = False
        if (self.tab == CHANGES or self._step >= 0) and self.subject and self._tabs.are_settled(self.subject):
            self.post_message(self.Compared(self.subject))

    def on_text_view_wanted(self, event: TextView.Wanted) -> None:
        """Continue reading in a thread."""
        event.stop()
        self.busy = True
        background(
            self,
            event.read,
            self._grow,
            self._fail_to_grow,
            name="read on",
            part_of=self._question,
        )

    def _grow(self, show: Callable[[], None]) -> None:
        """Show what has been read of the document."""
        self.busy = False
        show()
        self.grown()

    def _fail_to_grow(self, error: LayertuiError) -> None:
        self.busy = False
        self._put(failure(error))

    def _say_reading(self) -> None:
        if self._fresh:
            self._put(message("reading …"))
            self._fresh = True

    def _put(self, page: Page) -> None:
        """Show a page; a more complete version keeps the scroll position."""
        scrolled, cursor = self.scroll_offset.y, self.cursor
        self._page = page
        if self._fresh:
            self.open(page.document, page.heading, page.cursor)
            if page.top:
                row = self.rows_of(page.top)[0] - self.content_size.height // 3
                # The document before may have had no scrollbar.
                self.scroll_to(y=row, animate=False, immediate=True, force=True)
        else:
            followed = self._follows
            self.open(page.document, page.heading, cursor)
            self._follows = followed
            self.scroll_to(y=scrolled, animate=False, immediate=True)
        self._fresh = False
        self.refresh_bindings()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable only the keys of the current tab."""
        if self.search.typing:
            return False
        if action == "hex":
            return self.document.hex is not None
        if action == "blame":
            return self.document.hex is False
        if action == "version":
            return self.document.hex is not None and self._neighbor(int(str(parameters[0]))) >= 0
        if action == "mark":
            return self.tab == VERSIONS and self._step < 0
        if action == "jump":
            return bool(self._page.stops) and not self.has_search
        if action == "enter":
            return bool(self._page.events)
        return super().check_action(action, parameters)

    def action_tab(self, tab: int) -> None:
        """Show a tab about the path."""
        self._step = -1
        if tab != PREVIEW:
            self._looked_at = NO_EVENT
        if tab != DIFF:
            self._compared = None
        self.tab = tab
        self._ask_for_page()
        self.refresh_bindings()

    def action_hex(self) -> None:
        """Show the file in hex, or as text again."""
        self._hex = not (self.document.hex if self._hex is None else self._hex)
        self._ask_for_page()

    def action_blame(self) -> None:
        """Show or hide the layer that wrote each line, in this file and those selected later."""
        self._blames = not self._blames
        self._ask_for_page(fresh=False)

    def action_version(self, by: int) -> None:
        """Show another version of the file in place."""
        if (event := self._neighbor(by)) >= 0:
            self._looked_at = event
            self._ask_for_page(fresh=False)

    def _neighbor(self, by: int) -> Event:
        if self.subject is None:
            return NO_EVENT
        return self._tabs.neighbor(self.told_about(self.subject), self._looked_at, by)

    def action_jump(self, by: int) -> None:
        """Scroll to the next hunk below the top of the screen, or to the one above it."""
        rows = [self.rows_of(line)[0] for line in self._page.stops]
        top = self.scroll_offset.y
        found = [row for row in rows if row > top] if by > 0 else [row for row in rows if row < top][::-1]
        if found:
            self.scroll_to(y=found[0], animate=False)

    def action_mark(self) -> None:
        """Mark or unmark the selected version for comparison; a third mark replaces the first."""
        event = Event(self._page.events.get(self.cursor, -1))
        if event < 0 or self.subject is None:
            return
        if event in self._chosen:
            self._chosen.remove(event)
        else:
            self._chosen = [*self._chosen, event][-2:]
        self._put(self._tabs.versions(self.told_about(self.subject), self._chosen, self.cursor))

    def action_enter(self) -> None:
        """Compare the marked versions, or open the selected hidden one."""
        event = Event(self._page.events.get(self.cursor, -1))
        if event < 0 or self.subject is None:
            return
        if self.tab != VERSIONS or self._step >= 0:
            self._looked_at = event
            self.action_tab(PREVIEW)
            return
        pair = sorted({*self._chosen, event} if len(self._chosen) < 2 else self._chosen)
        if len(pair) == 1:
            before = self.told_about(self.subject).union.ev_prev[event]
            pair = [before, event] if before >= 0 else [event, event]
        self._compared = (pair[0], pair[1])
        self.action_tab(DIFF)

    def action_copy(self) -> None:
        """Copy the selected value, else the path."""
        if self.subject is None:
            return
        value = self._page.values.get(self.cursor)
        if value is None:
            value = self.subject.union.path(self.subject.node)
        copy(self, value)

    # The frame

    def on_resize(self) -> None:
        self._title()

    def _title(self) -> None:
        """The tabs in the upper border, the path and its layer in the lower."""
        room = self.size.width
        shown = self.tab if self._step < 0 else -1
        first = ""
        if self._step >= 0 and self.subject is not None:
            from layertui.ui.detail.subject import layer_at

            first = f"Layer {layer_at(self.subject.image, self._step)}"
        names = self._names(room - len(first), shown)
        parts = [Content.styled(first, "bold $accent")] if first else []
        for tab, name in enumerate(names):
            style = "bold $accent" if tab == shown else "$quiet not bold"
            link = Style.from_meta({"@click": f"tab({tab})"})
            parts.append(Content.styled(name, style).stylize(link))
        self.border_title = Content.styled(" │ ", "$line not bold").join(parts)
        subtitle = ""
        if self.subject is not None and self._step < 0:
            where = f" {self.subject.where}"
            path = visible(self.subject.union.path(self.subject.node))
            subtitle = shorten_path(path, max(room - len(where) - 4, 1)) + where
        self.border_subtitle = Content(subtitle)

    @staticmethod
    def _names(room: int, shown: int) -> list[str]:
        """Return the names of the tabs, shortened to ``room`` cells; the last resort are numbers."""
        whole, short = (
            [f"{number} {name}" for number, name in enumerate(names, 1)] for names in (TABS, _SHORT_TABS)
        )
        best = [name if tab == shown else short[tab] for tab, name in enumerate(whole)]
        for names in (whole, best, short):
            if sum(map(len, names)) + 3 * len(names) <= room:
                return names
        return [short[tab] if tab == shown else short[tab][:1] for tab in range(len(TABS))]

    def on_click(self, event: events.Click) -> None:
        if event.chain > 1 and self.check_action("enter", ()):
            self.action_enter()
