"""The command line: run a command or open the app; print errors as one line."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence

from layertui import __version__
from layertui.commands import COMMANDS, dive, docker_plugin
from layertui.commands.output import Output, OutputClosed, drop, note, open_standard_streams
from layertui.commands.parsing import Parser, add_common
from layertui.model.errors import LayertuiError
from layertui.model.unforeseen import unforeseen
from layertui.ui.launch import explore, is_ci

DONE, DIFFERENT, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses."""
SEE_HELP = "see layertui --help"
OTHER_WORDS = {"help": "--help", "version": "--version", "ls": "images", "ps": "containers"}
"""What commands of docker and git are called here."""

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
  -, a pipe, <(docker save app)           an archive that arrives
  a bare name                             looked up in Docker, then in Podman
A file with the name of a command: layertui ./tree

examples:
  layertui demo
  layertui app.tar
  layertui --platform linux/arm64 oci:app:1.0

With CI=true, layertui REFERENCE checks the image, as with --ci.

exit status: 0 success, 1 differences found or a check failed, 2 an error
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    open_standard_streams()
    collecting = gc.isenabled()
    gc.disable()  # indexes are millions of long-lived objects without cycles
    try:
        status, problem = _outcome(words)
    finally:
        if collecting:
            gc.enable()
    try:
        Output(status).flush()  # output before the error that ends it
    except OutputClosed:
        pass  # the reader has closed the pipe, which does not change the status
    except LayertuiError as error:
        status, problem = FAILED, problem or str(error)
    if problem:
        note(f"layertui: {problem}")
    return status


def _outcome(words: list[str]) -> tuple[int, str]:
    """Run one command; return its exit status, and the error that ended it or an empty string.

    What is unforeseen is an error too: a traceback would end with 1, which means that a check failed.
    """
    try:
        return _run(words), ""
    except OutputClosed as closed:
        return closed.status, ""
    except KeyboardInterrupt:
        drop(sys.stdout)
        return INTERRUPTED, ""
    except SystemExit as ended:  # argparse, after --help and --version
        return int(ended.code or DONE), ""
    except Exception as error:
        return FAILED, str(unforeseen(error))


def _run(words: list[str]) -> int:
    if docker_plugin.is_plugin():
        if words == [docker_plugin.METADATA]:
            docker_plugin.print_metadata()
            return DONE
        words = docker_plugin.own_words(words)
    position = _command_at(words)
    if position < 0:
        return _open(words)
    return _command(words.pop(position), words)


def _command(name: str, words: Sequence[str]) -> int:
    command = importlib.import_module(f"layertui.commands.{name}")
    parser = Parser(f"layertui {name}", command.DESCRIPTION, command.EPILOG)
    command.add_arguments(parser)
    if not parser.passes_on:
        options = parser.parse_intermixed_args(words)  # as getopt(3): options also between arguments
    elif words[:1] in (["-h"], ["--help"]):
        options = parser.parse_args(words)
    else:
        options = parser.parse_args(["--", *words])
    status: int = command.run(options)
    return status


def _command_at(words: Sequence[str]) -> int:
    """Return the position of the command: the first word that is not an option; -1 if it is none."""
    is_value = False
    for position, word in enumerate(words):
        if is_value:
            is_value = False
        elif word == "--platform" or word in dive.WITH_VALUE:
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
    dive.add_dive_options(parser)
    options, rest = parser.parse_known_args(words)
    if rest:
        raise _misplaced(options.reference, rest)
    if options.reference and words[0] != "--":
        _check_no_command(options.reference)
    reference = dive.reference_of(options)
    status = dive.run(reference, options, is_ci())
    return explore(reference, options.platform, not options.no_cache) if status is None else status


def _misplaced(word: str | None, rest: Sequence[str]) -> LayertuiError:
    """Return the error for arguments behind a word that is no command."""
    if word and (command := next((each for each in rest if each in COMMANDS), "")):
        return LayertuiError(f"the command must be the first word: layertui {command} {word}")
    meant = _meant(word) if word and _is_word(word) else ""
    if meant or (word and _is_word(word) and not all(each.startswith("-") for each in rest)):
        return LayertuiError(f"unknown command {word}", f"did you mean {meant}" if meant else SEE_HELP)
    return LayertuiError(f"unrecognized arguments: {' '.join(rest)}", "", SEE_HELP)


def _check_no_command(word: str) -> None:
    """Raise :class:`LayertuiError` if a word is like a command, and no image or path has that name."""
    meant = _meant(word) if _is_word(word) else ""
    if not meant:
        return
    from layertui.sources import UnknownName, open_image

    try:
        open_image(word)
    except UnknownName as error:
        raise LayertuiError(f"{word} is neither a command nor an image", f"did you mean {meant}") from error
    except LayertuiError:
        pass  # the app shows what is wrong with it


def _is_word(word: str) -> bool:
    """Return whether a word is like a command: no path, tag or transport."""
    return word.isalpha() and not os.path.lexists(word)


def _meant(word: str) -> str:
    """Return the commands that a word is similar to; empty if there is none."""
    import difflib

    found = [OTHER_WORDS[word]] if word in OTHER_WORDS else difflib.get_close_matches(word, COMMANDS, 2, 0.8)
    return " or ".join(f"layertui {name}" for name in found)
