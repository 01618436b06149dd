"""``layertui changes``: the changes of a layer, or between two layers."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Iterator

from layertui.commands.entries import name_of, size_of, to_json
from layertui.commands.opening import Opened, image_of, read_layers
from layertui.commands.output import Output
from layertui.commands.parsing import add_common, add_image, add_layer, add_range
from layertui.model.errors import LayertuiError
from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text, facts_text, size_text
from layertui.union.changes import ATTRIBUTES, Change, changes, differences, undecided_pairs
from layertui.union.lookup import layer_number, layer_range

DESCRIPTION = """\
List the changes of a layer against the merged tree of the layers below it, or
the differences between the merged trees of two layers.
"""
EPILOG = """\
  + added    ~ modified    * only mode, owner, mtime or xattrs modified
  - deleted    = identical copy
Contents are compared if metadata does not decide.
--json prints one object per line, sorted by path.

examples:
  layertui changes app.tar
  layertui changes app.tar --layer 3
  layertui changes app.tar --from 2 --to 5 --json
"""
MARKS = {"added": "+", "modified": "~", "deleted": "-", "repeated": "="}
ATTRIBUTES_MARK = "*"
COLOURS = {"+": "green", "~": "yellow", ATTRIBUTES_MARK: "magenta", "-": "red", "=": "dim"}
WHITEOUTS = {
    "file": "by a whiteout",
    "opaque": "by an opaque whiteout",
    "replaced": "its directory was replaced",
}


def mark(change: str, what: Collection[str]) -> str:
    """Return the sign of a change, by its word in the JSON output and by what differs."""
    is_modified = change == "modified"
    return ATTRIBUTES_MARK if is_modified and ATTRIBUTES.issuperset(what) else MARKS[change]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    add_layer(parser, "the layer (default: the top)")
    add_range(
        parser, "compare the tree of layers 1 to A (0: the empty tree) …", "… with that of layers 1 to B"
    )
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    is_range = options.start is not None or options.stop is not None
    if is_range and options.layer is not None:
        raise LayertuiError(
            "--layer cannot be combined with --from and --to", "", "see layertui changes --help"
        )
    image = image_of(options)
    if is_range:
        start, stop = layer_range(image, options.start, options.stop)
    else:
        stop = layer_number(image, options.layer)
        start = LayerNumber(stop - 1)
    opened = read_layers(options, image, max(start, stop))
    out = Output(opened.status)
    found = _changes(opened, start, stop, is_range)
    if options.json:
        out.lines(line for _, line in sorted((change.path, _to_json(change)) for change in found))
    else:
        out.table(
            ("", "LAYER", "SIZE", "PATH"),
            (_cells(change) for change in found),
            (1, 2),
            colours=COLOURS,
        )
    return opened.status


def _changes(opened: Opened, start: LayerNumber, stop: LayerNumber, is_range: bool) -> Iterator[Change]:
    if stop < 1 and start < 1:
        return iter(())
    union = opened.union
    same = opened.compared(undecided_pairs(union, start, stop)).same
    return differences(union, start, stop, same) if is_range else changes(union, stop, same)


def _to_json(change: Change) -> str:
    before, after = ("null" if entry is None else to_json(entry) for entry in (change.before, change.after))
    return (
        f'{{"path": {json.dumps(change.path)}, "change": "{change.change}", "layer": {change.layer}, '
        f'"what": {json.dumps(change.what)}, "whiteout": {json.dumps(change.whiteout)}, '
        f'"before": {before}, "after": {after}, '
        f'"hidden_paths": {change.hidden_paths}, "hidden_bytes": {change.hidden_bytes}}}'
    )


def _cells(change: Change) -> tuple[str, ...]:
    entry = change.after or change.before
    assert entry is not None
    what = facts_text(change.what) or (WHITEOUTS[change.whiteout] if change.whiteout else "")
    if change.hidden_paths:
        what += f", {count_text(change.hidden_paths, 'path')} below it with {size_text(change.hidden_bytes)}"
    return (
        mark(change.change, change.what),
        str(change.layer),
        size_of(entry),
        f"{name_of(entry)}  ({what})" if what else name_of(entry),
    )
