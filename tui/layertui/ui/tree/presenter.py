"""What a file tree shows besides the entries: columns, colors, titles, messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from layertui.model.numbers import LayerNumber, Node
from layertui.text.format import count_text

if TYPE_CHECKING:
    from layertui.model.entry import Entry
    from layertui.union.tree_rows import TreeRows


FILTER_HELP = (
    "The filter finds a text in names (with a slash, in paths), globs (*.conf, "
    "/etc/**), regular expressions in paths (~^/etc/.*conf$), layer:3, change:added, size:>1M and "
    "type:symlink; of several terms all must match. Capitals matter if there are any."
)
"""The filter of paths, in the help of screens with a tree."""


class RowPresenter(Protocol):
    """Describes rows in the terms of what they come from: the layers of one image, or two images."""

    columns: Mapping[str, int]
    """Columns right of the names, and the width of each in cells."""
    filter_hint: str
    """Examples of a filter."""

    def titles(self, rows: TreeRows) -> tuple[str, str]:
        """Return what is shown, and how much of it there is."""

    def name_style(self, rows: TreeRows, node: Node, entry: Entry) -> str:
        """Return the style of a name."""

    def where(self, layer: LayerNumber) -> str:
        """Return, for the end of a phrase, where the version of ``layer`` comes from."""

    def growth(self, rows: TreeRows, node: Node) -> int:
        """Return the bytes by which a path grew; 0 where nothing is compared."""

    def why_empty(self, rows: TreeRows) -> str:
        """Return why there is nothing but the root, and the next key."""

    def no_change(self, rows: TreeRows) -> str:
        """Return that there is no change to go to."""


class LayerPresenter:
    """Presents the rows of one image at a layer."""

    columns: Mapping[str, int] = {"layer": 4, "permissions": 10, "owner": 9, "time": 16, "size": 7}
    filter_hint = "text, *.conf, /etc/**, ~regex, layer:3, change:added, size:>1M, type:symlink"

    def titles(self, rows: TreeRows) -> tuple[str, str]:
        merged = rows.merged
        if rows.view == "merged":
            return f"Merged tree at layer {merged.layer}", count_text(merged.paths(), "path")
        if rows.view == "changes":
            return f"Changes of layer {merged.layer}", change_counts(rows) or "none"
        return f"All paths of layers 1–{merged.layer}", f"{rows.hidden():,} hidden"

    def name_style(self, rows: TreeRows, node: Node, entry: Entry) -> str:
        return f"layer:{entry.layer}"

    def where(self, layer: LayerNumber) -> str:
        return f", layer {layer}"

    def growth(self, rows: TreeRows, node: Node) -> int:
        return 0

    def why_empty(self, rows: TreeRows) -> str:
        layer = rows.merged.layer
        if rows.view == "changes":
            return f"Layer {layer} changes nothing. v shows all paths."
        return f"The merged tree at layer {layer} is empty."

    def no_change(self, rows: TreeRows) -> str:
        return f"Layer {rows.merged.layer} changes nothing here."


def change_counts(rows: TreeRows) -> str:
    """Return how many paths changed, by kind of change: ``3 added, 1 deleted``; empty for none."""
    from layertui.union.path_filter import MARKS_OF_CHANGE

    marks = rows.merged.marks
    counts = {word: sum(marks.count(mark, 1) for mark in kinds) for word, kinds in MARKS_OF_CHANGE.items()}
    return ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
