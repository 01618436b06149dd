"""``layertui anatomy``: manifest, config and layers of an image, and where they are stored."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

from layertui.anatomy.chain import HOST, ChainPart, System, is_at_hand, origins, parts, system
from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output, cut
from layertui.commands.parsing import add_common, add_image
from layertui.dockerfile.base import Base, base_facts, base_of
from layertui.dockerfile.base_candidates import neighbours
from layertui.text.sanitize import visible

DESCRIPTION = """\
Show how an image is organized: from the reference through index, manifest and
config to the history and the layers, and where each of them is stored.
"""
EPILOG = """\
Also printed: the base image, if a label, an annotation or the layers of another
local image identify it; the distribution, if the layers can be read without
fetching them; and for a Docker data root, the file on disk that each field of
docker inspect comes from.
--json prints one object: reference, parts (kind, title, facts, refers: the
digests that it references, document: its JSON, stored: the same byte for byte,
fields of docker inspect), base and system.

examples:
  layertui anatomy app.tar
  layertui anatomy docker-root:[/var/lib/docker]app:1 --json
"""
NUMBERS = ("size", "offset")
"""Facts that are sizes or offsets in bytes."""
LABEL = 9
"""Columns for the name of a fact: a line with a digest is then 80 columns wide."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    chain = list(parts(image))
    found: System | None = None
    status = 2 if image.damage else 0
    if is_at_hand(image):
        opened = read_layers(options, image)
        found = system(opened.union, opened.contents())
        status = status or opened.status
    base = base_of(image, neighbours(image))
    out = Output(status)
    if options.json:
        out.json(
            {
                "reference": image.reference,
                "parts": [_part_to_json(part) for part in chain],
                "base": _base_to_json(base),
                "system": None if found is None else _system_to_json(found),
            }
        )
        return status
    for part in chain:
        _print(part, out)
    _print_base(base, out)
    _print_system(found, out)
    return status


def _part_to_json(part: ChainPart) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "title": part.title,
        "facts": [
            {"name": name, "value": int(value) if name in NUMBERS else value} for name, value in part.facts
        ],
        "refers": list(part.refers),
        "document": part.document,
        "stored": part.data.decode("utf-8", "surrogateescape") or None,
        "fields": [
            {"name": field.name, "file": field.file or None, "key": field.key or None}
            for field in part.fields
        ],
    }


def _base_to_json(base: Base) -> dict[str, Any]:
    return {
        "name": base.name or None,
        "source": base.source or None,
        "layers": base.layers if base.layers >= 0 else None,
        "guess": base.guess or None,
    }


def _system_to_json(found: System) -> dict[str, Any]:
    return {"name": found.name or None, "source": found.source or None, "kernels": list(found.kernels)}


def _print(part: ChainPart, out: Output) -> None:
    out.line(out.colour(part.title, "bold"))
    for name, value in part.facts:
        _print_fact(name, value, out)
    if part.fields:
        out.table(("FIELD", "COMES FROM", "VALUE"), origins(part.fields), shrink=(2, 1))
    out.line("")


def _print_fact(name: str, value: str, out: Output) -> None:
    shown = visible(value)
    if (name in ("step", "-") or name.startswith("layer ")) and out.width > LABEL:
        shown = cut(shown, out.width - LABEL)
    if len(name) < LABEL:
        out.line(f"{name:{LABEL}}{shown}")
    else:
        out.line(visible(name))
        out.line(" " * LABEL + shown)


def _print_base(base: Base, out: Output) -> None:
    out.line(out.colour("base image", "bold"))
    for name, value in base_facts(base).items():
        _print_fact(name, value, out)
    out.line("")


def _print_system(found: System | None, out: Output) -> None:
    out.line(out.colour("distribution", "bold"))
    for line in textwrap.wrap(HOST, 78):
        out.line(line)
    if found is None:
        out.line("Unknown until the layers have been fetched.")
        return
    if found.source:
        _print_fact("system", f"{found.name or 'no name'}, as {found.source} says", out)
    else:
        _print_fact("system", "unknown: no os-release", out)
    for path in found.kernels:
        _print_fact("unused", f"{path}: not used by containers", out)
