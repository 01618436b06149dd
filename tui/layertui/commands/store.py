"""``layertui store``: contents and disk usage of a store."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from layertui.commands.output import Output, one_line, short_id, warn
from layertui.commands.parsing import add_common
from layertui.model.errors import LayertuiError
from layertui.model.reference import is_store, parse_reference
from layertui.sources.assemble import short_layer
from layertui.sources.detect import detect_reference
from layertui.text.format import count_text, size_text

if TYPE_CHECKING:
    from layertui.sources.store_usage import Held, LayerUse, Orphan, StoreUsage
from layertui.text.sanitize import visible

DESCRIPTION = """\
Show the contents of an on-disk store: its parts and their disk usage, layers
that images share, what removing each image would free, what the engine keeps
for itself (build cache, build records, leases), and orphaned layers, images and
containers. No engine is contacted.
"""
EPILOG = """\
SOURCE is docker-root:DIR, containers-storage:DIR or containerd:DIR, each
without DIR for the system's own, or a directory. RECLAIMABLE is the size of the
layers that nothing else needs: for Docker of their files, for Podman of their
tars, for containerd of blobs and snapshots. docker-root:[DIR]//ID opens a layer
with those below it, whether an image references it or not. --json prints one
object: root, parts, images, layers, held, strays, links, problems,
stray_layers.

examples:
  layertui store docker-root:
  layertui store containerd:k8s.io
  layertui store /mnt/disk/var/lib/docker --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="store on disk")
    add_common(parser, has_layers=False)


def run(options: argparse.Namespace) -> int:
    reference = parse_reference(options.source)
    if not reference.transport:
        reference = detect_reference(reference.location)
    if not is_store(reference):
        raise LayertuiError(
            f"{options.source} is not a store on disk",
            "",
            "give docker-root:DIR, containers-storage:DIR or containerd:DIR",
        )
    from layertui.commands.progress import ProgressBar
    from layertui.sources.store_usage import usage_of

    with ProgressBar(options.quiet, "counting", 0) as bar:
        found = usage_of(reference, bar.job)
    out = Output(2 if found.problems else 0)
    if options.json:
        out.json(_to_json(found))
    else:
        _print(found, out)
    if not options.quiet:
        for problem in found.problems:
            warn(problem)
    return 2 if found.problems else 0


def _to_json(found: StoreUsage) -> dict[str, Any]:
    """Return the usage as JSON; unknown sizes are null."""
    fields = asdict(found)
    for row in (*fields["images"], *fields["layers"], *fields["held"]):
        row.update({name: None for name in ("size", "frees") if row.get(name) == -1})
    return {
        **fields,
        "root": str(found.root),
        "strays": [str(stray.path) for stray in found.strays],
        "links": [{"path": path, "id": identity} for path, identity in found.links],
        "stray_layers": [
            {"path": str(stray.path), "reference": stray.reference}
            for stray in found.strays
            if stray.reference
        ],
    }


def _print(found: StoreUsage, out: Output) -> None:
    from layertui.sources.store_usage import unnamed, users

    rows = [
        (
            part.name,
            size_text(part.size),
            "" if part.entries is None else f"{part.entries:,}",
            part.about or "(unknown)",
        )
        for part in found.parts
    ]
    out.table(("PART", "ON DISK", "ENTRIES", "CONTENTS"), rows, right=(1, 2), shrink=(0,))
    out.line("")
    images = [
        (
            short_id(image.id),
            ", ".join(image.tags) or "<none>",
            size_text(image.size),
            size_text(image.frees),
            ", ".join(image.containers),
        )
        for image in found.images
    ]
    out.table(("IMAGE ID", "NAME", "SIZE", "RECLAIMABLE", "CONTAINERS"), images, right=(2, 3), shrink=(1,))
    shared = [layer for layer in found.layers if len(layer.images) > 1]
    if shared:
        out.line("")
        cells = [
            (
                short_layer(layer.id),
                size_text(layer.size),
                ", ".join(users(found, layer)),
            )
            for layer in shared
        ]
        out.table(("SHARED LAYER", "SIZE", "BY"), cells, right=(1,))
    _print_held(found.held, out)
    _print_unnamed(unnamed(found), out)
    _print_strays(found.strays, out)
    for path, identity in found.links:
        out.line(f"link {visible(path)} is container {short_id(identity)}")


def _print_held(held: Sequence[Held], out: Output) -> None:
    if held:
        out.line("")
        cells = [
            (each.kind, visible(each.id[:25]), size_text(each.size), one_line(each.about)) for each in held
        ]
        out.table(("HELD BY", "ID", "SIZE", "CONTENTS"), cells, right=(2,), shrink=(3,))


def _print_unnamed(layers: Sequence[LayerUse], out: Output) -> None:
    out.line("")
    out.line(count_text(len(layers), "unreferenced layer"))
    width = max((len(short_layer(layer.id)) for layer in layers), default=0)
    for layer in layers:
        on = f"  on {visible(short_layer(layer.parent))}" if layer.parent else ""
        out.line(f"  {visible(short_layer(layer.id)):{width}}  {size_text(layer.size):>8}{on}")
    _print_way(layers[-1].reference if layers else "", out)


def _print_strays(strays: Sequence[Orphan], out: Output) -> None:
    aside = " (may be build cache)" if strays else ""
    out.line(f"{count_text(len(strays), 'unreferenced path')}{aside}")
    for stray in strays:
        out.line(f"  {visible(str(stray.path))}")
    _print_way(next((stray.reference for stray in strays if stray.reference), ""), out)


def _print_way(reference: str, out: Output) -> None:
    """Print how to open one of the layers just listed."""
    if reference:
        out.line(f"  to open: layertui {visible(shlex.quote(reference))}")
