"""``layertui dockerfile``: the Dockerfile of an image."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from layertui.anatomy.chain import is_at_hand, system
from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output, visible_but_tabs
from layertui.commands.parsing import add_common, add_image
from layertui.dockerfile import Instruction
from layertui.dockerfile.advice import saved
from layertui.dockerfile.base_candidates import neighbours
from layertui.dockerfile.bill import Bill, bill_of
from layertui.dockerfile.buildkit import provenance_of
from layertui.dockerfile.document import Dockerfile, dockerfile_of
from layertui.dockerfile.effect import Effect, effect_of
from layertui.dockerfile.syntax import directives_of
from layertui.insight.sizes import SizeMap
from layertui.insight.waste import undecided, waste
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.model.sizes import Bytes
from layertui.text.format import count_text, size_text
from layertui.union.changes import undecided_pairs

DESCRIPTION = """\
Print the Dockerfile of an image, with size and changes of each step, and
changes of the Dockerfile that would save bytes. Where BuildKit's provenance
(mode=max) is attached it is the real one, else reconstructed from the history.
"""
EPILOG = """\
A provenance is used if it names the image's manifest and layers; if not, the
first lines say why. It is not signed. What the provenance or the layers add to
the Dockerfile is printed as comments; --json has its text byte for byte.

In a reconstructed one, what is uncertain is marked "# guess:", such as names of
copied files that are taken from the layer, since Docker's classic builder
records a checksum in their place; what neither tells is marked "# unknown:",
such as names of copied directories. Options such as --mount and COPY --from are
never recorded. The base image is taken from a label or annotation, from what
Buildah recorded in the history, or it is the local image with the most layers
in common at the base.

The steps of the base image are printed above FROM as comments.
Changes, sizes and advice are printed if the layers can be read without
fetching them. Live bytes are those that the final tree shows, dead bytes those
that a later layer overwrites or deletes. Each piece of advice names the step
that stored dead bytes, the step that hid them, and the changed instruction.
--json prints one object: source (provenance, history), text, steps (line,
instruction, text, step, of the history, from 1, layer, size, live, dead, base,
stage, used, facts, guesses, unknown, did), advice (steps, layers, bytes,
reason, files, text, change, guesses), provenance (digest, predicate, file,
target, arguments, layers, why).

examples:
  layertui dockerfile app.tar > Dockerfile
  layertui dockerfile app.tar --json | jq '.steps[] | select(.dead > 1e6).text'
  layertui dockerfile app.tar --json | jq -r '.advice[] | .bytes, .change'
"""
PIECES = 10
"""Pieces of advice that are printed."""

_Effects = Mapping[LayerNumber, Effect]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    provenance = provenance_of(image)
    around = list(neighbours(image)) if provenance is None or provenance.why else []
    status = 2 if image.damage else 0
    bill, effects = Bill(), dict[LayerNumber, Effect]()
    if not is_at_hand(image):
        document = dockerfile_of(image, around, provenance)
    else:
        opened = read_layers(options, image)
        status = status or opened.status
        union = opened.union
        pairs = [
            pair
            for layer in union.layer_numbers
            for pair in undecided_pairs(union, LayerNumber(layer - 1), layer)
        ]
        contents = opened.hashed(chain(chain.from_iterable(pairs), undecided(union)))
        document = dockerfile_of(image, around, provenance, system(union, contents).name, union)
        effects = {layer: effect_of(union, layer, contents.same) for layer in union.layer_numbers}
        bill = bill_of(image, union, SizeMap(union).layers, waste(union, contents), document.found)
    out = Output(status)
    if options.json:
        out.json(_to_json(document, bill, effects))
    else:
        _print(document, bill, effects, out)
    return status


def _to_json(document: Dockerfile, bill: Bill, effects: _Effects) -> dict[str, Any]:
    pieces = None if bill.pieces is None else [piece.to_json() for piece in bill.pieces]
    return {
        "source": document.source,
        "text": document.text,
        "steps": [_step_to_json(each, bill, effects) for each in document.found],
        "advice": pieces,
        "provenance": None if document.provenance is None else document.provenance.to_json(),
    }


def _step_to_json(each: Instruction, bill: Bill, effects: _Effects) -> dict[str, Any]:
    size, effect = bill.size_of(each), effects.get(each.layer or EMPTY)
    return {
        "line": each.line or None,
        "instruction": each.keyword or None,
        "text": each.text or None,
        "step": each.step + 1 or None,
        "layer": each.layer,
        "size": None if size is None else size.size,
        "live": None if size is None else size.live,
        "dead": None if size is None else size.dead,
        "base": each.is_base,
        "stage": each.stage or None,
        "used": each.is_used,
        "facts": list(each.facts),
        "guesses": list(each.guesses),
        "unknown": list(each.unknown),
        "did": None if effect is None else effect.to_json(),
    }


def _print(document: Dockerfile, bill: Bill, effects: _Effects, out: Output) -> None:
    for line in _annotated(document, bill, effects):
        out.line(out.colour(visible_but_tabs(line), "dim" if line.lstrip().startswith("#") else ""))
    for line in _advice_lines(bill):
        out.line(out.colour(visible_but_tabs(f"# {line}".rstrip()), "dim"))


def _annotated(document: Dockerfile, bill: Bill, effects: _Effects) -> Iterator[str]:
    """Yield the lines of the Dockerfile, with what each instruction did as comments above it."""
    is_recorded = document.source == "provenance"
    starting, lines = document.starting, document.lines
    head = len(directives_of(lines)) if is_recorded else -1
    for number, line in enumerate([*lines, None], 1):
        if number == head + 1 and document.provenance is not None:
            yield f"# {document.provenance.file or 'The Dockerfile'}, as recorded by BuildKit (provenance)."
            yield ""
        for each in starting.pop(number if line is not None else 0, ()):
            effect = effects.get(each.layer or EMPTY)
            if effect is not None:
                yield f"# layer {effect.layer}: {_summary(effect, bill.size_of(each))}"
            if is_recorded:  # else these lines are in the text
                yield from each.lines if not each.is_written else (f"# {text}" for text in each.comments)
        if line is not None:
            yield line


def _advice_lines(bill: Bill) -> Iterator[str]:
    """Yield the comments below the Dockerfile, without ``#``."""
    pieces = bill.pieces or ()
    if not pieces:
        return
    yield ""
    yield f"Advice: {size_text(bill.saved)} of {size_text(bill.total.dead)} dead bytes can be saved."
    for piece in pieces[:PIECES]:
        yield ""
        yield from piece.lines
    if rest := pieces[PIECES:]:
        yield ""
        yield f"{count_text(len(rest), 'more piece')} of advice for {size_text(saved(rest))}: see --json."


def _summary(effect: Effect, size: Bytes | None) -> str:
    counts = effect.counts
    parts = f" = {size_text(size.live)} live + {size_text(size.dead)} dead" if size and size.size else ""
    hides = f", hides {size_text(counts.hidden_bytes)}" if counts.hidden_bytes else ""
    changed = f"{counts.added:,} added, {counts.modified:,} modified, "
    changed += f"{counts.attributes:,} attributes only, " if counts.attributes else ""
    changed += f"{counts.deleted:,} deleted"
    return f"{changed}, {size_text(effect.size)} of files{parts}{hides}"
