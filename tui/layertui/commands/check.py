"""``layertui check``: evaluate the rules of a project against an image."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from layertui.cache.directory import save
from layertui.commands.check_text import print_summary, print_text
from layertui.commands.dive_options import add_limits, limits_of
from layertui.commands.dive_report import print_dive_report
from layertui.commands.opening import Opened, image_of, read_layers
from layertui.commands.output import Output, raw, warn
from layertui.commands.parsing import add_common, add_image
from layertui.commands.progress import ProgressBar
from layertui.gate import baseline
from layertui.gate.baseline import Baseline
from layertui.gate.checked_image import CheckedImage
from layertui.gate.config import DIVE, OWN, Config, is_toml, load_config
from layertui.gate.evaluate import evaluate, visitors_for
from layertui.gate.globs import Globs
from layertui.gate.proposal import proposed_rules
from layertui.gate.reports import FORMATS, render
from layertui.gate.rules import Status, Verdict
from layertui.insight.visiting import visitors_of
from layertui.model.errors import LayertuiError
from layertui.sources import open_image
from layertui.text.sanitize import visible

DESCRIPTION = f"""\
Check an image against the rules of a project, as a CI gate. The rules are read
from {OWN}, from [tool.layertui] in pyproject.toml, or from {DIVE},
whichever is found first; without a file, dive's defaults apply.
"""
EPILOG = f"""\
rules ({OWN}; see docs/check.md):
  [rules]
  lowest-efficiency = 0.95             # dive's three rules, with dive's figures
  highest-wasted-bytes = "20 MB"
  highest-user-wasted-percent = 0.2
  reclaimable = "50 MB"                # stored, but not in the final tree
  size = "300 MB"                      # file bytes of all layers
  growth = "5%"                        # against the baseline
  forbidden-paths = ["/root/.ssh/**"]  # in the final tree
  forbidden-in-layers = ["*.pem"]      # in any layer, even if deleted later
  required-paths = ["/app/VERSION"]
  secrets = true
  setuid = ["/usr/bin/su"]             # allow these only
  forbidden-packages = ["gcc*", "npm:left-pad", "openssl=1.*"]

The baseline is a FILE.json, written with --update-baseline, or an image.
Formats: {", ".join(FORMATS)}. --format github prints
annotations for GitHub Actions above the text.

exit status: 0 all rules passed, 1 a rule failed, 2 one could not be evaluated

examples:
  layertui check app.tar
  layertui check app.tar --report junit=gate.xml --report sarif=gate.sarif
  layertui check app:2 --baseline app:1
  layertui check app.tar --init
  layertui check app.tar --highestWastedBytes 20MB
  layertui check app.tar --baseline gate.json --update-baseline
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help=f"rules file: .toml, or the format of {DIVE}"
    )
    add_limits(parser)
    parser.add_argument("--baseline", metavar="FILE|IMAGE", help="what to compare growth with")
    parser.add_argument(
        "--update-baseline",
        action="store_true",
        help="update the baseline FILE, if every rule could be evaluated",
    )
    parser.add_argument("--format", choices=("text", *FORMATS), help="output format (default: text)")
    parser.add_argument(
        "--report",
        metavar="FORMAT=FILE",
        action="append",
        default=[],
        help="also write a report to FILE; repeatable",
    )
    parser.add_argument(
        "--init", action="store_true", help=f"write {OWN} (or the file of --config) for the image as it is"
    )
    add_common(parser)
    parser.set_defaults(is_dive=False)


def run(options: argparse.Namespace) -> int:
    if options.json and options.format not in (None, "json"):
        raise LayertuiError("--json cannot be combined with --format")
    if options.init:
        return _init(options)
    form = "json" if options.json else options.format or "text"
    reports = [_report(text) for text in options.report]
    config = load_config(options.config, Path()).with_dive_limits(limits_of(options))
    if not options.quiet:
        for text in config.warnings:
            warn(text)
    place = options.baseline or config.baseline
    if options.update_baseline and not (place and baseline.is_baseline_file(place)):
        raise LayertuiError("nothing to update", "no baseline FILE.json given", "add --baseline FILE.json")
    if options.baseline and not options.update_baseline and config.rules.growth is None:
        raise LayertuiError("nothing to compare", "no rule growth is set", "set one, see docs/check.md")
    outputs, others = [file for _, file in reports], list[str]()
    if place is not None and not baseline.is_baseline_file(place):
        others.append(place)
    elif place is not None and options.update_baseline:
        outputs.append(Path(place))
    image = image_of(options, others=others, outputs=outputs)
    opened = read_layers(options, image, visitors=visitors_for(config))
    subject, verdict = _judge(options, config, opened, place)
    status = {Status.PASS: 0, Status.FAIL: 1}.get(verdict.status, 2)
    notes = []
    try:
        for report, file in reports:
            save(file, render(verdict, report).encode())
        if place is not None and options.update_baseline:
            notes.append(_update(place, verdict, opened))
    finally:  # print the verdict even if a report cannot be written
        if options.is_dive and config.is_dive:
            print_dive_report(Output(status), verdict, subject.dive)
        else:
            _print(Output(status), verdict, form, opened, notes)
    return status


def _init(options: argparse.Namespace) -> int:
    """Write rules that the image passes, but never over a file."""
    file = options.config or Path(OWN)
    if not is_toml(file):
        raise LayertuiError(f"cannot write {file}", "rules are written as .toml", "name it with --config")
    if file.exists():
        raise LayertuiError(f"{file} exists", "", "delete it, or name another with --config")
    image = image_of(options, outputs=[file])
    opened = read_layers(options, image, visitors=visitors_of(["secrets"]))
    with ProgressBar(options.quiet, "checking", 0) as bar:
        contents = opened.contents()
        text = proposed_rules(CheckedImage(image, opened.union, contents, Globs(()), lambda: None, bar.job))
    save(file, text.encode())
    Output(0).line(visible(f"{file} written: rules that {image.name} passes"))
    return 0


def _report(text: str) -> tuple[str, Path]:
    form, equals, file = text.partition("=")
    if form not in FORMATS:
        raise LayertuiError(f"no format {form!r} for --report", f"the formats are {', '.join(FORMATS)}")
    if not equals or not file:
        raise LayertuiError(f"--report {form} has no file", "", f"write --report {form}=FILE")
    return form, Path(file)


def _judge(
    options: argparse.Namespace, config: Config, opened: Opened, place: str | None
) -> tuple[CheckedImage, Verdict]:
    def compared() -> Baseline | None:
        if place is None:
            raise LayertuiError("nothing to compare with", "", "name it with --baseline")
        if baseline.is_baseline_file(place):
            is_first = options.update_baseline and not Path(place).exists()
            return None if is_first else baseline.read_baseline(Path(place))
        other = read_layers(options, open_image(place, options.platform))
        if other.is_damaged:
            raise LayertuiError(f"the baseline {place} could not be read completely")
        return baseline.baseline_of(other.image, other.union)

    with ProgressBar(options.quiet, "checking", 0) as bar:
        ignored = Globs(config.ignore, below=True)
        subject = CheckedImage(opened.image, opened.union, opened.contents(), ignored, compared, bar.job)
        return subject, evaluate(config, subject)


def _update(place: str, verdict: Verdict, opened: Opened) -> str:
    """Update the baseline, or report why it is not updated."""
    if verdict.count(Status.ERROR):
        return f"baseline {place} not updated: not every rule could be evaluated"
    baseline.write_baseline(Path(place), baseline.baseline_of(opened.image, opened.union))
    return f"baseline {place} written"


def _print(out: Output, verdict: Verdict, form: str, opened: Opened, notes: list[str]) -> None:
    if form != "text":
        out.write(raw(render(verdict, form)))
    if form not in ("text", "github"):
        return
    # Names from an image must not become workflow commands: GitHub's runner finds these anywhere in a line.
    token = secrets.token_hex(16) if form == "github" else ""
    if token:
        out.line(f"::stop-commands::{token}")
    print_text(out, verdict, opened.union.stored_bytes(), opened.union.layers, notes)
    if token:
        out.line(f"::{token}::")
    print_summary(out, verdict)
