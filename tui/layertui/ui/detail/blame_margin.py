"""The blame margin: the layer that wrote each line of a text; and the rail of its versions above the text."""

from collections.abc import Iterator

from layertui.content.blame import Blame
from layertui.model.numbers import NO_EVENT, Event, LayerNumber, Node
from layertui.ui.cells import shorten
from layertui.ui.detail.subject import Subject
from layertui.ui.detail.words import step_of
from layertui.ui.widgets.lines import Span
from layertui.union.model import LayerUnion

_STEP_CELLS = 18
"""Cells of a step beside a line."""
_RAIL_CELLS = 24
"""Cells of the step above the text."""
_AROUND = 4
"""Versions shown on each side of the one that is shown."""


class BlameMargin:
    """The layer of each line, and its step where another layer's lines begin; blank until they are known."""

    width = 4 + 1 + _STEP_CELLS + 1
    """In cells."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._found: Blame | None = None
        self._steps: dict[LayerNumber, str] = {}

    def fill(self, found: Blame) -> None:
        """Show who wrote the lines."""
        self._found = found

    def spans(self, line: int) -> list[Span]:
        """Return the margin of a line, counted from 1; 0 is a continued row."""
        found = self._found
        if found is None or not 0 < line <= len(found.events):
            return [(" " * self.width, "")]
        event = found.events[line - 1]
        layer = self._subject.union.ev_layer[event]
        doubt = "?" if event in found.doubts else " "
        step = "" if line > 1 and found.events[line - 2] == event else self._step(layer)
        return [*self._subject.chip(layer), (doubt, "modified"), (f"{step:<{_STEP_CELLS}} ", "quiet")]

    def _step(self, layer: LayerNumber) -> str:
        if layer not in self._steps:
            self._steps[layer] = shorten(step_of(self._subject, layer), _STEP_CELLS)
        return self._steps[layer]


def stored_versions(union: LayerUnion, node: Node) -> list[Event]:
    """Return the last event of a path in each layer that has one, base first; deletions included."""
    last = {union.ev_layer[event]: event for event in union.versions(node)}
    return list(last.values())


def neighbor(union: LayerUnion, event: Event, by: int) -> Event:
    """Return the version of a path that is ``by`` versions above another, not counting deletions; -1 for none."""
    events = [each for each in stored_versions(union, union.ev_node[event]) if union.shows(each)]
    at = events.index(event) + by if event in events else -1
    return events[at] if 0 <= at < len(events) else NO_EVENT


def rail(subject: Subject, event: Event) -> Iterator[Span]:
    """Yield a mark for each layer that has a version of the path; ``event`` is the one whose text is shown."""
    union = subject.union
    events = stored_versions(union, union.ev_node[event])
    at = events.index(event) if event in events else 0
    first, last = max(at - _AROUND, 0), min(at + _AROUND + 1, len(events))
    if first:
        yield f"{first} older ── ", "quiet"
    for number in range(first, last):
        each = events[number]
        layer = union.ev_layer[each]
        if number > first:
            yield " ── ", "line"
        mark = "●" if each == event else "○" if union.shows(each) else "×"
        yield f"{mark} {layer}", f"layer:{layer}{' bold' if each == event else ''}"
    if last < len(events):
        yield f" ── {len(events) - last} newer", "quiet"
    yield f"  {shorten(step_of(subject, union.ev_layer[event]), _RAIL_CELLS)}", "quiet"
