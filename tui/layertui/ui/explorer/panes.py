"""The three panes of an image: layers, tree at the selected layer, detail."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.text.sanitize import visible
from layertui.ui.detail.pane import DetailPane
from layertui.ui.explorer.layer_list import LayerList
from layertui.ui.explorer.loading import ImagePresenter, TreeSource
from layertui.ui.failures import failure_text
from layertui.ui.keys import bind
from layertui.ui.navigator import navigator
from layertui.ui.stack import open_above
from layertui.ui.tree.presenter import LayerPresenter
from layertui.ui.tree.rows_view import TreePlace
from layertui.ui.tree.split_view import TreeSplitView
from layertui.ui.tree.view import TreeView
from layertui.ui.worker.background import background, computing

if TYPE_CHECKING:
    from layertui.insight.sizes import SizeMap
    from layertui.model.sizes import Bytes
    from layertui.ui.settings import ExplorerSettings, Settings
    from layertui.ui.worker.reading import Reading
    from layertui.union.tree_rows import TreeRows

_LAYER = Binding.Group("layer")
_PATIENCE = 0.25
"""Seconds of reading before a provisional tree is shown: most images have been read by then."""


@dataclass(frozen=True, slots=True)
class Position:
    """What is selected in the panes."""

    step: int
    """Number of the history entry."""
    place: "TreePlace | None"
    """In the tree, once there are rows."""
    focused: Widget | None


class ImagePanes(TreeSplitView):
    """Show a :class:`~layertui.ui.worker.reading.Reading`; the tree follows the layers, the detail the tree."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind(
            "left_square_bracket,comma",
            "layer(-1)",
            "lower layer",
            show=False,
            tooltip="Lower layer",
            group=_LAYER,
        ),
        bind(
            "right_square_bracket,full_stop",
            "layer(1)",
            "upper layer",
            show=False,
            tooltip="Upper layer",
            group=_LAYER,
        ),
        bind(
            "x",
            "extract",
            "extract",
            show=False,
            tooltip="Extract path (in Layers: the layer's changes)",
        ),
    ]

    def __init__(self) -> None:
        self.layer_list = LayerList(id="layers")
        super().__init__(self.layer_list, DetailPane(id="detail"), ImagePresenter(self.layer_list))
        self._reading: Reading | None = None
        self._shown: TreeSource | None = None  # what the tree is made of
        self._building: TreeSource | None = None  # of which rows are being computed
        self._has_waited = False  # long enough to show what is provisional
        self._wanted: tuple[bytes, LayerNumber, int] | None = (
            None  # a path, layer and line to show once they are merged
        )

    def on_mount(self) -> None:
        settings = navigator(self).settings.explorer
        self.layer_list.order(settings.layers == "newest", settings.steps)
        self._detail_wanted = settings.detail
        self.call_after_refresh(background, self, _import_rest, name="import")
        self.set_timer(_PATIENCE, self._wait_no_longer)

    def save_to(self, settings: "Settings") -> None:
        """Put how the panes are arranged into the settings."""
        explorer, rows = settings.explorer, self.tree_view.rows
        explorer.layers = "newest" if self.layer_list.newest_first else "oldest"
        explorer.steps = self.layer_list.steps_wanted
        explorer.detail = self._detail_wanted
        if rows is not None and rows.sort != "growth":  # which only Compare has
            explorer.view, explorer.sort, explorer.reverse = rows.view, rows.sort, rows.is_reversed

    @property
    def busy(self) -> bool:
        """Whether something is still being computed or shown."""
        return self._building is not None or super().busy

    # What is shown

    def show(self, reading: "Reading") -> None:
        """Show the image of a reading; after a reload the positions are kept."""
        assert reading.image is not None
        again, self._reading = self._reading is not None, reading
        if again:
            self.layer_list.show_reread(reading.image)
        else:
            self.layer_list.show(reading.image)
        if self._wanted is not None:
            self._want(*self._wanted)
        self.refresh_bindings()
        self.grow()

    def grow(self) -> None:
        """Show what has arrived."""
        self._follow()

    def _follow(self, has_moved: bool = False) -> None:
        """Have the tree show the selected layer; rows of other layers are computed in a thread, one at a time."""
        source = self._source(has_moved)
        if source is None or self._building is not None:
            return  # follows the running one
        if source.has_union_of(self._shown):
            self._shown = source
            self.tree_view.move(source.layer)
        elif source.union is None and source.index is None and self._shown is None:
            failed = self._reading is not None and self._reading.failure is not None
            self.tree_view.say(self.layer_list.waiting, failed)
        else:
            self._building = source
            settings = navigator(self).settings.explorer

            def build(_job: Job) -> "TreeRows":
                with computing:
                    rows = source.rows()
                    _arrange(rows, settings)
                    return rows

            background(self, build, self._show_rows, self._fail, name="rows")

    def _source(self, has_moved: bool) -> TreeSource | None:
        """Return what to show: the merged tree if the layers up to the selected one are read, else that layer alone.

        The newest layer stands for the image: before it is read, the layers read so far are shown in its
        place. If the tree has the focus by then, it stays until all is read or another layer is selected.
        """
        reading, layer = self._reading, self.layer_list.merged_layer
        if reading is None or reading.image is None:
            return None
        union, index = reading.union, reading.indexes.get(layer)
        if union is not None and layer <= union.layers:
            return TreeSource(layer, union)
        if union is not None and layer == len(reading.image.layers):
            shows_some = self._shown is not None and self._shown.union is not None
            if index is None or (shows_some and not has_moved and self._focused is self.tree_view):
                return TreeSource(union.layers, union)
        return TreeSource(layer, None, index) if layer and self._has_waited else None

    def _wait_no_longer(self) -> None:
        self._has_waited = True
        self._follow()

    def show_progress(self) -> None:
        """Show how far the selected layer has been read, where its tree will be."""
        if self._shown is None:
            self._follow()
        elif self._shown.union is None and self._shown.index is None:
            self.tree_view.refresh()

    def _fail(self, error: LayertuiError) -> None:
        self._building = None
        self.tree_view.say(failure_text(error), failed=True)

    def _show_rows(self, rows: "TreeRows") -> None:
        assert self._reading is not None and self._reading.image is not None
        self._shown, self._building = self._building, None
        self.tree_view.image_layers = len(self._reading.image.layers)
        self.tree_view.show(rows)
        self._follow()  # the user has moved meanwhile, or more has arrived

    def show_sizes(self, sizes: "Sequence[Bytes]") -> None:
        """Show the bytes of all layers, base first; empty: not known yet."""
        if sizes != self.layer_list.sizes:
            self.layer_list.sizes = sizes
            if self.detail.shows_layer:
                self._follow_focus()

    def show_size_map(self, sizes: "SizeMap") -> None:
        """Show live and dead bytes in the tree."""
        presenter = self.tree_view.presenter
        if isinstance(presenter, LayerPresenter):
            presenter.sizes = sizes
            self.tree_view.repaint()

    def show_layer(self, layer: LayerNumber) -> None:
        """Go to a layer."""
        self.layer_list.go_to_layer(layer)
        self.layer_list.focus()

    def show_path(self, path: bytes, layer: LayerNumber, line: int = 0) -> None:
        """Go to an absolute path at ``layer``, hidden or not.

        Waits for the layer to be merged, unless the user moves meanwhile. The detail shows what is in ``line`` of
        the file, unless that is 0. ``EMPTY`` stands for the last layer of the image.
        """
        self._want(path, layer, line)
        self.tree_view.focus()
        self.detail.show_layer(-1)  # the path, also if the focus is set below another screen
        self._show_wanted()

    def _want(self, path: bytes, layer: LayerNumber, line: int) -> None:
        if layer == EMPTY and self._reading is not None and self._reading.image is not None:
            layer = LayerNumber(len(self._reading.image.layers))
        self._wanted = (path, layer, line)
        self.layer_list.go_to_layer(layer)

    def position(self) -> "Position":
        """Return what is selected, and where the focus is."""
        return Position(self.layer_list.step, self.tree_view.place(), self._focused)

    def return_to(self, position: object) -> None:
        """Select what was selected."""
        assert isinstance(position, Position)
        self._wanted = None
        self.layer_list.go_to_step(position.step)
        if position.place is not None:
            self.tree_view.return_to(position.place)
        if position.focused is not None:
            self.screen.set_focus(position.focused)

    @property
    def follows_places(self) -> bool:
        """Whether n and N go to the places of another screen: not while there is a filter, or in the detail."""
        rows = self.tree_view.rows
        is_filtered = rows is not None and bool(rows.query.strip())
        return not is_filtered and self._focused in (self.layer_list, self.tree_view)

    def _show_wanted(self) -> None:
        if self._wanted is None or self._reading is None:
            return
        path, layer, line = self._wanted
        rows = self.tree_view.rows
        if self.layer_list.merged_layer != layer:
            self._wanted = None
        elif rows is not None and rows.merged.union.layers >= layer and not rows.merged.union.is_alone:
            self._wanted = None
            union, said = rows.merged.union, path.decode("utf-8", "surrogateescape")
            node = union.find(said)
            if node < 0 or union.last_by(node, layer) < 0:
                self.notify(f"{visible(said)} is in no layer up to {layer}.", markup=False)
            else:
                self._follow(has_moved=True)
                self.tree_view.go_to(node)
                if line:
                    self._want_detail(True)
                    self.detail.read_line(node, layer, line)

    def on_layer_list_highlighted(self) -> None:
        self._follow(has_moved=True)
        self._follow_focus()

    def on_descendant_focus(self) -> None:
        self._follow_focus()

    def _follow_focus(self) -> None:
        """Show the layer in the detail while the layers have the focus, else the path."""
        if self._focused is self.layer_list:
            layers = self.layer_list
            self.detail.show_layer(layers.step if layers.merged_layer else -1, layers.sizes)
        elif self._focused is not None and self.tree_pane in self._focused.ancestors:
            self.detail.show_layer(-1)

    def on_layer_list_opened(self) -> None:
        self._zoom(None)
        self.tree_view.focus()

    def on_tree_view_highlighted(self, event: TreeView.Highlighted) -> None:
        from layertui.ui.detail.subject import Subject

        merged, reading = event.rows.merged, self._reading
        had, self.subject = self.subject is not None, None
        if (
            reading is not None
            and reading.image is not None
            and merged.layer
            and reading.has_read(merged.union)
        ):
            contents = reading.contents_of(merged.union)
            self.subject = Subject(reading.image, merged.union, contents, merged.layer, event.node)
        self._show_subject()
        self._show_wanted()
        if had != (self.subject is not None):
            self.refresh_bindings()

    def on_detail_pane_compared(self, event: DetailPane.Compared) -> None:
        rows = self.tree_view.rows
        if rows is not None and rows.merged.union is event.subject.union:
            self.tree_view.settle(event.subject.merged_layer, event.subject.contents.same)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the actions that need an image until there is one."""
        if action == "extract":
            return self.subject is not None
        if self._reading is None and action in ("detail", "layer", "tab"):
            return False
        return super().check_action(action, parameters)

    def action_extract(self) -> None:
        """Extract the selected path; in Layers, the layer's changes."""
        from layertui.ui.dialogs.extract import extract_changes, extract_path

        if self.subject is None:
            return
        if self.subject.union.is_alone:
            self.notify("The layers below are still being read.", markup=False)
        elif self._focused is not self.layer_list:
            open_above(self, extract_path(self.subject))
        elif (layer := self.layer_list.merged_layer) <= self.subject.union.layers:
            open_above(self, extract_changes(self.subject, layer))
        else:
            self.notify(f"Layer {layer} has not been loaded yet.", markup=False)

    def action_layer(self, by: int) -> None:
        """Upper layer or below the one available."""
        self.layer_list.go_to_layer(LayerNumber(self.layer_list.merged_layer + by))


def _arrange(rows: "TreeRows", settings: "ExplorerSettings") -> None:
    if settings.view != rows.view and settings.view in rows.views:
        rows.show(settings.view)
    if (settings.sort, settings.reverse) != (rows.sort, rows.is_reversed):
        rows.order_by(settings.sort, settings.reverse)


def _import_rest(_job: Job) -> None:
    """Import what later frames need, ahead of time."""
    for name in (
        "layertui.verify.layer",
        "layertui.content.read",
        "layertui.ui.tree.paint",
        "layertui.ui.detail.subject",
        "layertui.ui.detail.tabs",
    ):
        with computing:
            importlib.import_module(name)
