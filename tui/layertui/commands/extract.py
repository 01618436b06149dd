"""``layertui extract``: extract files to a directory, or as a tar."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from layertui.commands.opening import Opened, image_of, read_layers
from layertui.commands.output import Output, note, warn
from layertui.commands.parsing import add_common, add_image, add_layer
from layertui.commands.progress import ProgressBar
from layertui.model.errors import LayertuiError
from layertui.text.format import count_text
from layertui.union.lookup import find_shown, layer_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layertui.content.extract.selection import LeftOut, Selection

DESCRIPTION = """\
Extract a file or directory of an image, with everything below it, to a
directory, or as a tar to stdout. Existing files are never replaced unasked.
"""
EPILOG = """\
Names, modes and times are preserved. Without --owner the files belong to you,
and setuid and setgid bits and devices are left out; a tar contains all of them.
--json prints one object: destination, files, bytes, left_out.

examples:
  layertui extract app.tar /etc/passwd .
  layertui extract app.tar /srv out --layer 3
  layertui extract app.tar / out --layer 3 --changes
  layertui extract app.tar / - | bsdtar -tf -
"""
TAR = "-"
TOLD = 10
"""Left-out paths that are listed one by one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("path", metavar="PATH", help="file or directory of the image; / for everything")
    parser.add_argument(
        "destination", metavar="DEST", help="destination directory, created if missing; - for a tar"
    )
    add_layer(parser, "the tree at layer N (default: the top)")
    parser.add_argument(
        "--changes", action="store_true", help="only the changes of that layer; deletions as whiteouts"
    )
    parser.add_argument(
        "--owner", action="store_true", help="preserve owners, attributes, devices (requires root)"
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    from layertui.content.extract.selection import changeset, tree

    if not options.destination:  # as with an unset variable of a script
        raise LayertuiError("DEST is empty", "", "give a directory, or - for a tar")
    if options.destination == TAR and sys.stdout.isatty():
        raise LayertuiError(
            "refusing to write a tar to a terminal", "", "redirect the output, or give a directory"
        )
    if options.destination == TAR and options.json:
        raise LayertuiError("--json cannot be combined with a tar on stdout", "", "give a directory")
    outputs = [] if options.destination == TAR else [Path(options.destination)]
    image = image_of(options, outputs=outputs)
    layer = layer_number(image, options.layer)
    opened = read_layers(options, image, layer)
    union = opened.union
    # As with find(1), a trailing slash follows a symlink.
    top = find_shown(union, options.path, layer, follow=options.path.endswith("/"))
    selection = (changeset if options.changes else tree)(union, layer, top)
    if options.changes and not selection.types:
        raise LayertuiError(f"nothing to extract: layer {layer} changes nothing at {union.path(top)}")
    if not options.quiet:
        note(selection.summary)
    write = _write_tar if options.destination == TAR else _write_folder
    _tell(write(options, opened, selection), options.quiet)
    return opened.status


def _write_tar(options: argparse.Namespace, opened: Opened, selection: Selection) -> Sequence[LeftOut]:
    from layertui.content.extract.tar import write_selection

    with ProgressBar(options.quiet, "writing", selection.size) as bar:
        out = cast(BinaryIO, Output())  # a stream of tarfile only writes
        return write_selection(selection, opened.contents(), out, bar.job)


def _write_folder(options: argparse.Namespace, opened: Opened, selection: Selection) -> Sequence[LeftOut]:
    from layertui.content.extract.folder import Extraction

    destination = Path(options.destination)
    extraction = Extraction(selection, opened.contents(), destination, options.owner, options.force)
    with ProgressBar(options.quiet, "extracting", selection.size) as bar:
        try:
            extraction.run(bar.job)
        except KeyboardInterrupt:
            warn(f"stopped: {extraction.files:,} of {count_text(selection.files, 'file')} written")
            raise
    if options.json:
        is_incomplete = any(not left.is_usual for left in extraction.left_out)
        Output(2 if is_incomplete else opened.status).json(
            {
                "destination": str(destination),
                "files": extraction.files,
                "bytes": extraction.bytes,
                "left_out": [{"path": left.path, "why": left.why} for left in extraction.left_out],
            }
        )
    return extraction.left_out


def _tell(left_out: Sequence[LeftOut], quiet: bool) -> None:
    """Report what was left out. Raises :class:`LayertuiError` unless that was requested."""
    for left in [] if quiet else left_out[:TOLD]:
        warn(f"{left.path}: {left.why}")
    if len(left_out) > TOLD and not quiet:
        warn(f"and {len(left_out) - TOLD:,} more")
    if failed := [left for left in left_out if not left.is_usual]:
        what = f"{count_text(len(failed), 'path')} not extracted as in the image"
        raise LayertuiError(what, f"{failed[0].path}: {failed[0].why}")
