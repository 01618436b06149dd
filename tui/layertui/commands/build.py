"""``layertui build``: builds an image with Docker or Podman, and opens it."""

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

from layertui.commands.output import Output
from layertui.commands.parsing import Parser
from layertui.model.errors import LayertuiError

DESCRIPTION = """\
Build an image with docker, or podman if docker is not installed, and open it
in the app. All arguments are passed to docker build.
"""
EPILOG = """\
Without a terminal, print the reference of the image instead of opening it. If
the build fails, the exit status is 2.

examples:
  layertui build .
  layertui build --tag app --file Dockerfile.test --build-arg VERSION=2 .
"""
BUILDERS = ("docker", "podman")
PLACES = ("docker-daemon", "podman", "containers-storage")
"""Where an image may be once it is built; its ID is a digest, so it is the same one wherever it is found."""


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
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        Output().line(reference)
        return 0
    from layertui.ui.launch import explore

    return explore(reference, None, True)


def _iidfile(arguments: Sequence[str]) -> str:
    """The file that is to get the image's ID, if the arguments name one."""
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
    # The terminal interrupts both; the builder is waited for, so that it can clean up.
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
    """What opens the image that was built."""
    from layertui.sources import open_image

    for place in PLACES if identity else ():
        with suppress(LayertuiError):
            open_image(f"{place}:{identity}", None)
            return f"{place}:{identity}"
    raise LayertuiError(
        "cannot open what was built",
        f"{program} does not have it: the builder kept it, or put it elsewhere",
        "build with --load",
    )
