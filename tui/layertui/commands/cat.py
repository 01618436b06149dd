"""``layertui cat``: the content of a file."""

from __future__ import annotations

import argparse

from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output
from layertui.commands.parsing import add_common, add_image, add_layer
from layertui.model.errors import LayertuiError
from layertui.union.lookup import find_shown, layer_number

DESCRIPTION = """\
Print the content of a file as a container sees it; symlinks are resolved inside
the image. On a terminal, control characters are made visible.
"""
EPILOG = """\
Use --layer for versions that later layers overwrote or deleted.

examples:
  layertui cat app.tar /etc/os-release
  layertui cat app.tar /srv/.env --layer 5 > env
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("path", metavar="PATH", help="a file of the image")
    add_layer(parser, "the version at layer N (default: the top)")
    add_common(parser, has_json=False)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    layer = layer_number(image, options.layer)
    opened = read_layers(options, image, layer)
    union = opened.union
    event = union.at(find_shown(union, options.path, layer), layer)
    if event < 0:  # the root of no layers
        raise LayertuiError(f"no {options.path} at layer {layer}", "the image has no layers")
    Output().contents(opened.contents().pieces(event))
    return opened.status
