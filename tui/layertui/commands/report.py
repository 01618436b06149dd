"""``layertui report``: write what is known about an image as one page."""

from __future__ import annotations

import argparse
from pathlib import Path

from layertui.cache.directory import save
from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output
from layertui.commands.parsing import add_common, add_image
from layertui.commands.progress import ProgressBar
from layertui.content.hashing import HashVisit
from layertui.insight.visiting import visitors_of
from layertui.insight.waste import undecided
from layertui.report.document import document
from layertui.report.findings import find_all

DESCRIPTION = """\
Write what is known about an image as one HTML page: layers to scale, the map of
its bytes, dead files and what to change, packages, secrets, permissions.
"""
EPILOG = """\
The page is one file, without script, and loads nothing. Secrets are masked. The
same image gives the same page. What could not be read is listed at the top of
the page, and the status is 2.

examples:
  layertui report app.tar -o app.html
  layertui report app.tar | less
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="write to FILE instead of standard output")
    add_common(parser, has_json=False)


def run(options: argparse.Namespace) -> int:
    outputs = [Path(options.output)] if options.output is not None else []
    image = image_of(options, outputs=outputs)
    opened = read_layers(options, image, visitors=[*visitors_of(["packages", "secrets"]), HashVisit])
    contents = opened.hashed(undecided(opened.union))
    with ProgressBar(options.quiet, "analyzing", 0) as bar:
        found = find_all(opened.image, opened.union, contents, bar.job)
    status = 2 if found.unread else opened.status
    text = document(found).encode("utf-8", "backslashreplace")
    if options.output is not None:
        save(Path(options.output), text)
    else:
        Output(status).write(text)
    return status
