"""The facts of an image, of a step and its layer, and the warnings of an image, as pages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from layertui.model.numbers import EMPTY, LayerNumber
from layertui.sources.assemble import is_read_write
from layertui.text.format import age_text, count_text, size_text
from layertui.text.sanitize import visible, visible_lines
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.explorer.layer_list import LayerState
from layertui.ui.widgets.facts import Fact
from layertui.ui.widgets.lines import Document, Line, Span

if TYPE_CHECKING:
    from layertui.model.image import HistoryEntry, Image, Layer
    from layertui.model.layer_index import LayerIndex
    from layertui.union.model import LayerUnion

_GUTTER = 13


class ImageWarning(NamedTuple):
    """A warning or damage of an image. The texts may be hostile."""

    layer: LayerNumber
    """0 for the image as a whole."""
    path: str
    text: str
    failed: bool = False
    """Damage: something is missing or cannot be trusted."""


def image_warnings(
    image: "Image", states: dict[LayerNumber, LayerState], union: "LayerUnion | None"
) -> list[ImageWarning]:
    """Return the damage and warnings known so far: damage first, then by layer."""
    found = [
        ImageWarning(number, "", state.problem, failed=True)
        for number, state in states.items()
        if state.problem
    ]
    found += [ImageWarning(EMPTY, "", warning) for warning in image.warnings]
    if union is not None:
        found += [ImageWarning(warning.layer, warning.path, warning.text) for warning in union.warnings]
    return found


def warnings_document(found: Sequence[ImageWarning]) -> Document:
    """Return the warnings, each under its path."""
    lines: list[Line] = []
    for warning in found:
        gutter: list[Span] = [("image", "quiet")]
        if warning.layer:
            gutter = [("▌", f"layer:{warning.layer}"), (f"layer {warning.layer}", f"layer:{warning.layer}")]
        if warning.path:
            lines.append(Line([(visible(warning.path), "bold")], gutter))
            gutter = [("", "")]
        lines.append(Line([(visible(warning.text), "deleted" if warning.failed else "")], gutter))
    return Document(lines, _GUTTER, wrap=True)


def image_page(
    image: "Image", base: str, step: int, state: LayerState | None, index: "LayerIndex | None"
) -> Page:
    """Return the facts of the image, and everything known about a history entry and its layer (-1: none).

    ``base`` is the base image; empty if unknown.
    """
    from layertui.ui.images.image_facts import image_facts

    build = PageBuilder(_GUTTER)
    build.add((visible(image.name), "bold"))
    for fact in [*image_facts(image, ""), *([Fact("base", [base])] if base else [])]:
        for number, value in enumerate(fact.values):
            name = " " if number else fact.name
            build.add((visible(value), fact.style.replace("$", "")), gutter=[(name, "quiet")], value=value)
    if step >= 0:
        _add_step(build, image, image.history[step], state, index)
    return build.page()


def _add_step(
    build: PageBuilder,
    image: "Image",
    entry: "HistoryEntry",
    state: LayerState | None,
    index: "LayerIndex | None",
) -> None:
    layer = image.layers[entry.layer - 1] if entry.layer is not None else None
    build.add()
    build.add((f"Layer {layer.number} of {len(image.layers)}" if layer else "Step without a layer", "bold"))
    facts = list(_step_facts(entry))
    if layer is not None:
        facts += [_access_fact(layer, entry), *_size_facts(layer, index)]
        facts += [*_identity_facts(layer), _check_fact(layer, state)]
    if entry.id:
        facts.append(("image ID", [visible(entry.id)], ""))
    for name, values, style in facts:
        for number, value in enumerate(values):
            build.add((value, style), gutter=[(" " if number else name, "quiet")], value=value)


_Fact = tuple[str, Iterable[str], str]
"""A name, safe values (none: the fact is left out), and their style."""


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
    if size >= 0 or index is None:
        yield "stored" if is_stored else "size", [known if size >= 0 else "unknown"], ""
    if index is not None and not layer.missing:
        packed = f", {index.compression}" if index.compression else ""
        unpacked = f", {size_text(index.tar_size)} unpacked" if index.compression else ""
        entries = count_text(index.count, "entry", "entries")
        yield "contents", [f"{entries}, {size_text(sum(index.size))} of files{packed}{unpacked}"], ""


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


def _access_fact(layer: "Layer", entry: "HistoryEntry") -> _Fact:
    """Return what a container may do to a layer."""
    if is_read_write(layer, entry):
        return "access", ["read-write: changes and whiteouts go here"], ""
    return "access", ["read-only"], ""


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
