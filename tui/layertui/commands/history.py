"""``layertui history``: list the build steps of an image."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from layertui.commands.opening import image_of, read_layers, warn_of_layers
from layertui.commands.output import Output, created_cell, one_line, short_id
from layertui.commands.parsing import add_common, add_image
from layertui.insight.layer_sums import recall_sums, remember_sums
from layertui.layers.cache_keys import cache_key
from layertui.model.history_step import step_text
from layertui.model.image import MISSING, HistoryEntry, Image
from layertui.model.sizes import Bytes
from layertui.model.typed import NamedTuple
from layertui.text.sanitize import visible

DESCRIPTION = """\
List the build steps of an image, newest first, with the layers they created.
"""
EPILOG = """\
SIZE is the bytes of the files that the layer adds, the same for every source;
each layer is read once for it. Layers of a registry are not: there the column
is STORED, the bytes that a pull transfers, unless all have been read before.
CREATED BY is the instruction as in a Dockerfile, with --json as recorded. On a
terminal, long lines are truncated.
--json prints one object per line: ID, CreatedAt, CreatedBy, Size (bytes, null
if unknown), Comment, Layer (null for steps without one), DiffID, StoredSize,
LiveSize (of Size, the bytes that the final tree shows).

examples:
  layertui history app.tar
  layertui history app.tar --json | jq -r .CreatedBy
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    is_read = _can_be_read(image, options.no_cache)
    status = 2 if image.damage else 0
    sizes: Sequence[Bytes | None] = [None] * len(image.layers)
    if is_read:
        sizes, is_damaged = _sizes(options, image)
        status = 2 if is_damaged else status
    out = Output(status)
    newest_first = image.history[::-1]
    # The image's ID is that of its newest step; above it are the layers of a container.
    newest = next((entry for entry in newest_first if entry.id != MISSING), None)
    ids = [entry.id or (entry is newest and image.id) or MISSING for entry in newest_first]
    steps = [
        (_StepSize.of(image, entry, sizes), entry, identity)
        for entry, identity in zip(newest_first, ids, strict=True)
    ]
    if options.json:
        for size, entry, identity in steps:
            out.json(_json(image, entry, identity, size))
    else:
        out.table(
            ("IMAGE", "CREATED", "CREATED BY", "SIZE" if is_read else "STORED", "COMMENT", "LAYER"),
            [
                _cells(entry, identity, size.size if is_read else size.stored)
                for size, entry, identity in steps
            ],
            right=(3, 5),
            shrink=(4, 2),
        )
    return status


def _can_be_read(image: Image, no_cache: bool) -> bool:
    """Return whether the layers are on this machine, or have been read before."""
    if image.transport != "docker":
        return True
    if no_cache:
        return False
    from layertui.cache.indexes import IndexCache

    cache = IndexCache()
    return all(cache.has(cache_key(layer)) for layer in image.layers)


def _sizes(options: argparse.Namespace, image: Image) -> tuple[Sequence[Bytes | None], bool]:
    """Return the bytes of each layer, ``None`` if unknown, and whether something could not be read; print warnings."""
    from layertui.cache.indexes import IndexCache

    cache = None if options.no_cache else IndexCache()
    if cache is not None and (sums := recall_sums(image, cache)) is not None:
        if not options.quiet:
            warn_of_layers(sums.warnings)
        return sums.sizes, False
    from layertui.insight.sizes import known_sizes

    opened = read_layers(options, image)
    sizes = known_sizes(opened.union)
    if cache is not None:
        remember_sums(image, opened.union, sizes, cache)
    return sizes, opened.is_damaged


class _StepSize(NamedTuple):
    """Bytes of a step's layer; ``None`` if unknown, 0 for a step without a layer."""

    size: int | None
    stored: int | None
    live: int | None

    @classmethod
    def of(cls, image: Image, entry: HistoryEntry, sizes: Sequence[Bytes | None]) -> _StepSize:
        if entry.layer is None:
            return cls(0, 0, 0)
        layer = image.layers[entry.layer - 1]
        stored = layer.descriptor.size if layer.descriptor.size >= 0 else None
        if (found := sizes[entry.layer - 1]) is not None:
            return cls(found.size, stored, found.live)
        return cls(entry.size if entry.size >= 0 else None, stored, None)


def _json(image: Image, entry: HistoryEntry, identity: str, sizes: _StepSize) -> dict[str, object]:
    return {
        "ID": identity,
        "CreatedAt": entry.created,
        "CreatedBy": entry.created_by,
        "Size": sizes.size,
        "Comment": entry.comment,
        "Layer": entry.layer,
        "DiffID": None if entry.layer is None else image.layers[entry.layer - 1].diff_id or None,
        "StoredSize": sizes.stored,
        "LiveSize": sizes.live,
    }


def _cells(entry: HistoryEntry, identity: str, size: int | None) -> tuple[str, ...]:
    from layertui.text.format import size_text

    created_by = visible(step_text(entry)) if entry.recorded else "(not in the history)"
    return (
        short_id(identity),
        created_cell(entry.created),
        created_by,
        size_text(size),
        one_line(entry.comment),
        "" if entry.layer is None else str(entry.layer),
    )
