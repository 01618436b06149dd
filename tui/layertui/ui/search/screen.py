"""The search screen: matches in all files, config and history, as they are found, and their context."""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from layertui.content.query import LineMatch, Query
from layertui.model.identity import identity_of
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.failures import LEAVE_AND_RELOAD, failure_text
from layertui.ui.keys import Legend, bind
from layertui.ui.navigator import navigator
from layertui.ui.search.found_pane import FoundPane
from layertui.ui.search.match_list import MatchList
from layertui.ui.search.switches import SWITCHES, Switches
from layertui.ui.stack import Origin
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.worker.search import MOST, Found, MatchesFound, SearchEnded, Searcher, SearchProgress

if TYPE_CHECKING:
    from layertui.ui.worker.reading import Reading

STOPPED = "stopped · enter to resume"
_ROWS_FOR_BOTH = 20
"""Rows from which matches and the context of one are shown together."""
_BEGIN = "Type a text or regular expression, then enter."


class SearchField(Input):
    """The pattern, or the paths to search."""

    HELP_NAME: ClassVar[str] = "Pattern"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "submit", "search", tooltip="Search"),
        bind("down", "screen.to_list", "matches", show=False, tooltip="Go to the matches"),
        *(
            bind(key, f"screen.switch('{field}')", name, show=False, tooltip=f"Toggle: {name}")
            for field, (name, key) in SWITCHES.items()
            if key
        ),
    ]


class SearchScreen(Origin[LineMatch]):
    """Search the image of ``reading``; dismissed with the selected match, if any.

    ``found`` is the initial search, and keeps the results. Leaving the screen stops it.
    """

    HELP: ClassVar[str] = (
        "Search file contents line by line, as grep does, for a literal text or a Python regular expression. "
        "Each layer is read once, base first; matches are shown as they are found. The second field limits the "
        "search to a directory or to names like *.conf. Hidden files were overwritten or deleted by later "
        "layers, but are still shipped. Config (variables, labels, command) and build steps are searched too. "
        "layertui search does the same, with --hidden and --config."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "the layer of a file, in its color"),
        ("path", "strike", "a version that is not in the final tree"),
        ("–", "$quiet", "config, or a build step without a layer"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("slash", "to_field", "pattern", tooltip="Edit the pattern"),
        bind("z", "zoom", "zoom", tooltip="Zoom the context, or back"),
        bind("escape", "leave", "stop/back", tooltip="Stop, then back"),
    ]
    CSS_PATH = Path(__file__).with_name("screen.tcss")

    def __init__(self, reading: "Reading", found: Found) -> None:
        super().__init__()
        assert reading.image is not None
        self.found = found
        self._image = reading.image
        self._reading = reading
        self._searcher: Searcher | None = None
        self._files: set[tuple[str, int]] = {(match.path, match.layer) for match in found.matches}
        self._progress = ""
        self._started = 0.0  # time of the first bytes
        self._zoomed = False

    def compose(self) -> ComposeResult:
        with Vertical(id="asked", classes="pane") as pane:
            pane.border_title = Content(f"Search {visible(self._image.name)}")
            with Horizontal():
                yield SearchField(self.found.query.pattern, "text or regex", compact=True, id="pattern")
                yield SearchField(
                    self.found.query.paths, "in: all files (e.g. /etc, *.conf)", compact=True, id="paths"
                )
            yield Switches(self.found.query)
        with Vertical(id="found", classes="pane"):
            yield MatchList()
            yield Static(classes="message")
        yield FoundPane(self._reading)
        yield KeyBar()

    def on_mount(self) -> None:
        self._list.highest = len(self._image.layers)
        self._list.show(self.found.matches, self.found.cursor)
        self._tell()
        if self.found.matches:
            self._list.focus()
        else:
            self.query_one("#pattern").focus()

    def on_unmount(self) -> None:
        if self._searcher is not None:
            self._searcher.close()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """Show the context of a match where there is room for both."""
        context = self.query_one(FoundPane)
        context.display = bool(self.found.matches) and (self._zoomed or self.size.height >= _ROWS_FOR_BOTH)
        for name in ("#asked", "#found"):
            self.query_one(name).display = not self._zoomed

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
        pane.border_title = Content(self._title() if found.matches else "Matches")
        state = f"{self._progress} · esc stops" if self.busy else found.said
        style = "$deleted" if found.failed else ""
        pane.border_subtitle = Content.styled(shorten(visible(state), max(self.size.width - 6, 1)), style)
        message = self.query_one(".message", Static)
        message.display = not found.matches
        self._list.display = bool(found.matches)
        message.set_class(found.failed, "failed")
        message.update(Content(self._why_empty()))
        self._fit()
        self.refresh_bindings()

    def _title(self) -> str:
        """Return how many lines match, in how many files or in the config."""
        files = sum(path.startswith("/") for path, _layer in self._files)
        where = [count_text(files, "file")] * bool(files) + ["the config"] * (len(self._files) > files)
        return f"{count_text(len(self.found.matches), 'line')} in {' and '.join(where)}"

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
        off = [
            SWITCHES[field][0] for field in ("with_hidden", "with_config") if not getattr(found.query, field)
        ]
        more = f" Not searched: {', '.join(off)} (tab: switches)." if off else ""
        return f"No matches for “{visible(found.query.pattern)}”.{more}"

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable letter keys while typing, and zooming without matches."""
        if action == "zoom":
            return bool(self.found.matches) and not isinstance(self.focused, SearchField)
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
        self.query_one(Switches).show(self.found.query)
        if self.busy or self.found.said:
            self._search()

    def on_switches_toggled(self, event: Switches.Toggled) -> None:
        self.action_switch(event.field)

    def on_growing_list_highlighted(self, event: MatchList.Highlighted) -> None:
        self.query_one(FoundPane).show_match(event.row)

    def action_zoom(self) -> None:
        """Zoom the context, or back."""
        self._zoomed = not self._zoomed
        self._fit()
        (self.query_one(FoundPane) if self._zoomed else self._list).focus()

    def action_leave(self) -> None:
        """Leave the zoom, stop the search, or leave."""
        if self._zoomed:
            self.action_zoom()
            return
        if not self.busy:
            self._leave(None)
            return
        self._stop()
        self.found.said = STOPPED
        self._tell()

    crumb = "Search"
    can_step = True

    def step(self, by: int) -> LineMatch | None:
        matches, at = self.found.matches, self._list.cursor + by
        while 0 <= at < len(matches) and not matches[at].layer:
            at += by  # of the config, which no layer has
        if not 0 <= at < len(matches):
            return None
        self._list.go_to_row(at)
        return matches[at]

    def leave(self) -> None:
        self._leave(None)

    def on_growing_list_opened(self, event: MatchList.Opened) -> None:
        if event.row.layer:
            self._leave(event.row)
        else:  # config and steps without a layer have no place in the explorer
            self.action_zoom()

    def _leave(self, match: LineMatch | None) -> None:
        self.found.cursor = self._list.cursor
        if self.busy:
            self._stop()
            self.found.said = STOPPED
            self._tell()
        self.dismiss(match)
