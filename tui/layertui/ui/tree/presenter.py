"""What a file tree shows besides the entries: columns, colors, titles, messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from layertui.model.numbers import ROOT, LayerNumber, Node
from layertui.model.sizes import Bytes
from layertui.text.format import count_text

if TYPE_CHECKING:
    from layertui.insight.sizes import SizeMap
    from layertui.model.entry import Entry
    from layertui.ui.widgets.lines import Span
    from layertui.union.tree_rows import TreeRows


FILTER_HELP = (
    "The filter finds a text in names (with a slash, in paths), globs (*.conf, "
    "/etc/**), regular expressions in paths (~^/etc/.*conf$), layer:3, change:added (modified, content, attributes, mode, owner, mtime, deleted, repeated), size:>1M and "
    "type:symlink; of several terms all must match. Capitals matter if there are any."
)
"""The filter of paths, in the help of screens with a tree."""


class RowPresenter(Protocol):
    """Describes rows in the terms of what they come from: the layers of one image, or two images."""

    columns: Mapping[str, int]
    """Columns right of the names, and the width of each in cells."""
    filter_hint: str
    """Examples of a filter."""

    def titles(self, rows: TreeRows) -> tuple[str, Sequence[Span]]:
        """Return what is shown, and how much of it there is."""

    def name_style(self, rows: TreeRows, node: Node, entry: Entry) -> str:
        """Return the style of a name."""

    def where(self, layer: LayerNumber) -> str:
        """Return, for the end of a phrase, where the version of ``layer`` comes from."""

    def growth(self, rows: TreeRows, node: Node) -> int:
        """Return the bytes by which a path grew; 0 where nothing is compared."""

    def bytes_below(self, rows: TreeRows, node: Node) -> tuple[Bytes, int] | None:
        """Return the live and dead bytes at and below a path, and those of the longest bar; ``None``: not known."""

    def why_empty(self, rows: TreeRows) -> str:
        """Return why there is nothing but the root, and the next key."""

    def no_change(self, rows: TreeRows) -> str:
        """Return that there is no change to go to."""


class LayerPresenter:
    """Presents the rows of one image at a layer."""

    columns: Mapping[str, int] = {"time": 16, "layer": 4, "bar": 10, "size": 7}
    filter_hint = "text, *.conf, /etc/**, ~regex, layer:3, change:added, size:>1M, type:symlink"

    def __init__(self) -> None:
        self.sizes: SizeMap | None = None
        """Live and dead bytes of the image, once they have been added up."""

    def titles(self, rows: TreeRows) -> tuple[str, Sequence[Span]]:
        merged = rows.merged
        if rows.view == "merged":
            counts = change_counts(rows)
            paths = count_text(merged.paths(), "path")
            return f"Merged tree at layer {merged.layer}", [
                (f"{paths}  " if counts else paths, "quiet"),
                *counts,
            ]
        if rows.view == "changes":
            return f"Changes of layer {merged.layer}", change_counts(rows) or [("none", "quiet")]
        return f"All paths of layers 1–{merged.layer}", [(f"{rows.hidden():,} hidden", "quiet")]

    def name_style(self, rows: TreeRows, node: Node, entry: Entry) -> str:
        return f"layer:{entry.layer}"

    def where(self, layer: LayerNumber) -> str:
        return f", layer {layer}"

    def growth(self, rows: TreeRows, node: Node) -> int:
        return 0

    def bytes_below(self, rows: TreeRows, node: Node) -> tuple[Bytes, int] | None:
        if self.sizes is None or self.sizes.union is not rows.merged.union:
            return None
        return self.sizes.below(node), self.sizes.below(ROOT).size

    def why_empty(self, rows: TreeRows) -> str:
        layer = rows.merged.layer
        if rows.view == "changes":
            return f"Layer {layer} changes nothing. v shows all paths."
        return f"The merged tree at layer {layer} is empty."

    def no_change(self, rows: TreeRows) -> str:
        return f"Layer {rows.merged.layer} changes nothing here."


def change_counts(rows: TreeRows) -> list[Span]:
    """Return how many paths changed, by kind of change: ``+3 −1 =2``; empty for none."""
    from layertui.ui.detail.words import change_spans
    from layertui.union.changes import Mark

    counts = rows.merged.changes_below(ROOT)
    if rows.view == "changes":
        counts[Mark.REPEATED] = rows.merged.marks.count(Mark.REPEATED, 1)
    return change_spans({mark: count for mark, count in counts.items() if count})
