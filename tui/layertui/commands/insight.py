"""``layertui insight``: what follows from an image's layers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from layertui.commands.insight_text import TOP, Report
from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output, warn
from layertui.commands.parsing import add_common, add_image
from layertui.commands.progress import ProgressBar
from layertui.insight.visiting import visitors_of
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.numbers import Event
from layertui.text.format import count_text

if TYPE_CHECKING:
    from layertui.content.read import Contents
    from layertui.union.model import LayerUnion

DESCRIPTION = """\
Report wasted space and the step that causes it, duplicate files, unusual
permissions, package changes and leaked secrets.
"""
EPILOG = f"""\
parts:
  waste        files that are stored but not in the final tree, with the reason
               and the layer that hides them; dive's figures
  permissions  setuid and setgid files, capabilities, world-writable files, and
               owners that are not in the image's /etc/passwd
  packages     packages added, upgraded and removed by each layer: dpkg (with
               distroless), apk, rpm, Python, npm
  duplicates   identical contents at several paths or in several layers; reads
               every file whose size occurs twice
  secrets      private keys, tokens and passwords in the files of every layer,
               environment, labels and history; reads every text file

Secrets are masked unless --show-secrets is given. Tables show the first {TOP}
rows, largest first. --json prints one object with every row.

examples:
  layertui insight app.tar
  layertui insight app.tar --only waste,permissions --all
  layertui insight app.tar --json | jq .waste.reclaimable_bytes
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("--only", metavar="PART,…", help="only these parts")
    parser.add_argument("--all", action="store_true", help="print every row")
    parser.add_argument("--show-secrets", action="store_true", help="do not mask secrets")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    parts = _parts(options.only)
    opened = read_layers(options, image_of(options), visitors=visitors_of(parts))
    events: list[Event] = []
    # Imported here: no part pays for the imports of another.
    if "waste" in parts:
        from layertui.insight.waste import undecided

        events += undecided(opened.union)
    if "duplicates" in parts:
        from layertui.insight.duplicates import candidates

        events += candidates(opened.union)
    reading = PartReading(options, opened.image, opened.union, opened.hashed(events))
    out = Output()
    report = None if options.json else Report(out, opened.image, options.all, options.show_secrets)
    is_damaged, answers = opened.is_damaged, dict[str, object]()
    unread = [
        {"part": "layers", "why": f"layer {number}: {damage}"} for number, damage in opened.union.damages()
    ]
    for part in (part for part in PARTS if part in parts):
        answer = PARTS[part](reading)
        unread += [{"part": part, "why": text} for text in answer.warnings]
        if report is None:
            answers[part] = answer.to_json()
        else:
            answer.render(report)
        for text in answer.warnings if not options.quiet else ():
            warn(text)
        is_damaged = is_damaged or answer.is_damaged
    status = 2 if is_damaged else 0
    if options.json:
        Output(status).json({**answers, "unread": unread})
    return status


class PartReading(NamedTuple):
    """What the parts analyze."""

    options: argparse.Namespace
    image: Image
    union: LayerUnion
    contents: Contents


class PartAnswer(NamedTuple):
    """The result of one part."""

    to_json: Callable[[], object]
    render: Callable[[Report], None]
    warnings: Sequence[str] = ()
    """What was not read."""
    is_damaged: bool = False
    """Whether something could not be read."""


def _waste(reading: PartReading) -> PartAnswer:
    from layertui.insight.efficiency import efficiency
    from layertui.insight.waste import waste

    union = reading.union
    figures, wasted = efficiency(union.indexes), waste(union, reading.contents)
    return PartAnswer(
        lambda: figures.to_json() | wasted.to_json(),
        lambda report: report.waste(wasted, figures, union.stored_bytes()),
    )


def _permissions(reading: PartReading) -> PartAnswer:
    from layertui.insight.permissions import permissions

    rows = permissions(reading.union, reading.contents)
    return PartAnswer(lambda: [row.to_json() for row in rows], lambda report: report.permissions(rows))


def _packages(reading: PartReading) -> PartAnswer:
    from layertui.insight.packages import packages

    installed = packages(reading.union, reading.contents)
    return PartAnswer(
        lambda: [row.to_json() for row in installed.changes],
        lambda report: report.packages(installed),
        [str(error) for error in installed.unread],
        bool(installed.unread),
    )


def _duplicates(reading: PartReading) -> PartAnswer:
    from layertui.insight.duplicates import duplicates

    doubled = duplicates(reading.union, reading.contents)
    unreadable = f"{count_text(doubled.unreadable, 'file')} cannot be read and compared"
    return PartAnswer(
        lambda: [group.to_json() for group in doubled.groups],
        lambda report: report.duplicates(doubled),
        [unreadable] if doubled.unreadable else [],
        bool(doubled.unreadable),
    )


def _secrets(reading: PartReading) -> PartAnswer:
    from layertui.insight.secrets import secrets

    options = reading.options
    with ProgressBar(options.quiet, "looking for secrets", 0) as bar:
        leaked = secrets(reading.image, reading.union, reading.contents, bar.job)
    return PartAnswer(
        lambda: [row.to_json(options.show_secrets) for row in leaked.found],
        lambda report: report.secrets(leaked, options.show_secrets),
        leaked.problems,
        bool(leaked.problems),
    )


PARTS: Mapping[str, Callable[[PartReading], PartAnswer]] = {
    "waste": _waste,
    "permissions": _permissions,
    "packages": _packages,
    "duplicates": _duplicates,
    "secrets": _secrets,
}


def _parts(only: str | None) -> set[str]:
    """Return the requested parts. Raises :class:`LayertuiError` for an unknown one."""
    if only is None:
        return set(PARTS)
    asked = {part.strip() for part in only.split(",")}
    for part in asked.difference(PARTS):
        raise LayertuiError(f"no part {part!r}", f"the parts are {', '.join(PARTS)}")
    return asked
