"""``layertui insight``: what an image pays for in vain."""

from __future__ import annotations

import argparse

from layertui.commands.insight_text import TOP, Report
from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output
from layertui.commands.parsing import add_common, add_image
from layertui.insight.efficiency import efficiency
from layertui.insight.waste import undecided, waste

DESCRIPTION = """\
Tell what an image stores in vain, and which layer's doing it is.
"""
EPILOG = f"""\
waste: files that are stored and not in the final tree, each with the reason and
the layer that hid it; beside it dive's figures.
Tables show the first {TOP} rows, largest first. --json prints one object with
every row.

examples:
  layertui insight app.tar
  layertui insight app.tar --all
  layertui insight app.tar --json | jq .waste.reclaimable_bytes
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("--all", action="store_true", help="every row of every table")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    opened = read_layers(options, image_of(options))
    out = Output()
    union = opened.union
    figures = efficiency(union.indexes)
    found = waste(union, opened.hashed(undecided(union)))
    if options.json:
        out.json({"waste": figures.to_json() | found.to_json()})
    else:
        Report(out, opened.image, options.all).waste(found, figures, union.stored_bytes())
    return opened.status
