"""``layertui insight``: what follows from an image's layers."""

from __future__ import annotations

import argparse
from typing import Any

from layertui.commands.insight_text import TOP, Report
from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output, warn
from layertui.commands.parsing import add_common, add_image
from layertui.commands.progress import ProgressBar
from layertui.insight.duplicates import candidates, duplicates
from layertui.insight.efficiency import efficiency
from layertui.insight.packages import packages
from layertui.insight.permissions import permissions
from layertui.insight.secrets import secrets
from layertui.insight.survey import KEEP
from layertui.insight.waste import undecided, waste
from layertui.model.errors import LayertuiError
from layertui.model.numbers import Event
from layertui.text.format import count_text

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
               distroless), apk, rpm (sqlite), Python, npm
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
PARTS = ("waste", "permissions", "packages", "duplicates", "secrets")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("--only", metavar="PART,…", help="only these parts")
    parser.add_argument("--all", action="store_true", help="print every row")
    parser.add_argument("--show-secrets", action="store_true", help="do not mask secrets")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    parts = _parts(options.only)
    keep = [pattern for part in parts for pattern in KEEP.get(part, ())]
    opened = read_layers(options, image_of(options), keep=keep)
    union, damage = opened.union, opened.is_damaged
    events: list[Event] = []
    if "waste" in parts:
        events += undecided(union)
    if "duplicates" in parts:
        events += candidates(union)
    contents = opened.hashed(events)
    out = Output()
    report = Report(out, opened.image, options.all, options.show_secrets)
    answers: dict[str, Any] = {}
    if "waste" in parts:
        figures, wasted = efficiency(union.indexes), waste(union, contents)
        if options.json:
            answers["waste"] = figures.to_json() | wasted.to_json()
        else:
            report.waste(wasted, figures, union.stored_bytes())
    if "permissions" in parts:
        remarkable = permissions(union, contents)
        if options.json:
            answers["permissions"] = [row.to_json() for row in remarkable]
        else:
            report.permissions(remarkable)
    if "packages" in parts:
        installed = packages(union, contents)
        if options.json:
            answers["packages"] = [row.to_json() for row in installed.changes]
        else:
            report.packages(installed)
        damage = damage or bool(installed.unread)
        if not options.quiet:
            for error in installed.unread:
                warn(str(error))
    if "duplicates" in parts:
        doubled = duplicates(union, contents)
        if options.json:
            answers["duplicates"] = [group.to_json() for group in doubled.groups]
        else:
            report.duplicates(doubled)
        if doubled.unreadable:
            damage = True
            if not options.quiet:
                warn(f"{count_text(doubled.unreadable, 'file')} cannot be read and compared")
    if "secrets" in parts:
        with ProgressBar(options.quiet, "looking for secrets", 0) as bar:
            given_away = secrets(opened.image, union, contents, bar.job)
        if options.json:
            answers["secrets"] = [row.to_json(options.show_secrets) for row in given_away.found]
        else:
            report.secrets(given_away, options.show_secrets)
        if given_away.too_large and not options.quiet:
            warn(f"{count_text(given_away.too_large, 'file')} not looked into for secrets, too large")
        if given_away.unreadable:
            damage = True
            if not options.quiet:
                warn(
                    f"{count_text(given_away.unreadable, 'file')} cannot be read and looked into for secrets"
                )
    if options.json:
        out.json(answers)
    return 2 if damage else 0


def _parts(only: str | None) -> set[str]:
    """The parts that are asked for. Raises :class:`LayertuiError` for what is none."""
    if only is None:
        return set(PARTS)
    asked = {part.strip() for part in only.split(",")}
    for part in asked.difference(PARTS):
        raise LayertuiError(f"no part {part!r}", f"the parts are {', '.join(PARTS)}")
    return asked
