"""Follow a symlink inside an image hop by hop, to show the way."""

from collections.abc import Iterator
from typing import NamedTuple

from layertui.model.errors import LayertuiError
from layertui.model.numbers import NO_NODE, Event, LayerNumber, Node
from layertui.union.model import LayerUnion


class Hop(NamedTuple):
    """One symlink that was followed."""

    target: str
    """Target of the symlink, as stored."""
    node: Node
    """The path that it leads to, itself not followed; -1 if there is none."""
    why: str
    """Why the symlink cannot be followed; empty if it can."""


def follow_links(union: LayerUnion, event: Event, layer: LayerNumber) -> Iterator[Hop]:
    """Yield each hop from the symlink of ``event`` on, in the merged tree of layers 1 to ``layer``.

    The last hop leads to something other than a symlink, or has a reason in ``why``.
    """
    visited = {union.ev_node[event]}
    while (linkname := union.linkname(event)) is not None:
        target = linkname.decode("utf-8", "surrogateescape")
        directory = union.path(union.parent[union.ev_node[event]])
        try:
            path = target if target.startswith("/") else f"{directory}/{target}"
            node = union.resolve(path, layer, follow=False)
        except LayertuiError as error:
            yield Hop(target, NO_NODE, str(error))
            return
        if node in visited:
            yield Hop(target, NO_NODE, f"back at {union.path(node)}, a symlink loop")
            return
        visited.add(node)
        yield Hop(target, node, "")
        event = union.at(node, layer)
