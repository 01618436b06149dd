"""The first tab: the changes of the selected layer to the path."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rich.cells import cell_len

from layertui.content.xattrs import describe
from layertui.model.entry import Entry
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import Event, LayerNumber, Node
from layertui.text.format import count_text, facts_text, mode_text, moment, owner, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.detail.subject import Subject, chip
from layertui.ui.detail.words import CHANGE_MARKS, HOW_DELETED, absence, change_spans, path_of, sizes, step_of
from layertui.ui.widgets.lines import Line, Span
from layertui.union.changes import Mark, difference, mark_of, undecided_pairs
from layertui.union.layer_summary import LayerSummary, summarize_layer
from layertui.union.model import Absence, LayerUnion

GUTTER = 14
COLUMN = 44
"""Cells of a value beside another, at most."""
_LISTED = 1000
"""Hidden paths that are listed."""
_MADE_BY = 120
"""Cells of the step that made a layer, at most."""


class Summaries:
    """Cache of the changes of an image's layers."""

    def __init__(self) -> None:
        self._union: LayerUnion | None = None
        self._known: dict[LayerNumber, LayerSummary] = {}

    def of(self, subject: Subject) -> LayerSummary:
        """Return the sums of the chosen layer, as far as they can be told without reading contents."""
        union, layer = subject.union, subject.merged_layer
        if self._union is not union:
            self._union, self._known = union, {}
        known = self._known
        if layer not in known:
            known[layer] = summarize_layer(union, layer)
        return known[layer]

    def are_settled(self, subject: Subject) -> bool:
        """Return whether no file that the chosen layer stored again is left to be compared."""
        return self._union is subject.union and not self.of(subject).undecided

    def settle(self, subject: Subject, job: Job) -> LayerSummary:
        """Return the sums, contents compared."""
        union, layer, known = subject.union, subject.merged_layer, self._known
        pairs = undecided_pairs(union, LayerNumber(layer - 1), layer)
        subject.contents.prepare((event for pair in pairs for event in pair), job=job)
        known[layer] = summarize_layer(union, layer, subject.contents.same)
        return known[layer]


@dataclass(frozen=True, slots=True)
class _Known:
    """The changes, as far as they are known."""

    summary: LayerSummary
    settled: bool = False
    """Whether every repeated file has been compared."""
    alike: bool | None = None
    """Whether the content is unchanged; ``None`` until compared."""
    problem: str = ""
    """Why it cannot be compared."""


def pages(subject: Subject, summaries: Summaries, job: Job) -> Iterator[Page]:
    """Yield the page without reading contents, then the complete page."""
    contents = subject.contents
    summary = summaries.of(subject)
    known = _Known(summary, settled=not summary.undecided, alike=_alike_at_sight(subject))
    yield _page(subject, job, known)
    before, after = _pair(subject)
    if before >= 0 and after >= 0 and known.alike is None:
        try:
            known = replace(known, alike=contents.same(before, after, job))
        except LayertuiError as error:
            known = replace(known, problem=str(error))
        yield _page(subject, job, known)
    if known.summary.undecided:
        try:
            known = replace(known, summary=summaries.settle(subject, job), settled=True)
        except LayertuiError:
            return  # the heading says so
        yield _page(subject, job, known)


def _alike_at_sight(subject: Subject) -> bool | None:
    """Return whether the content is unchanged, if that is known without reading."""
    union = subject.union
    before, after = _pair(subject)
    if before < 0 or after < 0 or not union.ev_kind[before] == union.ev_kind[after] == Kind.FILE:
        return False
    if union.ev_inode[before] == union.ev_inode[after]:
        return True
    if union.size(before) != union.size(after):
        return False
    return None if union.size(after) else True


def _pair(subject: Subject) -> tuple[Event, Event]:
    """Return the path's versions before and after the selected layer; equal if it is unchanged."""
    union, layer, node = subject.union, subject.merged_layer, subject.node
    return union.at(node, LayerNumber(layer - 1)), union.at(node, layer)


def _page(subject: Subject, job: Job, known: _Known) -> Page:
    union, layer, node = subject.union, subject.merged_layer, subject.node
    before, after = _pair(subject)
    build = PageBuilder(GUTTER)
    last = union.last_by(node, layer)
    touched = last >= 0 and union.ev_layer[last] == layer
    if not touched and after < 0:
        build.add((path_of_node(subject), ""), (" is ", "quiet"), (absence(subject, node), "quiet"))
    elif not touched:
        whose = union.ev_layer[after]
        build.add(
            (path_of_node(subject), ""),
            (f" unchanged since layer {whose}", "quiet"),
        )
    else:
        _say_what(build, subject, before, after, last, known)
    if node and (union.end[node] - node) > 1:
        below = summarize_layer(union, layer, subject.contents.same if known.settled else None, top=node)
        if any(below.by_mark.values()) or below.undecided:
            build.add(("Below it: ", "quiet"), *counts(below))
    _table(build, subject, before if touched else after, after, known)
    _hidden(build, subject, job)
    return build.page(summary_line(subject, known.summary))


def path_of_node(subject: Subject) -> str:
    return visible(subject.union.path(subject.node))


def summary_line(subject: Subject, summary: LayerSummary) -> Line:
    """Return the summary of the layer's changes."""
    union, layer = subject.union, subject.merged_layer
    spans: list[Span] = [
        ("▌", f"layer:{layer}"),
        (f"layer {layer}", "bold"),
        (": ", "quiet"),
        *counts(summary),
    ]
    if summary.hidden == 1:
        event = summary.hidden_event
        spans += [
            (" · hides ", "quiet"),
            (path_of(subject, event), ""),
            (f" ({size_text(union.size(event))}, from layer {union.ev_layer[event]})", "quiet"),
        ]
    elif summary.hidden:
        files = count_text(summary.hidden, "file")
        spans.append((f" · hides {size_text(summary.hidden_bytes)} in {files}", "quiet"))
    return Line(spans)


def counts(summary: LayerSummary) -> Iterator[Span]:
    """Yield the numbers of paths changed in each way: ``+3 ~1 *20 −4``."""
    yield from change_spans(summary.by_mark)
    if summary.repeated:
        yield from [(" ", "quiet"), *change_spans({Mark.REPEATED: summary.repeated})]
    if summary.undecided:
        yield f", comparing {summary.undecided:,}", "quiet"


def _say_what(
    build: PageBuilder, subject: Subject, before: Event, after: Event, last: Event, known: _Known
) -> None:
    """Add the headline: the path and its change."""
    union, layer = subject.union, subject.merged_layer
    mark, said = Mark.ADDED, f"added by layer {layer}"
    if after < 0:
        how = HOW_DELETED.get(Absence(union.ev_entry[last]), "")
        mark, said = Mark.DELETED, f"deleted by layer {layer}{how}"
    elif before >= 0:
        alike = known.alike
        same = None if alike is None else lambda _before, _after: alike
        mark = mark_of(union, before, after, same)
        what = facts_text(difference(union, before, after, same))
        said = {
            Mark.MODIFIED: f"modified by layer {layer}: {what}",
            Mark.ATTRIBUTES: f"attributes changed by layer {layer}: {what}",
            Mark.ATTRIBUTES_AT_LEAST: f"attributes changed by layer {layer}: {what}; content not compared",
            Mark.REPEATED: f"identical copy stored by layer {layer}",
            Mark.REWRITTEN: f"stored again by layer {layer}, same metadata and size",
        }[mark]
    sign, style = CHANGE_MARKS[mark]
    build.add((f"{sign} ", style), (path_of_node(subject), "bold"), ("  ", ""), (said, style))


def _table(build: PageBuilder, subject: Subject, before: Event, after: Event, known: _Known) -> None:
    """Add the metadata before and after, a line per property; differences are highlighted."""
    union = subject.union
    one = properties(union.entry(before)) if before >= 0 else {}
    other = properties(union.entry(after)) if after >= 0 else {}
    if not one and not other:
        return
    build.add()
    if before != after and before >= 0 and after >= 0:
        width = min(max(map(cell_len, [*one.values(), "  layer 1"]), default=0), COLUMN)
        head = [*chip(union.ev_layer[before]), (" " * (width - 4 + 5), ""), *chip(union.ev_layer[after])]
        build.add(*head, gutter=[label("layer")])
        for name in {**one, **other}:
            compare(build, name, one.get(name, ""), other.get(name, ""), width)
        if union.ev_kind[before] == union.ev_kind[after] == Kind.FILE:
            _compare_content(build, known)
        return
    whose = union.ev_layer[after if after >= 0 else before]
    step = shorten(step_of(subject, whose), _MADE_BY)
    build.add(*chip(whose), (f"  {step}", "quiet"), gutter=[label("layer")])
    for name, value in (other or one).items():
        build.add((value, ""), gutter=[label(name)])


def label(name: str, changed: bool = False) -> Span:
    """Return the marker before a property."""
    word = name.partition(" ")[0]
    return (f"~ {word}", "modified") if changed else (f"  {word}", "quiet")


def compare(build: PageBuilder, name: str, before: str, after: str, width: int) -> None:
    """Add a property before and after, highlighted if it differs."""
    if before == after:
        build.add((before, "quiet"), gutter=[label(name)])
        return
    old = shorten(before or "—", width)
    pad = " " * (width - cell_len(old))
    build.add(
        (old, "deleted"),
        (pad + "  →  ", "quiet"),
        (after or "—", "added"),
        gutter=[label(name, changed=True)],
    )


def _compare_content(build: PageBuilder, known: _Known) -> None:
    if known.problem:
        build.add((visible(known.problem), "deleted"), gutter=[label("content")])
    elif known.alike is False:
        build.add(("differs, ", "modified"), ("2: diff", "quiet"), gutter=[label("content", changed=True)])
    else:
        said = "the same" if known.alike else "comparing …"
        build.add((said, "quiet"), gutter=[label("content")])


def properties(entry: Entry) -> Mapping[str, str]:
    """Return the metadata that two versions are compared by, sanitized.

    A property's label is the first word of its key.
    """
    shown = {
        "type": entry.type + (" (implicit)" if entry.implied else ""),
        "mode": f"{entry.mode:04o} {mode_text(entry)}",
        "owner": owner(entry),
    }
    if entry.type == "file":
        shown["size"] = sizes(entry.size)
    shown["time"] = moment(entry) + (f".{entry.mtime_ns:09d}".rstrip("0") if entry.mtime_ns else "")
    if entry.linkname is not None:
        shown["link"] = visible(entry.linkname)
    if entry.hardlink is not None:
        shown["hardlink"] = visible(entry.hardlink)
    if entry.device is not None:
        shown["device"] = f"{entry.device[0]}, {entry.device[1]}"
    for name, value in sorted(entry.xattrs.items()):
        shown[f"xattr {name}"] = visible(f"{name} {describe(name, value)}")
    return shown


def _hidden(build: PageBuilder, subject: Subject, job: Job) -> None:
    """Add what the layer hides at and below the path, with size and layer."""
    union, layer, node = subject.union, subject.merged_layer, subject.node
    hidden, size = [], 0
    for below in _touched_again(union, node, layer):
        job.check()
        before = union.at(below, LayerNumber(layer - 1))
        if before >= 0 and union.at(below, layer) != before and _was_covered(subject, before):
            hidden.append(before)
            size += union.size(before)
    if not hidden:
        return
    build.add()
    paths = count_text(len(hidden), "path")
    build.add((f"Hidden by layer {layer}: {paths}, {size_text(size)} ", ""), ("(enter: open)", "quiet"))
    for event in hidden[:_LISTED]:
        entry = union.entry(event)
        build.add(
            (path_of(subject, event), "strike"),
            gutter=[
                *chip(entry.layer),
                (f" {size_text(entry.size) if entry.type == 'file' else '':>8}", "quiet"),
            ],
            event=event,
            value=entry.path,
        )
    if len(hidden) > _LISTED:
        build.add((f"and {len(hidden) - _LISTED:,} more", "quiet"))


def _touched_again(union: LayerUnion, node: Node, layer: LayerNumber) -> list[Node]:
    """Return the paths at and below ``node`` whose earlier version a layer hides."""
    end = union.end[node]
    if end - node == 1:
        return [node]
    return sorted(
        {
            union.ev_node[event]
            for event in union.events_of(layer)
            if union.ev_prev[event] >= 0 and node <= union.ev_node[event] < end
        }
    )


def _was_covered(subject: Subject, before: Event) -> bool:
    """Return whether an event hides something: a repeated directory does not, a deleted one does."""
    union = subject.union
    if not union.is_directory(before):
        return True
    after = union.at(union.ev_node[before], subject.merged_layer)
    return after < 0 or not union.is_directory(after)
