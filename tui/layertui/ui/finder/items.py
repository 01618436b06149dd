"""The items of the finder, and which of them match a query."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from layertui.model.history_step import step_text
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.text.matching import match_rank

if TYPE_CHECKING:
    from layertui.model.image import Image
    from layertui.model.sizes import Bytes
    from layertui.union.model import LayerUnion

MOST_FOUND = 200
"""Most items that are listed."""
FINDABLE_KINDS = ("image", "recent", "package", "path", "layer", "file", "command", "reference", "transport")
"""In the order in which equally good matches are listed."""


@dataclass(frozen=True, slots=True)
class Findable:
    """Something to open. All texts may be hostile."""

    kind: str
    text: str
    note: str = ""
    is_deleted: bool = False
    """Whether it is a path that the final tree does not have."""
    reference: str = ""
    """What to open, if it is an image."""
    run: Callable[[], object] | None = None
    """What to do, if it is anything else."""


Ranked = tuple[int, Findable]


def rank(query: str, items: Iterable[Findable]) -> list[Ranked]:
    """Return the items that match all words of a query, with their rank; odd ranks are of directories."""
    found = []
    words = query.lower().split()
    for item in items:
        ranks = [match_rank(word, item.text) for word in words]
        if None not in ranks:
            found.append((2 * sum(each or 0 for each in ranks), item))
    return found


def best(found: Iterable[Ranked]) -> list[Findable]:
    """Return the best items, each text of a kind once."""
    order = {kind: at for at, kind in enumerate(FINDABLE_KINDS)}
    ranked = heapq.nsmallest(
        MOST_FOUND, found, key=lambda each: (each[0], order[each[1].kind], len(each[1].text), each[1].text)
    )
    opened: set[str] = set()
    items = []
    for _rank, item in ranked:
        if item.reference and item.reference in opened:
            continue  # an image that was opened before, or is in two engines under one name
        opened.add(item.reference)
        items.append(item)
    return items


@dataclass(frozen=True, slots=True)
class Inside:
    """The image that is open: what can be found in it, and how to go there."""

    image: "Image"
    union: "LayerUnion | None"
    layer: LayerNumber
    """The one that is selected."""
    sizes: "Sequence[Bytes]"
    """Bytes of all layers, base first; empty: not known."""
    show_path: Callable[[bytes, LayerNumber], object]
    show_layer: Callable[[LayerNumber], object]

    def paths(self, query: str, job: Job) -> list[Ranked]:
        """Return the paths of all layers that match a query. Raises :class:`Cancelled`."""
        from layertui.union.path_ranking import find_paths

        if self.union is None:
            return []
        union = self.union
        found = []
        for quality, node in find_paths(union, query, MOST_FOUND, job):
            newest = union.last_by(node, union.layers)
            top = LayerNumber(union.ev_layer[newest])
            is_deleted = union.at(node, union.layers) < 0
            layer = self.layer if union.last_by(node, self.layer) >= 0 else top
            path = union.path(node)
            run = partial(self.show_path, path.encode("utf-8", "surrogateescape"), layer)
            note = f"deleted by layer {top}" if is_deleted else f"layer {top}"
            is_directory = union.end[node] > node + 1
            found.append((2 * quality + is_directory, Findable("path", path, note, is_deleted, run=run)))
        return found

    def layers(self) -> Sequence[Findable]:
        """Return the layers, each with its step."""
        steps = [(each.layer, step_text(each)) for each in self.image.history if each.layer]
        return [
            Findable("layer", f"{layer} {step}", run=partial(self.show_layer, layer))
            for layer, step in steps
            if layer
        ]
