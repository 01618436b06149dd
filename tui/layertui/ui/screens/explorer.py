"""One image: its layers, the merged tree, and the detail of a path."""

import importlib
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events, getters
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from layertui.errors import LayertuiError
from layertui.reference import ENGINES
from layertui.safe import visible
from layertui.sources import UnknownName
from layertui.ui.app import LayertuiApp
from layertui.ui.keys import Legend
from layertui.ui.layer_text import Oddity, layer_document, oddities, oddities_document
from layertui.ui.loader import LayerIndexed, LayerProgress, LoadDone, Loader, LoadFailed, UnionReady
from layertui.ui.text import count_text, size_text
from layertui.ui.verifier import LayerVerified, verifiable, verify_layers
from layertui.ui.widgets.detail import DetailPane, Subject
from layertui.ui.widgets.image_header import ImageHeader, Totals
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.widgets.layer_list import LayerList
from layertui.ui.widgets.tree_pane import TreePane
from layertui.ui.widgets.tree_view import TreeView

if TYPE_CHECKING:
    from layertui.content.read import Contents
    from layertui.image import Image
    from layertui.layers.index import LayerIndex
    from layertui.union import Union
    from layertui.union.rows import Rows

WIDE = 160
"""Columns from which the detail stands beside the tree."""
NARROW = 100
"""Columns below which the tree stands under the layers."""
TALL = 32
"""Lines from which the detail has room of its own on a terminal that is not wide."""


@dataclass(slots=True)
class Anew:
    """What has come of an image that is read again."""

    image: "Image | None" = None
    indexes: "dict[int, LayerIndex]" = field(default_factory=dict)
    union: "Union | None" = None


class ExplorerScreen(Screen[None]):
    """Explores the image that ``reference`` names; shows of it what is known while it is read."""

    HELP: ClassVar[str] = (
        "The layers of an image, newest first, the file tree that a container sees with the layer at hand on "
        "top, and the detail of the path at hand. Moving in the layers moves the tree; a step without a layer "
        "stands for the layer below it."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "a layer, in its colour: paths have that of the layer they come from"),
        ("▶", "$accent", "the layer at hand"),
        ("·", "$quiet", "a step that made no layer"),
        ("+ ~ −", "$modified", "added, modified, deleted by the layer at hand"),
        ("=", "$quiet", "stored again by it, and nothing differs"),
        ("✓", "$quiet", "the layer's bytes have the digest that the image names; without it: not checked"),
        ("…", "$quiet", "the layer is still to be read"),
        ("✗", "$deleted", "its entries are missing, end early, or cannot be trusted"),
        ("⚠", "$modified", "engines disagree about the image, or it is not valid"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "detail", "detail", tooltip="Show or hide the detail"),
        Binding("left_square_bracket,comma", "layer(-1)", "layer below", tooltip="Go to the layer below"),
        Binding("right_square_bracket,full_stop", "layer(1)", "layer above", tooltip="Go to the layer above"),
        Binding(
            "i", "facts", "layer facts", tooltip="All that is recorded of the step and the layer at hand"
        ),
        Binding("exclamation_mark", "warnings", "warnings", tooltip="What is odd about the image"),
        Binding("p", "platform", "platform", show=False, tooltip="Open the image for another platform"),
        Binding("a", "attachments", "attachments", show=False, tooltip="Signatures, SBOMs and attestations"),
        Binding("R", "reread", "read again", show=False, tooltip="Read the image or container as it is now"),
        Binding("y", "registry", "look it up", tooltip="Look the name up in its registry"),
        Binding("A", "anatomy", "anatomy", show=False, tooltip="How the image is organised, step by step"),
        Binding("V", "verify", "verify", show=False, tooltip="Recompute every digest of the image"),
        *(
            Binding(
                str(number), f"tab({number - 1})", f"detail {number}", show=False, tooltip=f"Detail: {name}"
            )
            for number, name in enumerate(("changes", "diff", "versions", "preview", "details"), 1)
        ),
        Binding(
            "escape", "leave", "back", show=False, tooltip="Out of the detail, then to the screen before"
        ),
    ]
    CSS_PATH = Path(__file__).with_name("explorer.tcss")
    app = getters.app(LayertuiApp)

    class Opened(Message):
        """The config and manifest have been read, or could not be."""

        def __init__(self, result: "Image | LayertuiError") -> None:
            super().__init__()
            self.result = result

    class Platforms(Message):
        """The platforms that the image is for, as far as its source says; ``ask`` which of them is wanted."""

        def __init__(self, platforms: list[str], ask: bool) -> None:
            super().__init__()
            self.platforms = platforms
            self.ask = ask

    class RowsReady(Message):
        """The tree of a union, at some layer."""

        def __init__(self, rows: "Rows") -> None:
            super().__init__()
            self.rows = rows

    def __init__(self, reference: str, platform: str | None = None, layer: str = "") -> None:
        """``platform`` in place of the app's, ``os/arch[/variant]``; ``layer`` to begin at, by its ID in a store."""
        super().__init__()
        self.reference = reference
        self.loaded = False
        """Whether all that can be read has been."""
        self._platform = platform
        self._first_layer = layer
        self._loader: Loader | None = None
        self._stop = threading.Event()
        self._image: Image | None = None
        self._indexes: dict[int, LayerIndex] = {}
        self._union: Union | None = None
        self._contents: Contents | None = None
        self._anew: Anew | None = None  # what has come since it is read again
        self._unknown = ""  # a bare name that nothing here has
        self._building: Union | None = None  # the union whose rows a thread works out
        self._subject: Subject | None = None
        self._failure: LayertuiError | None = None
        self._totals = Totals()
        self._detail_wanted: bool | None = None  # None: where it has room of its own

    def compose(self) -> ComposeResult:
        yield ImageHeader()
        with Container(id="panes"):
            yield LayerList(id="layers")
            yield TreePane(id="tree", classes="pane")
            yield DetailPane(id="detail")
        yield Static(classes="message failed")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(".message").display = False
        self.query_one(LayerList).focus()
        self._tree.say("Opening …")
        self._tell()
        self.call_after_refresh(self._start)

    def on_unmount(self) -> None:
        self._stop.set()
        if self._loader is not None:
            self._loader.close()

    def on_resize(self, event: events.Resize) -> None:
        self._arrange(event.size)

    def _arrange(self, size: Size) -> None:
        """Gives the panes their places (see explorer.tcss)."""
        wide, short = size.width >= WIDE, size.height < TALL
        self.set_class(wide, "-wide")
        self.set_class(size.width < NARROW, "-narrow")
        self.set_class(short and not wide, "-short")
        wanted = self._detail_wanted
        self.set_class(wide or not short if wanted is None else wanted, "-detail")
        self.call_after_refresh(self._show_subject)

    @property
    def _layers(self) -> LayerList:
        return self.query_one(LayerList)

    @property
    def _tree(self) -> TreeView:
        return self.query_one(TreeView)

    @property
    def _detail(self) -> DetailPane:
        return self.query_one(DetailPane)

    # Opening and reading

    def _start(self) -> None:
        """Opens the image here, for what is told of it, and has it read in a process of its own."""
        reference, platform = self.reference, self._platform or self.app.platform

        def run() -> None:
            from layertui.sources import open_image

            try:
                result: Image | LayertuiError = open_image(reference, platform)
            except LayertuiError as error:
                result = error
            self.post_message(self.Opened(result))
            importlib.import_module("layertui.content.read")  # wanted soon; too long for between two frames

        threading.Thread(target=run, name="open", daemon=True).start()
        self._loader = Loader(self, reference, platform, self.app.cache)
        self._loader.start()

    def on_explorer_screen_opened(self, event: Opened) -> None:
        if isinstance(event.result, LayertuiError):
            self._fail(event.result)
            if isinstance(event.result, UnknownName) and self._image is None:
                self._unknown = self.reference
                self._say_failure(event.result, f"y to look it up at docker://{self._unknown}, ")
                self.refresh_bindings()
            return
        if self._failure is not None:
            return  # the process that reads it has been faster to fail
        if self._anew is not None:
            self._anew.image = event.result
            self._take_anew()
            return
        image = self._image = event.result
        self._layers.show(image)
        self._layers.go_to_layer(_number_of(image, self._first_layer))
        for number, index in self._indexes.items():
            self._note_index(number, index)
        if self._union is None:
            self._tree.say("Reading the layers …")
        self._take_union()
        self._tell()
        if self.loaded:
            self._look_closer(image)

    def on_layer_progress(self, event: LayerProgress) -> None:
        if event.layer == 0:
            self._note_arrival(event.done, event.total)
        state = self._layers.states.get(event.layer)
        if state is not None and not state.read:
            state.done, state.total = event.done, event.total
            self._layers.update()

    def _note_arrival(self, done: int, total: int) -> None:
        """How much an engine has sent of the stream that brings all layers."""
        if self._image is not None and self._image.transport in ENGINES:
            of = f" of about {size_text(total)}" if total >= done else ""
            self._layers.note = f"{ENGINES[self._image.transport]} sends {size_text(done)}{of}"
            self._layers.update()

    def on_layer_indexed(self, event: LayerIndexed) -> None:
        if self._anew is not None:
            self._anew.indexes[event.layer] = event.index
            return
        self._indexes[event.layer] = event.index
        self._note_index(event.layer, event.index)
        self._tell()

    def _note_index(self, number: int, index: "LayerIndex") -> None:
        """What reading a layer found out about it."""
        from layertui.layers.verify import was_checked

        state = self._layers.states.get(number)
        if self._image is not None and state is not None:
            state.read, state.problem = True, index.damage
            state.checked = was_checked(self._image.layers[number - 1], index)
            self._layers.update()

    def on_union_ready(self, event: UnionReady) -> None:
        if self._anew is not None:
            self._anew.union = event.union
            self._take_anew()
            return
        self._union = event.union
        self._take_union()
        self._tell()

    def on_load_done(self, event: LoadDone) -> None:
        self.loaded = True
        self._totals.paths, self._totals.reclaimable = event.paths, event.reclaimable
        if self._image is not None and self._anew is None:
            self._layers.note = ""
            self._look_closer(self._image)

    def on_load_failed(self, event: LoadFailed) -> None:
        self._fail(event.error)

    def _fail(self, error: LayertuiError) -> None:
        """Says it where the image would be; what has been read of it stays."""
        self.loaded = True
        if self._failure is not None:
            return  # the process that reads met the same
        self._failure = error
        self._anew, self._layers.note = None, ""
        if self._loader is not None:
            self._loader.close()
        if self._image is not None:
            self._layers.failure = str(error)
            self._layers.update()
            self._tree.say(str(error), failed=True)
            self._tell()
            return
        self._say_failure(error)
        self._find_platforms(ask=False)
        self.query_one("#panes").display = False
        self.set_focus(None)
        self.refresh_bindings()

    def _say_failure(self, error: LayertuiError, keys: str = "") -> None:
        keys = f"Press {keys}o to open another image, escape to go back."
        message = self.query_one(".message", Static)
        message.update(Content(f"{visible(str(error))}\n\n").append(Content.styled(keys, "$quiet")))
        message.display = True

    def action_reread(self) -> None:
        """Reads all anew, as it is now; what is shown stays until that is there."""
        self._stop.set()
        self._stop = threading.Event()
        if self._loader is not None:
            self._loader.close()
        self.loaded, self._failure, self._layers.failure = False, None, ""
        if self._image is None:
            self.query_one(".message").display = False
            self.query_one("#panes").display = True
            self._layers.focus()
            self._tree.say("Opening …")
        else:
            self._anew, self._layers.note = Anew(), "reading again …"
            self._layers.update()
        self._start()

    def _take_anew(self) -> None:
        """Puts what has been read again in the place of what was there, once all of it has come."""
        anew = self._anew
        if anew is None or anew.image is None or anew.union is None:
            return
        if anew.union.layers < len(anew.image.layers):
            return
        self._anew, self._layers.note = None, ""
        self._image, self._union, self._indexes, self._contents = anew.image, anew.union, anew.indexes, None
        self._layers.show_anew(anew.image)
        for number, index in anew.indexes.items():
            self._note_index(number, index)
        self._take_union()
        self._tell()
        if self.loaded:
            self._look_closer(anew.image)

    # The tree

    def _take_union(self) -> None:
        """Goes on with the union that has come; its tree is worked out in a thread, one at a time."""
        union, image = self._union, self._image
        if union is None or image is None:
            return
        if self._contents is None:
            from layertui.content.read import Contents

            self._contents = Contents(image, union.indexes, union)
        else:
            self._contents.grow(union.indexes, union)
        if self._building is not None:
            return  # comes after the one under way
        self._building = union
        layer = min(self._layers.merged_layer, union.layers)

        def run() -> None:
            from layertui.union.merged import Merged
            from layertui.union.rows import Rows

            self.post_message(self.RowsReady(Rows(Merged(union, layer))))

        threading.Thread(target=run, name="rows", daemon=True).start()

    def on_explorer_screen_rows_ready(self, event: RowsReady) -> None:
        assert self._image is not None
        union = event.rows.merged.union
        at = event.rows.merged.layer
        self._tree.show(event.rows, len(self._image.layers))
        self._layers.merged = union.layers
        self._layers.update()
        if at != min(self._layers.merged_layer, union.layers):  # somebody has moved meanwhile
            self._move()
        self._building = None
        if self._union is not union:
            self._take_union()

    def _move(self) -> None:
        """Shows the tree at the layer at hand, or the highest there is so far."""
        self._tree.move(min(self._layers.merged_layer, self._layers.merged))

    def on_layer_list_highlighted(self) -> None:
        self._move()

    def on_layer_list_opened(self) -> None:
        self._tree.focus()

    def on_tree_view_highlighted(self, event: TreeView.Highlighted) -> None:
        merged = event.rows.merged
        self._subject = None
        if self._image is not None and self._contents is not None and merged.layer:
            self._subject = Subject(self._image, merged.union, self._contents, merged.layer, event.node)
        self._show_subject()

    def on_tree_view_opened(self) -> None:
        self._want_detail(True)
        self.call_after_refresh(self._detail.focus)

    def on_detail_pane_compared(self, event: DetailPane.Compared) -> None:
        rows = self._tree.rows
        if rows is not None and rows.merged.union is event.subject.union:
            self._tree.settle(event.subject.merged_layer, event.subject.contents.same)

    # The detail

    def _show_subject(self) -> None:
        """Tells about the path at hand, if the detail is there to tell it."""
        if self.has_class("-detail") and self._detail.subject is not self._subject:
            self._detail.show(self._subject)

    def _want_detail(self, wanted: bool) -> None:
        self._detail_wanted = wanted
        self._arrange(self.size)
        if (self._detail.has_focus and not wanted) or (self._layers.has_focus and self.has_class("-short")):
            self._tree.focus()  # what has the focus goes

    def action_detail(self) -> None:
        """Shows the detail, or hides it."""
        self._want_detail(not self.has_class("-detail"))

    def action_tab(self, tab: int) -> None:
        """Shows a tab of the detail."""
        self._want_detail(True)
        self._detail.action_tab(tab)

    # Other keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to do without an image; no warnings where nothing is odd."""
        if action == "registry":
            return bool(self._unknown)
        if action == "warnings":
            return self._totals.warnings > 0
        if action in ("detail", "layer", "facts", "tab", "attachments", "anatomy", "verify", "change"):
            return self._image is not None
        return True

    def action_layer(self, by: int) -> None:
        """Goes to the layer above or below the one at hand."""
        self._layers.go_to_layer(self._layers.merged_layer + by)

    def action_change(self, step: Literal[1, -1]) -> None:
        """Goes to the next path that the layer changed, or the one before, wherever the focus is."""
        self._tree.action_change(step)

    def action_facts(self) -> None:
        """Shows all that is recorded of the step at hand."""
        from layertui.ui.screens.reader import ReaderDialog

        layers, image = self._layers, self._image
        if image is None or layers.step < 0:
            return
        number = image.history[layers.step].layer
        state = layers.states[number] if number is not None else None
        document = layer_document(image, layers.step, state, self._indexes.get(number or 0))
        title = f"Layer {number}" if number is not None else "Step without a layer"
        self.app.push_screen(ReaderDialog(title, document, len(image.layers), "i"))

    def action_warnings(self) -> None:
        """Shows what is odd about the image."""
        from layertui.ui.screens.reader import ReaderDialog

        found = self._oddities()
        layers = len(self._image.layers) if self._image is not None else 1
        title = count_text(len(found), "warning")
        self.app.push_screen(ReaderDialog(title, oddities_document(found), layers, "exclamation_mark"))

    def action_attachments(self) -> None:
        """Lists what is attached to the image."""
        from layertui.ui.screens.attachments import AttachmentsDialog

        assert self._image is not None
        self.app.push_screen(AttachmentsDialog(self._image))

    def action_registry(self) -> None:
        """Looks the name up in its registry, which nobody is asked before this."""
        self.app.switch_screen(ExplorerScreen(f"docker://{self._unknown}", self._platform))

    def action_anatomy(self) -> None:
        """Shows how the image is organised; comes back at a layer that one went to."""
        from layertui.anatomy import system
        from layertui.ui.screens.anatomy import AnatomyScreen

        def came_back(layer: int | None) -> None:
            if layer is not None:
                self._layers.go_to_layer(layer)
                self._layers.focus()

        assert self._image is not None
        told = None
        if self.loaded and self._union is not None and self._contents is not None:
            told = partial(system, self._union, self._contents)
        self.app.push_screen(AnatomyScreen(self._image, told), came_back)

    def action_verify(self) -> None:
        """Recomputes every digest of the image, and shows what comes of it."""
        from layertui.ui.screens.verify import VerifyDialog

        if self._image is not None:
            self.app.push_screen(VerifyDialog(self._image))

    def action_platform(self) -> None:
        """Asks for a platform and opens the image for it."""
        self._find_platforms(ask=True)

    def _find_platforms(self, ask: bool) -> None:
        """Asks the source for which platforms the image is there."""
        reference = self.reference

        def run() -> None:
            self.post_message(self.Platforms(_platforms(reference), ask))

        threading.Thread(target=run, name="platforms", daemon=True).start()

    def on_explorer_screen_platforms(self, event: Platforms) -> None:
        from layertui.ui.screens.choose import ChooseDialog

        def chosen(platform: str | None) -> None:
            if platform is not None:
                self.app.switch_screen(ExplorerScreen(self.reference, platform))

        if not event.ask:
            if self._failure is not None and len(event.platforms) > 1:
                self._say_failure(self._failure, "p to choose a platform, ")
        elif len(event.platforms) < 2:
            self.notify("The image is there for no other platform, or its source does not say.", markup=False)
        else:
            at_hand = str(self._image.platform) if self._image is not None else ""
            self.app.push_screen(ChooseDialog("Platform", event.platforms, at_hand), chosen)

    async def action_leave(self) -> None:
        """Goes back a step: out of the detail, to the screen before."""
        if self.has_class("-short") and self.has_class("-detail"):
            self._want_detail(False)
        elif self._detail.has_focus:
            self._tree.focus()
        else:
            await self.app.action_back()

    # What is told

    def _oddities(self) -> list[Oddity]:
        found = [Oddity(0, "", str(self._failure), failed=True)] if self._failure is not None else []
        if self._image is not None:
            found += oddities(self._image, self._layers.states, self._union)
        return found

    def _tell(self) -> None:
        """Brings the header up to date."""
        self._totals.warnings = len(self._oddities())
        self.query_one(ImageHeader).show(self.reference, self._image, self._totals)
        self.refresh_bindings()

    def _look_closer(self, image: "Image") -> None:
        """With all layers read: tells their sums, and checks what has not been checked."""
        states = self._layers.states
        if any(state.problem for state in states.values()):
            self._totals.reclaimable = -1
        self._tell()
        waiting = [
            layer
            for layer in image.layers
            if not states[layer.number].checked and not states[layer.number].problem and verifiable(layer)
        ]
        if waiting:
            verify_layers(self, waiting, self._stop)

    def on_layer_verified(self, event: LayerVerified) -> None:
        state = self._layers.states[event.layer]
        state.problem, state.checked = event.problem, not event.problem
        self._layers.update()
        self._tell()


def _number_of(image: "Image", identity: str) -> int:
    """The number of the layer that a store calls ``identity``, its chain ID or in ``graph/``; 0 for none."""
    for layer in image.layers:
        names = {layer.chain_id, *(Path(value).name for name, value in layer.places if name == "graph")}
        if identity and identity in names:
            return layer.number
    return 0


def _platforms(reference: str) -> list[str]:
    """The platforms that the image is for; empty if its source does not say."""
    from layertui.sources import list_images

    try:
        rows = list(list_images(reference))
    except LayertuiError:
        return []
    rows = [row for row in rows if row.reference == reference] or rows  # the first is what was opened
    return list(dict.fromkeys(str(platform) for row in rows[:1] for platform in row.platforms))
