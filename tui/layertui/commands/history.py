"""``layertui history``: list the build steps of an image."""

from __future__ import annotations

import argparse

from layertui.commands.opening import image_of
from layertui.commands.output import Output, created_cell, one_line, short_id
from layertui.commands.parsing import add_common, add_image
from layertui.model.history_step import step_text
from layertui.model.image import HistoryEntry, Image
from layertui.text.format import size_text
from layertui.text.sanitize import visible

DESCRIPTION = """\
List the build steps of an image, newest first, with the layers they created.
"""
EPILOG = """\
No layer is read, so SIZE is what the source records for a layer: its stored,
mostly compressed bytes; for Docker the bytes of its files, as docker history;
for Podman the size of its tar, or as it was pulled. CREATED BY is the
instruction as in a Dockerfile, with --json as recorded. On a terminal, long
lines are truncated.
--json prints one object per line: ID, CreatedAt, CreatedBy, Size (bytes, null
if unknown), Comment, Layer (null for steps without one), DiffID.

examples:
  layertui history app.tar
  layertui history app.tar --json | jq -r .CreatedBy
"""
MISSING = "<missing>"
"""Docker's ID for steps whose intermediate image does not exist."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    out = Output(2 if image.damage else 0)
    newest_first = image.history[::-1]
    ids = [entry.id or ((not number and image.id) or MISSING) for number, entry in enumerate(newest_first)]
    if options.json:
        for entry, identity in zip(newest_first, ids, strict=True):
            out.json(_json(image, entry, identity))
    else:
        out.table(
            ("IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT", "LAYER"),
            [_cells(image, entry, identity) for entry, identity in zip(newest_first, ids, strict=True)],
            right=(3, 5),
            shrink=(4, 2),
        )
    return 2 if image.damage else 0


def _size(image: Image, entry: HistoryEntry) -> int:
    """Return the size in bytes of a step's layer; -1 if unknown."""
    if entry.size >= 0:
        return entry.size
    return 0 if entry.layer is None else image.layers[entry.layer - 1].descriptor.size


def _json(image: Image, entry: HistoryEntry, identity: str) -> dict[str, object]:
    size = _size(image, entry)
    return {
        "ID": identity,
        "CreatedAt": entry.created,
        "CreatedBy": entry.created_by,
        "Size": size if size >= 0 else None,
        "Comment": entry.comment,
        "Layer": entry.layer,
        "DiffID": None if entry.layer is None else image.layers[entry.layer - 1].diff_id or None,
    }


def _cells(image: Image, entry: HistoryEntry, identity: str) -> tuple[str, ...]:
    created_by = visible(step_text(entry)) if entry.recorded else "(not in the history)"
    return (
        short_id(identity),
        created_cell(entry.created),
        created_by,
        size_text(_size(image, entry)),
        one_line(entry.comment),
        "" if entry.layer is None else str(entry.layer),
    )
