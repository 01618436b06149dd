"""The search screen: matches in the contents of all files, as they are found."""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import Input, Static

from layertui.content.query import LineMatch, Query
from layertui.model.identity import identity_of
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.failures import LEAVE_AND_RELOAD, failure_text
from layertui.ui.keys import Legend
from layertui.ui.navigator import navigator
from layertui.ui.search.match_list import MatchList
from layertui.ui.stack import StackScreen
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.worker.search import MOST, Found, MatchesFound, SearchEnded, Searcher, SearchProgress

if TYPE_CHECKING:
    from layertui.model.image import Image

SWITCHES = {
    "is_regex": ("alt+r", "regex", "Toggle regular expression"),
    "ignores_case": ("alt+c", "ignore case", "Match case"),
    "with_hidden": ("alt+h", "hidden", "Search hidden files"),
    "with_binary": ("alt+b", "binary", "Search binary files"),
}
"""Switches of a query: key, name, tooltip."""
STOPPED = "stopped · enter to resume"
_BEGIN = "Type a text or regular expression, then enter."


class SearchField(Input):
    """The pattern, or the paths to search."""

    HELP_NAME: ClassVar[str] = "Pattern"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "search", tooltip="Search the files of all layers"),
        Binding("down", "screen.to_list", "matches", show=False, tooltip="Go to the matches"),
    ]


class SearchScreen(StackScreen[LineMatch | None]):
    """Search ``image``; dismissed with the selected match, if any.

    ``found`` is the initial search, and keeps the results. Leaving the screen stops it.
    """

    HELP: ClassVar[str] = (
        "Search file contents line by line, as grep does, for a literal text or a Python regular expression. "
        "Each layer is read once, base first; matches are shown as they are found. The second field limits the "
        "search to a directory or to names like *.conf. Hidden files were overwritten or deleted by later "
        "layers, but are still shipped."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "the layer of a file, in its color"),
        ("path", "strike", "a version that is not in the final tree"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "to_field", "pattern", tooltip="Edit the pattern"),
        *(
            # A field would take the letter.
            Binding(key, f"switch('{field}')", name, show=False, tooltip=does, priority=True)
            for field, (key, name, does) in SWITCHES.items()
        ),
        Binding("escape", "leave", "stop/back", tooltip="Stop, then back"),
    ]
    CSS_PATH = Path(__file__).with_name("screen.tcss")

    def __init__(self, image: "Image", found: Found) -> None:
        super().__init__()
        self.found = found
        self._image = image
        self._searcher: Searcher | None = None
        self._files: set[tuple[str, int]] = {(match.path, match.layer) for match in found.matches}
        self._progress = ""
        self._started = 0.0  # time of the first bytes

    def compose(self) -> ComposeResult:
        with Vertical(id="asked", classes="pane") as pane:
            pane.border_title = Content(f"Search {visible(self._image.name)}")
            with Horizontal():
                yield SearchField(self.found.query.pattern, "text or regex", compact=True, id="pattern")
                yield SearchField(
                    self.found.query.paths, "in: all files (e.g. /etc, *.conf)", compact=True, id="paths"
                )
            yield Static(id="switches")
        with Vertical(id="found", classes="pane"):
            yield MatchList()
            yield Static(classes="message")
        yield KeyBar()

    def on_mount(self) -> None:
        self._list.layer_count = max(len(self._image.layers), 1)
        self._list.show(self.found.matches, self.found.cursor)
        # Clickable switches keep the color of their state.
        self.query_one("#switches").auto_links = False
        self._tell_switches()
        self._tell()
        if self.found.matches:
            self._list.focus()
        else:
            self.query_one("#pattern").focus()

    def on_unmount(self) -> None:
        if self._searcher is not None:
            self._searcher.close()

    @property
    def busy(self) -> bool:
        """Whether a search is running."""
        return self._searcher is not None

    @property
    def _list(self) -> MatchList:
        return self.query_one(MatchList)

    # Searching

    def on_input_submitted(self) -> None:
        pattern, paths = (self.query_one(f"#{name}", SearchField).value for name in ("pattern", "paths"))
        self.found.query = replace(self.found.query, pattern=pattern, paths=paths.strip())
        self._search()
        if pattern:
            self._list.focus()

    def _search(self) -> None:
        """Start the search."""
        self._stop()
        found = self.found
        found.matches, found.cursor, found.said, found.failed = [], 0, "", False
        self._files.clear()
        self._started, self._progress = 0.0, "reading …"
        self._list.show(found.matches)
        if found.query.pattern:
            self._searcher = Searcher(self, identity_of(self._image), navigator(self).cache, found.query)
            self._searcher.start()
        self._tell()

    def _stop(self) -> None:
        if self._searcher is not None:
            self._searcher.close()
            self._searcher = None

    def on_search_progress(self, event: SearchProgress) -> None:
        if event.searcher is not self._searcher:
            return
        if event.layer:
            self._progress = f"reading layer {event.layer}"
        else:
            now = time.monotonic()
            self._started = self._started or now
            spent = now - self._started
            rate = f", {size_text(int(event.done / spent))}/s" if spent > 1 else ""
            self._progress = f"{size_text(event.done)} of {size_text(event.total)}{rate}"
        self._tell()

    def on_matches_found(self, event: MatchesFound) -> None:
        if event.searcher is not self._searcher:
            return
        self.found.matches += event.matches
        self._files.update((match.path, match.layer) for match in event.matches)
        self._list.grown()
        self._tell()

    def on_search_ended(self, event: SearchEnded) -> None:
        if event.searcher is not self._searcher:
            return
        self._searcher = None
        if event.error is not None:
            self.found.said, self.found.failed = failure_text(event.error, LEAVE_AND_RELOAD), True
        elif event.is_cut:
            self.found.said = f"first {MOST:,} matches; narrow the pattern"
        else:
            self.found.said = f"skipped: {event.left_out}" if event.left_out else "done"
        self._tell()

    # What is reported

    def _tell(self) -> None:
        """Update the frame of the list, or the sentence in its place."""
        found, pane = self.found, self.query_one("#found")
        lines = count_text(len(found.matches), "line")
        title = f"{lines} in {count_text(len(self._files), 'file')}" if found.matches else "Matches"
        pane.border_title = Content(title)
        state = f"{self._progress} · esc stops" if self.busy else found.said
        style = "$deleted" if found.failed else ""
        pane.border_subtitle = Content.styled(shorten(visible(state), max(self.size.width - 6, 1)), style)
        message = self.query_one(".message", Static)
        message.display = not found.matches
        self._list.display = bool(found.matches)
        message.set_class(found.failed, "failed")
        message.update(Content(self._why_empty()))
        self.refresh_bindings()

    def _why_empty(self) -> str:
        """Return the sentence in place of matches, with the next key."""
        found = self.found
        if self.busy:
            return "Searching …"
        if found.failed:
            return f"{visible(found.said)}\n\n/ edits the pattern, enter retries."
        if not found.said:
            return _BEGIN
        if found.said == STOPPED:
            return "Stopped, no matches so far. / and enter search again."
        more = "" if found.query.with_hidden else " alt+h: search hidden files"
        return f"No matches for “{visible(found.query.pattern)}”.{more}"

    def _tell_switches(self) -> None:
        parts = []
        for field, (key, name, _does) in SWITCHES.items():
            is_on = getattr(self.found.query, field)
            link = Style.from_meta({"@click": f"screen.switch('{field}')"})
            mark = ("[✓]", "bold $foreground") if is_on else ("[ ]", "")
            part = Content.assemble((key, "$accent"), " ", mark, " ", (name, "$foreground" if is_on else ""))
            parts.append(part.stylize(link))
        self.query_one("#switches", Static).update(Content("  ").join(parts))

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys that are letters while typing."""
        return action != "to_field" or not isinstance(self.focused, SearchField)

    def action_to_field(self) -> None:
        """Go to the pattern."""
        self.query_one("#pattern").focus()

    def action_to_list(self) -> None:
        """Go to the matches."""
        if self.found.matches:
            self._list.focus()

    def action_switch(self, field: str) -> None:
        """Toggle a switch; repeat the search if there was one."""
        fields = asdict(self.found.query)
        self.found.query = Query(**{**fields, field: not fields[field]})
        self._tell_switches()
        if self.busy or self.found.said:
            self._search()

    def action_leave(self) -> None:
        """Stop the search, else leave."""
        if not self.busy:
            self._leave(None)
            return
        self._stop()
        self.found.said = STOPPED
        self._tell()

    def on_match_list_opened(self, event: MatchList.Opened) -> None:
        self._leave(event.match)

    def _leave(self, match: LineMatch | None) -> None:
        self.found.cursor = self._list.cursor
        if self.busy:
            self.found.said = STOPPED
        self.dismiss(match)
