"""The explorer: layers, merged tree and detail of one image."""

from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from layertui.model.errors import LayertuiError, SeveralImages
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.text.sanitize import visible
from layertui.ui.explorer import open_screens
from layertui.ui.explorer.header import ImageHeader, Totals
from layertui.ui.explorer.layer_facts import ImageWarning, image_warnings
from layertui.ui.explorer.reading_screen import ReadingScreen
from layertui.ui.explorer.strip import LABELED, STRIPPED, LayerStrip
from layertui.ui.failures import failure_text
from layertui.ui.keys import PLACE_KEYS, Legend, bind
from layertui.ui.navigator import navigator
from layertui.ui.stack import open_above, open_instead
from layertui.ui.tree.presenter import FILTER_HELP
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.worker.platforms import PlatformsFound, find_platforms

if TYPE_CHECKING:
    from layertui.model.identity import Identity
    from layertui.ui.finder.items import Inside
    from layertui.ui.settings import Settings


class ExplorerScreen(ReadingScreen):
    """Explore the image of ``reference``, while it is being read."""

    HELP: ClassVar[str] = (
        "Layers, newest first; the file tree that a container sees at the selected layer; and the detail of "
        "the layer while Layers has the focus, else of the selected path. Bars and the strip are solid for live "
        "bytes, which the final tree shows, and hatched for dead ones, which are stored all the same. Moving in the layers changes the tree; a step without a layer shows the tree of the "
        "layer below it. While layers are read, the tree is that of the layers read so far, or the entries of the "
        f"selected layer alone; the title then says provisional. {FILTER_HELP}"
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "a layer, in its color; paths have the color of the layer they come from"),
        ("▶", "$accent", "the selected layer"),
        ("/ *", "bold", "a directory, an executable; links are dim"),
        ("·", "$quiet", "a step without a layer; in the tree, a closed directory with changes in it"),
        ("┆", "$quiet", "a step of the base image, if known"),
        ("+ ~ −", "$modified", "added, modified, deleted by the selected layer"),
        ("*", "$attributes", "only mode, owner, mtime or xattrs changed by it"),
        ("=", "$quiet", "identical copy stored by it"),
        ("?", "$quiet", "stored again by it, content not compared yet"),
        ("█░", "$accent", "live and dead bytes; ▒ both in one cell, » longer than the scale"),
        ("✓", "$quiet", "layer digest verified"),
        ("…", "$quiet", "layer not read yet"),
        ("✗", "$deleted", "layer missing, truncated or wrong"),
        ("⚠", "$modified", "engines disagree about the image, or it is invalid"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("D", "compare", "compare", tooltip="Compare with another image or layer"),
        bind("exclamation_mark", "warnings", "warnings", tooltip="Warnings"),
        bind(
            "i", "facts", "facts", tooltip="Image: environment, command, labels, author, base; and the layer"
        ),
        bind("p", "platform", "platform", show=False, tooltip="Open another platform"),
        bind("R,ctrl+r", "reload", "reload", show=False, tooltip="Reload"),
        bind("Y", "registry", "search registry", tooltip="Look up the name in its registry"),
        bind("escape,backspace", "leave", "back", show=False, tooltip="Leave the detail, then back"),
        *(
            # Before the tree's keys: these come first after a finding was opened.
            bind(key, f"step({by})", name, tooltip=does, group=PLACE_KEYS, priority=True)
            for key, by, name, does in (
                ("n", 1, "next finding", "Next finding, match or step of the screen that you came from"),
                ("N", -1, "previous finding", "Previous finding"),
            )
        ),
    ]

    def __init__(
        self,
        reference: str,
        platform: str | None = None,
        layer: str = "",
        identity: "Identity | None" = None,
    ) -> None:
        super().__init__(reference, platform, layer, identity)
        self._warnings = 0

    def compose(self) -> ComposeResult:
        yield ImageHeader()
        yield LayerStrip()
        yield self.panes
        yield Static(classes="message failed")
        yield KeyBar()

    def on_compose(self) -> None:
        self.panes.fit(self.app.size)

    def on_mount(self) -> None:
        self.query_one(".message").display = False
        self.set_focus(self.panes.layer_list)

    def save_to(self, settings: "Settings") -> None:
        self.panes.save_to(settings)

    def on_resize(self, event: events.Resize) -> None:
        self.panes.fit(event.size)
        strip = self.query_one(LayerStrip)
        strip.set_class(event.size.height >= LABELED, "-labeled")
        strip.display = event.size.height >= STRIPPED

    def on_layer_list_highlighted(self) -> None:
        self._show_strip()

    def on_layer_strip_picked(self, event: LayerStrip.Picked) -> None:
        self.show_layer(event.layer)

    def _show_strip(self) -> None:
        self.query_one(LayerStrip).show(self._reading.sizes, self.panes.layer_list.merged_layer)

    def show_layer(self, layer: LayerNumber) -> None:
        """Go to a layer."""
        self.panes.show_layer(layer)

    def show_path(self, path: bytes, layer: LayerNumber, line: int = 0) -> None:
        """Go to a path with ``layer`` on top; see :meth:`ImagePanes.show_path`."""
        self.panes.show_path(path, layer, line)

    def _show_failure(self, failure: Content | None, keys: str = "") -> None:
        message = self.query_one(".message", Static)
        message.display, self.panes.display = failure is not None, failure is None
        if failure is not None:
            keys = f"{keys}o opens another image, esc goes back."
            message.update(Content.assemble(failure, "\n\n", (keys, "$quiet")))
            self.set_focus(None)

    def _choose_image(self, error: SeveralImages) -> None:
        from layertui.ui.dialogs.choose import choose_image

        self._show_failure(Content(visible(f"{error.what}.")), "R lists them, ")
        choose_image(self, error, lambda image: open_instead(self, ExplorerScreen(image, self._platform)))

    # Other screens

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable actions only when the image, or a warning, is there."""
        if action == "step":
            return self.can_step and self.panes.follows_places
        if action == "registry":
            return bool(self._unknown)
        if action == "warnings":
            return self._warnings > 0
        if action in ("facts", "change", "compare"):
            return self._reading.image is not None
        return super().check_action(action, parameters)

    def action_change(self, step: Literal[1, -1]) -> None:
        """Go to the next match of the filter, or the next path that the layer changed, wherever the focus is."""
        self.panes.detail.show_layer(-1)
        self.panes.tree_view.action_step(step)

    def action_facts(self) -> None:
        """Show the facts of the image and the selected step."""
        if (screen := open_screens.facts(self._reading, self.panes.layer_list, self._base)) is not None:
            open_above(self, screen)

    def action_warnings(self) -> None:
        """Show the warnings."""
        open_above(self, open_screens.warnings(self._image_warnings()))

    def action_registry(self) -> None:
        """Look up the name in its registry, only on request."""
        open_instead(self, ExplorerScreen(f"docker://{self._unknown}", self._platform))

    def action_compare(self) -> None:
        """Ask what to compare with: another image, or another layer."""
        layer = self.panes.layer_list.merged_layer
        open_screens.compare(self, self._reading, self.reference, self._platform, layer)

    def action_platform(self) -> None:
        """Ask for a platform and opens the image for it."""
        find_platforms(self, self.reference, ask=True)

    def on_platforms_found(self, event: PlatformsFound) -> None:
        from layertui.ui.dialogs.choose import ChooseDialog

        def chosen(platform: str | None) -> None:
            if platform is not None:
                open_instead(self, ExplorerScreen(self.reference, platform))

        if not event.ask:
            found = 0 if isinstance(event.platforms, LayertuiError) else len(event.platforms)
            if self._reading.failure is not None and found > 1:
                self._show_failure(
                    Content(visible(failure_text(self._reading.failure))), "p selects a platform, "
                )
        elif isinstance(event.platforms, LayertuiError):
            self.notify(visible(failure_text(event.platforms)), severity="error", markup=False)
        elif len(event.platforms) < 2:
            self.notify("No other platforms.", markup=False)
        else:
            at_hand = str(self._reading.image.platform) if self._reading.image is not None else ""
            open_above(self, ChooseDialog("Platform", event.platforms, at_hand), chosen)

    async def action_leave(self) -> None:
        """Leave the detail, then the screen."""
        if self.forget_awaited() or self.panes.leave_detail(keeps_detail=bool(self.way)) or self.go_back():
            return
        await navigator(self).action_back()

    def action_step(self, by: int) -> None:
        """Go to the next or previous finding."""
        self.step(by)

    # Leaving and returning

    def inside(self) -> "Inside | None":
        """Return what the finder can find in the image."""
        from layertui.ui.finder.items import Inside

        image = self._reading.image
        if image is None:
            return None
        layer = self.panes.layer_list.merged_layer
        reading = self._reading
        return Inside(image, reading.union, layer, reading.sizes, self.show_path, self.show_layer)

    def position(self) -> object:
        return self.panes.position()

    def return_to(self, position: object) -> None:
        self.panes.return_to(position)

    def show_way(self) -> None:
        self._tell()

    # What is reported

    def _image_warnings(self) -> list[ImageWarning]:
        reading = self._reading
        found = (
            [ImageWarning(EMPTY, "", failure_text(reading.failure), failed=True)]
            if reading.failure is not None
            else []
        )
        if reading.image is not None:
            found += image_warnings(reading.image, self.panes.layer_list.states, reading.union)
        return found

    def _tell(self) -> None:
        """Update the header."""
        self._warnings = len(self._image_warnings())
        self._show_header()
        self.panes.show_sizes(self._reading.sizes)
        self._show_strip()
        self.refresh_bindings()

    def _show_header(self) -> None:
        reading, progress = self._reading, None
        if not reading.ended and reading.failure is None:
            progress = self.panes.layer_list.progress
        totals = Totals(reading.paths, reading.sizes, self._warnings, self._base, self._system, progress)
        self.query_one(ImageHeader).show(self.reference, reading.image, totals, self.way)
