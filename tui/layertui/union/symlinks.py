"""Where a symlink leads inside an image, step by step."""

from collections.abc import Iterator
from typing import NamedTuple

from layertui.model.errors import LayertuiError
from layertui.union.model import LayerUnion


class Hop(NamedTuple):
    """One step of the way."""

    target: str
    """What the link says, as stored."""
    node: int
    """Where that is; -1 if it leads nowhere."""
    why: str
    """Why it leads nowhere."""


def follow_links(union: LayerUnion, event: int, layer: int) -> Iterator[Hop]:
    """Each hop from the symlink of ``event`` on, in the merged tree of layers 1 to ``layer``.

    The last hop is at what is no symlink, leads nowhere, or is where the way has been before.
    """
    been = {union.ev_node[event]}
    while (linkname := union.linkname(event)) is not None:
        target = linkname.decode("utf-8", "surrogateescape")
        above = union.path(union.parent[union.ev_node[event]])
        try:
            node = union.resolve(
                target if target.startswith("/") else f"{above}/{target}", layer, follow=False
            )
        except LayertuiError as error:
            yield Hop(target, -1, str(error))
            return
        if node in been:
            yield Hop(target, -1, f"back at {union.path(node)}, it goes round in circles")
            return
        been.add(node)
        yield Hop(target, node, "")
        event = union.at(node, layer)
