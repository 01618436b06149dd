"""The options of dive's command line: the gate, its limits, where the image is, and dive's JSON."""

from __future__ import annotations

import argparse

from layertui import TYPE_CHECKING
from layertui.model.reference import TRANSPORTS

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = {
    "docker": "docker-daemon",
    "podman": "podman",
    "docker-archive": "docker-archive",
    "docker-tar": "docker-archive",
}
"""Transport by dive's name of a source (dive 0.13, ``get_image_resolver.go``)."""
LIMITS = {
    "lowestEfficiency": ("RATIO", "lowest efficiency that passes, from 0 to 1"),
    "highestWastedBytes": ("SIZE", "most wasted bytes that pass, such as 20MB"),
    "highestUserWastedPercent": ("RATIO", "most wasted bytes over those added to the base, from 0 to 1"),
}
"""Metavariable and help of a limit by dive's name of its rule."""
WITH_VALUE = ("--ci-config", "--source", "-j", *(f"--{name}" for name in LIMITS))
"""Options of the first level that are followed by a value."""


def add_limits(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add the limits of dive's rules."""
    for name, (metavar, text) in LIMITS.items():
        parser.add_argument(f"--{name}", metavar=metavar, help=text)


def limits_of(options: argparse.Namespace) -> dict[str, str]:
    """Return the limits that are given, by dive's names of its rules."""
    return {name: value for name in LIMITS if (value := getattr(options, name)) is not None}


def add_dive_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that dive has without a command."""
    group = parser.add_argument_group("options of dive")
    group.add_argument("--ci", action="store_true", help="check the image, as with CI=true")
    group.add_argument(
        "--ci-config",
        metavar="FILE",
        type=_path,
        dest="config",
        help="rules file (default: see layertui check --help)",
    )
    add_limits(group)
    group.add_argument("--source", choices=SOURCES, metavar="ENGINE", help=f"one of {', '.join(SOURCES)}")
    group.add_argument("-j", "--json", metavar="FILE", dest="export", help="write dive's JSON to a file")


def _path(text: str) -> Path:
    """Return an argument as a path; what is imported for that is not needed by ``--help``."""
    from pathlib import Path

    return Path(text)


def reference_of(options: argparse.Namespace) -> str | None:
    """Return the reference with the transport of ``--source``, unless it has one."""
    reference: str | None = options.reference
    if options.source is None or reference is None or reference.partition(":")[0] in TRANSPORTS:
        return reference
    return f"{SOURCES[options.source]}:{reference}"
