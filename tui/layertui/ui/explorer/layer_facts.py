"""What is recorded of a step and its layer, and what is odd about an image, to be read."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from layertui.model.numbers import EMPTY, LayerNumber
from layertui.text.format import age_text, count_text, size_text
from layertui.text.sanitize import visible, visible_lines
from layertui.ui.explorer.layer_list import LayerState
from layertui.ui.widgets.lines import Document, Line, Span

if TYPE_CHECKING:
    from layertui.model.image import Image, Layer
    from layertui.model.layer_index import LayerIndex
    from layertui.union.model import LayerUnion

_GUTTER = 13


class Oddity(NamedTuple):
    """Something odd about an image. The texts may be hostile."""

    layer: LayerNumber
    """0 for the image as a whole."""
    path: str
    text: str
    failed: bool = False
    """Not only odd: something cannot be shown, or cannot be trusted."""


def oddities(
    image: "Image", states: dict[LayerNumber, LayerState], union: "LayerUnion | None"
) -> list[Oddity]:
    """All that is odd about an image as far as it has been read: damage first, then as layers go."""
    found = [
        Oddity(number, "", state.problem, failed=True) for number, state in states.items() if state.problem
    ]
    found += [Oddity(EMPTY, "", warning) for warning in image.warnings]
    if union is not None:
        found += [Oddity(warning.layer, warning.path, warning.text) for warning in union.warnings]
    return found


def oddities_document(found: Sequence[Oddity]) -> Document:
    """The oddities, each under its path."""
    lines: list[Line] = []
    for oddity in found:
        gutter: list[Span] = [("image", "quiet")]
        if oddity.layer:
            gutter = [("▌", f"layer:{oddity.layer}"), (f"layer {oddity.layer}", f"layer:{oddity.layer}")]
        if oddity.path:
            lines.append(Line([(visible(oddity.path), "bold")], gutter))
            gutter = [("", "")]
        lines.append(Line([(visible(oddity.text), "deleted" if oddity.failed else "")], gutter))
    return Document(lines, _GUTTER, wrap=True)


def layer_document(
    image: "Image", step: int, state: LayerState | None, index: "LayerIndex | None"
) -> Document:
    """All that is known of a history entry and the layer that it made."""
    entry = image.history[step]
    lines: list[Line] = []

    def add(name: str, values: Iterable[str], style: str = "") -> None:
        label = name
        for value in values:
            lines.append(Line([(value, style)], [(label, "quiet")]))
            label = " "

    recorded = entry.created_by if entry.recorded else ""
    add("step", visible_lines(recorded) if recorded else ["not recorded"], "" if recorded else "quiet")
    add("comment", visible_lines(entry.comment) if entry.comment else [])
    add("author", [visible(entry.author)] if entry.author else [])
    add("created", [_moment(entry.created)] if entry.created else [])
    if entry.layer is None:
        add("layer", ["none: it changed the config alone"], "quiet")
        return Document(lines, _GUTTER, wrap=True)
    lines.append(Line())
    layer = image.layers[entry.layer - 1]
    add("layer", [f"{layer.number} of {len(image.layers)}"])
    size = layer.descriptor.size
    is_stored = layer.measured == "as stored"
    known = f"{size_text(size)} ({size:,} bytes)" + ("" if is_stored else f" {layer.measured}")
    add("stored" if is_stored else "size", [known if size >= 0 else "unknown size"])
    if index is not None and not layer.missing:
        packed = f", {index.compression}" if index.compression else ""
        unpacked = f", {size_text(index.tar_size)} unpacked" if index.compression else ""
        entries = count_text(index.count, "entry").replace("entrys", "entries")
        add("holds", [f"{entries}, {size_text(sum(index.size))} of files{packed}{unpacked}"])
    add("media type", [visible(layer.descriptor.media_type)] if layer.descriptor.media_type else [])
    add("digest", [visible(layer.descriptor.digest) or "unknown"])
    add("diff ID", [visible(layer.diff_id) or "unknown"])
    add("chain ID", [visible(layer.chain_id) or "unknown"])
    add("lies in", _places(layer))
    add("fetched from", map(visible, layer.descriptor.urls))
    add("annotations", (visible(f"{name}={value}") for name, value in layer.descriptor.annotations.items()))
    if state is not None and state.problem:
        add("problem", [visible(state.problem)], "deleted")
    elif state is not None and state.checked:
        add("checked", ["✓ its bytes have the digest that the image names"])
    elif not layer.descriptor.digest and not layer.diff_id:
        add("checked", ["no: nothing names a digest of it"], "quiet")
    else:
        add("checked", ["no: its bytes have not been held against its digest"], "quiet")
    return Document(lines, _GUTTER, wrap=True)


def _places(layer: "Layer") -> list[str]:
    if layer.unpacked is not None:
        return [visible(layer.unpacked.location)]
    return [visible(layer.blob.location)] if layer.blob is not None else []


def _moment(created: str) -> str:
    age = age_text(created)
    return age if age == visible(created) else f"{age} ({visible(created)})"
