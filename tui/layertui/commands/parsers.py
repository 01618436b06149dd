"""The parsers of the program: its own, and that of each command."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from contextlib import suppress

from layertui import TYPE_CHECKING, __version__
from layertui.commands import COMMANDS
from layertui.commands.dive_options import add_dive_options
from layertui.commands.parsing import Parser, add_color, add_common
from layertui.model.typed import Protocol, cast

if TYPE_CHECKING:
    from typing import NoReturn


DESCRIPTION = """\
Explore a container image: which layer each file comes from, what each build
step changed, what was overwritten or deleted but is still shipped. Without
REFERENCE, list the local images.
"""

EPILOG = """\
commands, for scripts and pipes (see layertui COMMAND --help):
{commands}

references:
  docker-archive:FILE[:NAME:TAG|:@INDEX]  written by docker save
  oci:DIR[:TAG|@DIGEST]                   an OCI image layout
  oci-archive:FILE[:TAG|@DIGEST]          an OCI layout in a tar archive
  dir:DIR                                 written by skopeo copy … dir:DIR
  docker-daemon:NAME, podman:NAME         an image of a running engine
  docker-container:, podman-container:    a container, by name or ID
  docker://[HOST/]REPO[:TAG|@DIGEST]      an image in a registry
  docker-root:[DIR]NAME                   Docker's store; brackets are literal
  containers-storage:[DRIVER@ROOT]NAME    Podman's and Buildah's store
  containerd:[ROOT]NAMESPACE/NAME         containerd's store
  docker-root:DIR, containers-storage:DIR a whole store; […]/NAME: a container,
                                          […]//ID: a layer and those below it
  demo:                                   the built-in sample image
  a path, file:PATH                       recognized by its contents
  -, a pipe, <(docker save app)           an archive from a pipe
  a bare name                             looked up in Docker, then in Podman
A file with the name of a command: layertui ./tree

examples:
  layertui demo
  layertui app.tar
  layertui --platform linux/arm64 oci:app:1.0

With CI=true, layertui REFERENCE checks the image, as with --ci.

exit status: 0 success; 1 differences, no match, or a failed check; 2 an error
"""


JSON_VERSION = 1
"""Version of the JSON output, which an incompatible change increments (docs/commands.md, docs/schema)."""


class CommandModule(Protocol):
    """Interface of the modules of commands (:mod:`layertui.commands`)."""

    DESCRIPTION: str
    EPILOG: str

    def add_arguments(self, parser: Parser) -> None: ...

    def run(self, options: argparse.Namespace) -> int: ...


def command_named(name: str) -> CommandModule:
    """Return the module of a command; of the others, nothing is imported."""
    return cast(CommandModule, importlib.import_module(f"layertui.commands.{name}"))


def command_parser(name: str) -> Parser:
    """Return the parser of what follows a command."""
    command = command_named(name)
    parser = Parser(f"layertui {name}", command.DESCRIPTION, command.EPILOG)
    command.add_arguments(parser)
    return parser


class _Version(argparse.Action):
    """Print the version and what this machine adds to it, and exit; looks for that only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from layertui.layers.native import core

        found = core()
        print(
            f"layertui {__version__},",
            f"native core {found.__version__}," if found else "without native core,",
            f"reader {'' if is_confined() else 'not '}confined",
        )
        parser.exit()


def is_confined() -> bool:
    """Return whether the process that reads images is confined here (:mod:`layertui.sources.confinement`)."""
    from threading import Thread

    from layertui.layers.native import core

    done: list[bool] = []

    def attempt() -> None:  # in a thread: that alone is confined
        native = core()
        with suppress(OSError):
            done.append(native is not None and native.confine([]))

    thread = Thread(target=attempt)
    thread.start()
    thread.join()
    return any(done)


def version_to_json() -> dict[str, object]:
    """Return the versions of the program, of its JSON output, and of the native core, and if the reader is confined."""
    from layertui.layers.native import core

    found = core()
    return {
        "version": __version__,
        "schema": JSON_VERSION,
        "native": found.__version__ if found else None,
        "confined": is_confined(),
    }


def program_parser() -> Parser:
    """Return the parser of the program without a command: it opens the app."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items())
    parser = Parser("layertui", DESCRIPTION, EPILOG.format(commands=listed))
    parser.add_argument("reference", metavar="REFERENCE", nargs="?", help="an image, or the path of one")
    parser.add_argument(
        "--version", action=_Version, help="print version, native core and confinement, and exit"
    )
    add_common(parser, has_json=False, has_quiet=False)
    add_color(parser)
    add_dive_options(parser)
    return parser
