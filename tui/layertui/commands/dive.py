"""Do what dive's options ask for: the gate with dive's report, and dive's JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

from layertui.commands.dive_options import limits_of
from layertui.commands.parsing import Parser
from layertui.model.errors import LayertuiError


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
    opened = read_layers(options, image_of(options, reference, outputs=[Path(options.export)]))
    with ProgressBar(False, "exporting", 0) as bar:
        found = {
            "layer": list(dive_layers(opened.image, opened.union, bar.job)),
            "image": dive_image(efficiency(opened.union.indexes)),
        }
        save(Path(options.export), json.dumps(found, indent=2).encode())
    return opened.status
