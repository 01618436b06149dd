"""The explorer: layers, merged tree and detail of one image."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.model.reference import ENGINE_NAMES
from layertui.text.format import size_text
from layertui.text.sanitize import visible
from layertui.ui.explorer import open_screens
from layertui.ui.explorer.header import ImageHeader, Totals
from layertui.ui.explorer.image_screen import ImageScreen
from layertui.ui.explorer.layer_facts import ImageWarning, image_warnings
from layertui.ui.explorer.panes import ImagePanes
from layertui.ui.explorer.strip import LABELED, STRIPPED, LayerStrip
from layertui.ui.failures import failure_table, failure_text
from layertui.ui.keys import PLACE_KEYS, Legend, bind
from layertui.ui.navigator import navigator
from layertui.ui.stack import open_above, open_instead
from layertui.ui.theme.layers import LayerRoles
from layertui.ui.tree.presenter import FILTER_HELP
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.worker.background import background, computing
from layertui.ui.worker.loader import (
    LayerIndexed,
    LayerProgress,
    LoadDone,
    LoadFailed,
    LoadProgress,
    UnionReady,
)
from layertui.ui.worker.platforms import PlatformsFound, find_platforms
from layertui.ui.worker.reading import ImageArrives, ImageOpened, Reading
from layertui.ui.worker.verifier import LayerVerified, verifiable, verify_layers

if TYPE_CHECKING:
    from layertui.dockerfile.base import Base
    from layertui.insight.sizes import SizeMap
    from layertui.model.identity import Identity
    from layertui.model.image import Image
    from layertui.model.layer_index import LayerIndex
    from layertui.ui.finder.items import Inside
    from layertui.ui.settings import Settings


class ExplorerScreen(ImageScreen):
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
        """``platform`` in place of the app's, ``os/arch[/variant]``; ``layer`` to begin at, by its ID in a store.

        ``identity``: the image to open, until it is reloaded; without it, whichever ``reference`` names now.
        """
        super().__init__(reference, platform)
        self.panes = ImagePanes()
        self._first_layer = layer
        self._reading = Reading(self, reference, identity)
        self._pinned = identity is not None
        self._rereading: Reading | None = None  # replaces the current reading once it is complete
        self._warnings = 0
        self._base = ""  # the base image
        self._system = ""  # the distribution
        self._unknown = ""  # a bare name that was not found locally

    def on_compose(self) -> None:
        """Open the image while the panes are made."""
        self._start(self._reading)
        self.panes.fit(self.app.size)

    def compose(self) -> ComposeResult:
        yield ImageHeader()
        yield LayerStrip()
        yield self.panes
        yield Static(classes="message failed")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(".message").display = False
        self.set_focus(self.panes.layer_list)
        self.panes.tree_view.say("Opening …")
        opened = self._reading.opened
        if opened is not None and not isinstance(opened, LayertuiError):  # in time for the first frame
            self.on_image_opened(ImageOpened(opened))
        self._tell()

    def on_unmount(self) -> None:
        self._close()

    def save_to(self, settings: "Settings") -> None:
        self.panes.save_to(settings)

    def _close(self) -> None:
        for reading in self._reading, self._rereading:
            if reading is not None:
                reading.close()

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

    @property
    def reading(self) -> Reading:
        return self._reading

    def show_path(self, path: bytes, layer: LayerNumber, line: int = 0) -> None:
        """Go to a path with ``layer`` on top; see :meth:`ImagePanes.show_path`."""
        self.panes.show_path(path, layer, line)

    # Opening and reading

    def _start(self, reading: Reading) -> None:
        reading.start(self.platform, navigator(self).cache)

    def on_image_arrives(self, event: ImageArrives) -> None:
        if self._reading.image is None:
            self.panes.tree_view.say(f"Receiving … {size_text(event.received)}")

    def on_image_opened(self, event: ImageOpened) -> None:
        from layertui.sources import UnknownName

        if isinstance(event.result, LayertuiError):
            self._fail(event.result)
            if isinstance(event.result, UnknownName) and self._reading.image is None:
                self._unknown = self.reference
                table = failure_table(event.result, event.result.tried, event.result.similar)
                self._say_failure(table, f"Y looks it up at docker://{self._unknown}, ")
                self.refresh_bindings()
            return
        if self._reading.failure is not None or event.result is self._reading.image:
            return  # the worker process failed first, or it is shown already
        if self._rereading is not None:
            self._rereading.take(image=event.result)
            self._take_rereading()
            return
        self._reading.take(image=event.result)
        self._show_image(event.result)
        self._remember()
        self.panes.layer_list.go_to_layer(_number_of(event.result, self._first_layer))
        if self._reading.union is None:
            self.panes.tree_view.say("Loading layers …")

    def _remember(self) -> None:
        """Add the image to those that were opened last."""
        from layertui.cache.recent import remember

        if navigator(self).cache:
            background(self, lambda _job: remember(self.reference), name="recent")

    def _show_image(self, image: "Image") -> None:
        """Show an image as far as it has been read."""
        own = LayerNumber(len(image.layers)) if image.is_container else EMPTY
        self.layer_roles = LayerRoles(container=own)
        self.panes.show(self._reading)
        for number, index in self._reading.indexes.items():
            self._note_index(LayerNumber(number), index)
        self._tell()
        if self._reading.ended:
            self._look_closer(image)

    def on_layer_progress(self, event: LayerProgress) -> None:
        layers = self.panes.layer_list
        if event.layer == 0:
            self._note_arrival(event.done, event.total)
        state = layers.states.get(event.layer)
        if state is not None and not state.read:
            state.done, state.total, state.rate = event.done, event.total, event.rate
            layers.update_layer(event.layer)
            if event.layer == layers.merged_layer:
                self.panes.show_progress()

    def on_load_progress(self, event: LoadProgress) -> None:
        layers = self.panes.layer_list
        if self._rereading is None and not self._reading.ended and (event.rate or layers.rate is not None):
            layers.rate = event.rate
            self._show_header()

    def _note_arrival(self, done: int, total: int) -> None:
        """Show the progress of an engine's stream."""
        image = self._reading.image
        if image is not None and image.transport in ENGINE_NAMES:
            of = f" of about {size_text(total)}" if total >= done else ""
            self._note(f"{ENGINE_NAMES[image.transport]} sent {size_text(done)}{of}")

    def _note(self, text: str) -> None:
        """Show below the layers what loading waits for."""
        self.panes.layer_list.note = text
        self.panes.layer_list.update()

    def on_layer_indexed(self, event: LayerIndexed) -> None:
        reading = self._rereading or self._reading
        reading.indexes[event.layer] = event.index
        if self._rereading is None:
            self._note_index(event.layer, event.index)
            self.panes.grow()
            self._tell()

    def _note_index(self, number: LayerNumber, index: "LayerIndex") -> None:
        """Take the results of reading a layer."""
        from layertui.verify.layer import was_checked

        image, state = self._reading.image, self.panes.layer_list.states.get(number)
        if image is not None and state is not None:
            state.read, state.problem = True, index.damage
            state.checked = was_checked(image.layers[number - 1], index)
            self.panes.layer_list.update()

    def on_union_ready(self, event: UnionReady) -> None:
        (self._rereading or self._reading).take(union=event.union)
        if self._rereading is None:
            self.panes.grow()
            self._tell()

    def on_load_done(self, event: LoadDone) -> None:
        reading = self._rereading or self._reading
        reading.ended, reading.paths, reading.sizes = True, event.paths, event.sizes
        if self._rereading is not None:
            self._take_rereading()
        elif reading.image is not None:
            self._note("")
            self._look_closer(reading.image)
            self.call_later(self.run_awaited)

    def on_load_failed(self, event: LoadFailed) -> None:
        self._fail(event.error)

    def _fail(self, error: LayertuiError) -> None:
        """Show the error in place of the image; what has been read stays."""
        if self._reading.failure is not None:
            return  # the worker process reports the same
        if self._rereading is not None:
            self._rereading.close()
            self._rereading = None
        self._reading.fail(error)
        if self._reading.image is not None:
            self.panes.layer_list.failure = failure_text(error)
            self._note("")
            self.panes.tree_view.say(failure_text(error), failed=True)
            self._tell()
            return
        self._say_failure(Content(visible(failure_text(error))))
        find_platforms(self, self.reference, ask=False)
        self.panes.display = False
        self.set_focus(None)
        self.refresh_bindings()

    def _say_failure(self, failure: Content, keys: str = "") -> None:
        keys = f"{keys}o opens another image, esc goes back."
        message = self.query_one(".message", Static)
        message.update(Content.assemble(failure, "\n\n", (keys, "$quiet")))
        message.display = True

    def action_reload(self) -> None:
        """Reload; what is shown stays until the new image has been read."""
        self._close()
        reading = Reading(self, self.reference)
        if self._reading.image is None:
            self._reading = reading
            self.query_one(".message").display = False
            self.panes.display = True
            self.panes.layer_list.focus()
            self.panes.tree_view.say("Opening …")
        else:
            self._rereading = reading
            self._reading.failure, self.panes.layer_list.failure = None, ""
            self._note("reloading …")
        self._start(reading)

    def _take_rereading(self) -> None:
        """Show the reloaded image, once it is complete."""
        rereading = self._rereading
        if rereading is not None and rereading.image is not None and rereading.complete:
            self._reading, self._rereading = rereading, None
            self.panes.layer_list.note = ""
            self._show_image(rereading.image)

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
                self._say_failure(
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

    @property
    def stays(self) -> bool:  # type: ignore[override]
        """Whether the image has been read whole, so that nothing is to be read when it is shown again."""
        return self._reading.complete and self._rereading is None and not self._pinned

    @property
    def image_shown(self) -> str:  # type: ignore[override]
        return self.reference

    def put_away(self) -> None:
        self._reading.rest()

    def come_back(self) -> None:
        """Resume as it was left; reload if the name refers to another image by now."""
        from layertui.model.identity import identity_of
        from layertui.sources import open_image

        image = self._reading.image
        assert image is not None

        def look(_job: Job) -> bool:
            return identity_of(open_image(self.reference, self.platform)) == identity_of(image)

        def seen(is_same: bool) -> None:
            if not is_same and self._reading.image is image:
                self.notify(f"{visible(image.name)} has changed: reloading.", markup=False)
                self.action_reload()

        self._look_closer(image)
        background(self, look, seen, lambda _error: None, name="identity", part_of=self._reading.job)

    def inside(self) -> "Inside | None":
        """Return what the finder can find in the image."""
        from layertui.ui.finder.items import Inside

        image = self._reading.image
        if image is None:
            return None
        layer = self.panes.layer_list.merged_layer
        return Inside(image, self._reading.union, layer, self.show_path, self.show_layer)

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

    def _look_closer(self, image: "Image") -> None:
        """With all layers read: show the sums, and verify in the background."""
        states = self.panes.layer_list.states
        if any(state.problem for state in states.values()):
            self._reading.sizes = []
        self._tell()
        waiting = [
            layer
            for layer in image.layers
            if not states[layer.number].checked and not states[layer.number].problem and verifiable(layer)
        ]
        if waiting:
            verify_layers(self, waiting, self._reading.job)
        self.find_base(image)
        self._find_system()
        self._add_up()

    def _add_up(self) -> None:
        """Add up live and dead bytes by path in a thread, unless a layer could not be read."""
        reading, union = self._reading, self._reading.union
        if union is None or not reading.sizes:
            return

        def add_up(job: Job) -> "SizeMap":
            from layertui.insight.sizes import SizeMap

            with computing:
                return SizeMap(union, job)

        def added_up(sizes: "SizeMap") -> None:
            reading.size_map = sizes
            if reading is self._reading:
                self.panes.show_size_map(sizes)

        background(self, add_up, added_up, lambda _error: None, name="sizes", part_of=reading.job)

    def _find_system(self) -> None:
        """Find the distribution in a thread."""
        union, contents = self._reading.union, self._reading.contents
        if union is None or contents is None:
            return

        def find(_job: Job) -> str:
            from layertui.anatomy.chain import system

            return system(union, contents).name

        def found(name: str) -> None:
            if self._reading.union is union:
                self._system = name
                self._tell()

        background(self, find, found, lambda _error: None, name="system", part_of=self._reading.job)

    def show_base(self, image: "Image", base: "Base") -> None:
        if image is self._reading.image:
            self._base = base.name
            self.panes.layer_list.mark_base(0 if base.guess else base.steps)
            self.layer_roles = self.layer_roles._replace(base=0 if base.guess else max(base.layers, 0))
            self._tell()

    def on_layer_verified(self, event: LayerVerified) -> None:
        state = self.panes.layer_list.states[event.layer]
        state.problem, state.checked = event.problem, not event.problem
        self.panes.layer_list.update()
        self._tell()


def _number_of(image: "Image", identity: str) -> LayerNumber:
    """Return the number of the layer with a store's ID; 0 for none."""
    for layer in image.layers:
        places = (Path(value).name for name, value in layer.places if name in ("graph", "layer ID"))
        names = {layer.chain_id, layer.descriptor.digest, *places}
        if identity and identity in names:
            return layer.number
    return EMPTY
