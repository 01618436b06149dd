"""``layertui search``: lines in the files of all layers."""

from __future__ import annotations

import argparse
import sys

from layertui.commands.opening import Opened, image_of, layer_number, read_layers
from layertui.commands.output import Output, warn
from layertui.commands.parsing import add_common, add_image, add_layer
from layertui.commands.progress import Progress
from layertui.content.search import Match, Query, Search

DESCRIPTION = """\
Search the contents of an image's files for a text or a regular expression, line
by line as grep does, with --hidden also what later layers overwrote or deleted.
"""
EPILOG = """\
Each line is printed as it is found: its layer, a "-" for a file that the final
tree does not show, PATH:LINE:TEXT. Layers come base first, each is read once.
Long lines are cut around the match. Regular expressions are Python's.

A file is binary if there is a NUL in its first 8000 bytes; UTF-16 and UTF-32
with a byte order mark are text too. --json prints one object a line: path,
layer, visible, line, text, start, end (where in text the match stands).

exit status: 0 found, 1 not found, 2 not all could be read

examples:
  layertui search app.tar password
  layertui search app.tar -i 'todo' '*.py'
  layertui search app.tar -E 'https?://[^/]*:[^@]*@' /etc --hidden --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("pattern", metavar="PATTERN", help="what to look for, a text as it stands")
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="?",
        default="",
        help="only below this directory, or files like this: '*.conf', '/etc/**'",
    )
    parser.add_argument("-E", "--regex", action="store_true", help="PATTERN is a regular expression")
    parser.add_argument("-i", "--ignore-case", action="store_true", help="capitals and small letters alike")
    parser.add_argument("-a", "--text", action="store_true", help="binary files too")
    parser.add_argument("--hidden", action="store_true", help="files too that the final tree does not show")
    add_layer(parser, "the tree of layers 1 to N (default: of all)")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    query = Query(
        options.pattern, options.regex, options.ignore_case, options.hidden, options.text, options.paths
    )
    image = image_of(options)
    highest = None if options.layer is None else layer_number(image, options.layer)
    opened = read_layers(options, image, highest)
    search = Search(opened.union, opened.contents(), query)
    out = Output()
    width = len(str(opened.union.layers))
    is_found = False
    with Progress(options.quiet, "searching", 0) as progress:

        def file_done(done: int, total: int) -> None:
            sys.stdout.flush()  # who reads on may have long to wait for the next
            progress.all(done, total)

        for match in search.matches(file_done):
            is_found = True
            progress.clear()
            if options.json:
                out.json(match.to_json())
            else:
                _print(match, width, out)
    return _status(opened, search, is_found)


def _print(match: Match, width: int, out: Output) -> None:
    text, start, end = match.text, match.start, match.end
    before, found, after = map(out.text, (text[:start], text[start:end], text[end:]))
    mark = " " if match.visible else out.colour("-", "red")
    place = f"{match.layer:{width}} {mark} {out.colour(out.name(match.path), 'cyan')}:{match.line}"
    out.line(f"{place}:{before}{out.colour(found, 'bold')}{after}")


def _status(opened: Opened, search: Search, is_found: bool) -> int:
    """The exit status; says what was not searched."""
    if search.left_out and not opened.quiet:
        hint = "; --text has binary files searched too" if search.binary else ""
        warn(f"not searched: {', '.join(search.left_out)}{hint}")
    if opened.is_damaged or search.unreadable:
        return 2
    return 0 if is_found else 1
