"""``layertui verify``: recompute every digest of an image."""

from __future__ import annotations

import argparse

from layertui.commands.opening import image_of
from layertui.commands.output import Output, warn
from layertui.commands.parsing import add_common, add_image
from layertui.model.digest import WrongDigest
from layertui.model.errors import LayertuiError
from layertui.verify.layer import Check

DESCRIPTION = """\
Recompute every digest of an image: manifest, config, sizes, layers as stored,
their tars (diff IDs; in unpacked stores from tar-split records), chain IDs, and
what is attached (signatures, SBOMs, attestations). Reads all bytes.
"""
EPILOG = """\
A check is ok, wrong (with both values), or unchecked (with the reason).
--json prints one object: reference, ok (nothing is wrong), and steps, each with
subject, what, status, expected, found and why.

exit status: 0 nothing is wrong, 1 something is wrong, 2 an error

examples:
  layertui verify app.tar
  layertui verify docker-root:[/var/lib/docker]app:1 --json
"""
MARKS = {"ok": "ok", "wrong": "WRONG", "unchecked": "?"}
COLOURS = {"ok": "green", "WRONG": "red", "?": "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    steps: list[Check] = []
    failed: LayertuiError | None = None
    reference = options.image
    damage = ""
    try:
        image = image_of(options)
        reference, damage = image.reference, image.damage
    except WrongDigest as wrong:
        steps.append(Check("document", "digest", "wrong", wrong.expected, wrong.found, wrong.subject))
    else:
        from layertui.commands.progress import ProgressBar
        from layertui.verify.image import verify_image

        with ProgressBar(options.quiet, "verifying", image.size) as bar:
            try:
                steps.extend(verify_image(image, bar.job))
            except LayertuiError as error:
                failed = error
    is_wrong = any(step.status == "wrong" for step in steps)
    status = 1 if is_wrong else 2 if damage or failed else 0
    _print(Output(status), options.json, reference, steps, not is_wrong)
    if failed is not None:
        if not is_wrong:
            raise failed
        warn(str(failed))
    return status


def _print(out: Output, as_json: bool, reference: str, steps: list[Check], ok: bool) -> None:
    if as_json:
        fields = ("subject", "what", "status", "expected", "found", "why")
        rows = [{name: getattr(step, name) or None for name in fields} for step in steps]
        out.json({"reference": reference, "ok": ok, "steps": rows})
        return
    rows_of_cells = [(MARKS[step.status], step.subject, step.what, _words(step)) for step in steps]
    out.table(("", "OF", "CHECK", "VALUE"), rows_of_cells, colours=COLOURS)
    counts = [sum(step.status == status for step in steps) for status in ("ok", "wrong", "unchecked")]
    out.line("{} ok, {} wrong, {} not verifiable".format(*counts))


def _words(step: Check) -> str:
    if step.status == "ok":
        return step.found
    if step.found:
        about = f"{step.why}: " if step.why else ""
        return f"{about}claimed {step.expected or 'nothing'}, found {step.found}"
    return f"{step.expected}: {step.why}" if step.expected else step.why
