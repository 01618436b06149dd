"""Base of views whose text can be searched: / types, n and N go from match to match."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType

from layertui.model.job import Job
from layertui.ui.keys import MATCH_KEYS, bind
from layertui.ui.widgets.lines import Document, Line
from layertui.ui.widgets.list_view import ListView
from layertui.ui.widgets.text_search import MOST, TextMatch, TextSearch, find_text
from layertui.ui.worker.background import background

TEXT_MATCHES = (
    bind("n", "match(1)", "next match", tooltip="Next match in the text", group=MATCH_KEYS),
    bind("N", "match(-1)", "previous match", tooltip="Previous match", group=MATCH_KEYS),
)
"""The keys from match to match, for views that use them for something else without a search."""


class SearchedView(ListView):
    """Searches :attr:`document` in a thread, as far as it has been read; subclasses lay out and paint."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("slash", "find", "find", show=False, tooltip="Find in the text"),
        *TEXT_MATCHES,
        bind("escape", "end_find", "end search", show=False, tooltip="End the search in the text"),
    ]

    document: Document

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.search = TextSearch()
        self._finding = Job()
        self.is_searching = False
        """Whether a search is running."""
        self._origin = 0  # the line that the search began at

    # What the view does

    @property
    def top_line(self) -> int:
        """The first line that is in view."""
        raise NotImplementedError

    @property
    def is_complete(self) -> bool:
        """Whether all lines of the document have been read."""
        return self.document.missing(len(self.document), len(self.document)) is None

    def reveal_match(self, match: TextMatch) -> None:
        """Bring a match into view."""
        raise NotImplementedError

    def read_on(self) -> None:
        """Have the document read further; :meth:`search_on` is called then."""
        raise NotImplementedError

    def search_changed(self) -> None:
        """Show what has been found, and how much."""
        raise NotImplementedError

    @property
    def search_lines(self) -> Sequence[Line]:
        """The line above the text: the query and how often it is found."""
        return [self.search.line(self.is_complete, self.is_searching)] if self.search.active else ()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys of commands while a text is typed; a dump of bytes has no text."""
        if self.search.typing:
            return False
        if action == "match":
            return self.has_search
        return self.search.active if action == "end_find" else action != "find" or not self.document.hex

    @property
    def has_search(self) -> bool:
        """Whether n and N go from match to match."""
        return bool(self.search.query)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return self.search.typing and character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Take what is typed."""
        search = self.search
        if not search.typing:
            return
        if event.key == "escape":
            self.action_end_find()
        elif event.key == "enter":
            self._apply()
        elif search.type(event):
            self._search_again()
        elif not event.is_printable and event.key not in ("backspace", "ctrl+u"):
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Add the first line of what is pasted."""
        if self.search.typing and event.text:
            event.stop()
            self.search.query += event.text.splitlines()[0]
            self._search_again()

    def on_blur(self) -> None:
        """End typing: other keys are meant for where the focus is."""
        if self.search.typing:
            self._apply()

    def action_find(self) -> None:
        """Start typing another text to find."""
        self.search = TextSearch(typing=True)
        self._origin = self.cursor if self.document.items else self.top_line
        self._finding.cancel()
        self._tell()

    def action_end_find(self) -> None:
        """End the search, and stop reading for it."""
        self._finding.cancel()
        self.search = TextSearch()
        self._tell()

    def action_match(self, by: int) -> None:
        """Go to the next or previous match; behind the last one read on, then start again."""
        search = self.search
        behind = not 0 <= search.at + by < len(search.found)
        if by > 0 and behind and len(search.found) < MOST and not self.is_complete:
            search.step = 1
            self._tell()
            self.read_on()
        elif search.found:
            search.at = (search.at + by) % len(search.found)
            self._tell()
            self.reveal_match(search.found[search.at])

    def _apply(self) -> None:
        """End typing; without a match in what has been read, read on."""
        self.search.typing = False
        if not self.search.query:
            self.action_end_find()
        elif not self.search.found and not self.is_complete:
            self.action_match(1)
        else:
            self._tell()

    # The search

    def _search_again(self) -> None:
        """Search the whole document for what is typed now."""
        self.search.forget()
        self._find(select=True)

    def search_new(self) -> None:
        """Search a document that has replaced the one before."""
        self.search.forget()
        self.search.step = 0
        if self.search.query:
            self._find(select=False)

    def search_on(self) -> None:
        """Search what the document has read meanwhile."""
        if self.search.query:
            self._find(select=False)

    def _find(self, select: bool) -> None:
        self._finding.cancel()
        document, query, first = self.document, self.search.query, self.search.searched
        last, most = len(document) - (not self.is_complete), MOST - len(self.search.found)

        def work(job: Job) -> list[TextMatch]:
            return find_text(document, first, last, query, most, job) if query else []

        def done(found: list[TextMatch]) -> None:
            self.is_searching = False
            self._take(found, last, select)

        self.is_searching = True
        self._finding = background(self, work, done, name="find in text")
        self._tell()

    def _take(self, found: list[TextMatch], searched: int, select: bool) -> None:
        search, before = self.search, len(self.search.found)
        search.take(found, searched)
        if select:
            search.select(self._origin)
        elif search.step and found:
            search.at = before
        elif search.step and not self.is_complete:
            self.read_on()
            return
        moved = select or bool(search.step)
        search.step = 0
        self._tell()
        if moved and search.at >= 0:
            self.reveal_match(search.found[search.at])

    def _tell(self) -> None:
        self.search_changed()
        self.refresh_bindings()
