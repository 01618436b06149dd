"""Which version of a path wrote each line of its text, as ``git blame`` does.

A line belongs to the version that introduced it. The versions are those of the merged trees, layer by layer: what
a layer deletes, or what was of another type before, has no lines to inherit.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from layertui.content.compaction import compact
from layertui.content.diff import split_lines
from layertui.content.edit_script import Marks, unmatched_lines
from layertui.content.text import Encoding, encoding_of
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import EMPTY, NO_EVENT, Event, LayerNumber
from layertui.text.format import size_text
from layertui.union.arrays import ArrayColumn, column
from layertui.union.model import LayerUnion

MAX_BLAMED = 8 << 20
"""Bytes of a version; a larger one is not compared."""
_HEAD = 1 << 16
"""Leading bytes that decide whether a file is text."""

ReadContent = Callable[[Event, int, int, Job], bytes]
"""Reads a part of an event's content, as :meth:`layertui.content.read.Contents.read` does."""


@dataclass(frozen=True, slots=True)
class Blame:
    """The lines of a text, and the version that wrote each."""

    lines: Sequence[bytes]
    """With their line ends; UTF-16 and UTF-32 as UTF-8."""
    events: ArrayColumn[int, Event]
    """The event of the version that wrote each line."""
    doubts: Mapping[Event, str]
    """Events whose lines may be those of an older version, with the reason: it could not be compared."""
    encoding: Encoding


def blame(union: LayerUnion, read: ReadContent, event: Event, job: Job = Job.NONE) -> Blame:
    """Return which version wrote each line of the text that ``event`` stored.

    Reads every version once, newest first, until each line is found. Raises :class:`LayertuiError` if
    the event is not of a text, is too large or cannot be read, and :class:`Cancelled`.
    """
    node, path = union.ev_node[event], union.path(union.ev_node[event])
    if not union.shows(event) or union.ev_kind[event] != Kind.FILE:
        raise LayertuiError(f"no lines of {path}", f"layer {union.ev_layer[event]} stores no file there")
    whole, encoding = _text(union, read, event, job)
    if encoding is None:
        raise LayertuiError(f"no lines of {path}", "it is binary")
    lines = split_lines(whole)
    wrote = array("i", [NO_EVENT]) * len(lines)
    open_lines = list(range(len(lines)))  # the lines whose version is not found yet …
    places = list(range(len(lines)))  # … and where each is in the current version
    newer, newer_data = lines, whole
    doubts: dict[Event, str] = {}
    while open_lines:
        job.check()
        before = union.at(node, LayerNumber(union.ev_layer[event] - 1))
        older: list[bytes] | None = None
        if gap := _gap(union, before, event):
            doubts[event] = gap
        if before >= 0 and union.ev_kind[before] == Kind.FILE:
            try:
                older_data, _encoding = _text(union, read, before, job)
            except LayertuiError as error:
                doubts[event] = str(error)
            else:
                older = newer if older_data == newer_data else split_lines(older_data)
        if older is None:
            break
        if older is not newer:
            origins = _origins(older, newer, job)
            still_open, moved = [], []
            for line, place in zip(open_lines, places, strict=True):
                if origins[place] < 0:
                    wrote[line] = event
                else:
                    still_open.append(line)
                    moved.append(origins[place])
            open_lines, places = still_open, moved
            newer, newer_data = older, older_data
        event = before
    for line in open_lines:
        wrote[line] = event
    return Blame(lines, column(wrote), doubts, encoding)


def _text(union: LayerUnion, read: ReadContent, event: Event, job: Job) -> tuple[bytes, Encoding | None]:
    """Return a version's content with lines that end in LF, and its encoding; ``None`` if it is binary."""
    size = union.size(event)
    if size > MAX_BLAMED:
        path, layer = union.path(union.ev_node[event]), union.ev_layer[event]
        raise LayertuiError(
            f"{path} of layer {layer} is too large to compare its lines",
            f"{size_text(size)}, more than {size_text(MAX_BLAMED)}",
        )
    data = read(event, 0, -1, job)
    encoding = encoding_of(data[:_HEAD], size)
    if encoding is None:
        return data, None
    if encoding.codec.startswith(("utf-16", "utf-32")):
        data = encoding.decode(data).encode("utf-8", "surrogatepass")
    return (data.replace(b"\r", b"\n") if encoding.newline == "CR" else data), encoding


def _gap(union: LayerUnion, before: Event, event: Event) -> str:
    """Return the damage of a layer between two versions, which may have had another; empty if there is none."""
    lowest = union.ev_layer[before] if before >= 0 else EMPTY
    for layer in range(lowest + 1, union.ev_layer[event]):
        if damage := union.indexes[layer - 1].damage:
            return f"layer {layer} could not be read completely: {damage}"
    return ""


def _origins(older: Sequence[bytes], newer: Sequence[bytes], job: Job) -> array[int]:
    """Return the place in ``older`` of each line of ``newer``; -1 for a new one."""
    found: Marks = unmatched_lines(older, newer, job)
    compact(older, found.old, found.removed, found.added)
    compact(newer, found.new, found.added, found.removed)
    origins = array("i", [-1]) * len(newer)
    kept = (place for place, mark in enumerate(found.removed) if not mark)
    for place, mark in enumerate(found.added):
        if not mark:
            origins[place] = next(kept)
    return origins
