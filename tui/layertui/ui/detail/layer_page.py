"""The selected layer: its whole command, what it changed, where its bytes are, its IDs."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from layertui.insight.size_rows import SizedFile
from layertui.insight.sizes import largest_files
from layertui.model.errors import LayertuiError
from layertui.model.history_step import step_text
from layertui.model.image import HistoryEntry, Layer
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.model.sizes import Bytes
from layertui.text.format import age_text, size_text
from layertui.text.sanitize import visible, visible_lines
from layertui.ui.detail.changes import Summaries, summary_line
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.detail.subject import Subject, layer_at
from layertui.ui.widgets.bars import parts_spans, two_part_bar
from layertui.ui.widgets.lines import Line

_GUTTER = 10
_LISTED = 20
"""Largest files that are listed."""
_BAR = 12
"""Cells of a bar."""


def pages(
    subject: Subject, step: int, layers: Sequence[Bytes], summaries: Summaries, job: Job
) -> Iterator[Page]:
    """Yield the page, then again with all changes compared.

    ``step`` is the selected history entry, ``layers`` the bytes of each layer (empty: not known yet).
    """
    number = layer_at(subject.image, step)
    build = _build(subject, step, number, layers)
    if subject.union.is_alone or number > subject.union.layers:
        said = "what it changes is known once the layers up to it are read and merged"
        yield build.page(
            Line([("▌", f"layer:{number}"), (f"layer {number}", "bold"), (f": {said}", "quiet")])
        )
        return
    subject = replace(subject, merged_layer=number)  # the tree may not have followed yet
    summary = summaries.of(subject)
    yield build.page(summary_line(subject, summary))
    if summary.undecided:
        with suppress(LayertuiError):  # the heading says how many remain
            summary = summaries.settle(subject, job)
            yield build.page(summary_line(subject, summary))


def _build(subject: Subject, step: int, number: LayerNumber, layers: Sequence[Bytes]) -> PageBuilder:
    build = PageBuilder(_GUTTER)
    entry = subject.image.history[step]
    _command(build, entry)
    if entry.layer is None:
        build.add((f"no layer; below it is layer {number}", "quiet"))
    if 0 < number <= len(layers):
        found = layers[number - 1]
        largest = max(layer.size for layer in layers)
        bar = two_part_bar(found, largest, _BAR, f"layer:{number}")
        build.add(*parts_spans(found), ("  ", ""), *bar, gutter=[("size", "quiet")])
        is_whole = subject.union.layers == len(layers) and not subject.union.is_alone
        if is_whole:  # else it is not known which files are live
            _files(build, largest_files(subject.union, number, _LISTED))
    _identity(build, subject.image.layers[number - 1])
    return build


def _command(build: PageBuilder, entry: HistoryEntry) -> None:
    recorded = step_text(entry) if entry.recorded else ""
    lines = visible_lines(recorded) if recorded else ["not recorded"]
    for number, line in enumerate(lines):
        build.add(
            (line, "bold" if recorded else "quiet"),
            gutter=[("" if number else "command", "quiet")],
            value=recorded if recorded and not number else None,
        )
    if entry.created:
        created = f"{age_text(entry.created)} ({visible(entry.created)})"
        build.add((created, ""), gutter=[("created", "quiet")], value=entry.created)


def _files(build: PageBuilder, files: list[SizedFile]) -> None:
    if files:
        build.add()
        build.add(("Largest files", ""), ("  dead ones struck through (enter: open)", "quiet"))
    for file in files:
        build.add(
            (visible(file.path), "" if file.is_live else "strike"),
            gutter=[(f"{size_text(file.size):>8}", "quiet")],
            event=file.event,
            value=file.path,
        )


def _identity(build: PageBuilder, layer: Layer) -> None:
    build.add()
    size = layer.descriptor.size
    is_stored = layer.measured == "as stored"
    known = size_text(size) if is_stored else f"{size_text(size)} {layer.measured}"
    location = layer.unpacked.location if layer.unpacked is not None else ""
    location = layer.blob.location if layer.blob is not None else location
    for name, value in (
        ("digest", layer.descriptor.digest),
        ("diff ID", layer.diff_id),
        ("chain ID", layer.chain_id),
        ("stored" if is_stored else "recorded", known if size >= 0 else ""),
        ("at", location),
    ):
        if value:
            build.add((visible(value), ""), gutter=[(name, "quiet")], value=value)
