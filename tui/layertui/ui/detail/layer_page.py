"""The selected layer: its whole command, what it changed, where its bytes are, its IDs."""

from collections.abc import Iterator
from contextlib import suppress

from layertui.insight.sizes import SizedFile, SizeMap
from layertui.model.errors import LayertuiError
from layertui.model.history_step import step_text
from layertui.model.image import HistoryEntry, Layer
from layertui.model.job import Job
from layertui.model.sizes import Bytes
from layertui.text.format import age_text, share_text, size_text
from layertui.text.sanitize import visible, visible_lines
from layertui.ui.detail.changes import Summaries, summary_line
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.detail.subject import Subject
from layertui.ui.widgets.bars import two_part_bar
from layertui.ui.widgets.lines import Span
from layertui.union.model import LayerUnion

_GUTTER = 10
_LISTED = 20
"""Largest files that are listed."""
_BAR = 12
"""Cells of a bar."""


class SizeMaps:
    """Cache of the size map of one union."""

    def __init__(self) -> None:
        self._known: SizeMap | None = None

    def of(self, union: LayerUnion, job: Job) -> SizeMap:
        """Return the sizes of a union. Raises :class:`Cancelled`."""
        if self._known is None or self._known.union is not union:
            self._known = SizeMap(union, job)
        return self._known


def pages(subject: Subject, step: int, summaries: Summaries, maps: SizeMaps, job: Job) -> Iterator[Page]:
    """Yield the page without sizes, then with them, then with all changes compared.

    ``step`` is the selected history entry.
    """
    summary, sizes = summaries.of(subject), None
    yield _build(subject, step, sizes).page(summary_line(subject, summary))
    if subject.union.layers == len(subject.image.layers):  # else what is live is not known yet
        sizes = maps.of(subject.union, job)
        yield _build(subject, step, sizes).page(summary_line(subject, summary))
    if summary.undecided:
        with suppress(LayertuiError):  # the heading says how many remain
            summary = summaries.settle(subject, job)
            yield _build(subject, step, sizes).page(summary_line(subject, summary))


def _build(subject: Subject, step: int, sizes: SizeMap | None) -> PageBuilder:
    build = PageBuilder(_GUTTER)
    entry = subject.image.history[step]
    _command(build, entry)
    if entry.layer is None:
        build.add((f"no layer; below it is layer {subject.merged_layer}", "quiet"))
    if sizes is not None and sizes.layers:
        found = sizes.layers[subject.merged_layer - 1]
        largest = max(layer.size for layer in sizes.layers)
        bar = two_part_bar(found, largest, _BAR, f"layer:{subject.merged_layer}")
        build.add(*_parts(found), ("  ", ""), *bar, gutter=[("size", "quiet")])
        _files(build, sizes.files_of(subject.merged_layer, _LISTED))
    _identity(build, subject.image.layers[subject.merged_layer - 1])
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
    created = age_text(entry.created)
    if entry.created:
        build.add(
            (f"{created} ({visible(entry.created)})", ""), gutter=[("created", "quiet")], value=entry.created
        )


def _parts(size: Bytes) -> list[Span]:
    if not size.dead:
        return [(size_text(size.size), "bold"), (" live" if size.live else "", "quiet")]
    return [
        (size_text(size.size), "bold"),
        (" = ", "quiet"),
        (f"{size_text(size.live)} live", "added"),
        (" + ", "quiet"),
        (f"{size_text(size.dead)} dead ({share_text(size.dead, size.size)})", "deleted"),
    ]


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
    stored = size_text(layer.descriptor.size) if layer.descriptor.size >= 0 else "unknown"
    location = layer.unpacked.location if layer.unpacked is not None else ""
    location = layer.blob.location if layer.blob is not None else location
    for name, value in (
        ("digest", layer.descriptor.digest),
        ("diff ID", layer.diff_id),
        ("chain ID", layer.chain_id),
        ("stored", f"{stored} {layer.measured}"),
        ("at", location),
    ):
        if value:
            build.add((visible(value), ""), gutter=[(name, "quiet")], value=value)
