"""The reading of an explorer's image: opening, loading layers, failing, reloading."""

from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from layertui.model.errors import LayertuiError, SeveralImages
from layertui.model.job import Job
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.model.reference import ENGINE_NAMES
from layertui.text.format import size_text
from layertui.text.sanitize import visible
from layertui.ui.explorer.image_screen import ImageScreen
from layertui.ui.explorer.panes import ImagePanes
from layertui.ui.failures import failure_table, failure_text
from layertui.ui.navigator import navigator
from layertui.ui.theme.layers import LayerRoles
from layertui.ui.worker.background import background, computing
from layertui.ui.worker.loader import (
    LayerIndexed,
    LayerProgress,
    LoadDone,
    LoadFailed,
    LoadProgress,
    UnionReady,
)
from layertui.ui.worker.platforms import find_platforms
from layertui.ui.worker.reading import ImageArrives, ImageOpened, Reading
from layertui.ui.worker.verifier import verifiable, verify_layers

if TYPE_CHECKING:
    from layertui.dockerfile.base import Base
    from layertui.insight.sizes import SizeMap
    from layertui.model.identity import Identity
    from layertui.model.image import Image, Layer
    from layertui.model.layer_index import LayerIndex


class ReadingScreen(ImageScreen):
    """Open and read an image, and show in its panes what has been read."""

    def __init__(self, reference: str, platform: str | None, layer: str, identity: "Identity | None") -> None:
        """``platform`` in place of the app's, ``os/arch[/variant]``; ``layer`` to begin at, by its ID in a store.

        ``identity``: the image to open, until it is reloaded; without it, whichever ``reference`` names now.
        """
        super().__init__(reference, platform)
        self.panes = ImagePanes()
        self._first_layer = layer
        self._reading = Reading(self, reference, identity)
        self._pinned = identity is not None
        self._rereading: Reading | None = None  # replaces the current reading once it is complete
        self._base = ""  # the base image
        self._system = ""  # the distribution
        self._unknown = ""  # a bare name that was not found locally

    @property
    def reading(self) -> Reading:
        return self._reading

    def _tell(self) -> None:
        """Show in the header what is known of the image."""
        raise NotImplementedError

    def _show_header(self) -> None:
        """Show in the header how far reading is."""
        raise NotImplementedError

    def _show_failure(self, failure: Content | None, keys: str = "") -> None:
        """Show in place of the image why it cannot be opened, and the keys that help; None: show the panes."""
        raise NotImplementedError

    def on_compose(self) -> None:
        """Open the image while the panes are made."""
        self._start(self._reading)

    def on_mount(self) -> None:
        self.panes.tree_view.say("Opening …")
        opened = self._reading.opened
        if opened is not None and not isinstance(opened, LayertuiError):  # in time for the first frame
            self.on_image_opened(ImageOpened(opened))
        self._tell()

    def on_unmount(self) -> None:
        self._close()

    def _close(self) -> None:
        for reading in self._reading, self._rereading:
            if reading is not None:
                reading.close()

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
                self._show_failure(table, f"Y looks it up at docker://{self._unknown}, ")
                self.refresh_bindings()
            elif isinstance(event.result, SeveralImages) and self._reading.image is None:
                self._choose_image(event.result)
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

    def _choose_image(self, error: SeveralImages) -> None:
        """Ask which of several images to show."""
        raise NotImplementedError

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
        self._show_failure(Content(visible(failure_text(error))))
        find_platforms(self, self.reference, ask=False)
        self.refresh_bindings()

    def action_reload(self) -> None:
        """Reload; what is shown stays until the new image has been read."""
        self._close()
        reading = Reading(self, self.reference)
        if self._reading.image is None:
            self._reading = reading
            self._show_failure(None)
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

    # Leaving and returning

    @property
    def stays(self) -> bool:
        """Whether the image has been read whole, so that nothing is to be read when it is shown again."""
        return self._reading.complete and self._rereading is None and not self._pinned

    @property
    def image_shown(self) -> str:
        """Empty where opening the name again may show something else: after a failure, or if pinned."""
        return "" if self._pinned or self._reading.failure is not None else self.reference

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
            verify_layers(self, waiting, self._note_verified, self._reading.job)
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

    def _note_verified(self, layer: "Layer", problem: str) -> None:
        """Show that all bytes of a layer have been read: what is wrong, empty if verified."""
        state = self.panes.layer_list.states[layer.number]
        state.problem, state.checked = problem, not problem
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
