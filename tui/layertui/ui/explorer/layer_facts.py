"""The details of a step and its layer, and the warnings of an image, as pages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from layertui.model.numbers import EMPTY, LayerNumber
from layertui.text.format import age_text, count_text, size_text
from layertui.text.sanitize import visible, visible_lines
from layertui.ui.explorer.layer_list import LayerState
from layertui.ui.widgets.lines import Document, Line, Span

if TYPE_CHECKING:
    from layertui.model.image import HistoryEntry, Image, Layer
    from layertui.model.layer_index import LayerIndex
    from layertui.union.model import LayerUnion

_GUTTER = 13


class Oddity(NamedTuple):
    """A warning or damage of an image. The texts may be hostile."""

    layer: LayerNumber
    """0 for the image as a whole."""
    path: str
    text: str
    failed: bool = False
    """Damage: something is missing or cannot be trusted."""


def oddities(
    image: "Image", states: dict[LayerNumber, LayerState], union: "LayerUnion | None"
) -> list[Oddity]:
    """Return the damage and warnings known so far: damage first, then by layer."""
    found = [
        Oddity(number, "", state.problem, failed=True) for number, state in states.items() if state.problem
    ]
    found += [Oddity(EMPTY, "", warning) for warning in image.warnings]
    if union is not None:
        found += [Oddity(warning.layer, warning.path, warning.text) for warning in union.warnings]
    return found


def oddities_document(found: Sequence[Oddity]) -> Document:
    """Return the warnings, each under its path."""
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
    """Return everything known about a history entry and its layer."""
    entry = image.history[step]
    lines = _rows(_step_facts(entry))
    if entry.layer is None:
        lines += _rows([("layer", ["none (config only)"], "quiet")])
        return Document(lines, _GUTTER, wrap=True)
    layer = image.layers[entry.layer - 1]
    facts = [
        ("layer", [f"{layer.number} of {len(image.layers)}"], ""),
        *_size_facts(layer, index),
        *_identity_facts(layer),
        _check_fact(layer, state),
    ]
    return Document([*lines, Line(), *_rows(facts)], _GUTTER, wrap=True)


_Fact = tuple[str, Iterable[str], str]
"""A name, safe values (none: the fact is left out), and their style."""


def _rows(facts: Iterable[_Fact]) -> list[Line]:
    """Return a line for each value; the name stands before the first."""
    return [
        Line([(value, style)], [(" " if number else name, "quiet")])
        for name, values, style in facts
        for number, value in enumerate(values)
    ]


def _step_facts(entry: "HistoryEntry") -> Iterator[_Fact]:
    recorded = entry.created_by if entry.recorded else ""
    if recorded:
        yield "step", visible_lines(recorded), ""
    else:
        yield "step", ["not recorded"], "quiet"
    yield "comment", visible_lines(entry.comment) if entry.comment else [], ""
    yield "author", [visible(entry.author)] if entry.author else [], ""
    yield "created", [_moment(entry.created)] if entry.created else [], ""


def _size_facts(layer: "Layer", index: "LayerIndex | None") -> Iterator[_Fact]:
    size, is_stored = layer.descriptor.size, layer.measured == "as stored"
    known = f"{size_text(size)} ({size:,} bytes)" + ("" if is_stored else f" {layer.measured}")
    yield "stored" if is_stored else "size", [known if size >= 0 else "unknown size"], ""
    if index is not None and not layer.missing:
        packed = f", {index.compression}" if index.compression else ""
        unpacked = f", {size_text(index.tar_size)} unpacked" if index.compression else ""
        entries = count_text(index.count, "entry", "entries")
        yield "holds", [f"{entries}, {size_text(sum(index.size))} of files{packed}{unpacked}"], ""


def _identity_facts(layer: "Layer") -> Iterator[_Fact]:
    """Yield what a layer is called, and where it is stored."""
    descriptor = layer.descriptor
    yield "media type", [visible(descriptor.media_type)] if descriptor.media_type else [], ""
    yield "digest", [visible(descriptor.digest) or "unknown"], ""
    yield "diff ID", [visible(layer.diff_id) or "unknown"], ""
    yield "chain ID", [visible(layer.chain_id) or "unknown"], ""
    yield "stored at", _places(layer), ""
    yield "fetched from", map(visible, descriptor.urls), ""
    yield "annotations", (visible(f"{name}={value}") for name, value in descriptor.annotations.items()), ""


def _check_fact(layer: "Layer", state: LayerState | None) -> _Fact:
    """Return whether a layer's bytes have the digest that the image names."""
    if state is not None and state.problem:
        return "problem", [visible(state.problem)], "deleted"
    if state is not None and state.checked:
        return "checked", ["✓ matches the digest of the image"], ""
    if not layer.descriptor.digest and not layer.diff_id:
        return "checked", ["no: no digest known"], "quiet"
    return "checked", ["not verified"], "quiet"


def _places(layer: "Layer") -> list[str]:
    if layer.unpacked is not None:
        return [visible(layer.unpacked.location)]
    return [visible(layer.blob.location)] if layer.blob is not None else []


def _moment(created: str) -> str:
    age = age_text(created)
    return age if age == visible(created) else f"{age} ({visible(created)})"
