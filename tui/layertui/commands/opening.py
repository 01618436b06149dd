"""Open images, layers and contents for the arguments of a command."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from layertui import TYPE_CHECKING
from layertui.commands.output import Output, warn
from layertui.model.image import Image
from layertui.model.numbers import Event
from layertui.sources import open_image

if TYPE_CHECKING:
    from layertui.content.read import Contents
    from layertui.layers.visit import Visitor
    from layertui.union.model import LayerUnion
    from layertui.union.union_warning import UnionWarning


def confine_command(references: Sequence[str], outputs: Sequence[Path] = ()) -> None:
    """Confine a command that reads these images and writes these outputs, if it is in a process of its own.

    See :mod:`layertui.sources.confinement`.
    """
    if Output.is_own_process:
        from layertui.sources.confinement import can_confine, confine

        if can_confine(references):
            Output.prepare_pager()
            confine(outputs)


def image_of(
    options: argparse.Namespace,
    reference: str | None = None,
    others: Sequence[str] = (),
    outputs: Sequence[Path] = (),
) -> Image:
    """Open the given image, or another with the same options; print its warnings.

    The command is confined first: ``others`` are the other images that it reads, ``outputs`` what it writes.
    """
    from layertui.commands.progress import ProgressBar

    confine_command([reference or options.image, *others], outputs)
    with ProgressBar(options.quiet, "receiving", 0) as bar:
        image = open_image(reference or options.image, options.platform, bar.job)
    if not options.quiet:
        for text in image.warnings:
            warn(text)
    return image


def warn_of_layers(warnings: Iterable[UnionWarning], of: str = "") -> None:
    """Print the warnings of a union; ``of`` names the image."""
    for warning in warnings:
        where = "" if warning.path == "/" else f" {warning.path}:"  # without a path, it is about the layer
        warn(f"layer {warning.layer}{of}:{where} {warning.text}")


class Opened:
    """An image whose layers have been read, all or as many as needed."""

    def __init__(self, image: Image, union: LayerUnion, is_damaged: bool, quiet: bool) -> None:
        self.image = image
        self.union = union
        """The union of the layers that were read."""
        self.is_damaged = is_damaged
        """Whether something could not be read; it has been reported."""
        self.quiet = quiet

    @property
    def status(self) -> int:
        """Exit status of a command that printed what could be read."""
        return 2 if self.is_damaged else 0

    def contents(self) -> Contents:
        from layertui.content.read import Contents

        return Contents(self.image, self.union.indexes, self.union)

    def compared(self, pairs: Iterable[tuple[Event, Event]]) -> Contents:
        """Return the contents; files of these pairs of events are hashed."""
        return self.hashed(event for pair in pairs for event in pair)

    def hashed(self, events: Iterable[Event]) -> Contents:
        """Return the contents; files of these events are hashed, each layer read at most once."""
        contents = self.contents()
        if events := list(events):
            from layertui.commands.progress import ProgressBar

            with ProgressBar(self.quiet, "comparing contents", 0) as bar:
                contents.prepare(events, bar.job)
        return contents


def read_layers(
    options: argparse.Namespace,
    image: Image,
    highest: int | None = None,
    of: str = "",
    visitors: Sequence[Visitor] = (),
) -> Opened:
    """Read and merge layers 1 to ``highest`` (default: all); print warnings and damage.

    ``of`` names the image in messages if there are several. ``visitors`` are given the contents of
    layers that must be decompressed.
    """
    from layertui.cache.indexes import IndexCache
    from layertui.commands.progress import ProgressBar
    from layertui.union.load import read_union

    layers = image.layers if highest is None else image.layers[:highest]
    part = image._replace(layers=layers)
    cache = None if options.no_cache else IndexCache()
    with ProgressBar(options.quiet, "reading", part.size) as bar:
        union = read_union(part, cache, visitors, bar.job)
    damages = union.damages()
    if not options.quiet:
        warn_of_layers(union.warnings, of)
        for number, damage in damages:
            warn(f"layer {number}{of} could not be read completely: {damage}")
    return Opened(part, union, bool(damages or image.damage), options.quiet)
