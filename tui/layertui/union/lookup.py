"""Look up what a user typed, a path or the number of a layer; errors name what exists."""

from __future__ import annotations

from contextlib import suppress

from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.numbers import ROOT, Event, LayerNumber, Node
from layertui.text.matching import similar_names
from layertui.union.model import LayerUnion
from layertui.union.symlinks import follow_links


def layer_number(image: Image, number: int | None, lowest: int = 1) -> LayerNumber:
    """Return the number of an existing layer; the top for None.

    Raises :class:`LayertuiError` that names the existing layers.
    """
    highest = len(image.layers)
    if number is None:
        return LayerNumber(highest)
    if lowest <= number <= highest:
        return LayerNumber(number)
    if not highest:
        raise LayertuiError(f"no layer {number}", f"{image.name} has no layers")
    also = ", 0 is the empty tree" if lowest == 0 else ""
    raise LayertuiError(f"no layer {number}", f"the layers of {image.name} are 1 to {highest}{also}")


def layer_range(image: Image, start: int | None, stop: int | None) -> tuple[LayerNumber, LayerNumber]:
    """Return ``--from`` and ``--to`` as layers; by default the top, and the layer below ``--to``."""
    last = layer_number(image, stop, 0)
    return layer_number(image, max(last - 1, 0) if start is None else start, 0), last


def find(union: LayerUnion, path: str, layer: LayerNumber) -> Node:
    """Return the node of a path in any layer; parent symlinks are resolved at ``layer``.

    Raises :class:`LayertuiError` that names the nearest existing path.
    """
    node = union.find(path)
    if node < 0:
        above, _, name = path.rstrip("/").rpartition("/")
        with suppress(LayertuiError):  # printed below
            node = _child(union, union.resolve(above, layer), name)
    if node < 0:
        raise _missing(union, path, layer)
    return node


def find_shown(union: LayerUnion, path: str, layer: LayerNumber, follow: bool = True) -> Node:
    """Return the node of a path in the merged tree of layers 1 to ``layer``; with ``follow``, of its link target.

    Raises :class:`LayertuiError` that says why it does not exist, and names the nearest path.
    """
    try:
        return union.resolve(path, layer, follow=follow)
    except LayertuiError:
        raise _missing(union, path, layer) from None


def _missing(union: LayerUnion, path: str, layer: LayerNumber) -> LayertuiError:
    """Return why a path does not exist in the merged tree of layers 1 to ``layer``, and what is near."""
    what = f"no {path} at layer {layer}"
    if not union.layers:
        return LayertuiError(what, "the image has no layers")
    above = ROOT
    for name in filter(None, path.split("/")):
        child = above if name == "." else _child(union, above, name)
        if child < 0:
            kind = "" if union.is_directory(union.at(above, layer)) else ", which is not a directory"
            shown = [union.name(each) for each in union.children(above) if union.at(each, layer) >= 0]
            folder = union.path(above).rstrip("/")
            similar = [f"{folder}/{each}" for each in similar_names(name, shown)]
            remedy = f"did you mean {' or '.join(similar)}" if similar else ""
            return LayertuiError(what, f"nearest existing path: {union.path(above)}{kind}", remedy)
        event = union.at(child, layer)
        if event < 0:
            gone = union.ev_layer[union.last_by(child, layer)]
            return LayertuiError(
                what,
                f"layer {gone} deletes {union.path(child)}",
                f"see --layer {gone - 1}",
            )
        if union.linkname(event) is not None:
            *_, hop = follow_links(union, event, layer)
            if hop.node < 0:
                return LayertuiError(what, f"{union.path(child)} links to {hop.target}", hop.why)
            child = hop.node
        above = child
    return LayertuiError(what)


def _child(union: LayerUnion, directory: Node, name: str) -> Node:
    """Return the node of a name in a directory; -1 if no layer has it."""
    if name == "..":
        return max(union.parent[directory], ROOT)
    key = union.key(directory)
    raw = name.encode("utf-8", "surrogateescape")
    return union.find_key(key + b"\0" + raw if key else raw)


def versions(union: LayerUnion, node: Node) -> list[Event]:
    """Return the last event of a path in each layer that has one, base first. Raises :class:`LayertuiError` for none."""
    events = union.versions(node)
    if not events:  # the root of no layers
        raise _missing(union, union.path(node), union.layers)
    return list({union.ev_layer[event]: event for event in events}.values())
