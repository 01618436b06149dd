"""``layertui containers``: list containers of engines and stores."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from layertui.commands.listing import finish, from_sources, status_of
from layertui.commands.output import Output, created_cell, one_line
from layertui.commands.parsing import add_common
from layertui.model.errors import LayertuiError
from layertui.model.image import ContainerSummary
from layertui.sources import list_containers
from layertui.text.format import age_text

DESCRIPTION = """\
List containers, running or not: those of the engines, or of the given sources
(podman:, docker-root:DIR, …).
"""
EPILOG = """\
--json prints one object per line, with the fields of docker ps --format json
(times in RFC 3339, null if unknown), and Source and Reference (the reference
that opens the container).

examples:
  layertui containers
  layertui containers docker-root:/mnt/var/lib/docker --json
  layertui changes docker-container:web
"""
ENGINES = ("docker-daemon:", "podman:")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", metavar="SOURCE", nargs="*", help="engine or store, see layertui --help")
    add_common(parser, has_layers=False)


def run(options: argparse.Namespace) -> int:
    failed: list[LayertuiError] = []
    rows = list(from_sources(list_containers, options.sources or ENGINES, failed))
    out = Output(status_of(failed, bool(options.sources)))
    if options.json:
        for row in rows:
            out.json(to_json(row))
    else:
        headers = ("NAMES", "IMAGE", "COMMAND", "CREATED", "STATUS", "REFERENCE")
        out.table(headers, [_cells(row) for row in rows], shrink=(2, 1))
    return finish(failed, bool(options.sources), options.quiet)


def to_json(row: ContainerSummary) -> dict[str, object]:
    """Return the fields of ``docker ps --all --no-trunc --format json`` (cli/command/formatter/container.go)."""
    return {
        "Command": None if row.command is None else json.dumps(row.command, ensure_ascii=False),
        "CreatedAt": row.created,
        "ID": row.id,
        "Image": row.image,
        "Labels": _joined(None if row.labels is None else [f"{key}={row.labels[key]}" for key in row.labels]),
        "LocalVolumes": row.local_volumes,
        "Mounts": _joined(row.mounts),
        "Names": row.name,
        "Networks": _joined(row.networks),
        "Ports": None if row.ports is None else ", ".join(row.ports),
        "RunningFor": age_text(row.created) if row.created else None,
        "Size": None,
        "State": row.state,
        "Status": row.status,
        "Source": row.transport,
        "Reference": row.reference,
    }


def _joined(values: Sequence[str] | None) -> str | None:
    return None if values is None else ",".join(values)


def _cells(row: ContainerSummary) -> tuple[str, ...]:
    return (
        row.name,
        row.image,
        one_line(row.command or ""),
        created_cell(row.created),
        row.status,
        row.reference,
    )
