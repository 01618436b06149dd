"""``layertui compare``: the differences of two images."""

from __future__ import annotations

import argparse
from typing import Any

from layertui.commands.compare_report import sections
from layertui.commands.markdown import print_markdown
from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output, warn
from layertui.commands.parsing import add_common, add_range
from layertui.commands.progress import ProgressBar
from layertui.commands.sections import print_text
from layertui.compare.comparison import Comparison, Side
from layertui.insight.visiting import visitors_of
from layertui.model.errors import LayertuiError
from layertui.union.lookup import layer_number, layer_range
from layertui.union.merged_tree import MergedTree

DESCRIPTION = """\
Compare two images, an image and a container, or two layers of one image: common
layers, config, packages, files added, deleted and modified, and size.
"""
EPILOG = """\
  + only in B    - only in A    ~ in both, with what differs
A directory that only one side has stands for its contents; files that differ
only in mtime are counted, not listed. --all lists every path.
Layers with the same digest are assumed to be equal; other files of the same
size are compared by content. --json prints one object with everything.

exit status: 0 config and files are equal, however they are split into layers;
1 they differ; 2 an error, or not everything could be read

examples:
  layertui compare app:1.0 app:1.1
  layertui compare docker-daemon:web docker-container:web
  layertui compare app.tar --from 2 --to 5
  layertui compare old.tar new.tar --ignore-times --markdown
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="reference or path, see layertui --help")
    parser.add_argument("b", metavar="B", nargs="?", help="the other image (default: A, with --from or --to)")
    add_range(parser, "A at layer N (0: the empty tree) …", "… B at layer M (default: the top)", ("N", "M"))
    parser.add_argument("--ignore-times", action="store_true", help="ignore times, of files and of the image")
    parser.add_argument("--ignore-owners", action="store_true", help="ignore owners")
    parser.add_argument("--all", action="store_true", help="list every path and every row")
    parser.add_argument("--markdown", action="store_true", help="print Markdown, for a pull request")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    if options.json and options.markdown:
        raise LayertuiError("--json cannot be combined with --markdown", "", "see layertui compare --help")
    a, b, is_damaged = _sides(options)
    ignored = [
        fact
        for fact, is_ignored in (("mtime", options.ignore_times), ("owner", options.ignore_owners))
        if is_ignored
    ]
    with ProgressBar(options.quiet, "comparing contents", 0) as bar:
        comparison = Comparison(a, b, ignored, bar.job)
    is_incomplete = is_damaged or comparison.unread or comparison.unread_packages
    status = 2 if is_incomplete else 0 if comparison.are_equal else 1
    out = Output(status)
    if options.json:
        out.json(to_json(comparison))
    elif options.markdown:
        print_markdown(out, "What differs", sections(comparison, options.all), options.all)
    else:
        print_text(out, sections(comparison, options.all))
    if not options.quiet:
        for path, error in comparison.unread.items():
            warn(f"{path} not compared: {error}")
        for error in comparison.unread_packages:
            warn(str(error))
    return status


def _sides(options: argparse.Namespace) -> tuple[Side, Side, bool]:
    """Read both sides; also return whether one could not be read completely."""
    if options.b is None and options.start is None and options.stop is None:
        raise LayertuiError(
            f"nothing to compare {options.a} with",
            "",
            "name another image, or two layers with --from and --to",
        )
    image = image_of(options, options.a, [options.b] if options.b else [])
    if options.b is None:
        start, stop = layer_range(image, options.start, options.stop)
        opened = read_layers(options, image, max(start, stop), visitors=visitors_of(["packages"]))
        return Side(image, opened.union, start), Side(image, opened.union, stop), opened.is_damaged
    other = image_of(options, options.b, [options.a])
    sides, is_damaged = [], False
    for name, one, asked in (("A", image, options.start), ("B", other, options.stop)):
        layer = layer_number(one, asked, 0)
        opened = read_layers(options, one, layer, f" of {name}", visitors_of(["packages"]))
        sides.append(Side(one, opened.union, layer))
        is_damaged = is_damaged or opened.is_damaged
    return sides[0], sides[1], is_damaged


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return the JSON object (docs/commands.md)."""
    layers = comparison.layers
    return {
        "a": _side_to_json(comparison.a, comparison.merged_a, comparison.sums.size_a.live),
        "b": _side_to_json(comparison.b, comparison.merged_b, comparison.sums.size_b.live),
        "equal": comparison.are_equal,
        "sums": comparison.sums.to_json(),
        "layers": {
            "common": [
                {"a": number, "b": other, **_layer_to_json(comparison.a, number)}
                for number, other in layers.common
            ],
            "only_a": [{"layer": number, **_layer_to_json(comparison.a, number)} for number in layers.only_a],
            "only_b": [{"layer": number, **_layer_to_json(comparison.b, number)} for number in layers.only_b],
        },
        "config": [row._asdict() for row in comparison.config],
        "packages": [_package_to_json(row.to_json()) for row in comparison.packages],
        "files": [
            change.to_json() for change in sorted(comparison.changes(), key=lambda change: change.path)
        ],
        "unread": [{"path": path, "why": str(error)} for path, error in comparison.unread.items()],
        "unread_packages": [{"why": str(error)} for error in comparison.unread_packages],
    }


def _side_to_json(side: Side, merged: MergedTree, file_bytes: int) -> dict[str, Any]:
    return {
        "reference": side.image.reference,
        "id": side.image.id,
        "platform": str(side.image.platform),
        "layer": side.layer,
        "size": side.size if side.size >= 0 else None,
        "paths": merged.paths(),
        "file_bytes": file_bytes,
    }


def _layer_to_json(side: Side, number: int) -> dict[str, Any]:
    layer = side.image.layers[number - 1]
    return {
        "diff_id": layer.diff_id or None,
        "size": layer.descriptor.size if layer.descriptor.size >= 0 else None,
        "created_by": next((entry.created_by for entry in side.image.history if entry.layer == number), ""),
    }


def _package_to_json(row: dict[str, Any]) -> dict[str, Any]:
    del row["layer"]
    return row
