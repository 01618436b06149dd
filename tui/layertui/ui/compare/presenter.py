"""What the tree of a comparison shows besides the entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from layertui.model.numbers import LayerNumber, Node
from layertui.text.format import count_text
from layertui.ui.tree.presenter import LayerPresenter, change_counts

if TYPE_CHECKING:
    from layertui.compare.rows import ComparedRows
    from layertui.model.entry import Entry
    from layertui.ui.widgets.lines import Span
    from layertui.union.tree_rows import TreeRows


class ComparedPresenter:
    """Presents the rows of two images, whose sums stand for their layers: A is 1, B is 2."""

    columns: Mapping[str, int] = {"time": 16, "size": 7, "growth": 8}
    filter_hint = LayerPresenter.filter_hint.replace("layer:3, ", "")

    def titles(self, rows: TreeRows) -> tuple[str, Sequence[Span]]:
        if rows.view == "merged":
            paths = count_text(rows.merged.paths(), "path")
            return "All paths of A and B", [(f"{paths} in B", "quiet")]
        return "Differences", change_counts(rows) or [("no path", "quiet")]

    def name_style(self, rows: TreeRows, node: Node, entry: Entry) -> str:
        return "" if rows.merged.marks[node] else "quiet"  # the mark tells the side

    def where(self, layer: LayerNumber) -> str:
        return " in A"

    def growth(self, rows: TreeRows, node: Node) -> int:
        return cast("ComparedRows", rows).growth(node)

    def bytes_below(self, rows: TreeRows, node: Node) -> None:
        return None

    def why_empty(self, rows: TreeRows) -> str:
        return "No differences. v shows all paths." if rows.view == "changes" else "Both are empty."

    def no_change(self, rows: TreeRows) -> str:
        return "No differences here."
