"""``layertui log``: list every version of a path."""

from __future__ import annotations

import argparse

from layertui.commands.changes import COLOURS, MARKS, WHITEOUTS, mark
from layertui.commands.entries import name_of, size_of, to_json
from layertui.commands.opening import Opened, image_of, read_layers
from layertui.commands.output import Output, cut, one_line, warn
from layertui.commands.parsing import add_common, add_image
from layertui.commands.progress import ProgressBar
from layertui.content.blame import blame
from layertui.model.history_step import step_text
from layertui.model.image import Image
from layertui.model.layer_index import Kind
from layertui.model.numbers import NO_EVENT, Event
from layertui.text.format import facts_text, mode_text, moment, owner
from layertui.union.changes import SameContent, difference
from layertui.union.lookup import find, versions
from layertui.union.model import WHITEOUT_NAMES, Absence, LayerUnion
from layertui.union.path_version import path_versions

DESCRIPTION = """\
List every version of a path in the layers of an image, base first, overwritten
and deleted versions included.
"""
EPILOG = """\
--json prints one object per line: the entry, as tree does, or for a deletion
{"path": …, "layer": N, "deleted": "file", "opaque" or "replaced"}: by a
whiteout, by an opaque whiteout of a parent directory, or because a parent
directory was replaced by another type.

--lines prints the lines of the last version, each with the layer that wrote it,
as git blame does; with --json one object per line:
{"path": …, "line": N, "layer": N, "certain": true, "text": …}. A line is not
certain (? after its layer) if an older version that may contain it cannot be
read; the status is 2 then.

examples:
  layertui log app.tar /etc/passwd
  layertui log app.tar /etc/passwd --lines
  layertui diff app.tar /etc/passwd --from 1 --to 5
"""

_STEP_COLUMNS = 30
"""Columns of a step beside a line, at most."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("path", metavar="PATH", help="path in any layer")
    parser.add_argument(
        "--lines", action="store_true", help="print the lines of a text, with the layer that wrote each"
    )
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    opened = read_layers(options, image)
    union = opened.union
    node = find(union, options.path, union.layers)
    events = versions(union, node)
    if options.lines:
        return _lines(options, image, opened, events)
    out = Output(opened.status)
    if options.json:
        for version in path_versions(union, node):
            if version.entry is not None:
                out.line(to_json(version.entry))
            else:
                out.json({"path": version.path, "layer": version.layer, "deleted": version.deleted})
    else:
        pairs = list(zip([NO_EVENT, *events], events, strict=False))
        both = [pair for pair in pairs if union.shows(pair[0]) and union.shows(pair[1])]
        same = opened.compared(_files(union, both)).same
        headers = ("", "LAYER", "MODE", "OWNER", "SIZE", "MODIFIED", "WHAT", "PATH")
        out.table(headers, [_cells(union, *pair, same) for pair in pairs], (1, 4), colours=COLOURS)
    return opened.status


def _lines(options: argparse.Namespace, image: Image, opened: Opened, events: list[Event]) -> int:
    """Print the lines of the last version that is stored."""
    union = opened.union
    event = next((event for event in reversed(events) if union.shows(event)), events[-1])
    with ProgressBar(options.quiet, "reading versions", 0) as bar:
        found = blame(union, opened.contents().read, event, bar.job)
    status = 2 if found.doubts else opened.status
    if not options.quiet:
        if event != events[-1]:
            warn(f"layer {union.ev_layer[events[-1]]} deletes it; these are the lines of its last version")
        for doubtful, why in found.doubts.items():
            warn(f"lines of layer {union.ev_layer[doubtful]} may be older: {why}")
    out = Output(status)
    steps = {entry.layer: one_line(step_text(entry)) for entry in image.history}
    texts = (line.rstrip(b"\n").decode("utf-8", "surrogateescape") for line in found.lines)
    rows = [
        (number, union.ev_layer[event], event not in found.doubts, text)
        for number, (event, text) in enumerate(zip(found.events, texts, strict=True), 1)
    ]
    if options.json:
        path = union.path(union.ev_node[event])
        for number, layer, is_certain, text in rows:
            out.json({"path": path, "line": number, "layer": layer, "certain": is_certain, "text": text})
    else:
        out.table(
            ("LAYER", "STEP", "LINE", "TEXT"),
            [
                (
                    f"{layer}{'' if is_certain else '?'}",
                    cut(steps.get(layer, ""), _STEP_COLUMNS),
                    str(number),
                    text.removesuffix("\r").expandtabs(8),
                )
                for number, layer, is_certain, text in rows
            ],
            right=(0, 2),
            shrink=(3,),
        )
    return status


def _files(union: LayerUnion, pairs: list[tuple[Event, Event]]) -> list[tuple[Event, Event]]:
    """Versions that only their contents distinguish."""
    return [
        (one, other)
        for one, other in pairs
        if union.ev_kind[one] == union.ev_kind[other] == Kind.FILE and union.size(one) == union.size(other)
    ]


def _cells(union: LayerUnion, before: Event, event: Event, same: SameContent) -> tuple[str, ...]:
    layer = str(union.ev_layer[event])
    if not union.shows(event):
        how = WHITEOUTS[WHITEOUT_NAMES[Absence(union.ev_entry[event])]]
        return (MARKS["deleted"], layer, "", "", "", "", how, union.path(union.ev_node[event]))
    entry = union.entry(event)
    what: list[str] = []
    change = "added"
    if union.shows(before):
        what = difference(union, before, event, same)
        change = "modified" if what else "repeated"
    return (
        mark(change, what),
        layer,
        mode_text(entry),
        owner(entry),
        size_of(entry),
        moment(entry),
        facts_text(what),
        name_of(entry),
    )
