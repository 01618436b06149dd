"""``layertui log``: list every version of a path."""

from __future__ import annotations

import argparse

from layertui.commands.changes import COLOURS, MARKS, WHITEOUTS, mark
from layertui.commands.entries import name_of, size_of, to_json
from layertui.commands.opening import find, image_of, read_layers, versions
from layertui.commands.output import Output
from layertui.commands.parsing import add_common, add_image
from layertui.model.layer_index import Kind
from layertui.model.numbers import NO_EVENT, Event
from layertui.text.format import facts_text, mode_text, moment, owner
from layertui.union.changes import WHITEOUT_NAMES, SameContent, difference
from layertui.union.model import Absence, LayerUnion

DESCRIPTION = """\
List every version of a path in the layers of an image, base first, overwritten
and deleted versions included.
"""
EPILOG = """\
--json prints one object per line: the entry, as tree does, or for a deletion
{"path": …, "layer": N, "deleted": "file", "opaque" or "replaced"}: by a
whiteout, by an opaque whiteout of a parent directory, or because a parent
directory was replaced by another type.

examples:
  layertui log app.tar /etc/passwd
  layertui diff app.tar /etc/passwd --from 1 --to 5
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("path", metavar="PATH", help="path in any layer")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    opened = read_layers(options, image)
    union = opened.union
    events = versions(union, find(union, options.path, union.layers))
    out = Output(opened.status)
    if options.json:
        for event in events:
            if union.shows(event):
                out.line(to_json(union.entry(event)))
            else:
                out.json(_deletion(union, event))
    else:
        pairs = list(zip([NO_EVENT, *events], events, strict=False))
        both = [pair for pair in pairs if union.shows(pair[0]) and union.shows(pair[1])]
        same = opened.compared(_files(union, both)).same
        headers = ("", "LAYER", "MODE", "OWNER", "SIZE", "MODIFIED", "WHAT", "PATH")
        out.table(headers, [_cells(union, *pair, same) for pair in pairs], (1, 4), colours=COLOURS)
    return opened.status


def _files(union: LayerUnion, pairs: list[tuple[Event, Event]]) -> list[tuple[Event, Event]]:
    """Versions that only their contents distinguish."""
    return [
        (one, other)
        for one, other in pairs
        if union.ev_kind[one] == union.ev_kind[other] == Kind.FILE and union.size(one) == union.size(other)
    ]


def _deletion(union: LayerUnion, event: Event) -> dict[str, object]:
    return {
        "path": union.path(union.ev_node[event]),
        "layer": union.ev_layer[event],
        "deleted": WHITEOUT_NAMES[Absence(union.ev_entry[event])],
    }


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
