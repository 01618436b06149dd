"""``layertui tree``: list the merged tree of an image."""

from __future__ import annotations

import argparse

from layertui.commands.entries import HEADERS, RIGHT, tree_cells, tree_to_json
from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output
from layertui.commands.parsing import add_common, add_image, add_layer
from layertui.union.lookup import find_shown, layer_number

DESCRIPTION = """\
List the files of an image as a container sees them, with the layer that each
comes from.
"""
EPILOG = """\
--json prints one object per line, sorted by path.

examples:
  layertui tree app.tar
  layertui tree app.tar --layer 3 /etc
  layertui tree app.tar --json | jq -r 'select(.size > 1000000) | .path'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("path", metavar="PATH", nargs="?", default="/", help="only this file or directory")
    add_layer(parser, "the tree at layer N (default: the top)")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    layer = layer_number(image, options.layer)
    opened = read_layers(options, image, layer)
    union = opened.union
    # As with find(1), a trailing slash follows a symlink.
    top = find_shown(union, options.path, layer, follow=options.path.endswith("/"))
    out = Output(opened.status)
    if options.json:
        out.lines(tree_to_json(union, top, layer))
    else:
        out.table(HEADERS, tree_cells(union, top, layer), RIGHT)
    return opened.status
