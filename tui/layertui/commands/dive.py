"""The options of dive's command line: the gate, its limits, where the image is, and dive's JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

from layertui.commands.parsing import Parser
from layertui.model.errors import LayertuiError
from layertui.model.reference import TRANSPORTS

SOURCES = {
    "docker": "docker-daemon",
    "podman": "podman",
    "docker-archive": "docker-archive",
    "docker-tar": "docker-archive",
}
"""Transport by dive's name of a source (dive 0.13, ``get_image_resolver.go``)."""
LIMITS = {
    "lowestEfficiency": ("RATIO", "lowest efficiency that passes, from 0 to 1"),
    "highestWastedBytes": ("SIZE", "most wasted bytes that pass, as 20MB"),
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
        type=Path,
        dest="config",
        help="rules of the check (default: .layertui.toml, .dive-ci)",
    )
    add_limits(group)
    group.add_argument("--source", choices=SOURCES, metavar="ENGINE", help=f"one of {', '.join(SOURCES)}")
    group.add_argument("-j", "--json", metavar="FILE", dest="export", help="write dive's JSON to a file")


def reference_of(options: argparse.Namespace) -> str | None:
    """Return the reference with the transport of ``--source``, unless it has one."""
    reference: str | None = options.reference
    if options.source is None or reference is None or reference.partition(":")[0] in TRANSPORTS:
        return reference
    return f"{SOURCES[options.source]}:{reference}"


def run(reference: str | None, options: argparse.Namespace, is_ci: bool) -> int | None:
    """Do what the options ask for; return the exit status, ``None`` to open the app.

    Raises :class:`LayertuiError` for options that have no effect.
    """
    only_checked = [f"--{name}" for name in limits_of(options)]
    if options.config is not None:
        only_checked.append("--ci-config")
    is_checked = options.ci or is_ci
    if options.export is not None or options.ci:
        if reference is None:
            raise LayertuiError("no image given", "", "see layertui --help")
    elif only_checked and not is_checked:
        raise LayertuiError(
            f"{only_checked[0]} has no effect", "the image is not checked", "add --ci, or set CI=true"
        )
    if options.export is not None and reference is not None:  # dive checks nothing then
        return export(reference, options)
    return gate(reference, options) if reference is not None and is_checked else None


def gate(reference: str, given: argparse.Namespace | None = None) -> int:
    """Evaluate the rules of the project, and print dive's report if they are dive's; return the exit status."""
    from layertui.commands import check

    parser = Parser("layertui", "", "")
    check.add_arguments(parser)
    options = parser.parse_args(["--", reference], argparse.Namespace(**vars(given or argparse.Namespace())))
    options.is_dive = True
    return check.run(options)


def export(reference: str, options: argparse.Namespace) -> int:
    """Write dive's JSON of an image to a file; return the exit status."""
    import json

    from layertui.cache.directory import save
    from layertui.commands.opening import image_of, read_layers
    from layertui.commands.progress import ProgressBar
    from layertui.insight.dive_export import dive_image, dive_layers
    from layertui.insight.efficiency import efficiency

    options.quiet = False
    opened = read_layers(options, image_of(options, reference))
    with ProgressBar(False, "exporting", 0) as bar:
        found = {
            "layer": list(dive_layers(opened.image, opened.union, bar.job)),
            "image": dive_image(efficiency(opened.union.indexes)),
        }
        save(Path(options.export), json.dumps(found, indent=2).encode())
    return opened.status
