"""``layertui build``: build an image with Docker or Podman, and open it."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from layertui.commands.dive import gate
from layertui.commands.output import Output
from layertui.commands.parsing import Parser
from layertui.model.errors import LayertuiError

DESCRIPTION = """\
Build an image with docker, or podman if docker is not installed, and open it
in the app. All arguments are passed to docker build.
"""
EPILOG = """\
With CI=true, check the image instead of opening it, as layertui check does.
Without a terminal, print its reference. If the build fails, the exit status
is 2.

examples:
  layertui build .
  layertui build --tag app --file Dockerfile.test --build-arg VERSION=2 .
"""
BUILDERS = ("docker", "podman")
PLACES = ("docker-daemon", "podman", "containers-storage")
"""Where a built image may be. Its ID is a digest, so any match is the right image."""


def add_arguments(parser: Parser) -> None:
    parser.passes_on = True
    parser.add_argument("arguments", metavar="ARGUMENT", nargs="*", help="see docker build --help")


def run(options: argparse.Namespace) -> int:
    program = next(filter(None, map(shutil.which, BUILDERS)), None)
    if program is None:
        raise LayertuiError("cannot build", "neither docker nor podman is installed")
    with tempfile.TemporaryDirectory(prefix="layertui-") as directory:
        named = _iidfile(options.arguments)
        file = Path(named) if named else Path(directory, "iid")
        own = [] if named else ["--iidfile", str(file)]
        _build([program, "build", *own, *options.arguments])
        identity = ""
        with suppress(OSError, ValueError):
            identity = file.read_text().strip()
    reference = _find(identity, Path(program).name)
    from layertui.ui.launch import explore, is_ci, obstacle

    if is_ci():
        return gate(reference)
    if obstacle():
        Output(0).line(reference)
        return 0
    return explore(reference, None, True)


def _iidfile(arguments: Sequence[str]) -> str:
    """Return the file of ``--iidfile``, if the arguments have it."""
    for word, after in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == "--iidfile":
            return after
        if word.startswith("--iidfile="):
            return word.partition("=")[2]
    return ""


def _build(command: Sequence[str]) -> None:
    """Run the builder on this terminal. Raises :class:`LayertuiError` if it fails."""
    sys.stdout.flush()
    interrupts: list[int] = []
    # The terminal interrupts both processes; wait for the builder, so that it can clean up.
    before = signal.signal(signal.SIGINT, lambda number, _frame: interrupts.append(number))
    try:
        status = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise LayertuiError(f"cannot run {command[0]}", error.strerror or str(error)) from error
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupts:
        raise KeyboardInterrupt
    if status:
        how = f"with status {status}" if status > 0 else f"by {signal.Signals(-status).name}"
        raise LayertuiError("no image to open", f"{Path(command[0]).name} build ended {how}")


def _find(identity: str, program: str) -> str:
    """Return the reference of the built image."""
    from layertui.sources import open_image

    for place in PLACES if identity else ():
        with suppress(LayertuiError):
            open_image(f"{place}:{identity}", None)
            return f"{place}:{identity}"
    raise LayertuiError(
        "cannot open the built image",
        f"{program} does not have the image: the builder kept it, or exported it elsewhere",
        "build with --load",
    )
