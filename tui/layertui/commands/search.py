"""``layertui search``: search the files of all layers, config and history."""

from __future__ import annotations

import argparse

from layertui.commands.opening import Opened, image_of, read_layers
from layertui.commands.output import Output, warn
from layertui.commands.parsing import add_common, add_image, add_layer
from layertui.commands.progress import ProgressBar
from layertui.content.line_visit import line_visitor
from layertui.content.query import LineMatch, Query
from layertui.content.search import Search
from layertui.model.job import Job
from layertui.text.sanitize import visible
from layertui.union.lookup import layer_number

DESCRIPTION = """\
Search the files of an image for a text or a regular expression, line by line
as grep does; with --hidden also versions that later layers overwrote or
deleted, with --config also the config (variables, labels, …) and the build
steps. The app searches both by default.
"""
EPILOG = """\
Each match is printed as it is found: its layer, "-" if the final tree does not
contain this version, PATH:LINE:TEXT. Layers are read once, base first. Long
lines are truncated around the match. Regular expressions are Python's. In the
config (config.Env, author, …) and in history, LINE is the number of the item;
they are left out if PATH is given.

A file is binary if there is a NUL in its first 8000 bytes; UTF-16 and UTF-32
with a byte order mark are text. --json prints one object per line: path, layer,
visible, line, text, start, end (position of the match in text), where (file,
config or history).

exit status: 0 found, 1 not found, 2 not everything could be read

examples:
  layertui search app.tar password
  layertui search app.tar -i 'todo' '*.py'
  layertui search app.tar -E 'https?://[^/]*:[^@]*@' /etc --hidden --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("pattern", metavar="PATTERN", help="literal text")
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="?",
        default="",
        help="only below this directory, or only matching files: '*.conf', '/etc/**'",
    )
    parser.add_argument("-E", "--regex", action="store_true", help="PATTERN is a regular expression")
    parser.add_argument("-i", "--ignore-case", action="store_true", help="ignore case")
    parser.add_argument("-a", "--text", action="store_true", help="search binary files too")
    parser.add_argument(
        "--hidden", action="store_true", help="search hidden versions too (overwritten or deleted)"
    )
    parser.add_argument("--config", action="store_true", help="search config and build steps too")
    add_layer(parser, "the tree at layer N (default: the top)")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    query = Query(
        options.pattern,
        is_regex=options.regex,
        ignores_case=options.ignore_case,
        with_hidden=options.hidden,
        with_binary=options.text,
        paths=options.paths,
        with_config=options.config,
    )
    image = image_of(options)
    highest = None if options.layer is None else layer_number(image, options.layer)
    opened = read_layers(options, image, highest, visitors=[line_visitor(query)])
    search = Search(image, opened.union, opened.contents(), query)
    out = Output()
    width = len(str(opened.union.layers))
    is_found = False
    with ProgressBar(options.quiet, "searching", 0) as bar:

        def file_done(done: int, total: int) -> None:
            out.flush()  # the next match may take long
            bar.job.report(done, total)

        for match in search.matches(Job(file_done)):
            is_found = True
            bar.clear()
            if options.json:
                out.json(match.to_json())
            else:
                _print(match, width, out)
    return _status(opened, search, is_found)


def _print(match: LineMatch, width: int, out: Output) -> None:
    mark = " " if match.visible else out.colour("-", "red")
    place = f"{match.layer or '':>{width}} {mark} {out.colour(visible(match.path), 'cyan')}:{match.line}"
    out.line(f"{place}:{out.excerpt(match.text, match.start, match.end)}")


def _status(opened: Opened, search: Search, is_found: bool) -> int:
    """Report what was skipped; return the exit status."""
    if search.left_out and not opened.quiet:
        hint = "; --text searches binary files" if search.binary else ""
        warn(f"skipped: {', '.join(search.left_out)}{hint}")
    if opened.is_damaged or search.unreadable:
        return 2
    return 0 if is_found else 1
