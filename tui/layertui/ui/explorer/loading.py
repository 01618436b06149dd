"""What the explorer shows while layers are read: the tree so far, and the progress of each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text
from layertui.ui.tree.presenter import LayerPresenter

if TYPE_CHECKING:
    from layertui.model.layer_index import LayerIndex
    from layertui.ui.explorer.layer_list import LayerList
    from layertui.ui.widgets.lines import Span
    from layertui.union.model import LayerUnion
    from layertui.union.tree_rows import TreeRows


@dataclass(frozen=True, slots=True, eq=False)
class TreeSource:
    """What the tree is made of."""

    layer: LayerNumber
    """The layer that it is shown at."""
    union: LayerUnion | None
    """None: the layer alone, as not all below it have been read."""
    index: LayerIndex | None = None
    """Of the layer alone; None: not read yet."""

    def rows(self) -> TreeRows:
        """Return the rows; takes microseconds for each entry of a layer alone."""
        from layertui.union.builder import union_alone
        from layertui.union.merged_tree import MergedTree
        from layertui.union.tree_rows import TreeRows

        union = self.union or union_alone(self.layer, self.index)
        return TreeRows(MergedTree(union, self.layer))

    def has_union_of(self, other: TreeSource | None) -> bool:
        """Return whether the rows of ``other`` only need to move to the layer."""
        if other is None or self.union is not other.union:
            return False
        return self.union is not None or (self.layer == other.layer and self.index is other.index)


class ImagePresenter(LayerPresenter):
    """Presents the rows of an image that may still be loading, with the layers that they are of in the title."""

    def __init__(self, layers: LayerList) -> None:
        super().__init__()
        self._layers = layers

    def titles(self, rows: TreeRows) -> tuple[str, Sequence[Span]]:
        merged, total = rows.merged, len(self._layers.states)
        if not merged.union.is_alone and merged.layer >= self._layers.merged_layer:
            return super().titles(rows)
        paths = count_text(merged.paths(), "path")
        if not merged.union.is_alone:
            which = f"layer {merged.layer}" if merged.layer == 1 else f"layers 1–{merged.layer}"
            return f"Provisional: {which} of {total}", [(f"{paths} so far", "quiet")]
        if not self._is_read(merged.layer):
            return f"Layer {merged.layer} of {total}", [("not read yet", "quiet")]
        from layertui.model.layer_index import Kind

        deletions = sum(map(merged.union.indexes[-1].kind.count, (Kind.WHITEOUT, Kind.OPAQUE)))
        said = f"{paths}, {count_text(deletions, 'whiteout')}" if deletions else paths
        return f"Provisional: layer {merged.layer} of {total} alone", [(said, "quiet")]

    def why_empty(self, rows: TreeRows) -> str:
        layer = rows.merged.layer
        if not rows.merged.union.is_alone:
            return super().why_empty(rows)
        if not self._is_read(layer):
            return self._layers.waiting
        if rows.merged.union.indexes[-1].count:
            return f"Layer {layer} stores whiteouts alone: what they delete is known once the layers below are read."
        return f"Layer {layer} stores nothing."

    def no_change(self, rows: TreeRows) -> str:
        if rows.merged.union.is_alone:
            return "Nothing of the layer is here so far."
        return super().no_change(rows)

    def _is_read(self, layer: LayerNumber) -> bool:
        state = self._layers.states.get(layer)
        return state is not None and state.read
