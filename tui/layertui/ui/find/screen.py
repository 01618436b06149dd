"""The screen of a search in many images."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import Input, Static

from layertui.find.found import FoundItem, FoundLine, FoundPath
from layertui.model.numbers import EMPTY
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.clipboard import copy
from layertui.ui.find.about import ABOUT_LINES, about, what_of
from layertui.ui.find.result_list import ResultList
from layertui.ui.find.results import FindKind, FindResults, ResultRow, SearchedImage
from layertui.ui.keys import Legend, bind
from layertui.ui.navigator import navigator
from layertui.ui.stack import LOW, StackScreen, on_top
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.widgets.span_lines import SpanLines
from layertui.ui.worker.find import MOST_ITEMS, FindEnded, FindReported, ImagesSearch

if TYPE_CHECKING:
    from layertui.worker.protocol import Frame

_EXAMPLES: dict[FindKind, str] = {
    "path": "a name, or a glob: *log4j*.jar, /etc/**/*.pem",
    "content": "a text in the lines of text files",
    "package": "a package, or a glob: openssl, python:django=4.*",
    "digest": "a digest of an image or layer, which may be abbreviated",
}


class Scope(NamedTuple):
    """The images to search."""

    references: list[str]
    name: str
    """What they are, for the title: ``9 images``."""


class PatternField(Input):
    """What to find."""

    HELP_NAME: ClassVar[str] = "Pattern"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "submit", "find", tooltip="Search the images"),
        bind("down", "screen.to_list", "results", show=False, tooltip="Go to the results"),
    ]


class FindScreen(StackScreen[None]):
    """Search the images of ``scope``, which is called at each search.

    ``results`` has the initial question, and keeps the answer. Leaving the screen stops the search.
    """

    HELP: ClassVar[str] = (
        "Search all images that the list shows: paths by name or glob (* and ? within a name, ** across "
        "directories), contents of text files, packages, or digests of images and layers. Layers that images share "
        "are read once, and not at all if their index is in the cache; contents are always read. Matches are shown "
        "as they are found, each with the layer that stores it. layertui find does the same."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "the layer that stores it"),
        ("path", "strike", "a version or package that is not in the final tree"),
        ("–", "$quiet", "of the image, not of a layer"),
        ("!", "$modified", "part of the image could not be read"),
        ("✗", "$deleted", "the image could not be opened"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("slash", "to_field", "pattern", tooltip="Edit the pattern"),
        bind("ctrl+t", "kind", "kind", tooltip="Find by path, content, package or digest"),
        bind("escape", "leave", "stop/back", tooltip="Stop, then back"),
    ]
    CSS_PATH = Path(__file__).with_name("screen.tcss")

    def __init__(self, scope: Callable[[], Scope], results: FindResults) -> None:
        super().__init__()
        self.results = results
        self._scope = scope
        self._search: ImagesSearch | None = None
        self._image = SearchedImage("")  # the one that is being searched
        self._selected: ResultRow | None = None
        self._progress = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="asked", classes="pane"):
            yield PatternField(self.results.pattern, compact=True, id="pattern")
        with Vertical(id="found", classes="pane"):
            yield ResultList()
            yield Static(classes="message")
            yield SpanLines(ABOUT_LINES, id="about")
        yield KeyBar()

    def on_mount(self) -> None:
        self._show_kind()
        self._list.show(self.results.rows, self.results.cursor)
        self._tell()
        if self.results.rows:
            self._list.focus()
        else:
            self.query_one(PatternField).focus()

    def on_unmount(self) -> None:
        self._stop()

    def on_resize(self) -> None:
        self._tell()
        self._show_selected()

    @property
    def busy(self) -> bool:
        """Whether a search is running."""
        return self._search is not None

    @property
    def _list(self) -> ResultList:
        return self.query_one(ResultList)

    # Searching

    def on_input_submitted(self) -> None:
        from layertui.worker.protocol import FindRequest

        self._stop()
        results, app = self.results, navigator(self)
        results.pattern = self.query_one(PatternField).value
        images = self._scope().references
        results.begin(images)
        self._progress = ""
        self._show_kind()
        self._list.show(results.rows)
        if results.pattern and images:
            request = FindRequest(images, app.platform, app.cache, results.kind, results.pattern)
            self._search = ImagesSearch(self, request)
            self._search.start()
            self._list.focus()
        self._tell()

    def _stop(self) -> None:
        """Stop the search; what was found stays."""
        if self._search is not None:
            self._search.close()
            self._search = None
            self.results.said = f"stopped in image {self.results.begun:,} of {len(self.results.images):,}"

    def on_find_reported(self, event: FindReported) -> None:
        if event.search is self._search:
            self._take(event.frame)
            self._tell()

    def _take(self, frame: "Frame") -> None:
        from layertui.worker.protocol import (
            FilesRead,
            ImageBegun,
            ImageDone,
            ImagePinned,
            ItemsFound,
            LayerRead,
        )

        results = self.results
        match frame:
            case ImageBegun():
                self._image = SearchedImage(results.images[results.begun])
                results.begun += 1
                self._progress = ""
            case ImagePinned():
                self._image.identity, self._image.steps = frame.image, frame.steps
            case LayerRead() | FilesRead():
                layer = f"layer {frame.layer}: " if isinstance(frame, LayerRead) else ""
                of = f" of {size_text(frame.total)}" if frame.total >= frame.done else ""
                self._progress = f", {layer}{size_text(frame.done)}{of}"
            case ItemsFound():
                results.add_items(self._image, list(frame.items))
                self._list.grown()
            case ImageDone():
                results.end_image(self._image, frame.problems)
                self._list.grown()

    def on_find_ended(self, event: FindEnded) -> None:
        if event.search is not self._search:
            return
        self._search = None
        results = self.results
        if event.error is not None:
            results.said, results.failed = str(event.error), True
        elif event.is_cut:
            results.said = f"first {MOST_ITEMS:,} matches; narrow the pattern"
        elif results.unread:
            results.said = (
                f"{results.unread:,} of {count_text(len(results.images), 'image')} not read completely"
            )
            results.failed = True
        else:
            results.said = "done"
        self._tell()

    # What is reported

    def _show_kind(self) -> None:
        """Show what is searched, and for what; a click on a kind selects it."""
        kinds = []
        for kind in _EXAMPLES:
            style = "bold $accent" if kind == self.results.kind else "$quiet not bold"
            link = Style.from_meta({"@click": f"screen.choose_kind('{kind}')"})
            kinds.append(Content.styled(kind, style).stylize(link))
        title = Content(f"Find in {self._scope().name}: ")
        self.query_one("#asked").border_title = title + Content.styled(" │ ", "$line not bold").join(kinds)
        self.query_one(PatternField).placeholder = _EXAMPLES[self.results.kind]

    def _tell(self) -> None:
        """Update the frame of the list, or the sentence in its place."""
        results, pane = self.results, self.query_one("#found")
        pane.border_title = Content(self._title())
        state = results.said
        if self.busy:
            state = f"image {results.begun:,} of {len(results.images):,}{self._progress} · esc stops"
        style = "$deleted" if results.failed else ""
        pane.border_subtitle = Content.styled(shorten(visible(state), max(self.size.width - 6, 1)), style)
        message = self.query_one(".message", Static)
        has_rows = bool(results.rows)
        message.display, self._list.display = not has_rows, has_rows
        self.query_one("#about").display = has_rows and self.size.height >= LOW
        message.set_class(results.failed, "failed")
        message.update(Content(visible(self._why_empty())))
        self.refresh_bindings()

    def _title(self) -> str:
        """Return the answer: how many matches in how many images."""
        results = self.results
        if not results.images:
            return "Results"
        images = count_text(len(results.images), "image")
        if results.said and results.begun < len(results.images):  # of the others nothing is known
            images = f"{count_text(results.begun, 'image')} searched"
        if not results.matches:
            return f"No matches in {images}" if results.said else "Results"
        matches = count_text(results.matches, "match", "matches")
        return f"{matches} in {results.matching:,} of {images}"

    def _why_empty(self) -> str:
        """Return the sentence in place of results, with the next key."""
        results = self.results
        if self.busy:
            return "Searching …"
        if results.failed:
            return f"{results.said}. / edits the pattern, enter retries."
        if not results.said:
            return "Type a pattern, then enter."
        if results.said != "done":
            return f"No matches, {results.said}. / and enter search again."
        none = f"No {results.kind} in {count_text(len(results.images), 'image')} matches “{results.pattern}”."
        if results.kind == "path" and not set("*?[/") & set(results.pattern):
            none += f" Names are matched whole: *{results.pattern}* finds parts of them."
        return none

    def on_growing_list_highlighted(self, event: ResultList.Highlighted) -> None:
        self._selected = event.row
        self._show_selected()

    def _show_selected(self) -> None:
        """Show what the selected row is, in full."""
        if self._selected is not None:
            self.query_one(SpanLines).tell(*about(self._selected, max(self.size.width - 4, 1)))

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable letter keys while typing."""
        return action != "to_field" or not isinstance(self.focused, PatternField)

    def action_to_field(self) -> None:
        """Go to the pattern."""
        self.query_one(PatternField).focus()

    def action_to_list(self) -> None:
        """Go to the results."""
        if self.results.rows:
            self._list.focus()

    def action_kind(self) -> None:
        """Find another kind."""
        kinds = list(_EXAMPLES)
        self.action_choose_kind(kinds[(kinds.index(self.results.kind) + 1) % len(kinds)])

    def action_choose_kind(self, kind: FindKind) -> None:
        """Find a kind at the next search."""
        self.results.kind = kind
        self._show_kind()
        self.query_one(PatternField).focus()

    def on_growing_list_opened(self, event: ResultList.Opened) -> None:
        """Show the place in the explorer, above this screen."""
        row = event.row
        if not on_top(self):
            return
        if row.item is None or row.image.identity is None:
            navigator(self).explore(row.image.reference)
            return
        path, line = _place_of(row.item)
        navigator(self).explore_path(
            row.image.reference,
            navigator(self).platform,
            path.encode("utf-8", "surrogateescape"),
            row.item.layer or EMPTY,
            row.image.identity,
            line,
        )

    def on_result_list_copied(self, event: ResultList.Copied) -> None:
        copy(self, what_of(event.row))

    def action_leave(self) -> None:
        """Stop the search, or leave."""
        if self.busy:
            self._stop()
            self._tell()
        else:
            self.leave()

    def leave(self) -> None:
        self._stop()
        self.results.cursor = self._list.cursor
        super().leave()


def _place_of(item: FoundItem) -> tuple[str, int]:
    """Return the path and the line of a match; empty and 0 where it has none."""
    if isinstance(item, FoundPath):
        return item.path, item.line if isinstance(item, FoundLine) else 0
    return "", 0
