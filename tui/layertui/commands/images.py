"""``layertui images``: list images of local or given sources."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from layertui.commands.listing import finish, from_sources, status_of
from layertui.commands.output import Output, created_cell, short_id, warn
from layertui.commands.parsing import add_common
from layertui.model import platforms
from layertui.model.errors import LayertuiError
from layertui.model.image import ImageSummary
from layertui.sources import list_containers, list_images, list_local
from layertui.sources.docker_filters import filter_images
from layertui.text.format import age_text, size_text

DESCRIPTION = """\
List images: those in the current directory, of the engines, and the sample, or
those of the given sources (docker-daemon:, an archive, …).
"""
EPILOG = """\
filters, as with docker images; filters of the same kind are alternatives, but
all labels must match:
  dangling=true|false   untagged or tagged
  label=KEY[=VALUE]     with this label
  reference=PATTERN     with a matching name: busybox, example.org/*:1.*
  before=IMAGE          created before another listed image
  since=IMAGE           created after it

--json prints one object per line, with the fields of docker images
--format json, sizes in bytes (as the source counts them; null if unknown),
times in RFC 3339, and Source and Reference (opens the image).

examples:
  layertui images
  layertui images app.tar oci:app --json
  layertui images docker-daemon: --filter label=maintainer
"""
NONE = "<none>"
ENGINES = {"docker-daemon": "Docker", "podman": "Podman"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", metavar="SOURCE", nargs="*", help="reference or path, see layertui --help")
    parser.add_argument(
        "--filter",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="list only matching images, see below",
    )
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    failed: list[LayertuiError] = []
    found = from_sources(list_images, options.sources, failed) if options.sources else _here(failed)
    rows = filter_images(list(found), options.filter)
    if options.platform is not None:
        wanted = platforms.parse_platform(options.platform)
        rows = [row for row in rows if any(platforms.fits(wanted, each) for each in row.platforms)]
    out = Output(status_of(failed, bool(options.sources)))
    if options.json:
        used = {name: _use(name, options.quiet) for name in {row.transport for row in rows} & ENGINES.keys()}
        for row in rows:
            out.json(to_json(row, used.get(row.transport)))
    else:
        # As few images are for several platforms, the column is printed only if one is.
        has_several = any(len(row.platforms) > 1 for row in rows)
        headers = [
            "REPOSITORY",
            "TAG",
            "IMAGE ID",
            "CREATED",
            "SIZE",
            *["PLATFORMS"] * has_several,
            "REFERENCE",
        ]
        out.table(headers, [_cells(row, has_several) for row in rows], right=(4,))
    return finish(failed, bool(options.sources), options.quiet)


def _here(failed: list[LayertuiError]) -> Iterator[ImageSummary]:
    for row in list_local():
        if isinstance(row, LayertuiError):
            failed.append(row)
        else:
            yield row


@dataclass(frozen=True, slots=True)
class Use:
    """Usage of an engine's images, by image ID; queried only for ``--json``."""

    shared: Mapping[str, int]
    """Bytes shared with other images."""
    containers: Mapping[str, int] | None
    """Number of containers per image; ``None`` if the engine does not report it."""


def _use(transport: str, quiet: bool) -> Use:
    """Query the usage of an engine's images; warn about what it does not report."""
    from layertui.sources.engine import shared_sizes

    shared: Mapping[str, int] = {}
    containers: Mapping[str, int] | None = None
    try:
        containers = Counter(row.image_id for row in list_containers(f"{transport}:"))
        shared = shared_sizes(transport)
    except LayertuiError as error:
        if not quiet:
            warn(f"{ENGINES[transport]} does not report how its images are used: {error}")
    return Use(shared, containers)


def to_json(row: ImageSummary, use: Use | None) -> dict[str, object]:
    """Return the fields of ``docker images --format json``; null for those that only an engine knows."""
    shared = use.shared.get(row.id) if use else None
    # Docker may count more as shared than as the image's size.
    unique = None if shared is None or row.size is None or row.size < shared else row.size - shared
    return {
        "Containers": use.containers.get(row.id, 0) if use and use.containers is not None else None,
        "CreatedAt": row.created,
        "CreatedSince": age_text(row.created) if row.created else None,
        "Digest": row.digest or NONE,
        "ID": row.id,
        "Repository": row.name or NONE,
        "SharedSize": shared,
        "Size": row.size,
        "Tag": row.tag or NONE,
        "UniqueSize": unique,
        "VirtualSize": row.size,
        "Source": row.transport,
        "Reference": row.reference,
    }


def _cells(row: ImageSummary, has_platforms: bool) -> tuple[str, ...]:
    return (
        row.name or NONE,
        row.tag or NONE,
        short_id(row.id),
        created_cell(row.created),
        size_text(row.size),
        *([", ".join(map(str, row.platforms))] if has_platforms else []),
        row.reference,
    )
