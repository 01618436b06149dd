"""The screens of a store on disk: images and containers, and disk usage."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.reference import parse_reference
from layertui.text.format import size_text
from layertui.text.sanitize import visible
from layertui.ui.clipboard import copy
from layertui.ui.detail.page import Page, failure, message
from layertui.ui.images.finder import Place, store_places
from layertui.ui.images.screen import ImagesScreen
from layertui.ui.keys import Legend, bind
from layertui.ui.navigator import navigator
from layertui.ui.stack import StackScreen, open_above
from layertui.ui.store.usage_page import usage_page
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.widgets.text_view import TextView
from layertui.ui.worker.background import background

if TYPE_CHECKING:
    from layertui.sources.store_usage import StoreUsage


class StoreScreen(ImagesScreen):
    """List images and containers of the store ``reference``, without an engine."""

    HELP: ClassVar[str] = (
        "Images and containers of an on-disk store, read without an engine. Nothing is written. u shows disk "
        "usage, shared layers and unreferenced data. The filter matches each word in any cell; for images it "
        "also takes Docker's filters."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("u", "usage", "disk usage", tooltip="Disk usage and shared layers"),
    ]

    def __init__(self, reference: str) -> None:
        super().__init__((reference,))
        self.reference = reference

    def _places(self) -> tuple[Sequence[Place], Sequence[Place]]:
        return store_places(self._given[0])

    def action_usage(self) -> None:
        """Open the disk usage."""
        open_above(self, UsageScreen(self.reference))


class UsageScreen(StackScreen[None]):
    """Contents and disk usage of a store: see :mod:`layertui.sources.store_usage`."""

    HELP: ClassVar[str] = (
        "Disk usage of the parts of a store, hardlinks counted once; images with the size of their layers and "
        "what removing each would free; shared layers; what containerd keeps besides (build cache, build records, "
        "leases); and unreferenced data. Enter opens a layer in an image that has it, or on the layers below it. Sizes of layers are as recorded: for Docker of files, for "
        "Podman of tars, for containerd of blobs and snapshots."
    )
    LEGEND: ClassVar[Legend] = (("?", "$quiet", "not known"),)
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "explore", "explore", tooltip="Explore the image, layer or container"),
        bind("y", "copy", "copy", tooltip="Copy the path or ID"),
        bind("R,ctrl+r", "count", "reload", tooltip="Reload"),
    ]

    def __init__(self, reference: str) -> None:
        super().__init__()
        self.reference = reference
        self.busy = True
        """Whether counting is running."""
        self._counting = Job()
        self._page = Page(TextView().document)
        self._targets: Sequence[tuple[str, str]] = ()

    def compose(self) -> ComposeResult:
        view = TextView(classes="pane")
        view.border_title = Content(visible(self.reference))
        yield view
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(TextView).focus()
        self.action_count()

    def on_unmount(self) -> None:
        self._counting.cancel()

    def action_count(self) -> None:
        """Count in a thread, until restarted or the screen is closed."""
        self._counting.cancel()
        self.busy = True
        self._show(message("Counting …"), "")

        def count(job: Job) -> "StoreUsage":
            from layertui.sources.store_usage import usage_of

            return usage_of(parse_reference(self.reference), job)

        self._counting = background(
            self, count, self._counted, self._fail, name="usage", progress=self._say_progress
        )

    def _say_progress(self, done: int, _total: int) -> None:
        self.query_one(TextView).border_subtitle = Content(f"{size_text(done)} so far")

    def _fail(self, error: LayertuiError) -> None:
        self.busy = False
        self._show(failure(error), "")

    def _counted(self, found: "StoreUsage") -> None:
        self.busy = False
        size = sum(part.size for part in found.parts)
        page, self._targets = usage_page(found, parse_reference(self.reference))
        self._show(page, f"{size_text(size)} on disk")

    def _show(self, page: Page, subtitle: str) -> None:
        self._page = page
        view = self.query_one(TextView)
        view.open(page.document)
        view.border_subtitle = Content(subtitle)
        self.refresh_bindings()

    def on_text_view_cursor_moved(self) -> None:
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable only what can be done with the selected line."""
        line = self.query_one(TextView).cursor if self.is_mounted else -1
        if action == "explore":
            return line in self._page.events
        return action != "copy" or line in self._page.values

    def action_explore(self) -> None:
        """Explore the image or container available, or an image at the selected layer."""
        navigator(self).explore(*self._targets[self._page.events[self.query_one(TextView).cursor]])

    def action_copy(self) -> None:
        """Copy the path or ID available."""
        copy(self, self._page.values[self.query_one(TextView).cursor])
