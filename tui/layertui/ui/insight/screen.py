"""The insight screen: size, waste, secrets, duplicates, permissions, packages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from layertui.insight.secrets import without_secrets
from layertui.insight.tally import Finding
from layertui.model.errors import ImageChanged, LayertuiError
from layertui.model.history_step import step_text
from layertui.model.identity import identity_of
from layertui.text.format import size_text
from layertui.text.sanitize import visible
from layertui.ui.clipboard import copy
from layertui.ui.detail.page import Page, message
from layertui.ui.failures import LEAVE_AND_RELOAD, failure_text
from layertui.ui.insight.header import NAMES, TITLES, facts, tabs, title
from layertui.ui.insight.parts import PARTS, Findings, FindingsView, column_widths, name_of, sums_page
from layertui.ui.insight.size_pane import SizePane
from layertui.ui.keys import Legend, bind
from layertui.ui.stack import Destination, Origin
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.widgets.lines import Line
from layertui.ui.widgets.text_view import TextView, next_result
from layertui.ui.widgets.top_line import TopLine
from layertui.ui.worker.insight import Looker, PartProgress, PartSurveyed

if TYPE_CHECKING:
    from layertui.ui.worker.reading import Reading

CHEAP = ("waste", "permissions", "packages")
"""Parts that are scanned without being asked for, one after the other."""
MANY = 200_000
"""Paths from which an image is too large for that."""
WIDE = 120
"""Width in columns from which the findings are beside the sums."""


class InsightScreen(Origin[Destination]):
    """The analysis of the image of a reading; dismissed with a path and a layer if one was selected.

    The reading keeps the results. Slow parts are scanned on request; leaving the screen stops a running scan.
    """

    HELP: ClassVar[str] = (
        "Size: a map of the image's bytes, the area of each box in proportion; in a small window a list. Live bytes "
        "are those of files in the final tree, dead bytes those of files that later layers overwrite or delete. "
        "Waste: the dead bytes and their causes. Secrets: matches of documented formats, in "
        "hidden files too. Duplicates: contents stored more than once. Permissions: unusual ones in the final "
        "tree. Packages: added, upgraded and removed by each step. Selecting a sum shows its findings. Enter "
        "goes into a directory of Size, and opens the selected file or finding in the explorer."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "a layer, in its color"),
        ("⚠", "$modified", "not everything could be scanned"),
        ("█░", "$accent", "live and dead bytes"),
        ("/a", "strike", "stored in a layer, not in the final tree"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind(
            "enter",
            "open",
            "open",
            tooltip="Open in the explorer; go into a directory; show the findings of a sum; or resume",
        ),
        *(
            bind(str(number), f"part({number - 1})", part.lower(), show=False, tooltip=f"Show {name}")
            for number, (name, part) in enumerate(TITLES.items(), 1)
        ),
        bind("m", "mask", "show/mask", tooltip="Show or mask secrets"),
        bind("y", "copy", "copy", tooltip="Copy the path"),
        bind("escape", "leave", "stop/back", show=False, tooltip="Stop, then back"),
    ]
    CSS_PATH = Path(__file__).with_name("screen.tcss")

    def __init__(self, reading: "Reading", cache: bool) -> None:
        super().__init__()
        assert reading.image is not None
        self.part = NAMES[0]
        self._image = image = reading.image
        self._reading = reading
        self._cache = cache
        self._surveys = reading.surveys
        self._columns: dict[str, Mapping[str, int]] = {}  # cells of those of the findings, by part
        self._lookers: dict[str, Looker] = {}
        self._progress: dict[str, tuple[int, int]] = {}  # of the running scans
        self._said: dict[str, str] = {}  # errors of requested scans
        self._sums = Page(TextView().document)
        self._chosen = -1  # the sum whose findings are shown; 0 for all
        self._is_unmasked = False
        steps = {entry.layer: step_text(entry) for entry in image.history if entry.layer}
        self._steps = {layer: visible(without_secrets(text)) for layer, text in steps.items()}
        self._sizes = SizePane(reading, self._steps)

    def compose(self) -> ComposeResult:
        yield TopLine()
        yield Static(id="parts")
        with Container(id="panes"):
            yield TextView(id="sums", classes="pane")
            yield FindingsView(id="findings", classes="pane")
        yield self._sizes
        yield KeyBar()

    def on_mount(self) -> None:
        for line in (self.query_one(TopLine), self.query_one("#parts")):
            line.auto_links = False  # clickable parts keep the color of their state
        self.action_part(0)
        self._look_ahead()

    def on_unmount(self) -> None:
        for looker in self._lookers.values():
            looker.close()

    def on_descendant_focus(self) -> None:
        self._close_other()

    def _close_other(self) -> None:
        """Where there is hardly any room, leave it to the pane with the focus."""
        sums, findings, is_narrow = self._view("sums"), self._view("findings"), not self.has_class("-wide")
        sums.set_class(is_narrow and self.focused is findings, "-closed")
        findings.set_class(is_narrow and self.focused is not findings, "-closed")

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self._close_other()
        self._sizes.fit(*event.size)
        self.call_after_refresh(self._tell)

    def _view(self, name: str) -> TextView:
        return self.query_one(f"#{name}", TextView)

    # Looking

    @property
    def busy(self) -> bool:
        """Whether the selected part is being scanned."""
        return self.part in self._lookers

    def _look(self) -> None:
        """Scan the selected part in the worker process."""
        self._start(self.part)
        self._show()

    def _start(self, part: str) -> None:
        self._said.pop(part, None)
        self._progress[part] = (0, 0)
        looker = self._lookers[part] = Looker(self, identity_of(self._image), self._cache, part)
        looker.start()

    def _look_ahead(self) -> None:
        """Scan the next of the cheap parts; not of an image in a registry, whose contents would be downloaded."""
        if self._lookers or self._image.transport == "docker" or (self._reading.paths or 0) > MANY:
            return
        part = next((part for part in CHEAP if part not in self._surveys and part not in self._said), None)
        if part is not None:
            self._start(part)
            self._tell()

    def on_part_progress(self, event: PartProgress) -> None:
        if event.part in self._lookers:
            self._progress[event.part] = (event.done, event.total)
            self._tell()
            if event.part == self.part:
                self._say_looking()

    def on_part_surveyed(self, event: PartSurveyed) -> None:
        if self._lookers.pop(event.part, None) is None:
            return  # it was stopped
        del self._progress[event.part]
        if isinstance(event.result, LayertuiError):
            self._said[event.part] = failure_text(event.result, LEAVE_AND_RELOAD)
            if not isinstance(event.result, ImageChanged):
                self._said[event.part] += ". Enter retries."
        else:
            self._surveys[event.part] = event.result
        if event.part == self.part:
            self._show()
        else:
            self._tell()
        self._look_ahead()

    # What is shown

    def _show(self) -> None:
        """Show the selected part."""
        self._tell()
        is_size = self.part == "size"
        had_size, self._sizes.display = self._sizes.display, is_size
        self.query_one("#panes").display = not is_size
        if is_size:
            self._sizes.take_focus()
            self._sizes.show()
            self.refresh_bindings()
            return
        if had_size:
            self._view("sums").focus()
        part, survey = PARTS[self.part], self._surveys.get(self.part)
        self.set_class(survey is None or not survey.count, "-empty")
        sums = self._view("sums")
        sums.border_title = Content(title(self.part, survey))
        self._chosen = -1
        if survey is None and self.busy:
            self._say_looking()
        elif survey is None or not survey.count:
            said = self._said.get(self.part, part.nothing)
            notes = "" if survey is None else "\n".join(survey.notes)
            self._put(message(said, "deleted" if self.part in self._said else "quiet"), notes)
        else:
            self._put(sums_page(part, survey, self._steps))
            self.call_after_refresh(self._show_findings)  # its pane may be laid out only now
        if self.has_class("-empty"):
            sums.focus()
        self.refresh_bindings()

    def _put(self, page: Page, notes: str = "") -> None:
        self._sums = page
        heading = message(notes).document.lines if notes else page.heading
        self._view("sums").open(page.document, heading, page.cursor)

    def _say_looking(self) -> None:
        done, total = self._progress.get(self.part, (0, 0))
        how_far = f" {size_text(min(done, total))} of {size_text(total)}." if total else ""
        self._put(message(f"Scanning …{how_far} esc to stop"))

    def _show_findings(self, cursor: int = -1) -> None:
        """Show the findings of the selected sum."""
        survey = self._surveys.get(self.part)
        if survey is None or not survey.count:
            return
        part, view = PARTS[self.part], self._view("findings")
        self._chosen = self._selected
        rows: Sequence[Finding] = survey.findings
        count, heading = survey.count, "all"
        if self._chosen:
            chosen = survey.sums[self._chosen - 1]
            rows = [row for row in rows if self._chosen - 1 in row.sums]
            count, heading = chosen.count, name_of(chosen, self._steps)
        if self.part not in self._columns:
            self._columns[self.part] = column_widths(part, survey.findings)
        room, columns = lambda: view.content_size.width - 1, self._columns[self.part]
        document = Findings(part, rows, columns, room, self._is_unmasked)
        none = [Line([("Not among the findings that are listed.", "quiet")])] if count and not rows else []
        view.open(document, [document.heading(), *none], cursor)
        view.border_title = Content(heading)
        which = (
            f"the {'largest' if part.is_sized else 'first'} {len(rows):,} of " if len(rows) < count else ""
        )
        view.border_subtitle = Content(f"{which}{part.count(count)}")

    def on_text_view_cursor_moved(self) -> None:
        if self._selected != self._chosen:
            self._show_findings()
        self.refresh_bindings()

    def _tell(self) -> None:
        """Update the two header lines."""
        size = self._sizes.total
        self.query_one(TopLine).tell(
            self._image.name, facts(self._image, size, self._surveys, self._progress)
        )
        line = tabs(size, self._surveys, self._progress, self.part, self.size.width)
        self.query_one("#parts", Static).update(line)

    # Keys

    @property
    def _selected(self) -> int:
        """The sum at the cursor, numbered from 1; 0 for all."""
        return self._sums.events.get(self._view("sums").cursor, 0)

    def _place(self) -> Destination | None:
        """Return the target of the selection: a path and a layer."""
        survey = self._surveys.get(self.part)
        if survey is None:
            return None
        view = self._view("findings")
        if self.focused is view and isinstance(view.document, Findings) and view.cursor >= 0:
            finding = view.document.findings[view.cursor]
            return Destination(finding.path, finding.layer, finding.line) if finding.layer else None
        if self._selected:
            each = survey.sums[self._selected - 1]
            return Destination(each.path, each.layer) if each.layer else None
        return None

    @property
    def _has_more(self) -> bool:
        """Whether there is a finding to open, or a scan to start."""
        survey = self._surveys.get(self.part)
        return survey is None or survey.count > 0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable only the actions of the part and the selected line."""
        if not self.is_mounted:
            return True
        if action == "open":
            if self.part == "size":
                return False
            is_sum = self.focused is self._view("sums")
            return self._place() is not None or (is_sum and not self.busy and self._has_more)
        if action == "copy":
            return self._place() is not None
        return action != "mask" or self.part == "secrets"

    def action_part(self, number: int) -> None:
        """Show another part, scanning it if necessary."""
        self.part = NAMES[number]
        if self.part == "size" or self.part in self._surveys or self.part in self._said or self.busy:
            self._show()
        else:
            self._look()

    def action_open(self) -> None:
        """Open the selection, or resume the scan."""
        place = self._place()
        if place is not None:
            self.dismiss(place)
        elif self.part not in self._surveys:
            self._look()
        else:
            self._view("findings").focus()

    def action_mask(self) -> None:
        """Show or mask secrets."""
        self._is_unmasked = not self._is_unmasked
        self._show_findings(self._view("findings").cursor)

    def action_copy(self) -> None:
        """Copy the selected path."""
        if (place := self._place()) is not None:
            copy(self, place[0])

    can_step = True

    @property
    def crumb(self) -> str:
        return f"Insight › {self.part.capitalize()}"

    def step(self, by: int) -> Destination | None:
        view = self.focused
        return next_result(view, by, self._place) if isinstance(view, TextView) else None

    def action_leave(self) -> None:
        """Stop the scan, else leave."""
        if (looker := self._lookers.pop(self.part, None)) is None:
            self.dismiss(None)
            return
        looker.close()
        del self._progress[self.part]
        self._said[self.part] = "Stopped · enter to resume"
        self._show()

    def on_click(self, event: events.Click) -> None:
        if event.chain > 1 and self.part != "size":
            self.action_open()

    def on_size_pane_opened(self, event: SizePane.Opened) -> None:
        self.dismiss(Destination(event.path, event.layer))

    def on_size_pane_added(self) -> None:
        self._tell()
