"""``layertui inspect``: ``docker inspect`` for images of any source."""

from __future__ import annotations

import argparse
import json

from layertui.anatomy.docker_inspect import described
from layertui.commands.opening import image_of
from layertui.commands.output import Output
from layertui.commands.parsing import add_common, add_image

DESCRIPTION = """\
Print config and digests of an image as a JSON array of one object, with the
fields of docker inspect.
"""
EPILOG = """\
Size is the stored size of the layers, since none is read; for an engine's image
it is the engine's figure, and for a Docker data root the recorded one; layertui
anatomy shows the file that each field comes from. Fields that are unknown are
left out or empty.

examples:
  layertui inspect app.tar
  layertui inspect app.tar | jq '.[0].Config.Env'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    status = 2 if image.damage else 0
    Output(status).line(json.dumps([described(image)], indent=None if options.json else 4))
    return status
