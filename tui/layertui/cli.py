"""The command line: run a command or open the app; print errors as one line."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence

from layertui import __version__
from layertui.commands import COMMANDS
from layertui.commands.parsing import Parser, add_common
from layertui.model.errors import LayertuiError
from layertui.text.sanitize import visible
from layertui.ui.launch import explore, has_terminal

DONE, DIFFERENT, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses."""

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
  a path                                  recognized by its contents
  a bare name                             looked up in Docker, then in Podman
A file with the name of a command: layertui ./tree

examples:
  layertui demo
  layertui app.tar
  layertui --platform linux/arm64 oci:app:1.0

With CI=true and no terminal, layertui REFERENCE is layertui check REFERENCE.

exit status: 0 success, 1 differences found or a check failed, 2 an error
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    collecting = gc.isenabled()
    gc.disable()  # indexes are millions of long-lived objects without cycles
    try:
        try:
            status = _run(words)
        except LayertuiError as error:
            sys.stdout.flush()  # output before the error that ends it
            _complain(str(error))
            status = FAILED
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        _drop_output()  # the reader closed the pipe
        return DONE
    except OSError as error:
        _drop_output()
        _complain(f"cannot write the output, {error.strerror or error}")
        return FAILED
    except KeyboardInterrupt:
        _drop_output()
        return INTERRUPTED
    finally:
        if collecting:
            gc.enable()


def _complain(text: str) -> None:
    print(f"layertui: {visible(text)}", file=sys.stderr)


def _drop_output() -> None:
    """Redirect stdout to /dev/null, so that the flush at exit cannot raise BrokenPipeError."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str]) -> int:
    position = _command_at(words)
    if position < 0:
        return _open(words)
    return _command(words.pop(position), words)


def _command(name: str, words: Sequence[str]) -> int:
    command = importlib.import_module(f"layertui.commands.{name}")
    parser = Parser(f"layertui {name}", command.DESCRIPTION, command.EPILOG)
    command.add_arguments(parser)
    if parser.passes_on and words[:1] not in (["-h"], ["--help"]):
        words = ["--", *words]
    options = parser.parse_args(words)
    status: int = command.run(options)
    return status


def _command_at(words: Sequence[str]) -> int:
    """Return the position of the command: the first word that is not an option; -1 if it is none."""
    is_value = False
    for position, word in enumerate(words):
        if is_value:
            is_value = False
        elif word == "--platform":
            is_value = True
        elif word == "--":
            return -1
        elif not word.startswith("-"):
            return position if word in COMMANDS else -1
    return -1


def _open(words: list[str]) -> int:
    """Run the app, on an image or the list of images."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items())
    parser = Parser("layertui", DESCRIPTION, EPILOG.format(commands=listed))
    parser.add_argument("reference", metavar="REFERENCE", nargs="?", help="an image, or the path of one")
    parser.add_argument("--version", action="version", version=f"layertui {__version__}")
    add_common(parser, has_json=False, has_quiet=False)
    options = parser.parse_args(words)
    if options.reference and not has_terminal() and os.environ.get("CI") in ("true", "1", "yes"):
        return _command("check", words)  # as dive does
    return explore(options.reference, options.platform, not options.no_cache)
