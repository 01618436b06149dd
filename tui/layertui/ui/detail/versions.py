"""The third tab: every version of the path, base first."""

from collections.abc import Collection, Iterator, Mapping

from layertui.model.numbers import Event, LayerNumber
from layertui.text.format import count_text, mode_text, moment, owner, size_text
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.detail.subject import Subject, chip
from layertui.ui.detail.words import CHANGE_MARKS, HOW_DELETED, absence, step_of
from layertui.ui.widgets.lines import Line, Span
from layertui.union.changes import UNDECIDED, Mark, mark_of
from layertui.union.model import Absence

Alike = Mapping[tuple[Event, Event], bool]
"""Whether two versions have the same content, as far as they have been compared."""


def uncompared(subject: Subject, alike: Alike) -> list[tuple[Event, Event]]:
    """Return the pairs of successive versions that only their contents distinguish, without those in ``alike``."""
    union, pairs = subject.union, []
    for event in union.versions(subject.node):
        before = union.at(subject.node, LayerNumber(union.ev_layer[event] - 1))
        if union.shows(event) and before >= 0 and mark_of(union, before, event) in UNDECIDED:
            pairs.append((before, event))
    return [pair for pair in pairs if pair not in alike]


def page(subject: Subject, marked: Collection[Event], cursor: int, alike: Alike) -> Page:
    """Return one line per version; ``marked`` are to be compared, ``cursor`` is the selected line."""
    union, layer = subject.union, subject.merged_layer
    events = union.versions(subject.node)
    shown = union.at(subject.node, layer)
    build = PageBuilder(gutter=8)
    for number, event in enumerate(events):
        number_of_layer = union.ev_layer[event]
        if event == shown:
            place, style = "●", "accent"
        elif number_of_layer > layer:
            place, style = "○", "quiet"
        else:
            place, style = "│", "quiet"
        gutter: list[Span] = [
            ("◆" if event in marked else " ", "accent"),
            (place + " ", style),
            *chip(number_of_layer),
        ]
        build.add(
            *_version(subject, event, shown, alike), gutter=gutter, event=event, value=_copied(subject, event)
        )
        if cursor < 0 and event == shown:
            cursor = number
    return build.page(*_heading(subject, events, shown), cursor=cursor, clip=True)


def _heading(subject: Subject, events: list[Event], shown: Event) -> Iterator[Line]:
    union, layer = subject.union, subject.merged_layer
    stored = [event for event in events if union.shows(event)]
    spans: list[Span] = [(count_text(len(stored), "version"), "bold")]
    if shown >= 0:
        spans += [(f", ● layer {union.ev_layer[shown]} is current at layer {layer}", "quiet")]
    else:
        spans += [(f", none visible at layer {layer}: {absence(subject, subject.node)}", "quiet")]
    yield Line(spans)


def _version(subject: Subject, event: Event, shown: Event, alike: Alike) -> Iterator[Span]:
    """Mark, mode, owner, size, time and step of a version; struck through if it is hidden."""
    union, layer = subject.union, subject.merged_layer
    whose = union.ev_layer[event]
    if not union.shows(event):
        sign, style = CHANGE_MARKS[Mark.DELETED]
        yield sign + " ", style
        yield f"{'deleted ' + HOW_DELETED[Absence(union.ev_entry[event])]:<58}", "deleted"
        yield step_of(subject, whose), "quiet"
        return
    entry = union.entry(event)
    before = union.at(subject.node, LayerNumber(whose - 1))
    known = alike.get((before, event))
    same = None if known is None else lambda _before, _event: known
    sign, style = CHANGE_MARKS[mark_of(union, before, event, same)]
    struck = "quiet strike" if event != shown and whose <= layer else "quiet" if whose > layer else ""
    yield sign + " ", style
    yield mode_text(entry), struck
    yield f"  {owner(entry):<11}", struck
    yield f"{size_text(entry.size) if entry.type == 'file' else '':>8}", struck
    yield f"  {moment(entry)}", struck
    yield f"  {step_of(subject, whose)}", "quiet"


def _copied(subject: Subject, event: Event) -> str:
    return subject.union.path(subject.union.ev_node[event])
