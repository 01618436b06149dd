"""``layertui dockerfile``: the reconstructed Dockerfile of an image."""

from __future__ import annotations

import argparse
from typing import Any

from layertui.anatomy.chain import is_at_hand, system
from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output, visible_but_tabs
from layertui.commands.parsing import add_common, add_image
from layertui.dockerfile import Instruction, heading, instructions
from layertui.dockerfile.base import base_of
from layertui.dockerfile.base_candidates import neighbours
from layertui.dockerfile.effect import Effect, effect_of
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.text.format import size_text
from layertui.union.changes import undecided_pairs

DESCRIPTION = """\
Print the Dockerfile of an image, reconstructed from its history, with the
changes of each step.
"""
EPILOG = """\
What is uncertain is marked "# guess:", what the history does not record
"# unknown:", such as the names of copied files, for which Docker's classic
builder records a checksum. Options such as --mount and COPY --from are never
recorded. The base image is taken from a label or annotation, from what Buildah
recorded in the history, or it is the local image with the most layers in
common at the base; its steps are printed above FROM as comments.

Changes are printed if the layers can be read without fetching them.
--json prints one object per line: instruction, text, step (of the history, from
1), layer, base, facts, guesses, unknown, did.

examples:
  layertui dockerfile app.tar > Dockerfile
  layertui dockerfile app.tar --json | jq 'select(.did.size > 1e6).text'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    base = base_of(image, neighbours(image))
    status = 2 if image.damage else 0
    name, effects = "", dict[LayerNumber, Effect]()
    if is_at_hand(image):
        opened = read_layers(options, image)
        status = status or opened.status
        union = opened.union
        contents = opened.compared(
            pair
            for layer in union.layer_numbers
            for pair in undecided_pairs(union, LayerNumber(layer - 1), layer)
        )
        name = system(union, contents).name
        effects = {layer: effect_of(union, layer, contents.same) for layer in union.layer_numbers}
    found = instructions(image, base, name)
    out = Output(status)
    if options.json:
        for each in found:
            out.json(_to_json(each, effects.get(each.layer or EMPTY)))
        return status
    for line in heading(image):
        out.line(line)
    for each in found:
        _print(each, effects.get(each.layer or EMPTY), out)
    return status


def _to_json(each: Instruction, effect: Effect | None) -> dict[str, Any]:
    return {
        "instruction": each.keyword or None,
        "text": each.text or None,
        "step": each.step + 1 or None,
        "layer": each.layer,
        "base": each.is_base,
        "facts": list(each.facts),
        "guesses": list(each.guesses),
        "unknown": list(each.unknown),
        "did": None if effect is None else effect.to_json(),
    }


def _print(each: Instruction, effect: Effect | None, out: Output) -> None:
    did = [f"# layer {effect.layer}: {_told(effect)}"] if effect is not None else []
    for line in (*did, *each.lines):
        out.line(out.colour(visible_but_tabs(line), "dim" if line.startswith("#") else ""))


def _told(effect: Effect) -> str:
    counts = effect.counts
    told = f"{counts.added:,} added, {counts.modified:,} modified, {counts.deleted:,} deleted"
    hides = f", hides {size_text(counts.hidden_bytes)}" if counts.hidden_bytes else ""
    return f"{told}, {size_text(effect.size)} of files{hides}"
